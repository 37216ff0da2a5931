"""What must always hold of the books, whatever happened (invariants.md I1 to I4, I15, I23)."""

from __future__ import annotations

from ledger.domain.invariant import Invariant

INVARIANTS = [
    Invariant(
        "I1",
        "Every journal balances and has two postings or more",
        """SELECT j.id AS journal, p.postings, p.difference FROM ledger_journal j LEFT JOIN (
               SELECT journal_id, count(*) AS postings,
                      sum(CASE direction WHEN 'D' THEN amount ELSE -amount END) AS difference
               FROM ledger_posting GROUP BY 1) p ON p.journal_id = j.id
           WHERE p.postings IS NULL OR p.postings < 2 OR p.difference <> 0""",
    ),
    Invariant(
        "I2",
        "The sum of all postings of a currency is zero",
        """SELECT j.currency, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS difference
           FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id GROUP BY j.currency
           HAVING sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) <> 0""",
    ),
    Invariant(
        "I3",
        "Every posting belongs to a journal and an account of the chart",
        """SELECT p.id AS posting, p.journal_id, p.account_id FROM ledger_posting p
           LEFT JOIN ledger_journal j ON j.id = p.journal_id LEFT JOIN ledger_account a ON a.id = p.account_id
           WHERE j.id IS NULL OR a.id IS NULL OR j.source = '' OR j.leg = ''""",
    ),
    Invariant(
        "I4",
        "The sums of closed days equal their postings",
        """WITH closed AS (SELECT closed_through AS day FROM ledger_bookdate WHERE closed_through IS NOT NULL),
           summed AS (
               SELECT p.account_id, j.booked_date, j.currency,
                      coalesce(sum(p.amount) FILTER (WHERE p.direction = 'D'), 0) AS debit,
                      coalesce(sum(p.amount) FILTER (WHERE p.direction = 'C'), 0) AS credit
               FROM closed JOIN ledger_journal j ON j.booked_date <= closed.day
               JOIN ledger_posting p ON p.journal_id = j.id GROUP BY 1, 2, 3),
           kept AS (SELECT b.* FROM closed JOIN ledger_dailybalance b ON b.booked_date <= closed.day)
           SELECT coalesce(s.account_id, k.account_id) AS account, coalesce(s.booked_date, k.booked_date) AS day,
                  s.debit, k.debit AS kept_debit, s.credit, k.credit AS kept_credit
           FROM summed s FULL JOIN kept k USING (account_id, booked_date, currency)
           WHERE (s.debit, s.credit) IS DISTINCT FROM (k.debit, k.credit)""",
    ),
    Invariant(
        "I15",
        "A reversal is the exact opposite of its journal",
        """SELECT r.id AS journal, r.reverses_id, p.account_id, p.loan_id,
                  sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS difference
           FROM ledger_journal r JOIN ledger_posting p ON p.journal_id IN (r.id, r.reverses_id)
           WHERE r.reverses_id IS NOT NULL GROUP BY 1, 2, 3, 4
           HAVING sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) <> 0""",
    ),
    Invariant(
        "I15b",
        "Nothing was written into a closed day after it was summed, nor before the books were opened",
        """SELECT j.id AS journal, j.booked_date FROM ledger_journal j, ledger_bookdate b
           WHERE j.booked_date < b.first_date OR j.booked_date > b.business_date""",
    ),
    Invariant(
        "I23",
        "Every amount is a finite, positive number of cents",
        """SELECT p.id AS posting, p.amount FROM ledger_posting p
           WHERE p.amount <= 0 OR p.amount = 'NaN' OR p.amount <> round(p.amount, 2) OR p.amount >= 1e14""",
    ),
]
