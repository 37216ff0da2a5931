"""What must always hold between loans, their instalments, movements of money and the ledger.

Numbers are those of docs/algorithms/ledger.md. LIVENESS is about work that hangs, not about books that are
wrong: it is asked by `check_books --strict` and does not stop a night.
"""

from __future__ import annotations

from ledger.domain.invariant import Invariant
from loans.sql import REACH, REACHED, covers, interest_by, penalty_by

_PER_LOAN = """
WITH held AS (
    SELECT p.loan_id, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS amount
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WHERE a.role = '{role}' AND p.loan_id IS NOT NULL GROUP BY 1
)
SELECT coalesce(l.id, h.loan_id) AS loan, h.amount AS ledger, {figure} AS loan_says
FROM loans_loan l FULL JOIN held h ON h.loan_id = l.id
WHERE coalesce(h.amount, 0) <> coalesce({figure}, 0)
"""

# What loans have earned through the day on which the ledger has them, by portfolio: what each said when it was
# projected, and what the rows of its instalments say was earned since. One walk over the loans, one over the rows.
_EARNED = f"""
{REACH},
booked AS MATERIALIZED (
    SELECT l.id, l.portfolio, l.currency, l.set_wise, l.set_wise AND l.status IN ('ACTIVE', 'OVERDUE') AS runs,
        l.projected_date, l.penalty_rate, l.penalty_year, l.interest_earned, l.penalty_earned, l.fees_earned,
        l.interest_settled, l.penalty_settled, l.fees_settled, {REACHED} AS through
    FROM loans_loan l WHERE l.accrued_through IS NOT NULL
),
since AS (
    SELECT l.portfolio, l.currency,
        sum(CASE WHEN {covers("l.through")} THEN {interest_by("l.through")} - l.interest_earned END) AS interest,
        sum(CASE WHEN l.runs AND i.outstanding > 0 AND i.due_date <= l.through
            THEN {penalty_by("l.through")} - i.penalty_counted END) AS penalty,
        sum(CASE WHEN l.runs AND i.due_date > l.projected_date AND i.due_date <= l.through THEN i.fee_on_due END) AS fees
    FROM loans_instalment i JOIN booked l ON l.id = i.loan_id, (SELECT max(through) AS day FROM booked) last
    WHERE l.set_wise AND (i.accrual_after < last.day OR i.due_date <= last.day) GROUP BY 1, 2
),
total AS (
    SELECT portfolio, currency, sum(interest_earned) AS interest, sum(penalty_earned) AS penalty,
        sum(fees_earned) AS fees, sum(interest_settled) AS interest_settled,
        sum(penalty_settled) AS penalty_settled, sum(fees_settled) AS fees_settled
    FROM booked GROUP BY 1, 2
),
earned AS (
    SELECT t.portfolio, t.currency, t.interest + coalesce(s.interest, 0) AS interest,
        t.penalty + coalesce(s.penalty, 0) AS penalty, t.fees + coalesce(s.fees, 0) AS fees,
        t.interest_settled, t.penalty_settled, t.fees_settled
    FROM total t LEFT JOIN since s USING (portfolio, currency)
)
"""  # noqa: S608  constants


# One walk over the book for six accounts: what the loans of a portfolio say, against what the ledger holds.
_BY_PORTFOLIO = f"""WITH {_EARNED},
told AS (
    SELECT e.portfolio, e.currency, a.role, a.amount FROM earned e CROSS JOIN LATERAL (VALUES
        ('INTEREST_INCOME', -e.interest), ('INTEREST_RECEIVABLE', e.interest - e.interest_settled),
        ('PENALTY_INCOME', -e.penalty), ('PENALTY_RECEIVABLE', e.penalty - e.penalty_settled),
        ('FEE_INCOME', -e.fees), ('FEE_RECEIVABLE', e.fees - e.fees_settled)) AS a (role, amount)
),
held AS (
    SELECT p.portfolio, j.currency, a.role, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS amount
    FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id JOIN ledger_account a ON a.id = p.account_id
    WHERE a.role IN ('INTEREST_INCOME', 'INTEREST_RECEIVABLE', 'PENALTY_INCOME', 'PENALTY_RECEIVABLE', 'FEE_INCOME',
                     'FEE_RECEIVABLE') GROUP BY 1, 2, 3
)
SELECT role AS account, portfolio, h.amount AS ledger, t.amount AS loans_say
FROM told t FULL JOIN held h USING (portfolio, currency, role)
WHERE coalesce(h.amount, 0) <> coalesce(t.amount, 0)"""  # noqa: S608  constants


