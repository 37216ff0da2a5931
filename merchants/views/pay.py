"""The page where a buyer agrees: what is bought, one decision, the whole cost, the signature, back to the shop.

Paying by instalments is one way among the shop's; who does not want it goes back and pays otherwise.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries as accounts_queries
from accounts.access import MAY_DRAW
from accounts.models import Borrower
from accounts.pages import SignedIn, page, refuse, signed_in
from credit import queries as credit_queries
from credit.models import Application, CreditLine
from credit.views.words import Cost, cost_of, late_words, reason_texts, tasks_of
from ledger.queries import business_date
from merchants import access, operations, queries
from merchants.domain.categories import BY_CODE
from merchants.forms import AgreeForm, DecideForm
from merchants.models import Checkout
from merchants.nudge import nudge
from merchants.operations.buying import Purchase, UnableToBuy
from merchants.queries import PlanOption
from regimes.errors import N_, Refusal

SEAL_SALT = "merchants.pay"
OFFER_SECONDS = 20 * 60


def _back_url(checkout: Checkout, *, agreed: bool) -> str:
    """Return where the buyer goes, with the order's reference and state."""
    target = checkout.return_url if agreed or not checkout.cancel_url else checkout.cancel_url
    parts = urlsplit(target)
    query = [*parse_qsl(parts.query), ("checkout", str(checkout.ref)), ("status", checkout.status.lower())]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))


def _buyer(request: HttpRequest, checkout: Checkout) -> Borrower | None:
    """Give for whom the visitor buys: the person, or the first business with a say for goods of a business."""
    family = BY_CODE[checkout.category].family
    for acting in accounts_queries.borrowers_of(user=request.user):  # type: ignore[arg-type]
        if acting.borrower.is_business == (family == "BUSINESS") and acting.role in MAY_DRAW:
            return acting.borrower
    return None


def _context(checkout: Checkout) -> dict[str, Any]:
    return {
        "checkout": checkout,
        "shop": checkout.merchant.name,
        "back_url": _back_url(checkout, agreed=checkout.hold_id is not None),
        "items": [{**item, "amount": Decimal(str(item["amount"]))} for item in checkout.items],
    }


