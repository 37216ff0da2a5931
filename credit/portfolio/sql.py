"""The statements of the reports. Each reads the book once, as of a day, whatever its size.

How late a loan was on a day is read from its instalments: the oldest that was due before the day and not settled by it. A
row is settled on the day on which it was paid; rows of a loan that was written off were open until the write-off. What a
loan owes today is its own column, which `check_books` holds against its principal account; what it owed on an earlier day is
that less what the account moved since, by the day on which it is true.
"""

from __future__ import annotations

from typing import Final

# the day on which an instalment was settled; 'infinity' while it is open
SETTLED: Final = """CASE WHEN i.outstanding > 0 THEN 'infinity'::date
    ELSE coalesce(i.paid_date, w.day, '-infinity'::date) END"""
WRITTEN_OFF: Final = """written_off AS MATERIALIZED (
    SELECT e.loan_id, min(e.value_date) AS day FROM loans_event e WHERE e.kind = 'WRITE_OFF' GROUP BY 1)"""


def late_on(*days: str) -> str:
    """Return a CTE `late`: per loan that was late on one of the named days, how late on each (columns d0, d1 ...)."""
    columns = ", ".join(
        f"coalesce(max(%({day})s::date - i.due_date) FILTER (WHERE i.due_date < %({day})s AND {SETTLED} > %({day})s), 0) AS d{n}"
        for n, day in enumerate(days)
    )
    first, last = (
        f"{most}({', '.join(f'%({day})s::date' for day in days)})" for most in ("least", "greatest")
    )
    return f"""{WRITTEN_OFF}, late AS MATERIALIZED (
    SELECT i.loan_id, {columns} FROM loans_instalment i LEFT JOIN written_off w ON w.loan_id = i.loan_id
    WHERE i.due_date < {last} AND {SETTLED} > {first} GROUP BY 1)"""  # noqa: S608


OWED_NOW: Final = """owed AS MATERIALIZED (
    SELECT id AS loan_id, principal_outstanding AS owed FROM loans_loan WHERE principal_outstanding > 0)"""
# what is owed now less what moved since: the days that people ask for are near, and a book grows older than they are far
OWED_THEN: Final = """owed AS MATERIALIZED (
    SELECT l.id AS loan_id, l.principal_outstanding - coalesce(m.moved, 0) AS owed
    FROM loans_loan l LEFT JOIN (
        SELECT p.loan_id, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS moved
        FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id
        JOIN ledger_account a ON a.id = p.account_id AND a.role = 'LOAN_PRINCIPAL'
        WHERE j.value_date > %(as_of)s AND p.loan_id IS NOT NULL GROUP BY 1) m ON m.loan_id = l.id
    WHERE l.principal_outstanding - coalesce(m.moved, 0) > 0)"""


def bucket(column: str, grace: str = "l.grace_days") -> str:
    """Return the bucket of a number of days, 0 to 4, within the days of grace counted as not late."""
    return f"""CASE WHEN {column} <= {grace} THEN 0 WHEN {column} <= 30 THEN 1 WHEN {column} <= 60 THEN 2
               WHEN {column} <= 90 THEN 3 ELSE 4 END"""


def standing(*, is_today: bool) -> str:
    """Return CTEs up to `standing`: every loan that owed principal on the day, with its bucket."""
    return f"""WITH {OWED_NOW if is_today else OWED_THEN}, {late_on("as_of")},
standing AS (
    SELECT l.id, l.ref, l.borrower_id, l.portfolio, l.principal, l.start_date, o.owed, coalesce(t.d0, 0) AS days,
           {bucket("coalesce(t.d0, 0)")} AS bucket
    FROM owed o JOIN loans_loan l ON l.id = o.loan_id LEFT JOIN late t ON t.loan_id = l.id)"""  # noqa: S608


BALANCES: Final = """
SELECT portfolio, bucket, count(*), sum(owed) FROM standing GROUP BY 1, 2 ORDER BY 1, 2"""

