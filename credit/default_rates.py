"""How likely the borrowers of running loans are to default within a year, as risk last said: for what is set aside."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import connection

# The monthly look at the line, or else the decision that the line was opened on; a loan without either takes the rate of
# its band of days past due.
_RATES = """
SELECT d.loan_id, least(greatest(coalesce(look.pd, opened.pd), 0), 1)::numeric(9, 6)
FROM credit_drawdown d
JOIN loans_loan l ON l.id = d.loan_id AND l.status IN ('ACTIVE', 'OVERDUE')
JOIN credit_creditline c ON c.id = d.line_id
LEFT JOIN LATERAL (SELECT k.pd::numeric AS pd FROM credit_linelook k WHERE k.line_id = c.id AND k.as_of <= %(day)s
                   ORDER BY k.period DESC LIMIT 1) look ON true
LEFT JOIN LATERAL (SELECT x.pd FROM credit_decision x WHERE x.application_id = c.application_id AND x.pd IS NOT NULL
                   ORDER BY x.number DESC LIMIT 1) opened ON true
WHERE coalesce(look.pd, opened.pd) IS NOT NULL
"""


def default_rates(*, as_of: date) -> dict[int, Decimal]:
    """Return the probability of default within twelve months by loan, from 0 to 1, where risk knows one."""
    with connection.cursor() as cursor:
        cursor.execute(_RATES, {"day": as_of})
        return dict(cursor.fetchall())
