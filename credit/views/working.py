"""Working capital in words: how a share of sales or an advance is repaid, what differs when sales do, which invoices serve."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.pages import SignedIn, refuse, sentence
from accounts.templatetags.portal import day, money
from credit import operations, queries
from credit.domain.products import DRAW_ONLY
from credit.domain.working import AdvanceRules, ShareRules, most_advanced
from credit.forms import InvoiceForm
from credit.models import CreditLine, Drawdown, Invoice, Product
from credit.queries import InvoiceStanding
from credit.views.home import for_line
from ledger.queries import business_date
from loans.domain.quotes import Quote, quote
from loans.domain.sales import month_asked, period_name
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.views.words import share_percent
from regimes.errors import Refusal
from risk.domain.receivables import Receivable

SO_MUCH = Decimal("999999999.00")  # sales of which the cap is asked


# ---- how it is repaid -------------------------------------------------------------------------------------------------


def term_words(terms: LoanTerms) -> str:
    """Say how long a loan runs: months, or until the one day on which it is repaid."""
    if terms.custom_due_dates:
        return _("until %(day)s") % {"day": day(terms.custom_due_dates[-1])}
    count = terms.instalment_count
    return ngettext("%(n)s month", "%(n)s months", count) % {"n": count}


def repaid_words(terms: LoanTerms, invoice: Invoice | None = None, part: Decimal | None = None) -> list[str]:
    """Say how a working-capital loan is repaid, from what was agreed alone; nothing for other loans."""
    if terms.repayment_method is RepaymentMethod.SALES_SHARE and terms.expected_sales is not None:
        return _share_words(terms)
    return _advance_words(terms, invoice, part) if invoice is not None else []


def _share_words(terms: LoanTerms) -> list[str]:
    plan = quote(terms, as_of=terms.start_date).instalments
    worst = queries.worst_case(terms)
    assert terms.expected_sales is not None
    figures = {
        "day": terms.due_day,
        "share": share_percent(terms.sales_share),
        "first": day(plan[0].due_date),
        "month": period_name(month_asked(plan[0].due_date)),
        "cap": money(terms.period_cap),
        "expected": money(terms.expected_sales),
        "ask": money(min(_ask(terms), terms.period_cap or _ask(terms))),
        "final": day(plan[-1].due_date),
        "principal": money(terms.principal),
        "cost": money(worst.totals.cost),
    }
    return [
        text % figures
        for text in (
            _("On day %(day)s of each month we ask %(share)s of your sales of the month before, first on %(first)s for %(month)s: at most %(cap)s a month, and at least that month's interest."),
            _("You report a month's sales in the portal once it is over, or we read them from your records. Until the day before it is asked, a newer figure takes the place of the older. What your records show is the least that counts."),
            _("Without a report we ask %(ask)s: the share, up to the cap, of the %(expected)s a month that both of us expect, the mean of your last six months. We remind you nine and three days before."),
            _("What is left on %(final)s is due on that day, whatever was sold. If nothing at all were sold, that would be the whole %(principal)s, and the loan would cost %(cost)s."),
        )
    ]  # fmt: skip


def _ask(terms: LoanTerms) -> Decimal:
    return ((terms.expected_sales or Decimal(0)) * terms.sales_share).quantize(Decimal("0.01"))


def _advance_words(terms: LoanTerms, invoice: Invoice, part: Decimal | None) -> list[str]:
    last = terms.custom_due_dates[-1]
    figures = {
        "amount": money(invoice.amount),
        "part": share_percent(part) if part is not None else "",
        "due": day(invoice.due_date),
        "final": day(last),
        "days": (last - invoice.due_date).days,
    }
    return [
        text % figures
        for text in (
            _("At most %(part)s of the invoice of %(amount)s is advanced. It serves this draw alone."),
            _("You repay in one sum, by %(final)s at the latest: %(days)s days after the invoice falls due on %(due)s. That day holds if your customer pays late or not at all."),
            _("When your records show that your customer paid, we ask for the money at once: by automatic payment if you agreed to it, otherwise we tell you. Paying early costs nothing extra and saves the interest of the days left."),
            _("You keep the invoice and collect it yourself; we never write to your customer. You assure us that it is real, unpaid and pledged to nobody else."),
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What a share of sales comes to if sales are so."""

    name: str
    rate: Decimal | None
    ask: Decimal  # of a full month
    cost: Decimal
    last_day: date  # on which something is asked
    last: Decimal


def cases(terms: LoanTerms) -> list[Case]:
    """Compare sales as expected with none at all, and with so many that the cap is asked."""
    if terms.repayment_method is not RepaymentMethod.SALES_SHARE:
        return []
    found = [
        _case(_("Sales as expected"), quote(terms, as_of=terms.start_date)),
        _case(_("No sales at all"), queries.worst_case(terms)),
    ]
    most = _case(_("So many that the cap is asked"), _with_cap(terms))
    return (
        [*found, most] if most.ask != found[0].ask else found
    )  # sales as expected may reach the cap already


def _with_cap(terms: LoanTerms) -> Quote:
    return quote(replace(terms, expected_sales=SO_MUCH), as_of=terms.start_date)


def _case(name: str, found: Quote) -> Case:
    asked = [row for row in found.instalments if row.due.total]
    return Case(
        name=name,
        rate=found.annual_rates.pboc_irr,
        ask=asked[0].due.total,
        cost=found.totals.cost,
        last_day=asked[-1].due_date,
        last=asked[-1].due.total,
    )


