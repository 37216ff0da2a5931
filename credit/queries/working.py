"""What a working-capital draw would be agreed on: expected sales, invoices that may be advanced, the terms that follow."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from accounts.models import Borrower, BusinessProfile, Identity
from credit.domain.working import (
    ONE,
    ZERO,
    AdvanceRules,
    InvoiceFacts,
    Rules,
    ShareRules,
    UnableToAdvance,
    advance_terms,
    check_advance,
    check_expected,
    check_invoice,
    check_share,
    most_by_sales,
    priced,
    share_terms,
)
from credit.models import CreditLine, Drawdown, Invoice, InvoiceAdvance, Product
from credit.queries.debts import OPEN_LOAN
from credit.queries.group import group_of
from loans.domain.quotes import Quote, quote
from loans.domain.terms import LoanTerms
from regimes.errors import N_, NotFound, Refusal
from risk.domain.receivables import Receivable
from risk.evidence.receivables import customer_number, receivables, voided
from risk.evidence.trade import cash_flow


@dataclass(frozen=True, slots=True)
class Shape:
    """Hold what a working-capital product adds to the terms of a loan, and the invoice that it is advanced on."""

    rules: Rules
    terms: Mapping[str, Any] = field(default_factory=dict)
    invoice: Invoice | None = None

    def rate(self, rate: Decimal) -> Decimal:
        """Give a rate of the line as this product prices it."""
        return rate if self.rules.price == ONE else priced(rate, self.rules)


def expected_sales(*, business_id: int, as_of: date) -> Decimal:
    """Give the sales that are expected of a month: the mean of the last six whole ones; refuse old or thin records."""
    flow = cash_flow(borrower_id=business_id, as_of=as_of)
    known = [month.turnover for month in flow.months[-6:] if month.turnover is not None]
    return check_expected(mean=flow.sales_mean, months=len(known), age_days=flow.age_days)


def sales_seen(*, business_id: int, month: date, as_of: date) -> Decimal | None:
    """Give what the records show of a month's sales; None unless they speak of the whole month."""
    flow = cash_flow(borrower_id=business_id, as_of=as_of)
    found = next((row.turnover for row in flow.months if row.month == month), None)
    return None if found is None else max(found, ZERO).quantize(Decimal("0.01"))


def shape_of(
    *,
    line: CreditLine,
    product: Product,
    amount: Decimal,
    count: int,
    as_of: date,
    invoice: uuid.UUID | None = None,
) -> Shape | None:
    """Give what a product adds to the terms of a draw, or refuse the draw naming the field; None: nothing.

    Called under the line's lock when it counts, so that two draws on one invoice see each other.
    """
    rules = product.terms().working
    if not isinstance(rules, AdvanceRules) and invoice is not None:
        raise UnableToAdvance(
            "invoice_invalid", N_("This product is not advanced on an invoice."), field="invoice"
        )
    if isinstance(rules, ShareRules):
        expected = expected_sales(business_id=line.borrower_id, as_of=as_of)
        check_share(
            rules,
            amount=amount,
            count=count,
            expected=expected,
            annual_rate=priced(line.annual_rate, rules),
            is_running=_share_runs(line.pk),
        )
        return Shape(rules, share_terms(rules, amount=amount, expected=expected, start=as_of))
    if isinstance(rules, AdvanceRules):
        if invoice is None:
            raise UnableToAdvance(
                "invoice_required", N_("Choose the invoice that the money is advanced on."), field="invoice"
            )
        found = Invoice.objects.filter(ref=invoice, business_id=line.borrower_id).first()
        if found is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="invoice")
        most = advanced_on(line=line, rules=rules, invoice=found, as_of=as_of)
        check_advance(most, amount)
        return Shape(rules, advance_terms(rules, due=found.due_date), found)
    return None


def most_on_sales(*, line: CreditLine, rules: ShareRules, count: int, expected: Decimal) -> Decimal:
    """Give the most that expected sales repay on a line in so many months."""
    return most_by_sales(rules, expected=expected, count=count, annual_rate=priced(line.annual_rate, rules))


def _share_runs(line_id: int) -> bool:
    return Drawdown.objects.filter(
        line_id=line_id, loan__repayment_method="SALES_SHARE", loan__status__in=OPEN_LOAN
    ).exists()


def worst_case(terms: LoanTerms) -> Quote:
    """Quote a share of sales that never sells anything: interest each month, all the rest on the last day."""
    return quote(replace(terms, expected_sales=ZERO), as_of=terms.start_date)


