"""Drawing: choose how much, how long and what for; compare the ways of repaying."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import queries as accounts_queries
from accounts.models import BankAccount
from accounts.pages import SignedIn, page, refuse
from accounts.templatetags.portal import amount as plain
from credit import operations, queries
from credit.domain.working import priced
from credit.forms import DrawForm, InvoiceForm, PaperForm
from credit.models import CreditLine
from credit.queries import DrawOption
from credit.views.home import for_line
from credit.views.words import Cost, cost_of, method_name, purpose_name, scenario_name
from credit.views.working import invoice_form, invoice_label, working_context
from ledger.queries import business_date
from regimes.errors import N_, Refusal

METHOD_HELP = {
    "EQUAL_INSTALMENT": N_("The same amount each month. Easy to plan."),
    "EQUAL_PRINCIPAL": N_("More at the start, less each month. Costs least interest of the monthly ways."),
    "INTEREST_FIRST": N_("Only interest each month, the whole principal at the end. Save for that day."),
    "BULLET": N_("Nothing until the last day, then everything. At most one year."),
    "FLEXIBLE": N_("Pay back whenever you like; interest counts by the day. What is left is due at the end."),
    "SALES_SHARE": N_(
        "Little in a weak month, more in a strong one, up to a cap. What is left is due at the end."
    ),
}


def offered_options(
    request: SignedIn, line: CreditLine, room: Decimal, *, wanted: str = ""
) -> tuple[list[DrawOption], DrawOption]:
    offered = queries.draw_options(line=line, room=room)
    wanted = wanted or request.GET.get("scenario", "") or request.POST.get("scenario", "")
    return offered, next((option for option in offered if option.product.scenario == wanted), offered[0])


def draw_form(
    request: SignedIn,
    line: CreditLine,
    option: DrawOption,
    accounts: list[BankAccount],
    *,
    sent: bool = True,
    working: dict[str, Any] | None = None,
) -> DrawForm:
    """Make the form of a draw for a product. `working` is what the page knows of working capital; without it, it is asked."""
    counts = sorted({count for _method, some in option.methods for count in some})
    now = timezone.now()
    usable = [account for account in accounts if account.verified_at and account.usable_from <= now]
    options: dict[str, list[tuple[Any, Any]]] = {
        "purpose": [("", _("Choose")), *((code, purpose_name(code)) for code in option.purposes)],
        **term_choices(line, option, counts, working),
        **use_choices(line, option),
    }
    if option.product.payee_rule != "REQUIRED":
        options["bank_account"] = [(str(row.ref), row.masked) for row in usable]
    initial = {
        "repayment_method": option.methods[0][0],
        "instalment_count": str(12 if 12 in counts else counts[-1]),
        "bank_account": str(usable[0].ref) if usable else None,
        "amount": request.GET.get("amount", ""),
    }
    if sent and {"amount", "invoice" if "invoice" in options else "instalment_count"} <= set(request.GET):
        return DrawForm(request.GET, options=options)
    return DrawForm(
        options=options,
        initial=initial | {name: request.GET[name] for name in options if name in request.GET},
    )


def term_choices(
    line: CreditLine, option: DrawOption, counts: list[int], working: dict[str, Any] | None
) -> dict[str, list[tuple[Any, Any]]]:
    """Give how long and by which way: an advance has an invoice instead of both."""
    if option.product.scenario != "INVOICE_ADVANCE":
        return {
            "repayment_method": [(method, method_name(method)) for method, _counts in option.methods],
            "instalment_count": [(str(count), count) for count in counts],
        }
    known = working_context(line, option.product, business_date()) if working is None else working
    usable = [(str(row.invoice.ref), invoice_label(row)) for row in known["advancing"]["usable"]]
    return {"invoice": [("", _("Choose")), *usable]}


def use_choices(line: CreditLine, option: DrawOption) -> dict[str, list[tuple[Any, Any]]]:
    """Give what a product asks besides numbers: whom it may be paid to, and papers that wait for a draw."""
    product, found = option.product, dict[str, list[tuple[Any, Any]]]()
    if product.payee_rule != "NONE":
        first = [("", _("Myself"))] if product.payee_rule == "ALLOWED" else []
        found["payee"] = [*first, *((str(row.ref), row.name) for row in option.payees)]
    if product.evidence_above is not None:
        papers = queries.papers_waiting(line=line, scenario=product.scenario)
        found["evidence"] = [("", _("none")), *((str(row.ref), row.file_name) for row in papers)]
    return found


@require_GET
@for_line(spending=True)
def draw(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Choose amount, term, way of repaying, purpose and account; compare the ways."""
    return draw_page(request, line)