@never_cache
@require_GET
def pay(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show what is bought and the next step towards paying for it."""
    return _pay_page(request, ref)


def _pay_page(
    request: HttpRequest,
    ref: uuid.UUID,
    *,
    form: DecideForm | None = None,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    if not request.user.is_authenticated:
        checkout = access.open_page(ref=ref)
        if checkout.hold_id is not None:
            raise access.missing()
        return page(request, "merchants/pay.html", {**_context(checkout), "step": "door"})
    checkout = access.buyer_page(user=request.user, ref=ref)
    if checkout.hold_id is not None:
        return redirect("merchants:done", checkout.ref)
    context = {**_context(checkout), "problem": problem, **_state(checkout)}
    if context["step"] == "over":
        return page(request, "merchants/pay.html", context, status=status)
    borrower = _buyer(request, checkout)
    if borrower is None:
        context["step"] = "no_buyer"
        return page(request, "merchants/pay.html", context, status=status)
    context |= _next_step(checkout, borrower, form)
    return page(request, "merchants/pay.html", context, borrower=borrower, status=status)


def _state(checkout: Checkout) -> dict[str, Any]:
    over = checkout.status != "OPEN" or timezone.now() >= checkout.expires_at
    return {"step": "over" if over else "choose"}


def _next_step(checkout: Checkout, borrower: Borrower, form: DecideForm | None) -> dict[str, Any]:
    """Say what stands between the buyer and the plans: steps, a decision, an account; or the plans."""
    line = queries.line_for(borrower=borrower, checkout=checkout)
    missing = credit_queries.missing_steps(borrower=borrower)
    account = queries.paying_account(borrower=borrower)
    if account is None:
        missing = [*missing, "bank_account"]
    if missing:
        tasks = tasks_of(missing, borrower=borrower, offer_url="", due_url="")
        return {"step": "missing", "tasks": tasks}
    if line is None:
        return {
            "step": "decide",
            "form": form or DecideForm(asks_work=not borrower.is_business),
            **_last_answer(borrower),
        }
    if line.status == CreditLine.Status.OFFERED:
        return {"step": "offer", "line": line}
    as_of = business_date()
    room = queries.room_of(line=line, as_of=as_of)
    if room < checkout.amount:
        return {"step": "no_room", "available": room, "line": line}
    plans = queries.plans_for(line=line, checkout=checkout, as_of=as_of)
    return {
        "step": "plans" if plans else "no_plan",
        "available": room,
        "plans": [(plan, cost_of(plan.quote)) for plan in plans],
    }


def _last_answer(borrower: Borrower) -> dict[str, Any]:
    """Say what was answered before, if that is why there is no line."""
    found = Application.objects.filter(borrower=borrower).order_by("-pk").first()
    if found is None or found.status not in ("DECLINED", "REFERRED", "SUBMITTED"):
        return {}
    decision = credit_queries.decision_of(application=found)
    return {
        "answer": found,
        "reasons": reason_texts(decision.reasons) if decision else [],
        "again_date": credit_queries.apply_again_on(application=found),
    }


@require_POST
@signed_in
def decide(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Decide the buyer at once; the answer is the page with the plans, or the reasons."""
    checkout = access.buyer_page(user=request.user, ref=ref)
    borrower = _buyer(request, checkout)
    if borrower is None:
        raise access.missing()
    form = DecideForm(request.POST, asks_work=not borrower.is_business)
    status = 400
    if form.is_valid():
        try:
            operations.decide_buyer(
                checkout=checkout,
                borrower=borrower,
                occupation=form.cleaned_data.get("occupation", ""),
                actor=request.user,
                as_of=business_date(),
                now=timezone.now(),
            )
            return redirect("merchants:pay", checkout.ref)
        except Refusal as refusal:
            status = refuse(form, refusal)
    return _pay_page(request, ref, form=form, status=status)


def _plan(request: SignedIn, checkout: Checkout, key: str) -> tuple[Borrower, CreditLine, PlanOption]:
    """Give the buyer, the line and the plan of a key, or refuse."""
    borrower = _buyer(request, checkout)
    line = queries.line_for(borrower=borrower, checkout=checkout) if borrower else None
    if borrower is None or line is None:
        raise access.missing()
    for option in queries.plans_for(line=line, checkout=checkout, as_of=business_date()):
        if option.key == key:
            return borrower, line, option
    raise UnableToBuy("plan_invalid", N_("This plan is not offered any more. Choose another."), field="plan")


def _fingerprint(cost: Cost) -> str:
    rows = [(row.due_date.isoformat(), str(row.total)) for row in cost.rows]
    return hashlib.sha256(repr((rows, str(cost.irr), str(cost.cost))).encode()).hexdigest()[:24]


@require_GET
@signed_in
def cost(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show the whole cost of a plan before anything is signed; the clock of the reading time starts here."""
    checkout = access.buyer_page(user=request.user, ref=ref)
    if checkout.hold_id is not None or _state(checkout)["step"] == "over":
        return redirect("merchants:pay", checkout.ref)
    try:
        return _cost_page(request, checkout, request.GET.get("plan", ""))
    except UnableToBuy as refusal:
        return _pay_page(request, ref, status=400, problem=_(refusal.message))


def _cost_page(
    request: SignedIn,
    checkout: Checkout,
    key: str,
    *,
    form: AgreeForm | None = None,
    status: int = 200,
    waited: int = 0,
) -> HttpResponse:
    borrower, line, option = _plan(request, checkout, key)
    shown = cost_of(option.quote)
    account = queries.paying_account(borrower=borrower)
    if account is None:
        return redirect("merchants:pay", checkout.ref)
    if form is None:
        seal = signing.dumps(
            {
                "c": checkout.pk,
                "u": request.user.pk,
                "p": key,
                "v": option.terms_version,
                "f": _fingerprint(shown),
                "t": int(time.time()),
            },
            salt=SEAL_SALT,
        )
        form = AgreeForm(initial={"seal": seal})
    seconds = credit_queries.regime_now().reading_seconds
    context = {
        **_context(checkout),
        "cost": shown,
        "plan": option,
        "count": option.instalment_count,
        "account": account.masked,
        "left": queries.room_of(line=line, as_of=business_date()) - checkout.amount,
        "late_words": late_words(line.penalty_rate, shown.rows[0].principal or checkout.amount),
        "reading_seconds": seconds,
        "wait_seconds": max(seconds - waited, 0),
        "form": form,
    }
    return page(request, "merchants/cost.html", context, borrower=borrower, status=status)


@require_http_methods(["POST"])
@signed_in
def confirm(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Sign: only the table that was shown, only after it could be read; a second press finds the first."""
    checkout = access.buyer_page(user=request.user, ref=ref)
    if checkout.hold_id is not None:
        return redirect("merchants:done", checkout.ref)
    form = AgreeForm(request.POST)
    try:
        parts = signing.loads(request.POST.get("seal", ""), salt=SEAL_SALT)
    except signing.BadSignature:
        parts = {}
    if parts.get("c") != checkout.pk or parts.get("u") != request.user.pk:
        return _pay_page(request, ref, status=409, problem=_("The terms changed. Please read them."))
    waited = int(time.time()) - int(parts["t"])
    try:
        if form.is_valid():
            _check_reading(waited)
            _agree(request, checkout, parts)
            nudge()
            return redirect("merchants:done", checkout.ref)
        status = 400
    except Refusal as refusal:
        if refusal.code in (
            "offer_expired",
            "terms_outdated",
            "checkout_expired",
            "plan_invalid",
            "limit_exceeded",
        ):
            return _pay_page(
                request, ref, status=refusal.http_status, problem=_(refusal.message) % refusal.params
            )
        status = refuse(form, refusal)
    return _cost_page(request, checkout, parts["p"], form=form, status=status, waited=waited)


def _check_reading(waited: int) -> None:
    seconds = credit_queries.regime_now().reading_seconds
    if waited < seconds:
        raise UnableToBuy(
            "reading_time",
            N_("Take %(seconds)s more seconds to read the table, then sign. Nothing was borrowed yet."),
            params={"seconds": seconds - waited},
        )
    if waited > OFFER_SECONDS:
        raise UnableToBuy(
            "offer_expired", N_("This offer was open for over 20 minutes. Read it once more, then sign.")
        )


def _agree(request: SignedIn, checkout: Checkout, parts: dict[str, Any]) -> None:
    borrower, line, option = _plan(request, checkout, parts["p"])
    if _fingerprint(cost_of(option.quote)) != parts["f"]:
        raise UnableToBuy("terms_outdated", N_("The terms changed. Please read them."))
    account = queries.paying_account(borrower=borrower)
    if account is None:
        raise access.missing()
    operations.authorise_checkout(
        checkout_id=checkout.pk,
        line_id=line.pk,
        purchase=Purchase(
            instalment_count=option.instalment_count,
            zero_interest=option.zero_interest,
            bank_account_id=account.pk,
            terms_version=parts["v"],
        ),
        actor=request.user,
        as_of=business_date(),
        now=timezone.now(),
    )


@require_GET
@signed_in
def done(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Say that it is done and lead back to the shop; without script a link does."""
    checkout = access.buyer_page(user=request.user, ref=ref)
    if checkout.hold_id is None:
        return redirect("merchants:pay", checkout.ref)
    borrower = checkout.borrower
    context = {**_context(checkout), "count": checkout.instalment_count}
    return page(request, "merchants/done.html", context, borrower=borrower)
