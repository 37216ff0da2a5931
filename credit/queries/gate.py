"""Everything that a draw asks of the database under the line's lock, in one statement."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import BankAccount
from accounts.rows import ask, columns, names_of, read_row
from credit.models import CreditLine, Product
from credit.queries.debts import DEBTS, ZERO, Debt
from loans.models import CalendarRule
from risk.queries import NEWEST_FACTS


@dataclass(frozen=True, slots=True)
class Gate:
    """Hold what is known of a line, its borrower, the product and the account at one moment."""

    drawn_before: int | None  # the draw that the same key made
    product: Product | None
    account: BankAccount | None  # without its number, which a draw does not need; removed ones too
    debt: Debt
    identity_verified: bool
    consent_given: bool
    calendar: CalendarRule
    limit_change_id: int
    months: dict[date, Decimal]  # what falls due on the borrower's loans, by the first day of the month
    facts: bytes | None  # of the borrower's newest assessment


_PRODUCT = names_of(Product)
_ACCOUNT = ["id", "ref", "borrower_id", "number_last4", "usable_from", "verified_at", "removed_at"]


DUE_BY_MONTH = """
SELECT date_trunc('month', i.due_date)::date AS month, sum(i.outstanding) AS owed
FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
WHERE l.borrower_id = %(borrower)s AND l.status IN ('ACTIVE', 'OVERDUE') AND i.outstanding > 0 AND i.due_date >= %(as_of)s
GROUP BY 1
"""
_GATE = f"""
SELECT (SELECT id FROM credit_drawdown WHERE line_id = %(line)s AND idempotency_key = %(key)s),
       debt.waiting + debt.owed + debt.held, debt.late, debt.held,
       CASE WHEN %(is_business)s THEN EXISTS (
            SELECT FROM accounts_businessmember m JOIN accounts_borrower b ON b.user_id = m.user_id
            JOIN accounts_identity i ON i.borrower_id = b.id
            WHERE m.business_id = %(borrower)s AND m.role = 'OWNER' AND m.is_active AND i.status = 'VERIFIED')
       ELSE EXISTS (SELECT FROM accounts_identity WHERE borrower_id = %(borrower)s AND status = 'VERIFIED') END,
       EXISTS (SELECT FROM accounts_consent
               WHERE borrower_id = %(borrower)s AND purpose = 'CREDIT_DECISION' AND withdrawn_at IS NULL),
       rule.roll, rule.weekends,
       (SELECT id FROM credit_limitchange WHERE line_id = %(line)s ORDER BY id DESC LIMIT 1),
       due.months, due.sums, ({NEWEST_FACTS}),
       {columns("product", Product)}, {", ".join("account." + name for name in _ACCOUNT)}
FROM (VALUES (1)) AS one (row)
LEFT JOIN ({DEBTS.format(lines="= %(line)s")}) AS debt (line_id, waiting, owed, held, late) ON true
CROSS JOIN (SELECT array_agg(month) AS months, array_agg(owed) AS sums FROM ({DUE_BY_MONTH}) AS by_month) AS due
LEFT JOIN loans_calendarrule rule ON rule.id = 1
LEFT JOIN credit_product product ON product.scenario = %(scenario)s AND product.family = %(family)s AND product.is_active
LEFT JOIN accounts_bankaccount account
       ON account.borrower_id = %(borrower)s
          AND (account.id = %(account)s OR account.ref = %(account_ref)s)
"""  # noqa: S608  the names are those of our own columns


_OFFER = f"""
SELECT rule.roll, rule.weekends, {columns("product", Product)}
FROM (VALUES (1)) AS one (row)
LEFT JOIN loans_calendarrule rule ON rule.id = 1
LEFT JOIN credit_product product ON product.scenario = %s AND product.family = %s AND product.is_active
"""  # noqa: S608  the names are those of our own columns


def offer_of(*, line: CreditLine, scenario: str) -> tuple[Product | None, CalendarRule]:
    """Ask what a quote has to know besides the line: what is offered for a use of the money, and the calendar's rule."""
    row = ask(_OFFER, [scenario, line.family])
    assert row is not None
    return read_row(Product, _PRODUCT, row[2:]), _rule(*row[:2])


def _rule(roll: str | None, weekends: bool) -> CalendarRule:
    return CalendarRule() if roll is None else CalendarRule(roll=roll, weekends=weekends)


def draw_gate(
    *,
    line: CreditLine,
    key: str,
    scenario: str,
    as_of: date,
    bank_account_id: int = 0,
    bank_account: uuid.UUID | None = None,
) -> Gate:
    """Ask what a draw has to know. The caller holds the line's lock, taken by a statement before: this one sees what
    whoever had the lock last wrote. The account is named by its key or its reference."""
    values: dict[str, Any] = {
        "line": line.pk,
        "key": key,
        "borrower": line.borrower_id,
        "is_business": line.borrower.is_business,
        "scenario": scenario,
        "family": line.family,
        "account": bank_account_id,
        "account_ref": bank_account,
        "as_of": as_of,
    }
    row = ask(_GATE, values)
    assert row is not None
    before, exposure, late, held, identity, consent, roll, weekends, change, months, sums, facts, *rest = row
    at = len(_PRODUCT)
    return Gate(
        drawn_before=before,
        product=read_row(Product, _PRODUCT, rest[:at]),
        account=read_row(BankAccount, _ACCOUNT, rest[at:]),
        debt=Debt(exposure or ZERO, late or 0, held or ZERO),
        identity_verified=identity,
        consent_given=consent,
        calendar=_rule(roll, weekends),
        limit_change_id=change,
        months=dict(zip(months or (), sums or (), strict=True)),
        facts=facts,
    )
