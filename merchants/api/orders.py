"""Orders of a shop: start, look, capture, void, refund; and what it is paid."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ListQuery, NoBody, documented, paged
from ledger.queries import business_date
from merchants import access, operations
from merchants.api.answers import (
    CaptureBody,
    CaptureOut,
    CheckoutBody,
    CheckoutOut,
    MerchantOut,
    RefundBody,
    RefundOut,
    SettlementDetailOut,
    SettlementOut,
)
from merchants.api.keys import KEY, SIGNATURE, MerchantView
from merchants.domain.keys import Scope
from merchants.models import Capture, Checkout, Refund, Settlement
from merchants.nudge import nudge
from merchants.operations.checkouts import OrderRequest
from merchants.shapes import capture_shape, checkout_shape, refund_shape, settlement_shape


class Shop(MerchantView):
    @documented("See the shop of the key", response=MerchantOut)
    def get(self, request: Request) -> Response:
        row = self.merchant
        return Response(
            {
                "ref": str(row.ref),
                "name": row.name,
                "status": row.status,
                "categories": row.categories,
                "return_origins": row.return_origins,
                "fee_rate": f"{row.fee_rate:.4f}",
                "settlement_days": row.settlement_days,
                "scopes": self.key.scopes,
                "is_sandbox": settings.SANDBOX,
            }
        )


class Checkouts(MerchantView):
    query = ListQuery
    scopes = {"POST": Scope.CHECKOUT}

    @documented("List orders", response=paged(CheckoutOut), query=ListQuery)
    def get(self, request: Request) -> Response:
        rows = Checkout.objects.filter(merchant=self.merchant)
        return self.shaped_rows(rows, checkout_shape)

    @documented(
        "Start an order; send the buyer to its url",
        request=CheckoutBody,
        response=CheckoutOut,
        status=201,
        parameters=[SIGNATURE],
    )
    def post(self, request: Request) -> Response:
        asked = self.body(CheckoutBody)
        row, _is_new = operations.create_checkout(
            merchant=self.merchant, request=OrderRequest(**asked), key=self.key, now=timezone.now()
        )
        return Response(checkout_shape(row), status=201)


class OrderView(MerchantView):
    def order(self, ref: uuid.UUID) -> Checkout:
        """Give an order of the shop, or 404."""
        return access.checkout_of(merchant=self.merchant, ref=ref)

    def shown(self, ref: uuid.UUID) -> Response:
        """Answer the order as it stands."""
        return Response(checkout_shape(self.order(ref)))


class CheckoutDetail(OrderView):
    @documented("See an order", response=CheckoutOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        return self.shown(ref)


class CancelCheckout(OrderView):
    scopes = {"POST": Scope.CHECKOUT}

    @documented(
        "Take an order back that nobody agreed to",
        request=NoBody,
        response=CheckoutOut,
        parameters=[SIGNATURE],
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        operations.cancel_checkout(checkout_id=self.order(ref).pk, now=timezone.now())
        return self.shown(ref)


class VoidCheckout(OrderView):
    scopes = {"POST": Scope.CAPTURE}

    @documented(
        "Let go of what was not captured", request=NoBody, response=CheckoutOut, parameters=[SIGNATURE]
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        operations.void_checkout(checkout_id=self.order(ref).pk, as_of=business_date(), now=timezone.now())
        return self.shown(ref)


class Captures(OrderView):
    own_key = True
    scopes = {"POST": Scope.CAPTURE}

    @documented("List the captures of an order", response=CaptureOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        rows = Capture.objects.select_related("checkout").filter(checkout=self.order(ref)).order_by("-pk")
        return Response([capture_shape(row) for row in rows])

    @documented(
        "Capture: the goods are on their way",
        request=CaptureBody,
        response=CaptureOut,
        status=201,
        parameters=[KEY, SIGNATURE],
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        asked = self.body(CaptureBody)
        row = operations.capture_checkout(
            checkout_id=self.order(ref).pk,
            amount=asked.get("amount"),
            reference=self.idempotency_key(),
            as_of=business_date(),
            now=timezone.now(),
        )
        nudge()
        return Response(capture_shape(row), status=201)


class Refunds(OrderView):
    own_key = True
    scopes = {"POST": Scope.REFUND}

    @documented("List the refunds of an order", response=RefundOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        rows = Refund.objects.select_related("checkout").filter(checkout=self.order(ref)).order_by("-pk")
        return Response([refund_shape(row) for row in rows])

    @documented(
        "Refund: goods came back",
        request=RefundBody,
        response=RefundOut,
        status=201,
        parameters=[KEY, SIGNATURE],
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        asked = self.body(RefundBody)
        named = asked.get("capture")
        row = operations.refund_checkout(
            checkout_id=self.order(ref).pk,
            amount=asked.get("amount"),
            reference=self.idempotency_key(),
            reason=asked.get("reason", ""),
            capture_ref=access.as_uuid(named) if named is not None else None,
            as_of=business_date(),
            now=timezone.now(),
        )
        nudge()
        return Response(refund_shape(row), status=201)


class Settlements(MerchantView):
    query = ListQuery

    @documented("List what the shop was paid", response=paged(SettlementOut), query=ListQuery)
    def get(self, request: Request) -> Response:
        rows = Settlement.objects.filter(merchant=self.merchant).select_related("transfer")
        return self.shaped_rows(rows, settlement_shape)


class SettlementDetail(MerchantView):
    @documented("See what a payment is made of", response=SettlementDetailOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        row = access.settlement_of(merchant=self.merchant, ref=ref)
        captures = row.captures.select_related("checkout").order_by("pk")
        refunds = row.refunds.select_related("checkout").order_by("pk")
        return Response(
            {
                **settlement_shape(row),
                "captures": [capture_shape(item) for item in captures],
                "refunds": [refund_shape(item) for item in refunds],
            }
        )
