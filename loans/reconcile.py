"""The bank's book against ours, movement by movement (I21). Differences are listed; none is explained away or repaired.

For each order the bank says what it did, and the ledger says what cash was booked for the same reference: a payout, a
collection, and whatever took either back. Cash that never passed through the gateway (entries by hand, money recorded
from another channel) is told apart, so that the whole cash account is accounted for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from ledger.domain.money import ZERO
from ledger.queries import balance
from loans.gateways.base import BookLine, Gateway

PAGE = 150  # movements in one question: the answer stays under the client's limit

_OURS = """
WITH moved AS (
    SELECT 'transfer' AS kind, CASE purpose WHEN 'REFUND' THEN 'refund:' ELSE 'payout:' END || gateway_reference AS about, gateway_reference, loan_id, amount, currency,
           status, coalesce(provider_reference, '') AS provider_reference, done_at
    FROM loans_payout WHERE gateway = %(gateway)s
    UNION ALL
    SELECT 'debit', 'collection:' || gateway_reference, gateway_reference, loan_id, amount, currency, status,
           coalesce(provider_reference, ''), done_at
    FROM loans_collection WHERE gateway = %(gateway)s
    UNION ALL
    SELECT 'transfer', 'transfer:' || ref, gateway_reference, NULL, amount, currency, status,
           coalesce(provider_reference, ''), done_at
    FROM loans_transfer WHERE gateway = %(gateway)s
),
told AS (
    SELECT e.loan_id, e.sequence, CASE e.kind WHEN 'REVERSAL' THEN e.data ->> 'reverses'
        WHEN 'CHARGE_BACK' THEN e.data ->> 'repayment' ELSE e.reference END AS about
    FROM loans_event e WHERE e.kind IN ('PAYOUT', 'REPAYMENT', 'REFUND', 'REVERSAL', 'CHARGE_BACK')
),
-- taking back a charge-back is about the payment that was charged back
traced AS (
    SELECT t.loan_id, t.sequence, coalesce(c.data ->> 'repayment', t.about) AS about
    FROM told t LEFT JOIN loans_event c ON c.loan_id = t.loan_id AND c.reference = t.about AND c.kind = 'CHARGE_BACK'
),
cash AS (
    SELECT t.about, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS amount
    FROM traced t JOIN loans_loan l ON l.id = t.loan_id
    JOIN ledger_journal j ON j.source = 'loan:' || l.ref || ':' || t.sequence AND j.leg = 'EVENT'
    JOIN ledger_posting p ON p.journal_id = j.id JOIN ledger_account a ON a.id = p.account_id AND a.role = 'CASH_AT_BANK'
    WHERE t.about LIKE 'payout:%%' OR t.about LIKE 'collection:%%' OR t.about LIKE 'refund:%%' GROUP BY 1
    UNION ALL
    SELECT j.source, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)
    FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id
    JOIN ledger_account a ON a.id = p.account_id AND a.role = 'CASH_AT_BANK'
    WHERE j.source LIKE 'transfer:%%' GROUP BY 1
)
SELECT m.kind, m.gateway_reference, m.loan_id, m.amount, m.currency, m.status, m.provider_reference, m.done_at,
       coalesce(cash.amount, 0) AS cash, m.about LIKE 'refund:%%' AS booked_at_order
FROM moved m LEFT JOIN cash USING (about)
"""


@dataclass(frozen=True, slots=True)
class Ours:
    """Show a payout or collection of ours, and the cash that the ledger booked for it."""

    kind: str
    reference: uuid.UUID
    loan_id: int | None  # None: a settlement of a shop
    amount: Decimal
    currency: str
    status: str
    provider_reference: str
    done_at: datetime | None
    cash: Decimal
    booked_at_order: bool = False

    @property
    def is_ahead(self) -> bool:
        """Tell whether our book is ahead of the bank's by right: a refund is booked when it is ordered."""
        return self.booked_at_order and self.status not in ("CONFIRMED", "REFUSED")