INVARIANTS = [
    Invariant(
        "I3L",
        "Every event that moves money has its journal, and every journal of a loan its event",
        """SELECT l.id AS loan, e.sequence, j.source FROM loans_event e JOIN loans_loan l ON l.id = e.loan_id
           FULL JOIN (SELECT * FROM ledger_journal WHERE source LIKE 'loan:%' AND leg = 'EVENT') j
             ON j.source = 'loan:' || l.ref::text || ':' || e.sequence
           WHERE (e.id IS NULL) OR (j.id IS NULL AND e.kind IN
             ('PAYOUT', 'PURCHASE_RETURN', 'REPAYMENT', 'REFUND', 'CHARGE_BACK', 'FEE', 'WAIVER', 'RECOVERY'))""",
    ),
    Invariant(
        "I8a",
        "A loan's principal is its ledger account's",
        _PER_LOAN.format(role="LOAN_PRINCIPAL", figure="l.principal_outstanding"),
    ),
    Invariant(
        "I8b",
        "A borrower's credit is its ledger account's",
        _PER_LOAN.format(role="BORROWER_CREDIT", figure="-l.credit_balance"),
    ),
    Invariant(
        "I8c",
        "Interest, penalty and fees: income is what the loans earned, receivable what is earned and not settled",
        _BY_PORTFOLIO,
    ),
    Invariant(
        "I9a",
        "No instalment is paid beyond what it asks for",
        """SELECT i.loan_id AS loan, i.number FROM loans_instalment i
           WHERE i.principal_paid + i.principal_forgiven > i.principal_due
              OR least(i.principal_paid, i.interest_paid, i.fee_paid, i.penalty_paid, i.outstanding) < 0""",
    ),
    Invariant(
        "I9b",
        "The instalments ask for exactly the principal that was paid out",
        """SELECT l.id AS loan, l.disbursed, i.asked FROM loans_loan l LEFT JOIN (
               SELECT loan_id, sum(principal_due) AS asked FROM loans_instalment GROUP BY loan_id) i ON i.loan_id = l.id
           WHERE l.status NOT IN ('PENDING', 'CANCELLED') AND l.disbursed IS DISTINCT FROM i.asked""",
    ),
    Invariant(
        "I10",
        "Money received and paid out on a loan is its cash in the ledger",
        """WITH undone AS (
               SELECT loan_id, data ->> 'reverses' AS reference FROM loans_event WHERE kind = 'REVERSAL'),
           told AS (
               SELECT e.loan_id, sum(CASE WHEN e.kind IN ('REPAYMENT', 'RECOVERY') THEN e.amount
                   WHEN e.kind IN ('REFUND', 'CHARGE_BACK') THEN -e.amount ELSE -coalesce(p.amount, e.amount) END) AS amount
               FROM loans_event e
               LEFT JOIN loans_payout p ON e.kind = 'PAYOUT' AND p.loan_id = e.loan_id
                 AND e.reference = 'payout:' || p.gateway_reference
               WHERE e.kind IN ('REPAYMENT', 'RECOVERY', 'REFUND', 'CHARGE_BACK', 'PAYOUT')
                 AND (e.loan_id, e.reference) NOT IN (SELECT loan_id, reference FROM undone WHERE reference IS NOT NULL)
                 AND NOT e.data @> '{"through": "MERCHANT"}'
               GROUP BY 1),
           held AS (
               SELECT p.loan_id, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS amount
               FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
               WHERE a.role = 'CASH_AT_BANK' AND p.loan_id IS NOT NULL GROUP BY 1)
           SELECT coalesce(t.loan_id, h.loan_id) AS loan, t.amount AS events, h.amount AS ledger
           FROM told t FULL JOIN held h USING (loan_id) WHERE coalesce(t.amount, 0) <> coalesce(h.amount, 0)""",
    ),
    Invariant(
        "I11",
        "Principal is booked exactly when its payout is confirmed, with its amount; a refund from its order on",
        """SELECT coalesce(p.loan_id, e.loan_id) AS loan, p.id AS payout, p.status, p.amount, e.amount AS booked
           FROM loans_payout p
           FULL JOIN (SELECT loan_id, kind, reference, amount FROM loans_event
                      WHERE kind = 'PAYOUT' OR kind = 'REFUND' AND reference LIKE 'refund:%') e
             ON e.loan_id = p.loan_id
             AND e.reference = CASE p.purpose WHEN 'REFUND' THEN 'refund:' ELSE 'payout:' END || p.gateway_reference
           WHERE p.id IS NULL OR (e.reference IS NOT NULL) <> (p.status = 'CONFIRMED' OR p.purpose = 'REFUND')
              OR e.amount < p.amount OR (e.amount > p.amount AND (p.number > 1 OR p.purpose = 'REFUND'))""",
    ),
    Invariant(
        "I11p",
        "No more principal is paid out than was agreed",
        """SELECT e.loan_id AS loan, l.principal, e.amount FROM loans_loan l JOIN (
               SELECT loan_id, sum(amount) AS amount FROM loans_payout WHERE purpose = 'PRINCIPAL' AND status = 'CONFIRMED'
               GROUP BY 1) e ON e.loan_id = l.id WHERE e.amount > l.principal""",
    ),
    Invariant(
        "I11c",
        "A collection is confirmed exactly when its repayment is recorded, with its amount",
        """SELECT c.id AS collection, c.status, c.amount, e.amount AS recorded FROM loans_collection c
           LEFT JOIN loans_event e ON e.loan_id = c.loan_id AND e.reference = 'collection:' || c.gateway_reference::text
           WHERE (c.status = 'CONFIRMED') <> (e.id IS NOT NULL) OR c.amount <> e.amount""",
    ),
    Invariant(
        "I11t",
        "A transfer is booked exactly when it is confirmed, with its amount",
        """SELECT t.id AS transfer, t.status, t.amount, p.amount AS booked FROM loans_transfer t
           LEFT JOIN ledger_journal j ON j.source = 'transfer:' || t.ref::text AND j.leg = 'PAID'
           LEFT JOIN ledger_posting p ON p.journal_id = j.id AND p.direction = 'C'
           WHERE (t.status = 'CONFIRMED') <> (p.amount IS NOT NULL) OR t.amount <> p.amount""",
    ),
    Invariant(
        "I12",
        "A reference of the gateway stands for one movement of money",
        """SELECT gateway, provider_reference, count(*) AS movements FROM (
               SELECT gateway, provider_reference FROM loans_payout UNION ALL
               SELECT gateway, provider_reference FROM loans_transfer UNION ALL
               SELECT gateway, provider_reference FROM loans_collection) AS both_ways
           WHERE provider_reference IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1""",
    ),
    Invariant(
        "I13",
        "Every live loan is booked through yesterday or later, and never beyond the business date",
        f"""WITH {REACH}, booked AS (
                SELECT l.id AS loan, l.accrued_through, {REACHED} AS through FROM loans_loan l
                WHERE l.status IN ('ACTIVE', 'OVERDUE'))
            SELECT loan, through, b.business_date FROM booked, ledger_bookdate b
            WHERE through < b.business_date - 1 OR through > b.business_date OR accrued_through IS NULL""",  # noqa: S608  constants
    ),
    Invariant(
        "I13b",
        "The line that the nights follow says what the loan and the instalment of its period say",
        """SELECT coalesce(l.id, t.loan_id) AS loan, t.accrual_until AS line, i.number AS instalment
           FROM (SELECT * FROM loans_loan WHERE status IN ('ACTIVE', 'OVERDUE') AND set_wise) l
           FULL JOIN loans_accrualline t ON t.loan_id = l.id
           LEFT JOIN loans_instalment i ON i.loan_id = t.loan_id AND i.accrual_until = t.accrual_until
             AND i.accrual_after = t.accrual_after
           WHERE l.id IS NULL OR t.loan_id IS NOT NULL AND
             (i.id IS NULL OR (t.portfolio, t.currency, t.accrued_through) IS DISTINCT FROM (l.portfolio, l.currency, l.accrued_through)
              OR (t.accrual_from, t.due_date, t.accrual_year, t.accrual_before, t.accrual_carried, t.accrual_base, t.accrual_rate)
                IS DISTINCT FROM (i.accrual_from, i.due_date, i.accrual_year, i.accrual_before, i.accrual_carried,
                                  i.accrual_base, i.accrual_rate))
              OR t.loan_id IS NULL AND EXISTS (SELECT FROM loans_instalment n WHERE n.loan_id = l.id
                   AND n.accrual_after < l.accrued_through AND n.accrual_until >= l.accrued_through)""",
    ),
    Invariant(
        "I14",
        "Interest runs on principal alone",
        """SELECT i.loan_id AS loan, i.number, i.accrual_base FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
           WHERE i.accrual_base > CASE l.repayment_method WHEN 'FLAT' THEN l.disbursed ELSE l.principal_outstanding END
              OR i.penalty_base > l.principal_outstanding AND l.status IN ('ACTIVE', 'OVERDUE')""",
    ),
    Invariant(
        "I16a",
        "The status agrees with what is owed",
        """SELECT l.id AS loan, l.status, l.principal_outstanding, l.days_past_due FROM loans_loan l
           WHERE (l.status IN ('CLOSED', 'CANCELLED', 'PENDING', 'WRITTEN_OFF') AND (l.principal_outstanding <> 0
                    OR l.interest_outstanding <> 0 OR l.fee_outstanding <> 0 OR l.penalty_outstanding <> 0))
              OR (l.status = 'OVERDUE') <> (l.days_past_due > 0) AND l.status IN ('ACTIVE', 'OVERDUE')
              OR (l.status = 'CLOSED') <> (l.closed_date IS NOT NULL)
              OR l.status IN ('ACTIVE', 'OVERDUE') AND l.next_due_date IS NULL AND l.principal_outstanding > 0""",
    ),
    Invariant(
        "I16b",
        "Days past due and bucket follow from the oldest unpaid instalment",
        """WITH late AS (
               SELECT l.id, b.business_date - min(i.due_date) AS days FROM loans_loan l
               JOIN loans_instalment i ON i.loan_id = l.id AND i.outstanding > 0, ledger_bookdate b
               WHERE l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise AND i.due_date <= b.business_date
               GROUP BY l.id, b.business_date)
           SELECT l.id AS loan, l.days_past_due, late.days, l.bucket FROM loans_loan l LEFT JOIN late USING (id)
           WHERE l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise
             AND (l.days_past_due NOT IN (
                   CASE WHEN late.days > l.grace_days THEN late.days ELSE 0 END,
                   CASE WHEN late.days - 1 > l.grace_days THEN late.days - 1 ELSE 0 END)
               OR l.bucket <> CASE WHEN l.days_past_due > 90 THEN 'DPD_91_PLUS' WHEN l.days_past_due > 60 THEN 'DPD_61_90'
                   WHEN l.days_past_due > 30 THEN 'DPD_31_60' WHEN l.days_past_due > 0 THEN 'DPD_1_30' ELSE 'CURRENT' END)""",
    ),
    Invariant(
        "I25",
        "The allowance in the ledger is what the loans' latest provisions add up to",
        """WITH latest AS (
               SELECT DISTINCT ON (loan_id) loan_id, amount FROM loans_provisionline ORDER BY loan_id, id DESC),
           told AS (
               SELECT l.portfolio, l.currency, sum(p.amount) AS amount
               FROM latest p JOIN loans_loan l ON l.id = p.loan_id GROUP BY 1, 2),
           held AS (
               SELECT p.portfolio, j.currency, sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END) AS amount
               FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id JOIN ledger_account a ON a.id = p.account_id
               WHERE a.role = 'PROVISION_ALLOWANCE' GROUP BY 1, 2)
           SELECT coalesce(t.portfolio, h.portfolio) AS portfolio, h.amount AS ledger, t.amount AS loans_say
           FROM told t FULL JOIN held h USING (portfolio, currency) WHERE coalesce(h.amount, 0) <> coalesce(t.amount, 0)""",
    ),
    Invariant(
        "I27",
        "What is left of each movement in suspense is what its journals left in the account",
        """WITH held AS (
               SELECT split_part(j.source, ':', 2) AS item, sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END) AS amount
               FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id JOIN ledger_account a ON a.id = p.account_id
               WHERE a.role = 'SUSPENSE' AND j.source LIKE 'suspense:%' GROUP BY 1),
           told AS (
               SELECT s.ref::text AS item, s.amount - coalesce(sum(m.amount), 0) AS amount
               FROM loans_suspenseitem s LEFT JOIN (
                   SELECT x.item_id, x.amount FROM loans_suspensematch x LEFT JOIN loans_event e ON e.id = x.event_id
                   WHERE NOT EXISTS (SELECT 1 FROM loans_event r WHERE r.loan_id = x.loan_id AND r.kind = 'REVERSAL'
                                     AND r.data->>'reverses' = e.reference)) m ON m.item_id = s.id GROUP BY s.id)
           SELECT item, held.amount AS ledger, told.amount AS items_say FROM told FULL JOIN held USING (item)
           WHERE held.amount IS DISTINCT FROM told.amount OR told.amount < 0""",
    ),
    Invariant(
        "I18L",
        "The events of a loan are numbered without a gap, and its projection knows the last",
        """SELECT l.id AS loan, l.last_sequence, e.events, e.last FROM loans_loan l
           LEFT JOIN (SELECT loan_id, count(*) AS events, max(sequence) AS last FROM loans_event GROUP BY 1) e
             ON e.loan_id = l.id
           WHERE coalesce(e.events, 0) <> l.last_sequence OR coalesce(e.last, 0) <> l.last_sequence""",
    ),
]

LIVENESS = [
    Invariant(
        "I17a",
        "No movement of money is stuck",
        """SELECT 'payout' AS what, id, status, attempts FROM loans_payout
           WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN') AND created_at < now() - interval '1 hour'
           UNION ALL SELECT 'transfer', id, status, attempts FROM loans_transfer
           WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN') AND created_at < now() - interval '1 hour'
           UNION ALL SELECT 'collection', id, status, attempts FROM loans_collection
           WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN') AND created_at < now() - interval '1 hour'""",
    ),
    Invariant(
        "I17b",
        "Nothing is parked without somebody who has taken it, and no message waits for an hour",
        """SELECT 'message' AS what, id, state::text, reason FROM loans_gatewaymessage
           WHERE state = 'PARKED' AND owner_id IS NULL OR state = 'STORED' AND received_at < now() - interval '1 hour'
           UNION ALL SELECT 'payout', id, status, last_error FROM loans_payout WHERE status = 'PARKED'
           UNION ALL SELECT 'transfer', id, status, last_error FROM loans_transfer WHERE status = 'PARKED'
           UNION ALL SELECT 'collection', id, status, last_error FROM loans_collection WHERE status = 'PARKED'""",
    ),
]
