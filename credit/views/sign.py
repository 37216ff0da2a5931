"""Signing: read the whole cost, sign it, watch the money arrive."""

from __future__ import annotations

import time
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import access as accounts_access
from accounts import queries as accounts_queries
from accounts.pages import SignedIn, page, refuse, sentence, signed_in
from accounts.templatetags.portal import percent
from credit import access, operations, queries
from credit.affording import Affordability, affordability, past_of, situations_of
from credit.domain.approvals import ApprovalNeeded
from credit.domain.lessons import fitting
from credit.domain.line import UnableToDrawDown
from credit.domain.products import check_choice
from credit.forms import ConfirmForm
from credit.models import CreditLine, Drawdown, Payee
from credit.queries import DrawOption
from credit.views.approvals import ask_instead
from credit.views.choice import Choice, UnableToSign, fingerprint, open_seal, seal
from credit.views.draw import draw_form, draw_page, offered_options
from credit.views.home import for_line
from credit.views.learn import lesson_view
from credit.views.words import Cost, cost_of, late_words, purpose_name
from credit.views.working import cases, put_forward, rate_words, repaid_words, term_words, working_product
from ledger.queries import business_date
from loans.domain.quotes import Quote
from loans.tasks import wake_payout
from loans.views.wake import wake
from loans.views.way import Link, Way, payout_way
from regimes.errors import N_, Refusal

OFFER_SECONDS = 20 * 60  # shorter than an idle session, so that the page can say so
STEP_UP_FROM = Decimal("20000.00")  # from here on whoever signs shows once more who they are


