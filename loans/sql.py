"""How far a loan has earned by a day, said in SQL: the same arithmetic as the engine's, to the cent.

`i` is a row of loans_instalment, `l` its loan. `x` is a date expression. The casts give quotients twenty places,
far more than the distance of any product from a half cent, so that rounding here is rounding there.
"""

from __future__ import annotations


def interest_by(x: str, *, row: str = "i") -> str:
    """Return the interest that a period's row gives for a day within it; `row` is an instalment or an accrual line."""
    return f"""({row}.accrual_before + round(({row}.accrual_carried + {row}.accrual_base * {row}.accrual_rate
        * greatest(0, least({x}, {row}.due_date) - {row}.accrual_from))::numeric(60, 20) / {row}.accrual_year, 2))"""


def covers(x: str) -> str:
    """Tell whether a period's row speaks for a day."""
    return f"(i.accrual_after < {x} AND {x} <= i.accrual_until)"


def penalty_by(x: str) -> str:
    """Return the derived penalty of a row by a day; a row that is not due has none."""
    return f"""(CASE WHEN i.due_date <= {x} AND i.penalty_from IS NOT NULL THEN round(((i.penalty_days + i.penalty_base
        * greatest(0, {x} - i.penalty_from)) * l.penalty_rate)::numeric(60, 20) / l.penalty_year, 2) ELSE 0 END)"""


# The date through which the ledger has a loan's earnings.
BOOKED = """(CASE WHEN l.set_wise THEN greatest(l.accrued_through, (SELECT max(s.as_of) FROM loans_accrualslice s
        WHERE s.first_id <= l.id AND s.last_id >= l.id)) ELSE l.accrued_through END)"""

# The same for statements over the whole book, which begin with REACH: the last night of each range, so that years of
# nights that were cut alike come down to a few rows.
REACH = """reach AS MATERIALIZED (
    SELECT first_id, last_id, max(as_of) AS as_of FROM loans_accrualslice GROUP BY 1, 2)"""
REACHED = BOOKED.replace("loans_accrualslice", "reach")