def advance_of(drawdown: Drawdown) -> tuple[Invoice | None, Decimal | None]:
    """Give the invoice that a draw was advanced on, and the part agreed on."""
    found = getattr(drawdown, "advance", None)
    return (found.invoice, found.advance_rate) if found is not None else (None, None)


def working_product(line: CreditLine, scenario: str) -> Product | None:
    """Give the product of a scenario where it is one of working capital; others need no question."""
    if scenario not in DRAW_ONLY:
        return None
    return Product.objects.filter(scenario=scenario, family=line.family, is_active=True).first()


def put_forward(
    line: CreditLine, scenario: str, ref: str | uuid.UUID | None
) -> tuple[Invoice | None, Decimal | None]:
    """Give the invoice that a draw would be advanced on, and the part that is advanced at most."""
    if not ref:
        return None, None
    product = working_product(line, scenario)
    rules = product.terms().working if product is not None else None
    if not isinstance(rules, AdvanceRules):
        return None, None
    return Invoice.objects.filter(ref=ref, business_id=line.borrower_id).first(), rules.advance


# ---- the page of a draw -----------------------------------------------------------------------------------------------


def working_context(line: CreditLine, product: Product, as_of: date) -> dict[str, Any]:
    """Give what the page of a draw shows of a working-capital product; nothing for other products."""
    rules = product.terms().working
    if isinstance(rules, ShareRules):
        return {"sharing": _sharing(line, rules, product, as_of)}
    if isinstance(rules, AdvanceRules):
        return {"advancing": _advancing(line, rules, as_of)}
    return {}


def _sharing(line: CreditLine, rules: ShareRules, product: Product, as_of: date) -> dict[str, Any]:
    found: dict[str, Any] = {"share": share_percent(rules.share), "cap": share_percent(rules.cap)}
    try:
        expected = queries.expected_sales(business_id=line.borrower_id, as_of=as_of)
    except Refusal as refusal:
        return {**found, "refusal": sentence(refusal)}
    count = max(product.instalment_counts)
    most = queries.most_on_sales(line=line, rules=rules, count=count, expected=expected)
    return {**found, "expected": expected, "ask": expected * rules.share, "most": most, "count": count}


def _advancing(line: CreditLine, rules: AdvanceRules, as_of: date) -> dict[str, Any]:
    standing = queries.registered_invoices(line=line, rules=rules, as_of=as_of)
    return {
        "part": share_percent(rules.advance),
        "days": rules.grace_days,
        "standing": [_standing_view(row) for row in standing],
        "usable": [row for row in standing if row.refusal is None],
        "unpaid": queries.unpaid_invoices(line=line, rules=rules, as_of=as_of),
        "rules": rules,
    }


def _standing_view(row: InvoiceStanding) -> dict[str, Any]:
    return {
        "ref": row.invoice.ref,
        "number": row.invoice.number,
        "customer": row.invoice.customer_name,
        "amount": row.invoice.amount,
        "due": row.invoice.due_date,
        "most": row.most,
        "why_not": sentence(row.refusal) if row.refusal is not None else "",
    }


def invoice_label(row: InvoiceStanding) -> str:
    """Name an invoice in a list of choices."""
    return _("…%(tail)s · %(customer)s · up to %(most)s") % {
        "tail": row.invoice.number[-4:],
        "customer": row.invoice.customer_name,
        "most": money(row.most),
    }


def invoice_form(advancing: dict[str, Any], data: Any = None) -> InvoiceForm:
    """Make the form that puts an invoice of the records forward."""
    return InvoiceForm(
        data, choices=[(_key(row), _unpaid_label(row, advancing["rules"])) for row in advancing["unpaid"]]
    )


def _key(row: Receivable) -> str:
    return str(uuid.UUID(bytes=row.sale.identity))


def _unpaid_label(row: Receivable, rules: AdvanceRules) -> str:
    return _("%(day)s · %(tail)s · %(amount)s · up to %(most)s") % {
        "day": row.sale.day.isoformat(),
        "tail": row.sale.tail,
        "amount": money(row.sale.amount),
        "most": money(most_advanced(rules, row.sale.amount)),
    }


@require_POST
@for_line(spending=True)
def invoice(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Put an invoice forward, and go on with the draw."""
    from credit.views.draw import draw_page  # which asks this module what a product shows

    as_of = business_date()
    product = Product.objects.filter(scenario="INVOICE_ADVANCE", family=line.family, is_active=True).first()
    rules = product.terms().working if product is not None else None
    if not isinstance(rules, AdvanceRules):
        return redirect("credit:draw", line.ref)
    form = invoice_form(_advancing(line, rules, as_of), request.POST)
    status = 400
    if form.is_valid():
        data = form.cleaned_data
        try:
            kept = operations.register_invoice(
                business=line.borrower,
                number=data["number"],
                code=data["code"],
                customer_name=data["customer_name"],
                due_date=data["due_date"],
                identity=uuid.UUID(data["row"]).bytes if data["row"] else None,
                actor=request.user,
                as_of=as_of,
            )
        except Refusal as refusal:
            status = refuse(form, refusal)
        else:
            messages.success(request, _("The invoice is put forward. Say how much of it you need."))
            query = urlencode({"scenario": "INVOICE_ADVANCE", "invoice": str(kept.ref)})
            return redirect(f"{reverse('credit:draw', args=[line.ref])}?{query}")
    return draw_page(request, line, status=status, invoice=form)


def rate_words(terms: LoanTerms) -> str:
    """Name the annual rate that leads a page: on expected sales it is an expectation."""
    if terms.repayment_method is RepaymentMethod.SALES_SHARE:
        return _("Annual rate if sales are as expected (IRR)")
    return _("Annual rate, everything included (IRR)")