@require_GET
@for_line(spending=True)
def cost(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Show the whole cost before anything is signed; the clock of the reading time starts here."""
    as_of = business_date()
    debt = queries.debt_of_line(line_id=line.pk)
    room = queries.room_of(line=line, exposure=debt.exposure)
    if line.status != CreditLine.Status.ACTIVE or debt.days_past_due or as_of > line.valid_until:
        return draw_page(request, line, status=409)  # says why; nobody reads a table in vain
    _offered, option = offered_options(request, line, room)
    accounts = accounts_queries.bank_accounts_of(borrower_id=line.borrower_id)
    form = draw_form(request, line, option, accounts)
    if not form.is_bound or not form.is_valid():
        if not form.is_bound:
            return redirect("credit:draw", line.ref)
        return draw_page(request, line, form=form, status=400)
    data = form.cleaned_data
    try:
        shape = _check(data, line=line, option=option, room=room, as_of=as_of)
    except Refusal as refusal:
        status = refuse(form, refusal)
        return draw_page(request, line, form=form, status=status)
    choice = Choice(
        data["amount"],
        data.get("instalment_count", 1),
        data.get("repayment_method", option.methods[0][0]),
        data["purpose"],
        option.product.scenario,
        option.terms_version,
        "" if data.get("payee") else data.get("bank_account", ""),
        data.get("payee", ""),
        data.get("evidence", ""),
        data.get("invoice", ""),
    )
    masked = next((row.masked for row in accounts if str(row.ref) == choice.account), "")
    return _cost_page(request, line, choice, as_of=as_of, room=room, account=masked, shape=shape)


def _check(
    data: dict[str, Any], *, line: CreditLine, option: DrawOption, room: Decimal, as_of: date
) -> queries.Shape | None:
    """Refuse early what the draw itself would refuse, so that nobody reads a table in vain; give what working capital adds."""
    check_choice(
        option.product.terms(),
        amount=data["amount"],
        count=data.get("instalment_count", 1),
        method=data.get("repayment_method", option.methods[0][0]),
        purpose=data["purpose"],
        ceiling=queries.ceiling_now(),
    )
    if data["amount"] > room:
        raise UnableToDrawDown(
            "limit_exceeded",
            N_("You can draw up to %(available)s."),
            field="amount",
            params={"available": room},
        )
    operations.use_of(
        line=line,
        product=option.product,
        amount=data["amount"],
        evidence=_ref(data.get("evidence", "")),
        payee=_ref(data.get("payee", "")),
    )
    if option.product.working_rules is None:
        return None
    return queries.shape_of(
        line=line,
        product=option.product,
        amount=data["amount"],
        count=data.get("instalment_count", 1),
        as_of=as_of,
        invoice=_ref(data.get("invoice", "")),
    )


def _ref(written: str) -> uuid.UUID | None:
    return uuid.UUID(written) if written else None


def _destination(request: SignedIn, choice: Choice) -> str:
    """Say where the money goes: an account of the borrower, or the payee that was chosen."""
    if choice.payee:
        payee = Payee.objects.select_related("account").filter(ref=choice.payee).first()
        return f"{payee.name} · {payee.account.masked}" if payee else ""
    account = accounts_access.own_bank_account(user=request.user, ref=choice.account)
    return account.masked


def _paper_name(line: CreditLine, choice: Choice) -> str:
    if not choice.evidence:
        return ""
    rows = queries.papers_waiting(line=line, scenario=choice.scenario)
    return rows.filter(ref=choice.evidence).values_list("file_name", flat=True).first() or ""


def _cost_page(
    request: SignedIn,
    line: CreditLine,
    choice: Choice,
    *,
    form: ConfirmForm | None = None,
    status: int = 200,
    waited: int = 0,
    as_of: date | None = None,
    room: Decimal | None = None,
    account: str = "",
    shape: queries.Shape | None = None,
) -> HttpResponse:
    """Lay the table out; what the caller has read already is given."""
    as_of = as_of or business_date()
    try:
        quoted = _quote(line, choice, as_of, shape)
    except Refusal as refusal:  # sales or the invoice are no longer what they were
        return draw_page(
            request, line, status=refusal.http_status, blocked=sentence(refusal), scenario=choice.scenario
        )
    shown, terms = cost_of(quoted), quoted.terms
    seconds = queries.regime_now().reading_seconds
    if form is None:
        form = ConfirmForm(initial={"seal": seal(choice, cost=shown, line=line, user_id=request.user.pk)})
    query: dict[str, str | int] = {
        "scenario": choice.scenario,
        "amount": str(choice.amount),
        "instalment_count": choice.count,
        "repayment_method": choice.method,
        "purpose": choice.purpose,
        "bank_account": choice.account,
        "payee": choice.payee,
        "evidence": choice.evidence,
        "invoice": choice.invoice,
    }
    found = affordability(
        borrower_id=line.borrower_id,
        rows=[(row.due_date, row.total) for row in shown.rows],
        as_of=as_of,
    )
    left = (queries.room_of(line=line) if room is None else room) - choice.amount
    context = {
        "afford": found,
        "before_words": _("Now: %(share)s of your income") % {"share": percent(found.share_before)},
        "after_words": _("With this loan: %(share)s of your income") % {"share": percent(found.share_after)},
        "lessons": _lessons(request, line, choice, found, left),
        "step_up": choice.amount >= STEP_UP_FROM,
        "cooling_off_days": queries.regime_now().cooling_off_days,
        "line": line,
        "cost": shown,
        "term": term_words(terms),
        "rate_label": rate_words(terms),
        "repaid": repaid_words(terms, *put_forward(line, choice.scenario, choice.invoice)),
        "cases": cases(terms),
        "purpose_label": purpose_name(choice.purpose),
        "account": account or _destination(request, choice),
        "paper_name": _paper_name(line, choice),
        "left": left,
        "late_words": late_words(terms.penalty_rate, shown.rows[0].principal or choice.amount),
        "reading_seconds": seconds,
        "wait_seconds": max(seconds - waited, 0),
        "back_url": reverse("credit:draw", args=[line.ref]) + "?" + urlencode(query),
        "form": form,
    }
    return page(request, "credit/cost.html", context, borrower=line.borrower, here="home", status=status)


def _lessons(
    request: SignedIn, line: CreditLine, choice: Choice, found: Affordability, left: Decimal
) -> list[dict[str, Any]]:
    """Choose what this borrower should read before this draw."""
    past = past_of(borrower_id=line.borrower_id, user_id=request.user.pk)
    situations = situations_of(
        line=line, found=found, method=choice.method, count=choice.count, left=left, past=past
    )
    chosen = fitting(scenario=choice.scenario, situations=situations, read=past.read)
    return [lesson_view(lesson, read=past.read) for lesson in chosen]


def _quote(line: CreditLine, choice: Choice, as_of: date, shape: queries.Shape | None = None) -> Quote:
    (found,) = queries.draw_quotes(
        line_id=line.pk,
        amount=choice.amount,
        instalment_count=choice.count,
        methods=[choice.method],
        as_of=as_of,
        line=line,
        product=None if shape is not None else working_product(line, choice.scenario),
        invoice=_ref(choice.invoice),
        shape=shape,
    )
    return found


def _cost(line: CreditLine, choice: Choice) -> Cost:
    return cost_of(_quote(line, choice, business_date()))


@require_POST
@for_line(spending=True)
def confirm(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Sign: only the table that was shown, only after it could be read; a second press finds the first draw."""
    form = ConfirmForm(request.POST)
    try:
        parts = open_seal(request.POST.get("seal", ""), line=line, user_id=request.user.pk)
    except UnableToSign as refusal:
        return draw_page(request, line, status=refusal.http_status, blocked=_(refusal.message))
    choice, waited = Choice.unpack(parts["c"]), int(time.time()) - int(parts["t"])
    if not form.is_valid():
        return _cost_page(request, line, choice, form=form, status=400, waited=waited)
    if choice.amount >= STEP_UP_FROM:
        # leads to the second look and comes back here with the same form
        raise_if_reauthentication_required(request, app="account")
    try:
        _check_reading(waited)
        if not line.drawdowns.filter(idempotency_key=parts["k"]).exists():
            _check_still_true(parts, line, choice)
        drawdown = operations.draw_down(
            line_id=line.pk,
            amount=choice.amount,
            instalment_count=choice.count,
            repayment_method=choice.method,
            purpose=choice.purpose,
            scenario=choice.scenario,
            terms_version=choice.terms_version,
            bank_account_id=account_id(request, choice),
            evidence=_ref(choice.evidence),
            payee=_ref(choice.payee),
            invoice=_ref(choice.invoice),
            idempotency_key=parts["k"],
            actor=request.user,
            as_of=business_date(),
        )
    except ApprovalNeeded:
        return _ask_others(request, line, choice, form, parts["k"], waited)
    except Refusal as refusal:
        return _refused(request, line, choice, form, refusal, waited)
    wake(wake_payout, drawdown.loan.payout.pk)
    return redirect("credit:drawdown", drawdown.ref)


def account_id(request: SignedIn, choice: Choice) -> int:
    """Give the number of the borrower's account; 0 where a payee is paid."""
    return 0 if choice.payee else accounts_access.own_bank_account(user=request.user, ref=choice.account).pk


def _ask_others(
    request: SignedIn, line: CreditLine, choice: Choice, form: ConfirmForm, key: str, waited: int
) -> HttpResponse:
    try:
        return ask_instead(request, line_id=line.pk, choice=choice, key=key)
    except Refusal as refusal:
        return _refused(request, line, choice, form, refusal, waited)


def _refused(
    request: SignedIn, line: CreditLine, choice: Choice, form: ConfirmForm, refusal: Refusal, waited: int
) -> HttpResponse:
    """Show the table again with the reason; a table that is no longer true is shown anew and read anew."""
    fresh, shown = refusal.code in ("offer_expired", "terms_outdated"), form
    if fresh:
        try:
            cost = _cost(line, choice)
        except Refusal as newer:
            return draw_page(
                request, line, status=newer.http_status, blocked=sentence(newer), scenario=choice.scenario
            )
        shown = ConfirmForm({"seal": seal(choice, cost=cost, line=line, user_id=request.user.pk)})
        shown.errors.clear()
    status = refuse(shown, refusal)
    return _cost_page(request, line, choice, form=shown, status=status, waited=0 if fresh else waited)


def _check_reading(waited: int) -> None:
    seconds = queries.regime_now().reading_seconds
    if waited < seconds:
        raise UnableToSign(
            "reading_time",
            N_("Take %(seconds)s more seconds to read the table, then sign. Nothing was borrowed yet."),
            params={"seconds": seconds - waited},
        )
    if waited > OFFER_SECONDS:
        raise UnableToSign(
            "offer_expired", N_("This offer was open for over 20 minutes. Read it once more, then sign.")
        )


def _check_still_true(parts: dict[str, Any], line: CreditLine, choice: Choice) -> None:
    if fingerprint(_cost(line, choice)) != parts["f"]:
        raise UnableToSign("terms_outdated", N_("The terms changed. Please read them."))


@signed_in
def drawdown(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show where the money is; htmx asks for the middle alone."""
    found = access.own_drawdown(user=request.user, ref=ref)
    way = _way(found)
    if request.headers.get("HX-Request") == "true":
        return page(request, "parts/way.html", {"way": way})
    return page(request, "credit/drawdown.html", {"way": way}, borrower=found.line.borrower, here="home")


def _way(found: Drawdown) -> Way:
    loan = found.loan
    links = [
        Link(_("See the loan"), reverse("loans:loan", args=[loan.ref])),
        Link(_("To the start page"), reverse("credit:home", args=[found.line.borrower.ref])),
    ]
    if loan.payout.status == "REFUSED":
        links.insert(0, Link(_("Draw again"), reverse("credit:draw", args=[found.line.ref])))
    return payout_way(
        status=loan.payout.status,
        amount=found.amount,
        page_url=reverse("credit:drawdown", args=[found.ref]),
        links=links,
    )
