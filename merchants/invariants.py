"""What must hold of orders, settlements and the money of shops; a row is a breach."""

from __future__ import annotations

from ledger.domain.invariant import Invariant

INVARIANTS: list[Invariant] = [
    Invariant(
        "M1",
        "an order is the sum of its captures and refunds, and its hold knows the same",
        """
        SELECT o.ref, o.captured, o.refunded, o.released, c.captured AS captures, r.refunded AS refunds, h.taken
          FROM merchants_checkout o
          LEFT JOIN (SELECT checkout_id, sum(amount) AS captured, sum(refunded) AS returned
                       FROM merchants_capture GROUP BY 1) c ON c.checkout_id = o.id
          LEFT JOIN (SELECT checkout_id, sum(amount) AS refunded FROM merchants_refund GROUP BY 1) r
            ON r.checkout_id = o.id
          LEFT JOIN credit_hold h ON h.id = o.hold_id
         WHERE o.captured <> coalesce(c.captured, 0) OR o.refunded <> coalesce(r.refunded, 0)
            OR o.refunded <> coalesce(c.returned, 0)
            OR o.hold_id IS NOT NULL AND (o.captured <> h.taken OR o.released <> h.released OR o.amount <> h.amount)
        """,
    ),
    Invariant(
        "M2",
        "what shops are owed in the ledger is what was captured and not settled",
        """
        WITH told AS (
            SELECT coalesce((SELECT sum(amount - fee - subvention) FROM merchants_capture), 0)
                 - coalesce((SELECT sum(amount - fee_returned - subvention_returned) FROM merchants_refund), 0)
                 - coalesce((SELECT sum(s.net) FROM merchants_settlement s
                               JOIN loans_transfer t ON t.id = s.transfer_id AND t.status = 'CONFIRMED'), 0) AS amount),
        held AS (
            SELECT coalesce(sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END), 0) AS amount
              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.role = 'MERCHANT_PAYABLE')
        SELECT told.amount AS orders_say, held.amount AS ledger FROM told, held WHERE told.amount <> held.amount
        """,
    ),
    Invariant(
        "M3",
        "fees of shops, and interest that shops paid, are in the ledger as the captures say",
        """
        WITH told AS (
            SELECT * FROM (VALUES
              ('MERCHANT_FEE_INCOME', (SELECT coalesce(sum(fee - fee_returned), 0) FROM merchants_capture)),
              ('SUBVENTION_INCOME', (SELECT coalesce(sum(subvention_earned), 0) FROM merchants_capture)),
              ('SUBVENTION_DEFERRED',
                (SELECT coalesce(sum(subvention - subvention_returned - subvention_earned), 0) FROM merchants_capture))
            ) AS t (role, amount)),
        held AS (
            SELECT a.role, sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END) AS amount
              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id GROUP BY 1)
        SELECT t.role, t.amount AS captures_say, h.amount AS ledger FROM told t LEFT JOIN held h USING (role)
         WHERE t.amount <> coalesce(h.amount, 0)
        """,
    ),
    Invariant(
        "M4",
        "interest of shops is earned between nothing and the whole, as the bookings say",
        """
        SELECT c.ref, c.subvention, c.subvention_returned, c.subvention_earned, b.booked
          FROM merchants_capture c
          LEFT JOIN (SELECT capture_id, sum(amount) AS booked FROM merchants_subventionbooking GROUP BY 1) b
            ON b.capture_id = c.id
         WHERE c.subvention_earned <> coalesce(b.booked, 0) OR c.subvention_earned < 0
            OR c.subvention_earned > c.subvention - c.subvention_returned
        """,
    ),
    Invariant(
        "M5",
        "a settlement is its captures less its refunds, to the cent",
        """
        SELECT s.ref, s.net, c.net AS captures, r.net AS refunds
          FROM merchants_settlement s
          LEFT JOIN (SELECT settlement_id, sum(amount - fee - subvention) AS net FROM merchants_capture GROUP BY 1) c
            ON c.settlement_id = s.id
          LEFT JOIN (SELECT settlement_id, sum(amount - fee_returned - subvention_returned) AS net
                       FROM merchants_refund GROUP BY 1) r ON r.settlement_id = s.id
         WHERE s.net <> coalesce(c.net, 0) - coalesce(r.net, 0)
        """,
    ),
    Invariant(
        "M6",
        "what a capture lent, less what came back, is what its loan was for",
        """
        SELECT c.ref, c.amount, c.refunded, l.principal, e.returned
          FROM merchants_capture c JOIN credit_drawdown d ON d.id = c.drawdown_id JOIN loans_loan l ON l.id = d.loan_id
          LEFT JOIN (SELECT loan_id, sum(amount) AS returned FROM loans_event WHERE kind = 'PURCHASE_RETURN' GROUP BY 1) e
            ON e.loan_id = l.id
         WHERE c.amount <> l.principal OR c.refunded <> coalesce(e.returned, 0)
        """,
    ),
]
