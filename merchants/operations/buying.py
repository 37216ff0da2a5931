"""The buyer's side: be decided at once, agree to a plan, and the shop is promised its money."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import queue_notice
from credit.models import Application, CreditLine, Product
from credit.operations import HoldTerms, accept_offer, place_hold, submit_application
from merchants.domain.categories import BY_CODE, METHOD
from merchants.domain.orders import OrderStatus, authorise
from merchants.models import Checkout, MerchantPlan
from merchants.operations.checkouts import lock_checkout
from merchants.operations.events import record_event
from merchants.shapes import checkout_shape
from regimes.errors import N_, InvalidInput, Refusal

CAPTURE_WITHIN = timedelta(days=7)


class UnableToBuy(Refusal):
    """Refuse a buyer or a plan that this order cannot have."""


class UnableToChoosePlan(InvalidInput):
    """Refuse a plan that is not offered."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What the buyer chose: the term, whether the shop pays the interest, and the account that instalments come from."""

    instalment_count: int
    zero_interest: bool
    bank_account_id: int
    terms_version: str = ""


def decide_buyer(
    *,
    checkout: Checkout,
    borrower: Borrower,
    occupation: str,
    actor: User | None,
    as_of: date,
    now: datetime,
) -> Application:
    """Decide a buyer who has no line: the application is for the order's use of money, and answered at once.

    A counter-offer that is enough for the order is taken up by the same act; one that is not stays an offer.
    """
    category = BY_CODE[checkout.category]
    product = Product.objects.filter(
        scenario=category.scenario, family=category.family, is_active=True
    ).first()
    if product is None:
        raise UnableToBuy("scenario_invalid", N_("Credit is not offered for this at the moment."))
    amount = max(checkout.amount, product.minimum_amount)
    application = submit_application(
        borrower=borrower,
        product_code=product.code,
        requested_amount=amount,
        purpose=category.purpose,
        occupation=occupation,
        actor=actor,
        as_of=as_of,
        now=now,
    )
    offer = CreditLine.objects.filter(application=application, status=CreditLine.Status.OFFERED).first()
    if offer is not None and offer.limit >= checkout.amount:
        accept_offer(line_id=offer.pk, actor=actor, as_of=as_of)
    application.refresh_from_db()
    return application


def authorise_checkout(
    *,
    checkout_id: int,
    line_id: int,
    purchase: Purchase,
    actor: User | None,
    as_of: date,
    now: datetime,
) -> Checkout:
    """Let the buyer agree: room is held on the line and the shop is told. A repeat by the same buyer gives the first.

    Lock order: line, hold, order.
    """
    with transaction.atomic():
        line = CreditLine.objects.select_for_update(of=("self",)).select_related("borrower").get(pk=line_id)
        row = lock_checkout(checkout_id=checkout_id)
        if row.status == OrderStatus.AUTHORISED and row.hold is not None and row.hold.line_id == line.pk:
            return row
        after = authorise(row.money)
        if now >= row.expires_at:
            raise UnableToBuy("checkout_expired", N_("This order has expired. Start it again in the shop."))
        category = BY_CODE[row.category]
        if line.family != category.family:
            raise UnableToBuy("line_family", N_("This line cannot pay for such goods."))
        plan = _plan(row, purchase)
        row.hold = place_hold(
            line_id=line.pk,
            terms=HoldTerms(
                amount=row.amount,
                instalment_count=purchase.instalment_count,
                repayment_method=METHOD,
                purpose=category.purpose,
                scenario=category.scenario,
                terms_version=purchase.terms_version,
                annual_rate=line.annual_rate * 0 if plan is not None else None,
            ),
            bank_account_id=purchase.bank_account_id,
            reference=uuid.uuid5(row.ref, "hold"),
            expires_date=as_of + CAPTURE_WITHIN,
            actor=actor,
            as_of=as_of,
        )
        row.borrower = line.borrower
        row.instalment_count = purchase.instalment_count
        row.subvention_rate = plan.subvention_rate if plan is not None else row.subvention_rate * 0
        row.authorised_at, row.capture_until = now, as_of + CAPTURE_WITHIN
        row.save(
            update_fields=[
                *row.take(after),
                "hold",
                "borrower",
                "instalment_count",
                "subvention_rate",
                "authorised_at",
                "capture_until",
            ]
        )
        record_event(
            merchant=row.merchant,
            kind="checkout.authorised",
            object_ref=row.ref,
            payload=checkout_shape(row),
            now=now,
        )
        queue_notice(
            borrower_id=line.borrower_id,
            kind="purchase_agreed",
            dedup_key=f"purchase:{row.ref}",
            params={"amount": f"{row.amount:.2f}", "shop": row.merchant.name},
        )
    return row


def _plan(row: Checkout, purchase: Purchase) -> MerchantPlan | None:
    """Give the shop's plan that the buyer chose; None for an ordinary one."""
    if not purchase.zero_interest:
        return None
    plan = MerchantPlan.objects.filter(
        merchant_id=row.merchant_id, instalment_count=purchase.instalment_count, is_active=True
    ).first()
    if plan is None:
        raise UnableToChoosePlan(
            "plan_invalid", N_("This plan is not offered any more. Choose another."), field="plan"
        )
    return plan