# ---- invoices ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold a registered invoice and how it stands: what may be advanced, or why nothing is."""

    invoice: Invoice
    most: Decimal
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class InvoiceBook:
    """Hold what is known of a business's invoices on a day, asked once for many of them."""

    seen: Mapping[bytes, Receivable]
    pledged: frozenset[str]  # number indexes
    voided: frozenset[int]  # keys of invoices
    owed: Mapping[int, Decimal]  # on a customer's invoices
    group: frozenset[int]  # the customer numbers of the own group

    def facts(self, invoice: Invoice) -> InvoiceFacts:
        """Put together what the rules ask of one invoice."""
        found = self.seen.get(bytes(invoice.identity))
        return InvoiceFacts(
            amount=invoice.amount,
            amount_now=found.sale.amount if found else None,
            is_unseen=found is None,
            issued=invoice.issue_date,
            due=invoice.due_date,
            paid=found.paid if found else None,
            is_cancelled=invoice.pk in self.voided or (found is not None and found.is_cancelled),
            is_pledged=invoice.number_index in self.pledged,
            is_own_group=invoice.customer in self.group,
            owed_on_customer=self.owed.get(invoice.customer, ZERO),
        )


def invoice_book(*, line: CreditLine, invoices: Sequence[Invoice], as_of: date) -> InvoiceBook:
    """Ask everything that the rules need of some invoices of a business."""
    seen = {row.sale.identity: row for row in receivables(borrower_id=line.borrower_id, as_of=as_of)}
    unseen = [row for row in invoices if bytes(row.identity) not in seen]
    gone = voided(borrower_id=line.borrower_id, identities=[bytes(row.identity) for row in unseen])
    owed = (
        InvoiceAdvance.objects.filter(drawdown__line_id=line.pk, drawdown__loan__status__in=OPEN_LOAN)
        .values("customer")
        .annotate(
            waiting=Sum("amount", filter=Q(drawdown__loan__status="PENDING")),
            owed=Sum("drawdown__loan__principal_outstanding", filter=~Q(drawdown__loan__status="PENDING")),
        )
    )
    return InvoiceBook(
        seen=seen,
        voided=frozenset(row.pk for row in unseen if bytes(row.identity) in gone),
        pledged=frozenset(
            InvoiceAdvance.objects.filter(number_index__in=[row.number_index for row in invoices])
            .exclude(drawdown__loan__status="CANCELLED")
            .values_list("number_index", flat=True)
        ),
        owed={row["customer"]: (row["waiting"] or ZERO) + (row["owed"] or ZERO) for row in owed},
        group=group_names(business_id=line.borrower_id),
    )


def advanced_on(*, line: CreditLine, rules: AdvanceRules, invoice: Invoice, as_of: date) -> Decimal:
    """Give what may be advanced on an invoice today, or refuse it."""
    book = invoice_book(line=line, invoices=[invoice], as_of=as_of)
    return check_invoice(rules, book.facts(invoice), as_of=as_of, limit=line.limit)


def registered_invoices(*, line: CreditLine, rules: AdvanceRules, as_of: date) -> list[Standing]:
    """List the invoices that a business put forward, newest first, each with what is advanced or why not."""
    rows = list(Invoice.objects.filter(business_id=line.borrower_id).order_by("-pk")[:50])
    if not rows:
        return []
    book = invoice_book(line=line, invoices=rows, as_of=as_of)
    found = []
    for row in rows:
        try:
            most = check_invoice(rules, book.facts(row), as_of=as_of, limit=line.limit)
        except Refusal as refusal:
            found.append(Standing(row, ZERO, refusal))
        else:
            found.append(Standing(row, most))
    return found


def unpaid_invoices(*, line: CreditLine, rules: AdvanceRules, as_of: date) -> list[Receivable]:
    """List what the records show unpaid and young enough, and nobody put forward yet; newest first."""
    known = set(
        map(bytes, Invoice.objects.filter(business_id=line.borrower_id).values_list("identity", flat=True))
    )
    return [
        row
        for row in reversed(receivables(borrower_id=line.borrower_id, as_of=as_of))
        if row.is_open
        and row.sale.identity not in known
        and row.sale.customer
        and (as_of - row.sale.day).days <= rules.oldest_days
    ][:100]


def group_names(*, business_id: int) -> frozenset[int]:
    """Give the customer numbers of everybody who counts as one with a business: owners and their businesses."""
    members: Collection[int] = group_of(borrower_ids=[business_id])[business_id]
    names = [
        *Borrower.objects.filter(pk__in=members).values_list("display_name", flat=True),
        *BusinessProfile.objects.filter(borrower_id__in=members).values_list("legal_name", flat=True),
        *(row.full_name for row in Identity.objects.filter(borrower_id__in=members)),
    ]
    return frozenset(customer_number(str(name)) for name in names if name)