@dataclass(frozen=True, slots=True)
class Difference:
    """Show one order on which the two books differ, as each tells it."""

    what: str
    reference: str
    kind: str
    loan_id: int | None
    bank_status: str
    bank_cash: Decimal
    our_status: str
    our_cash: Decimal

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Show how the two books compare."""

    movements: int
    agreed: int
    under_way: int  # changed while the two books were read: asked again next time
    bank_balance: Decimal
    cash_through_bank: Decimal
    cash_elsewhere: Decimal
    differences: tuple[Difference, ...]

    @property
    def is_clean(self) -> bool:
        return not self.differences


def read_book(gateway: Gateway) -> tuple[list[BookLine], Decimal]:
    """Read the bank's whole book, page by page, and the balance that it names with the last page."""
    lines: list[BookLine] = []
    after = 0
    while True:
        page = gateway.book(after=after, limit=PAGE)
        lines += page.lines
        if len(page.lines) < PAGE:
            return lines, page.balance
        after = page.lines[-1].number


def reconcile_bank(*, gateway: Gateway, name: str, began_at: datetime) -> Reconciliation:
    """Compare the bank's book with our cash account; what ended after `began_at` is left for the next time."""
    lines, bank_balance = read_book(gateway)
    ours = {row.reference.hex: row for row in _ours(name)}
    differences: list[Difference] = []
    under_way = agreed = 0
    for line in lines:
        row = ours.pop(line.reference.replace("-", "").lower(), None)
        if row is not None and (_ended_since(row, began_at) or (row.is_ahead and not line.cash)):
            under_way += 1
        elif what := compare(line, row):
            differences.append(_difference(what, line, row))
        else:
            agreed += 1
    for row in ours.values():
        if _ended_since(row, began_at) or (row.is_ahead and row.status != "SENT"):
            under_way += 1
        elif row.cash or row.status in ("CONFIRMED", "SENT"):
            differences.append(_difference("not_at_bank", None, row))
    said = sum((line.cash for line in lines), ZERO)
    if said != bank_balance:
        differences.append(Difference("bank_book_does_not_add_up", "", "", None, "", bank_balance, "", said))
    through = _through_bank(name)
    return Reconciliation(
        movements=len(lines),
        agreed=agreed,
        under_way=under_way,
        bank_balance=bank_balance,
        cash_through_bank=through,
        cash_elsewhere=balance(role="CASH_AT_BANK") - through,
        differences=tuple(differences),
    )


def _ended_since(row: Ours, began_at: datetime) -> bool:
    return row.done_at is not None and row.done_at >= began_at


def compare(line: BookLine, row: Ours | None) -> str:
    """Name how an order differs between the two books; nothing when they agree."""
    if row is None:
        return "unknown_to_us"
    if line.kind != row.kind:
        return "direction_differs"
    if (line.amount, line.currency) != (row.amount, row.currency):
        return "amount_differs"
    if row.provider_reference and row.provider_reference != line.provider_reference:
        return "second_reference"
    if line.cash == row.cash:
        return ""
    if line.returned:
        return "return_not_booked"
    if line.status == "SUCCEEDED":
        return "done_at_bank_not_booked" if not row.cash else "booked_amount_differs"
    return "booked_not_done_at_bank"


def _difference(what: str, line: BookLine | None, row: Ours | None) -> Difference:
    return Difference(
        what=what,
        reference=line.reference if line else str(row.reference) if row else "",
        kind=line.kind if line else row.kind if row else "",
        loan_id=row.loan_id if row else None,
        bank_status=("RETURNED" if line.returned else line.status) if line else "",
        bank_cash=line.cash if line else ZERO,
        our_status=row.status if row else "",
        our_cash=row.cash if row else ZERO,
    )


def _ours(name: str) -> Iterator[Ours]:
    with connection.cursor() as cursor:
        cursor.execute(_OURS, {"gateway": name})
        for row in cursor:
            yield Ours(*row)


def _through_bank(name: str) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(sum(cash), 0) FROM ({_OURS}) AS ours", {"gateway": name})  # noqa: S608  constant
        return Decimal(cursor.fetchone()[0])
