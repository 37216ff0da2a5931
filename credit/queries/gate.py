"""Everything that a draw asks of the database under the line's lock, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import BankAccount
from accounts.rows import columns, names_of, read_row
from credit.models import CreditLine, Product
from credit.queries.debts import DEBTS, ZERO, Debt
from loans.models import CalendarRule


@dataclass(frozen=True, slots=True)
class Gate:
    """Hold what is known of a line, its borrower, the product and the account at one moment."""

    drawn_before: int | None  # the draw that the same key made
    product: Product | None
    account: BankAccount | None  # without its number, which a draw does not need
    debt: Debt
    identity_verified: bool
    consent_given: bool
    calendar: CalendarRule
    limit_change_id: int


_PRODUCT = names_of(Product)
_ACCOUNT = ["id", "ref", "borrower_id", "number_last4", "usable_from", "verified_at", "removed_at"]


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
       {columns("product", Product)}, {", ".join("account." + name for name in _ACCOUNT)}
FROM (VALUES (1)) AS one (row)
LEFT JOIN ({DEBTS.format(lines="= %(line)s")}) AS debt (line_id, waiting, owed, held, late) ON true
LEFT JOIN loans_calendarrule rule ON rule.id = 1
LEFT JOIN credit_product product ON product.scenario = %(scenario)s AND product.family = %(family)s AND product.is_active
LEFT JOIN accounts_bankaccount account
       ON account.id = %(account)s AND account.borrower_id = %(borrower)s AND account.removed_at IS NULL
"""  # noqa: S608  the names are those of our own columns


def draw_gate(*, line: CreditLine, key: str, scenario: str, bank_account_id: int) -> Gate:
    """Ask what a draw has to know. The caller holds the line's lock, taken by a statement before: this one sees what
    whoever had the lock last wrote."""
    values: dict[str, Any] = {
        "line": line.pk,
        "key": key,
        "borrower": line.borrower_id,
        "is_business": line.borrower.is_business,
        "scenario": scenario,
        "family": line.family,
        "account": bank_account_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GATE, values)
        before, exposure, late, held, identity, consent, roll, weekends, change, *rest = cursor.fetchone()
    at = len(_PRODUCT)
    return Gate(
        drawn_before=before,
        product=read_row(Product, _PRODUCT, rest[:at]),
        account=read_row(BankAccount, _ACCOUNT, rest[at:]),
        debt=Debt(exposure or ZERO, late or 0, held or ZERO),
        identity_verified=identity,
        consent_given=consent,
        calendar=CalendarRule() if roll is None else CalendarRule(roll=roll, weekends=weekends),
        limit_change_id=change,
    )
