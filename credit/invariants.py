"""What must hold of lines, limits, draws and decisions, one statement each; a row is a breach."""

from __future__ import annotations

from ledger.domain.invariant import Invariant

_OWED = """
    SELECT d.line_id, sum(CASE l.status WHEN 'PENDING' THEN d.amount ELSE l.principal_outstanding END) AS exposure
      FROM credit_drawdown d JOIN loans_loan l ON l.id = d.loan_id
     WHERE l.status IN ('PENDING', 'ACTIVE', 'OVERDUE')
     GROUP BY d.line_id
"""

INVARIANTS: list[Invariant] = [
    Invariant(
        "I5",
        "a draw and its loan agree, and a loan that waits has a payout under way",
        """
        SELECT d.ref, d.amount, l.principal, l.status, p.status
          FROM credit_drawdown d
          JOIN credit_creditline c ON c.id = d.line_id
          JOIN loans_loan l ON l.id = d.loan_id
          LEFT JOIN loans_payout p ON p.loan_id = l.id AND p.number = 1
         WHERE d.amount <> l.principal OR l.borrower_id <> c.borrower_id
            OR (l.status = 'PENDING' AND (p.id IS NULL OR p.status IN ('CONFIRMED', 'REFUSED')))
        """,
    ),
    Invariant(
        "I6",
        "a line owes more than its limit only after the limit fell",
        f"""
        SELECT c.ref, c."limit", o.exposure
          FROM credit_creditline c JOIN ({_OWED}) o ON o.line_id = c.id
         WHERE o.exposure > c."limit"
           AND NOT EXISTS (SELECT 1 FROM credit_limitchange h WHERE h.line_id = c.id AND h.direction = 'DOWN')
        """,  # noqa: S608  no value is put into the text
    ),
    Invariant(
        "I6b",
        "a line's limit is that of its newest change",
        """
        SELECT c.ref, c."limit", h.new_limit
          FROM credit_creditline c
          JOIN LATERAL (SELECT new_limit FROM credit_limitchange
                         WHERE line_id = c.id ORDER BY id DESC LIMIT 1) h ON true
         WHERE c."limit" <> h.new_limit
        """,
    ),
    Invariant(
        "I7",
        "no draw went over the limit in force when it was made",
        # What earlier draws still owe today they owed at the time of the draw as well (principal grows only when a
        # payment is taken back), so a recorded exposure below that sum proves that two draws did not see each other.
        """
        SELECT d.ref, d.exposure_before, d.amount, d.limit_at_draw, h.new_limit
          FROM credit_drawdown d
          JOIN credit_limitchange h ON h.id = d.limit_change_id
         WHERE d.hold_id IS NULL AND (d.exposure_before + d.amount > d.limit_at_draw
            OR h.new_limit <> d.limit_at_draw OR h.line_id <> d.line_id
            OR EXISTS (SELECT 1 FROM credit_limitchange n
                        WHERE n.line_id = d.line_id AND n.id > h.id AND n.created_at < d.created_at)
            OR d.exposure_before < (
                SELECT coalesce(sum(CASE l.status WHEN 'PENDING' THEN e.amount ELSE l.principal_outstanding END), 0)
                  FROM credit_drawdown e JOIN loans_loan l ON l.id = e.loan_id
                 WHERE e.line_id = d.line_id AND e.id < d.id AND l.status IN ('PENDING', 'ACTIVE', 'OVERDUE')
                   AND NOT EXISTS (SELECT 1 FROM loans_event v
                                    WHERE v.loan_id = l.id AND v.kind IN ('REVERSAL', 'CHARGE_BACK'))))
        """,
    ),
    Invariant(
        "I7h",
        "no hold went over the limit in force when it was placed, and what was captured of it are its draws",
        """
        SELECT o.ref, o.exposure_before, o.amount, o.limit_at_hold, o.taken, d.drawn
          FROM credit_hold o
          JOIN credit_limitchange h ON h.id = o.limit_change_id
          LEFT JOIN (SELECT hold_id, sum(amount) AS drawn FROM credit_drawdown GROUP BY 1) d ON d.hold_id = o.id
         WHERE o.exposure_before + o.amount > o.limit_at_hold OR h.new_limit <> o.limit_at_hold
            OR h.line_id <> o.line_id OR coalesce(d.drawn, 0) <> o.taken
        """,
    ),
    Invariant(
        "I17",
        "no night is half done for more than a day",
        """
        SELECT business_date, status, step, created_at
          FROM credit_nightrun WHERE status <> 'DONE' AND created_at < now() - interval '1 day'
        """,
    ),
    Invariant(
        "I18",
        "nothing was drawn on a frozen, suspended or closed line",
        """
        SELECT d.ref, h.direction
          FROM credit_drawdown d
          JOIN LATERAL (SELECT direction FROM credit_limitchange
                         WHERE line_id = d.line_id AND id <= d.limit_change_id
                           AND direction IN ('OPEN', 'FREEZE', 'UNFREEZE', 'SUSPEND', 'RESUME', 'CLOSE')
                         ORDER BY id DESC LIMIT 1) h ON true
         WHERE h.direction IN ('FREEZE', 'SUSPEND', 'CLOSE') AND d.hold_id IS NULL
        """,
    ),
    Invariant(
        "I19",
        "an offer by the engine, and a limit that it moved, has its facts, model and policy",
        """
        SELECT d.ref::text, d.outcome FROM credit_decision d LEFT JOIN risk_assessment a ON a.id = d.assessment_id
         WHERE d.decided_by_id IS NULL AND d.outcome IN ('APPROVE', 'COUNTER_OFFER')
           AND (a.model_id IS NULL OR d.pd IS NULL)
        UNION ALL
        SELECT h.ref::text, h.direction FROM credit_limitchange h LEFT JOIN risk_assessment a ON a.id = h.assessment_id
         WHERE h.actor_id IS NULL AND h.direction IN ('UP', 'DOWN') AND h.trigger NOT IN ('OFFICER', 'BORROWER', 'TEMPORARY_END')
           AND (a.model_id IS NULL OR h.policy_id IS NULL)
        """,
    ),
    Invariant(
        "I19b",
        "a monthly look is of a line that there is, and a look that moved it has its change",
        """
        SELECT k.line_id, k.as_of, k.code FROM credit_linelook k LEFT JOIN credit_creditline l ON l.id = k.line_id
         WHERE l.id IS NULL
            OR (k.code = 16 AND NOT EXISTS (SELECT 1 FROM credit_limitchange c
                                             WHERE c.line_id = k.line_id AND c.trigger = 'MONTHLY'
                                               AND c.effective_date = k.as_of))
        """,
    ),
    Invariant(
        "I20",
        "what an officer decided is in the audit trail",
        """
        SELECT d.ref FROM credit_decision d JOIN credit_application p ON p.id = d.application_id
         WHERE d.decided_by_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM accounts_auditentry e
                            WHERE e.action = 'application.decide' AND e.object_type = 'credit.Application'
                              AND e.object_ref = p.ref::text AND e.actor_id = d.decided_by_id)
        """,
    ),
    Invariant(
        "W1",
        "an invoice serves one live loan, of the business that wrote it",
        """
        SELECT v.ref, count(*) FROM credit_invoice v JOIN credit_invoiceadvance a ON a.invoice_id = v.id
          JOIN credit_drawdown d ON d.id = a.drawdown_id JOIN loans_loan l ON l.id = d.loan_id
         WHERE l.status <> 'CANCELLED' GROUP BY v.id HAVING count(*) > 1
        UNION ALL
        SELECT v.ref, 0 FROM credit_invoice v JOIN credit_invoiceadvance a ON a.invoice_id = v.id
          JOIN credit_drawdown d ON d.id = a.drawdown_id JOIN credit_creditline c ON c.id = d.line_id
          JOIN loans_loan l ON l.id = d.loan_id
         WHERE c.borrower_id <> v.business_id OR (a.released_date IS NOT NULL AND l.status <> 'CANCELLED')
        """,
    ),
    Invariant(
        "W2",
        "an advance is its draw, and no more than the agreed part of its invoice",
        """
        SELECT d.ref, d.amount, a.amount, a.invoice_amount, a.advance_rate
          FROM credit_invoiceadvance a JOIN credit_drawdown d ON d.id = a.drawdown_id
          JOIN credit_invoice v ON v.id = a.invoice_id
         WHERE a.amount <> d.amount OR a.amount > a.advance_rate * a.invoice_amount
            OR (a.invoice_amount <> v.amount AND a.released_date IS NULL) OR d.scenario <> 'INVOICE_ADVANCE'
        UNION ALL
        SELECT d.ref, d.amount, NULL, NULL, NULL FROM credit_drawdown d
         WHERE d.scenario = 'INVOICE_ADVANCE' AND NOT EXISTS (SELECT 1 FROM credit_invoiceadvance a WHERE a.drawdown_id = d.id)
        """,
    ),
    Invariant(
        "I22",
        "one key on one line drew once",
        """
        SELECT line_id, idempotency_key, count(*) FROM credit_drawdown
         GROUP BY line_id, idempotency_key HAVING count(*) > 1
        """,
    ),
]