def draw_page(
    request: SignedIn,
    line: CreditLine,
    *,
    form: DrawForm | None = None,
    status: int = 200,
    blocked: str = "",
    paper: PaperForm | None = None,
    invoice: InvoiceForm | None = None,
    scenario: str = "",
) -> HttpResponse:
    as_of = business_date()
    view = queries.line_view(line=line, as_of=as_of, newest=0)
    wanted = "INVOICE_ADVANCE" if invoice else scenario
    offered, option = offered_options(request, line, view.available, wanted=wanted)
    accounts = accounts_queries.bank_accounts_of(borrower_id=line.borrower_id)
    working = working_context(line, option.product, as_of)
    shown = form or draw_form(request, line, option, accounts, working=working)
    compared = _compare(shown, line, option, as_of) if shown.is_bound else []
    words = _compared(shown, compared)
    if form is None and compared:  # comparing is not sending: what is not chosen yet is no mistake
        shown = draw_form(request, line, option, accounts, sent=False, working=working)
    if "advancing" in working:
        working["invoice_form"] = invoice or invoice_form(working["advancing"])
    most, rules = min(option.maximum, view.available), option.product.terms().working
    context = {
        "line": line,
        "form": shown,
        "available": view.available,
        "scenario": option.product.scenario,
        "scenarios": [
            {"code": row.product.scenario, "label": scenario_name(row.product.scenario)} for row in offered
        ],
        "typed_amount": request.GET.get("amount", "")[:20],
        "slider_low": plain(option.minimum).replace(",", ""),
        "slider_high": plain(max(most, option.minimum)).replace(",", ""),
        "slider_step": 50,
        "has_account": "bank_account" not in shown.fields or bool(shown.fields["bank_account"].choices),  # type: ignore[attr-defined]
        "evidence_above": option.product.evidence_above,
        "paper": PaperForm(initial={"scenario": option.product.scenario}) if paper is None else paper,
        "no_payee": option.product.payee_rule == "REQUIRED" and not option.payees,
        "sub_limit": option.product.sub_limit,
        "room_here": option.maximum,
        "method_help": [
            (method_name(code), _(METHOD_HELP[code])) for code, _c in option.methods if code in METHOD_HELP
        ],
        "forbidden": [purpose_name(code) for code in option.product.forbidden_purposes],
        "blocked": blocked or ("" if view.can_draw else _blocked(line, view)),
        "rate": line.annual_rate if rules is None else priced(line.annual_rate, rules),
        **words,
        **working,
    }
    return page(request, "credit/draw.html", context, borrower=line.borrower, here="home", status=status)


def _blocked(line: CreditLine, view: queries.LineView) -> str:
    if view.days_past_due:
        return _("A payment is overdue. Pay it, then you can draw again.")
    if view.available < 50:
        return _("Less than ¥50 is left of your limit. Repay something, and you can draw again at once.")
    return _("You cannot draw in the line's present state. See the limit history for the reason.")


def _compare(form: DrawForm, line: CreditLine, option: DrawOption, as_of: date) -> list[Cost]:
    """Quote every way of repaying that the term allows, for the amount that was typed; say at the field why not."""
    form.is_valid()
    amount, count = form.cleaned_data.get("amount"), form.cleaned_data.get("instalment_count")
    if "instalment_count" not in form.fields:
        return []  # one way and one day: there is nothing to compare
    if not amount or not count or not option.minimum <= amount <= option.product.maximum_amount:
        return []
    methods = [method for method, counts in option.methods if count in counts]
    try:
        found = queries.draw_quotes(
            line_id=line.pk, amount=amount, instalment_count=count, methods=methods, as_of=as_of, line=line, product=option.product
        )  # fmt: skip
    except Refusal as refusal:
        form.errors.clear()  # comparing is not sending: only this stands against it
        refuse(form, refusal)
        return []
    return [cost_of(one) for one in found]


def _compared(form: DrawForm, compared: list[Cost]) -> dict[str, Any]:
    if not compared:
        return {"compared": []}
    data = form.cleaned_data
    return {"compared": compared, "compare_amount": data["amount"], "compare_count": data["instalment_count"]}


@require_POST
@for_line(spending=True)
def paper(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Keep a paper for a draw to come, and go on with the draw."""
    form = PaperForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            kept = operations.upload_purpose_evidence(
                line=line,
                scenario=form.cleaned_data["scenario"],
                file_name=file.name,
                content=file.read(operations.MOST_PAPER_BYTES + 1),
                actor=request.user,
                as_of=business_date(),
            )
        except Refusal as refusal:
            return draw_page(request, line, paper=form, status=refuse(form, refusal))
        messages.success(request, _("The paper is kept. Choose it below and go on."))
        query = {
            "scenario": kept.scenario,
            "evidence": str(kept.ref),
            "amount": request.POST.get("amount", "")[:20],
        }
        return redirect(f"{reverse('credit:draw', args=[line.ref])}?{urlencode(query)}")
    return draw_page(request, line, paper=form, status=400)


@require_GET
@for_line(spending=True)
def compare(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Answer htmx with the comparison alone; without it the whole page compares."""
    if request.headers.get("HX-Request") != "true":
        return redirect(f"{reverse('credit:draw', args=[line.ref])}?{request.GET.urlencode()}")
    as_of = business_date()
    _offered, option = offered_options(
        request, line, queries.line_view(line=line, as_of=as_of, newest=0).available
    )
    form = draw_form(request, line, option, accounts_queries.bank_accounts_of(borrower_id=line.borrower_id))
    compared = _compare(form, line, option, as_of) if form.is_bound else []
    return page(request, "parts/compare.html", _compared(form, compared))
