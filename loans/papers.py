"""The statement of a loan and the receipt of a payment, as papers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.papers import Paper, Section
from accounts.templatetags.portal import amount, day, money, percent
from loans import reports
from loans.domain.engine import fold
from loans.models import Collection, Loan
from loans.operations.events import read_events
from loans.views.words import allocation_words

CSV_HEAD = (
    "date",
    "event",
    "paid_out",
    "interest",
    "fees",
    "penalty",
    "paid",
    "forgiven",
    "principal",
    "owed",
)


def short_ref(ref: object) -> str:
    """Give the part of a reference that people read to each other."""
    return str(ref)[:8].upper()


def statement_paper(*, loan: Loan, from_date: date, to_date: date, as_of: date) -> Paper:
    """Make the statement of a loan between two days: opening, every line, closing. Raises UnableToState."""
    found = reports.loan_statement(loan_id=loan.pk, from_date=from_date, to_date=to_date)
    rows = tuple((line.day.isoformat(), _said(line), *_amounts(line)) for line in found.lines)
    return Paper(
        name=f"statement-{short_ref(loan.ref)}-{from_date.isoformat()}-{to_date.isoformat()}",
        title=_("Statement of a loan"),
        subtitle=_("Loan %(ref)s · %(from)s to %(to)s")
        % {"ref": short_ref(loan.ref), "from": day(from_date), "to": day(to_date)},
        day=as_of,
        sections=(
            Section(
                pairs=(
                    (_("Borrowed"), money(loan.principal)),
                    (_("Annual rate"), percent(loan.annual_rate)),
                    (_("Owed before %(date)s") % {"date": day(from_date)}, money(found.opening)),
                    (_("Owed on %(date)s") % {"date": day(to_date)}, money(found.closing)),
                )
            ),
            Section(
                title=_("Every day on which something happened"),
                head=(_("Day"), _("What"), _("Charged"), _("Paid"), _("Owed")),
                rows=tuple(
                    (
                        line.day.isoformat(),
                        _said(line),
                        amount(line.interest + line.fees + line.penalty),
                        amount(line.paid + line.forgiven - line.paid_out),
                        amount(line.owed),
                    )
                    for line in found.lines
                ),
                numeric=frozenset({2, 3, 4}),
                widths=(20, 44, 16, 18, 18),
            ),
        ),
        small=(
            _(
                "Charged: interest, fees and penalty since the line before. Paid: less what was paid out to you."
            ),
            _("Owed: principal and everything charged and not yet paid; below zero it is your credit."),
        ),
        footer=_("lendportal · made on %(date)s") % {"date": day(as_of)},
        csv_head=CSV_HEAD,
        csv_rows=rows,
    )


def _said(line: reports.StatementLine) -> str:
    words = list(line.words)
    if line.due_number is not None:
        words.append(_("instalment %(number)s falls due") % {"number": line.due_number})
    return ", ".join(words) or _("interest until this day")


def _amounts(line: reports.StatementLine) -> tuple[str, ...]:
    values: tuple[Decimal, ...] = (
        line.paid_out,
        line.interest,
        line.fees,
        line.penalty,
        line.paid,
        line.forgiven,
        line.principal,
        line.owed,
    )
    return tuple(f"{value:.2f}" for value in values)


def receipt_paper(*, collection: Collection) -> Paper | None:
    """Make the receipt of a payment that arrived: what it paid, in words; None when nothing arrived."""
    if collection.status != "CONFIRMED":
        return None
    loan, paid_on = collection.loan, collection.requested_date
    state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=paid_on)
    ref = f"collection:{collection.gateway_reference}"
    allocation = next((item for item in state.allocations if item.ref == ref), None)
    account = collection.bank_account
    pairs = [
        (_("Paid"), money(collection.amount)),
        (_("On"), day(paid_on)),
        (_("For the loan"), short_ref(loan.ref)),
        (_("Taken from"), account.masked if account else "–"),
        (_("Bank's reference"), collection.provider_reference or "–"),
        (_("Principal still to repay after it"), money(state.principal_outstanding)),
    ]
    return Paper(
        name=f"receipt-{short_ref(collection.ref)}",
        title=_("Receipt"),
        subtitle=_("Payment %(ref)s") % {"ref": short_ref(collection.ref)},
        day=paid_on,
        sections=(
            Section(pairs=tuple(pairs)),
            Section(
                title=_("Where it went"),
                text=tuple(allocation_words(allocation))
                if allocation
                else (_("The payment was recorded on a loan that is written off, or was taken back."),),
            ),
        ),
        footer=_("lendportal · receipt of %(date)s") % {"date": day(paid_on)},
    )