# where the loans that ran a month ago stand now; 5: paid off, 6: written off
ROLL: Final = f"""
WITH {late_on("before", "as_of")}
SELECT {bucket("coalesce(t.d0, 0)")} AS was,
       CASE WHEN w.day <= %(as_of)s THEN 6 WHEN l.closed_date <= %(as_of)s THEN 5 ELSE {bucket("coalesce(t.d1, 0)")} END AS becomes,
       count(*), sum(l.principal)
FROM loans_loan l LEFT JOIN late t ON t.loan_id = l.id LEFT JOIN written_off w ON w.loan_id = l.id
WHERE l.status NOT IN ('PENDING', 'CANCELLED') AND l.start_date <= %(before)s
  AND (l.closed_date IS NULL OR l.closed_date > %(before)s) AND (w.day IS NULL OR w.day > %(before)s)
GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608

# the first day on which a loan was more than %(bad)s days late, and how many months it had run by then
VINTAGE: Final = f"""
WITH {WRITTEN_OFF}, first_bad AS MATERIALIZED (
    SELECT i.loan_id, min(i.due_date + %(bad)s::int + 1) AS day FROM loans_instalment i
    LEFT JOIN written_off w ON w.loan_id = i.loan_id
    WHERE i.due_date + %(bad)s::int < %(as_of)s AND {SETTLED} > i.due_date + %(bad)s::int GROUP BY 1)
SELECT date_trunc('month', l.start_date)::date AS vintage,
       CASE WHEN b.day <= %(as_of)s THEN (extract(year FROM age(b.day, l.start_date)) * 12
            + extract(month FROM age(b.day, l.start_date)))::int END AS month,
       count(*), sum(l.principal)
FROM loans_loan l LEFT JOIN first_bad b ON b.loan_id = l.id
WHERE l.status NOT IN ('PENDING', 'CANCELLED') AND l.start_date BETWEEN %(since)s AND %(as_of)s
GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608

FUNNEL: Final = """
SELECT date_trunc('month', a.submitted_date)::date, count(*),
       count(*) FILTER (WHERE EXISTS (SELECT FROM credit_decision d WHERE d.application_id = a.id)),
       count(*) FILTER (WHERE a.status = 'REFERRED' OR EXISTS (SELECT FROM credit_decision d WHERE d.application_id = a.id AND d.decided_by_id IS NOT NULL)),
       count(*) FILTER (WHERE a.status = 'APPROVED'),
       count(*) FILTER (WHERE EXISTS (SELECT FROM credit_creditline c WHERE c.application_id = a.id AND c.opened_date <= %(as_of)s)),
       count(*) FILTER (WHERE EXISTS (SELECT FROM credit_creditline c JOIN credit_drawdown w ON w.line_id = c.id
                                      WHERE c.application_id = a.id AND w.drawn_date <= %(as_of)s))
FROM credit_application a WHERE a.submitted_date BETWEEN %(since)s AND %(as_of)s GROUP BY 1 ORDER BY 1"""

UTILISATION: Final = """
, used AS (SELECT d.line_id, sum(s.owed) AS owed FROM credit_drawdown d JOIN standing s ON s.id = d.loan_id GROUP BY 1)
SELECT c.family, c.grade, count(*), sum(c."limit"), coalesce(sum(u.owed), 0), count(*) FILTER (WHERE u.owed > 0)
FROM credit_creditline c LEFT JOIN used u ON u.line_id = c.id
WHERE c.status IN ('ACTIVE', 'FROZEN') AND c.opened_date <= %(as_of)s GROUP BY 1, 2 ORDER BY 1, 2"""

# what a portfolio earned and lost in the twelve months to a day, on its principal at month ends
YIELD: Final = """
WITH moves AS (
    SELECT p.portfolio, a.role, j.booked_date, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS amount
    FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id JOIN ledger_account a ON a.id = p.account_id
    WHERE j.booked_date <= %(as_of)s AND p.portfolio <> '' AND a.role IN ('LOAN_PRINCIPAL', 'INTEREST_INCOME', 'FEE_INCOME',
          'PENALTY_INCOME', 'WAIVER_EXPENSE', 'WRITE_OFF_EXPENSE', 'RECOVERY_INCOME') GROUP BY 1, 2, 3),
days AS (SELECT %(as_of)s::date - g * 30 AS day FROM generate_series(0, 11) g),
held AS (SELECT m.portfolio, avg(m.owed) AS owed FROM (
             SELECT v.portfolio, d.day, sum(v.amount) FILTER (WHERE v.booked_date <= d.day) AS owed
             FROM moves v CROSS JOIN days d WHERE v.role = 'LOAN_PRINCIPAL' GROUP BY 1, 2) m WHERE m.owed > 0 GROUP BY 1)
SELECT m.portfolio, h.owed,
       -coalesce(sum(m.amount) FILTER (WHERE m.role = 'INTEREST_INCOME'), 0),
       -coalesce(sum(m.amount) FILTER (WHERE m.role IN ('FEE_INCOME', 'PENALTY_INCOME')), 0),
       coalesce(sum(m.amount) FILTER (WHERE m.role = 'WAIVER_EXPENSE'), 0),
       coalesce(sum(m.amount) FILTER (WHERE m.role = 'WRITE_OFF_EXPENSE'), 0),
       -coalesce(sum(m.amount) FILTER (WHERE m.role = 'RECOVERY_INCOME'), 0),
       greatest(least(365, %(as_of)s::date - min(m.booked_date) + 1), 1)
FROM moves m LEFT JOIN held h ON h.portfolio = m.portfolio
WHERE m.booked_date > %(as_of)s::date - 365 GROUP BY 1, 2 ORDER BY 1"""

