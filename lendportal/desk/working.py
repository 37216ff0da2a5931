"""Working capital as officers see it: the share of sales or the invoice behind a loan, masked as people are."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.templatetags.portal import day, money
from credit.models import Drawdown, InvoiceAdvance
from loans.domain.sales import asked_of, reports_in
from loans.models import Instalment, Loan
from loans.operations.events import read_events
from loans.views.words import asked_words, share_percent, source_words


def masked(text: str, *, shown: int = 2) -> str:
    """Show the first signs of a name and hide the rest."""
    return f"{text[:shown]}***" if text else ""


def tail(number: str) -> str:
    """Show the last digits of an invoice's number."""
    return f"…{number[-4:]}"


def loan_words(loan: Loan) -> list[str]:
    """Say what stands behind a working-capital loan: what was asked of sales month by month, or the invoice."""
    terms = loan.agreed
    if terms.expected_sales is not None:
        return _share_words(loan)
    found = InvoiceAdvance.objects.select_related("invoice").filter(drawdown__loan_id=loan.pk).first()
    return [advance_words(found)] if found is not None else []


def _share_words(loan: Loan) -> list[str]:
    terms, reports = loan.agreed, reports_in(read_events(loan_id=loan.pk))
    said = [
        _("%(share)s of sales, at most %(cap)s a month; %(expected)s a month are expected")
        % {
            "share": share_percent(terms.sales_share),
            "cap": money(terms.period_cap),
            "expected": money(terms.expected_sales),
        }
    ]
    days = Instalment.objects.filter(loan_id=loan.pk).order_by("due_date", "number")
    for due_date in days.values_list("due_date", flat=True):
        asked = asked_of(terms=terms, due_date=due_date, reports=reports)
        said.append(f"{day(due_date)}: {asked_words(asked)} · {source_words(asked)}")
    return said


def advance_words(row: InvoiceAdvance) -> str:
    """Say which invoice was advanced on, how much of it, and whether its customer was seen to pay."""
    invoice = row.invoice
    said = _("%(amount)s on invoice %(tail)s over %(whole)s to %(customer)s, due %(due)s") % {
        "amount": money(row.amount),
        "tail": tail(invoice.number),
        "whole": money(row.invoice_amount),
        "customer": masked(invoice.customer_name),
        "due": day(invoice.due_date),
    }
    if row.paid_seen_date is not None:
        said += " · " + _("the customer's payment was seen on %(day)s") % {"day": day(row.paid_seen_date)}
    return said


def words_of_loans(loan_ids: Sequence[int]) -> dict[int, str]:
    """Say in one line each what stands behind some loans; nothing of loans that are no working capital."""
    rows = Drawdown.objects.filter(
        loan_id__in=loan_ids, scenario__in=["SALES_SHARE", "INVOICE_ADVANCE"]
    ).select_related("loan", "advance__invoice")
    said = {}
    for row in rows:
        advance = getattr(row, "advance", None)
        said[row.loan_id] = advance_words(advance) if advance is not None else _share_words(row.loan)[0]
    return said
