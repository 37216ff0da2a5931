"""The columns of finance's files, and the words for what its pages compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from ledger.domain.chart import BY_ROLE, Role
from ledger.exports import Column, ColumnKind
from loans.domain.state import LoanState
from loans.models import Loan, LoanEventRow
from loans.words import event_words

M, D, N = ColumnKind.MONEY, ColumnKind.DATE, ColumnKind.NUMBER
# the engine's own names for two accounts of the chart: money is booked once the bank has confirmed it
ROLE_OF_LEG = {"CASH_IN_TRANSIT": Role.CASH_AT_BANK, "WRITE_OFF_LOSS": Role.WRITE_OFF_EXPENSE}


def trial() -> list[Column]:
    return [
        Column(_("Account"), lambda row: row.code),
        Column(_("Name"), lambda row: _(row.name)),
        Column(_("Currency"), lambda row: row.currency),
        Column(_("Opening"), lambda row: row.opening, M),
        Column(_("Debit"), lambda row: row.debit, M),
        Column(_("Credit"), lambda row: row.credit, M),
        Column(_("Closing"), lambda row: row.closing, M),
    ]


def ledger() -> list[Column]:
    return [
        Column(_("Booked"), lambda row: row.booked_date, D),
        Column(_("Value date"), lambda row: row.value_date, D),
        Column(_("Kind"), lambda row: row.kind),
        Column(_("Source"), lambda row: f"{row.source}/{row.leg}"),
        Column(_("Description"), lambda row: row.description),
        Column(_("Portfolio"), lambda row: row.portfolio),
        Column(_("Debit"), lambda row: row.debit, M),
        Column(_("Credit"), lambda row: row.credit, M),
        Column(_("Balance"), lambda row: row.balance, M),
    ]


def provisions() -> list[Column]:
    return [
        Column(_("Portfolio"), lambda row: row.portfolio),
        Column(_("Band"), lambda row: row.band),
        Column(_("Stage"), lambda row: row.stage, N),
        Column(_("Loans"), lambda row: row.loans, N),
        Column(_("Exposure"), lambda row: row.exposure, M),
        Column(_("By days"), lambda row: row.by_days, M),
        Column(_("Expected loss"), lambda row: row.expected, M),
        Column(_("Set aside"), lambda row: row.amount, M),
    ]


def statement() -> list[Column]:
    return [
        Column(_("Date"), lambda row: row.day, D),
        Column(_("What happened"), lambda row: "; ".join(row.words)),
        Column(_("Instalment due"), lambda row: row.due_number, N),
        Column(_("Paid out"), lambda row: row.paid_out, M),
        Column(_("Interest"), lambda row: row.interest, M),
        Column(_("Fees"), lambda row: row.fees, M),
        Column(_("Penalty"), lambda row: row.penalty, M),
        Column(_("Paid"), lambda row: row.paid, M),
        Column(_("Waived or lost"), lambda row: row.forgiven, M),
        Column(_("Owed"), lambda row: row.owed, M),
    ]


def changes() -> list[Column]:
    return [
        Column(_("Instalment"), lambda row: row.number, N),
        Column(_("Due date"), lambda row: row.due_date, D),
        Column(_("Figure"), lambda row: field_words(row.field)),
        Column(_("Before"), lambda row: row.before, M),
        Column(_("After"), lambda row: row.after, M),
    ]


def field_words(field: str) -> str:
    """Say a figure of an instalment, such as principal_paid, in words."""
    component, _under, part = field.partition("_")
    components = {
        "principal": _("Principal"),
        "interest": _("Interest"),
        "fee": _("Fees"),
        "penalty": _("Penalty"),
    }
    parts = {"due": _("due"), "paid": _("paid"), "waived": _("waived"), "written_off": _("written off")}
    return f"{components[component]} · {parts[part]}"


def role_words(role: str) -> str:
    """Name the account of a role, as the ledger books it."""
    booked = ROLE_OF_LEG.get(role) or Role(role)
    row = BY_ROLE[booked]
    return f"{row.code} {_(row.name)}"


def named(entries: Iterable[Any]) -> list[tuple[str, Any]]:
    """Return the postings of a loan with the names of their accounts."""
    return [(role_words(entry.role), entry) for entry in entries]


@dataclass(frozen=True, slots=True)
class EventLine:
    """Show one event of a loan."""

    sequence: int
    words: str
    value_date: Any
    booked_date: Any
    amount: Decimal
    is_backdated: bool


def events_of(loan: Loan) -> list[EventLine]:
    """List the events of a loan in the order in which they were learned."""
    rows = LoanEventRow.objects.filter(loan_id=loan.pk).order_by("sequence")
    return [
        EventLine(row.sequence, event_words(row.kind, row.data), row.value_date, row.booked_date, row.amount,
                  row.value_date < row.booked_date)
        for row in rows
    ]  # fmt: skip


def compare(then: LoanState, now: LoanState) -> list[tuple[str, Any, Any]]:
    """Put the figures of a loan as known then beside those known now."""
    return [
        (_("Principal outstanding"), then.principal_outstanding, now.principal_outstanding),
        (_("Due and unpaid"), then.due.total, now.due.total),
        (_("Interest earned"), then.interest_earned, now.interest_earned),
        (_("Penalty earned"), then.penalty_earned, now.penalty_earned),
        (_("Fees charged"), then.fees_charged, now.fees_charged),
        (_("Paid"), then.paid.total, now.paid.total),
        (_("Credit of the borrower"), then.credit, now.credit),
    ]