STAGES: Final = """
SELECT n.stage, count(*), sum(n.exposure), sum(n.exposure * n.default_rate * n.loss_rate), sum(n.amount)
FROM (SELECT DISTINCT ON (loan_id) loan_id, stage, exposure, default_rate, loss_rate, amount, reason
      FROM loans_provisionline WHERE as_of <= %(as_of)s ORDER BY loan_id, id DESC) n
WHERE n.reason = 'HELD' GROUP BY 1 ORDER BY 1"""

# what is to come by month, and the share of what fell due in the last half year that came within a month
CASH_FLOW: Final = """
SELECT date_trunc('month', i.due_date)::date, sum(i.principal_due - i.principal_paid - i.principal_forgiven),
       sum(i.interest_due - i.interest_paid - i.interest_forgiven),
       sum(i.fee_due - i.fee_paid - i.fee_forgiven), count(*)
FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id AND l.status IN ('ACTIVE', 'OVERDUE')
WHERE i.outstanding > 0 AND i.due_date > %(as_of)s AND i.due_date < %(until)s GROUP BY 1 ORDER BY 1"""
PUNCTUAL: Final = """
SELECT coalesce(avg(CASE WHEN i.outstanding = 0 AND i.paid_date <= i.due_date + 30 THEN 1.0 ELSE 0.0 END), 1)
FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
WHERE i.due_date BETWEEN %(as_of)s::date - 212 AND %(as_of)s::date - 31 AND l.status NOT IN ('PENDING', 'CANCELLED')"""

# keyset: the page starts after an id
DRILL_STANDING: Final = """
SELECT s.id, s.ref, b.display_name, s.portfolio, s.start_date, s.principal, s.owed, s.days
FROM standing s JOIN accounts_borrower b ON b.id = s.borrower_id
WHERE (%(portfolio)s = '' OR s.portfolio = %(portfolio)s) AND (%(bucket)s < 0 OR s.bucket = %(bucket)s) AND s.id > %(after)s
ORDER BY s.id LIMIT %(most)s"""
DRILL_ROLL: Final = f"""
WITH {late_on("before", "as_of")}
SELECT l.id, l.ref, b.display_name, l.portfolio, l.start_date, l.principal, l.principal_outstanding, coalesce(t.d1, 0)
FROM loans_loan l LEFT JOIN late t ON t.loan_id = l.id JOIN accounts_borrower b ON b.id = l.borrower_id
LEFT JOIN written_off w ON w.loan_id = l.id
WHERE l.status NOT IN ('PENDING', 'CANCELLED') AND l.start_date <= %(before)s
  AND (l.closed_date IS NULL OR l.closed_date > %(before)s) AND (w.day IS NULL OR w.day > %(before)s)
  AND {bucket("coalesce(t.d0, 0)")} = %(was)s
  AND CASE WHEN w.day <= %(as_of)s THEN 6 WHEN l.closed_date <= %(as_of)s THEN 5 ELSE {bucket("coalesce(t.d1, 0)")} END = %(becomes)s
  AND l.id > %(after)s ORDER BY l.id LIMIT %(most)s"""  # noqa: S608
DRILL_VINTAGE: Final = f"""
WITH {WRITTEN_OFF}, first_bad AS MATERIALIZED (
    SELECT i.loan_id, min(i.due_date + %(bad)s::int + 1) AS day FROM loans_instalment i
    LEFT JOIN written_off w ON w.loan_id = i.loan_id
    WHERE i.due_date + %(bad)s::int < %(as_of)s AND {SETTLED} > i.due_date + %(bad)s::int GROUP BY 1)
SELECT l.id, l.ref, b.display_name, l.portfolio, l.start_date, l.principal, l.principal_outstanding, l.worst_days_past_due
FROM loans_loan l JOIN accounts_borrower b ON b.id = l.borrower_id JOIN first_bad f ON f.loan_id = l.id
WHERE l.status NOT IN ('PENDING', 'CANCELLED') AND date_trunc('month', l.start_date)::date = %(vintage)s
  AND f.day <= %(as_of)s AND l.id > %(after)s ORDER BY l.id LIMIT %(most)s"""  # noqa: S608
