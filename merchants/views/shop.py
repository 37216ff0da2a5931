"""The pages of a shop's people: orders, money, refunds, keys, the log of events, plans."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries as accounts_queries
from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page, refuse, sentence
from ledger.queries import business_date
from merchants import access, operations
from merchants.forms import ApplyShopForm, EndpointForm, KeyForm, PlanForm, RefundForm
from merchants.models import (
    ApiKey,
    Capture,
    Checkout,
    Delivery,
    Merchant,
    Refund,
    Settlement,
    WebhookEndpoint,
)
from merchants.nudge import nudge
from regimes.errors import Refusal

SHOWN = 50
View = Callable[..., HttpResponse]


def for_shop(roles: tuple[str, ...] = access.VIEWERS) -> Callable[[View], View]:
    """Give the view the shop of a business; one that never applied is led to the form."""

    def wrap(view: View) -> View:
        @for_borrower(roles)
        @wraps(view)
        def inner(request: SignedIn, business: Borrower, **kwargs: Any) -> HttpResponse:
            found = (
                Merchant.objects.select_related("business", "settlement_account")
                .filter(business=business)
                .first()
            )
            if found is None:
                return redirect("merchants:apply", business.ref)
            return view(request, found, **kwargs)

        return inner

    return wrap


def _page(
    request: SignedIn, merchant: Merchant, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    values = {"merchant": merchant, "tab": name, "role": _role(request, merchant), **context}
    return page(
        request, f"merchants/{name}.html", values, borrower=merchant.business, here="shop", status=status
    )


def _role(request: SignedIn, merchant: Merchant) -> str:
    found = accounts_queries.borrowers_of(user=request.user)
    return next((row.role for row in found if row.borrower.pk == merchant.business_id), "")


@require_http_methods(["GET", "POST"])
@for_borrower(access.MANAGERS)
def apply(request: SignedIn, business: Borrower) -> HttpResponse:
    """Ask to sell on credit."""
    if not business.is_business:
        raise access.missing()
    if Merchant.objects.filter(business=business).exists():
        return redirect("merchants:shop", business.ref)
    rows = accounts_queries.bank_accounts_of(borrower_id=business.pk)
    usable = {str(row.ref): row for row in rows if row.verified_at}
    choices = [(ref, row.masked) for ref, row in usable.items()]
    form = ApplyShopForm(request.POST or None, accounts=choices)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            data = dict(form.cleaned_data)
            account = usable[data.pop("settlement_account")]
            try:
                operations.apply_as_merchant(
                    business=business, settlement_account=account, actor=request.user, **data
                )
                return redirect("merchants:shop", business.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return page(
        request,
        "merchants/apply.html",
        {"form": form, "has_account": bool(choices)},
        borrower=business,
        here="shop",
        status=status,
    )


@require_GET
@for_shop()
def orders(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """List the newest orders; a state may be chosen."""
    rows = Checkout.objects.filter(merchant=merchant).order_by("-pk")
    state = request.GET.get("status", "")
    if state in Checkout.Status.values:
        rows = rows.filter(status=state)
    if wanted := request.GET.get("order", "").strip()[:64]:
        rows = rows.filter(order_id=wanted)
    waiting = Checkout.objects.filter(merchant=merchant, status="AUTHORISED").count()
    context = {
        "rows": rows[:SHOWN],
        "state": state,
        "wanted": wanted,
        "states": Checkout.Status.choices,
        "waiting": waiting,
    }
    return _page(request, merchant, "orders", context)


@require_GET
@for_shop()
def order(request: SignedIn, merchant: Merchant, order: uuid.UUID) -> HttpResponse:
    """Show one order with its captures and refunds."""
    return _order_page(request, merchant, access.checkout_of(merchant=merchant, ref=order))


def _order_page(
    request: SignedIn, merchant: Merchant, row: Checkout, form: RefundForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "order": row,
        "money_of": row.money,
        "captures": row.captures.order_by("pk"),
        "refunds": row.refunds.order_by("pk"),
        "form": form or RefundForm(initial={"key": uuid.uuid4().hex, "amount": row.money.refundable}),
        "capture_key": uuid.uuid4().hex,
    }
    return _page(request, merchant, "order", context, status)


@require_POST
@for_shop(access.CASHIERS)
def act(request: SignedIn, merchant: Merchant, order: uuid.UUID) -> HttpResponse:
    """Capture the rest, let go of it, or refund."""
    row = access.checkout_of(merchant=merchant, ref=order)
    verb, now, as_of = request.POST.get("verb", ""), timezone.now(), business_date()
    form = RefundForm(request.POST)
    form.take_also({"verb"})
    try:
        if verb == "capture":
            key = request.POST.get("key", "")[:64]
            operations.capture_checkout(checkout_id=row.pk, amount=None, reference=key, as_of=as_of, now=now)
            messages.success(request, _("Captured. The money comes with the next settlement."))
        elif verb == "void":
            operations.void_checkout(checkout_id=row.pk, as_of=as_of, now=now)
            messages.success(request, _("Let go. The buyer has the room back."))
        elif verb == "refund":
            if not form.is_valid():
                return _order_page(request, merchant, row, form, 400)
            operations.refund_checkout(
                checkout_id=row.pk,
                amount=form.cleaned_data["amount"],
                reference=form.cleaned_data["key"],
                reason=form.cleaned_data["reason"],
                as_of=as_of,
                now=now,
            )
            messages.success(request, _("Refunded. The buyer's loan was unwound."))
    except Refusal as refusal:
        if verb == "refund":
            return _order_page(request, merchant, row, form, refuse(form, refusal))
        messages.error(request, sentence(refusal))
    nudge()
    return redirect("merchants:order", merchant.business.ref, row.ref)


@require_GET
@for_shop()
def settlements(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """List what was paid, and what comes next."""
    rows = Settlement.objects.filter(merchant=merchant).select_related("transfer").order_by("-pk")
    return _page(request, merchant, "settlements", {"rows": rows[:SHOWN], "owed": _owed(merchant)})


def _owed(merchant: Merchant) -> Decimal:
    """Return what was captured and refunded and not settled yet."""
    sold = Capture.objects.filter(checkout__merchant=merchant, settlement=None)
    back = Refund.objects.filter(checkout__merchant=merchant, settlement=None)
    net = sum((row.amount - row.fee - row.subvention for row in sold), Decimal(0))
    return net - sum((row.amount - row.fee_returned - row.subvention_returned for row in back), Decimal(0))


@require_GET
@for_shop()
def refunds(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """List the newest refunds."""
    rows = Refund.objects.filter(checkout__merchant=merchant).select_related("checkout").order_by("-pk")
    return _page(request, merchant, "refunds", {"rows": rows[:SHOWN]})


@require_http_methods(["GET", "POST"])
@for_shop(access.MANAGERS)
def keys(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """List keys and make one; its text is on this answer and nowhere else."""
    form = KeyForm(request.POST or None)
    status, text = 200, ""
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                _key, text = operations.make_key(
                    merchant=merchant, actor=request.user, now=timezone.now(), **form.cleaned_data
                )
                status, form = 201, KeyForm()
            except Refusal as refusal:
                status = refuse(form, refusal)
    return _keys_page(request, merchant, form, text, status)


def _keys_page(
    request: SignedIn, merchant: Merchant, form: KeyForm, text: str = "", status: int = 200
) -> HttpResponse:
    rows = ApiKey.objects.filter(merchant=merchant).order_by("-pk")
    context = {"rows": rows[:SHOWN], "form": form, "text": text, "now": timezone.now()}
    return _page(request, merchant, "keys", context, status)


@require_POST
@for_shop(access.MANAGERS)
def key(request: SignedIn, merchant: Merchant, key: uuid.UUID) -> HttpResponse:
    """Rotate a key, or revoke it."""
    row = access.key_of(merchant=merchant, ref=key)
    try:
        if request.POST.get("verb") == "rotate":
            _row, text = operations.rotate_key(key=row, actor=request.user, now=timezone.now())
            return _keys_page(request, merchant, KeyForm(), text, 201)
        operations.revoke_key(key=row, actor=request.user, now=timezone.now())
        messages.success(request, _("Revoked. The key is not good any more."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("merchants:keys", merchant.business.ref)


@require_http_methods(["GET", "POST"])
@for_shop(access.MANAGERS)
def log(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """Show endpoints and what was sent to them, attempt by attempt; add one."""
    form = EndpointForm(request.POST or None)
    status, secret = 200, ""
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                _row, secret = operations.add_endpoint(
                    merchant=merchant, actor=request.user, **form.cleaned_data
                )
                status, form = 201, EndpointForm()
            except Refusal as refusal:
                status = refuse(form, refusal)
    return _log_page(request, merchant, form, secret, status)


def _log_page(
    request: SignedIn, merchant: Merchant, form: EndpointForm, secret: str = "", status: int = 200
) -> HttpResponse:
    rows = Delivery.objects.filter(event__merchant=merchant).select_related("event", "endpoint")
    context = {
        "rows": rows.prefetch_related("log").order_by("-pk")[:SHOWN],
        "endpoints": WebhookEndpoint.objects.filter(merchant=merchant).order_by("-pk")[:20],
        "form": form,
        "secret": secret,
    }
    return _page(request, merchant, "log", context, status)


@require_POST
@for_shop(access.MANAGERS)
def replay(request: SignedIn, merchant: Merchant, delivery: uuid.UUID) -> HttpResponse:
    """Send an event once more."""
    try:
        operations.replay_delivery(
            delivery=access.delivery_of(merchant=merchant, ref=delivery), now=timezone.now()
        )
        messages.success(request, _("It is sent once more."))
        nudge()
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("merchants:log", merchant.business.ref)


@require_POST
@for_shop(access.MANAGERS)
def endpoint(request: SignedIn, merchant: Merchant, endpoint: uuid.UUID) -> HttpResponse:
    """Test an endpoint, change its secret, or remove it."""
    row = access.endpoint_of(merchant=merchant, ref=endpoint)
    verb = request.POST.get("verb")
    if verb == "secret":
        _row, secret = operations.rotate_secret(endpoint=row, actor=request.user, now=timezone.now())
        return _log_page(request, merchant, EndpointForm(), secret, 201)
    if verb == "test":
        operations.ping_endpoint(endpoint=row, now=timezone.now())
        messages.success(request, _("A test event is on its way."))
        nudge()
    elif verb == "remove":
        operations.remove_endpoint(endpoint=row, actor=request.user)
        messages.success(request, _("Removed. Nothing more is sent there."))
    return redirect("merchants:log", merchant.business.ref)


@require_http_methods(["GET", "POST"])
@for_shop(access.MANAGERS)
def plans(request: SignedIn, merchant: Merchant) -> HttpResponse:
    """Offer terms at 0 % that the shop pays for."""
    form = PlanForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                operations.set_plan(merchant=merchant, actor=request.user, **form.cleaned_data)
                messages.success(request, _("Saved. New orders have it from now on."))
                return redirect("merchants:plans", merchant.business.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    rows = merchant.plans.filter(is_active=True).order_by("instalment_count")
    return _page(request, merchant, "plans", {"form": form, "rows": rows}, status)
