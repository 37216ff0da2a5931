"""What can be applied for, applying, and asking for a person."""

from __future__ import annotations

import uuid

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MAY_DRAW, own_borrower
from accounts.api import (
    NoBody,
    OwnListQuery,
    PortalView,
    RefField,
    StrictQuery,
    StrictSerializer,
    TextField,
    documented,
    paged,
)
from credit import access, operations, queries
from credit.api.answers import ApplicationOut, ProductOut, ReviewOut
from credit.models import Application
from ledger.queries import business_date
from loans.api_fields import AmountField
from regimes.errors import N_, NotFound


class ProductsQuery(StrictQuery):
    borrower = RefField(required=False, help_text="A reference from `/me`; without it, all of yours.")


class ApplicationBody(StrictSerializer):
    borrower = RefField()
    product = TextField(most=40, help_text="The code of a product.")
    requested_amount = AmountField(zero=True)
    purpose = TextField(most=2000, blank=True)
    occupation = TextField(required=False, most=40, blank=True, help_text="For a person: what the work is.")


class ReviewBody(StrictSerializer):
    text = TextField(required=False, most=2000, blank=True)


class Products(PortalView):
    query = ProductsQuery

    @documented("List what can be applied for", response=ProductOut(many=True), query=ProductsQuery)
    def get(self, request: Request) -> Response:
        found = {row.pk: row for borrower in self.borrowers() for row in queries.products(borrower=borrower)}
        return Response(ProductOut([found[pk] for pk in sorted(found)], many=True).data)


class Applications(PortalView):
    query = OwnListQuery
    throttle_scope = "money"

    @documented("List applications", response=paged(ApplicationOut), query=OwnListQuery)
    def get(self, request: Request) -> Response:
        rows = Application.objects.filter(borrower__in=self.borrowers()).select_related("borrower", "product")
        return self.rows(rows, ApplicationOut)

    @documented(
        "Apply; the answer comes at once", request=ApplicationBody, response=ApplicationOut, status=201
    )
    def post(self, request: Request) -> Response:
        asked = self.body(ApplicationBody)
        found = operations.submit_application(
            borrower=self.borrower(asked["borrower"], MAY_DRAW),
            product_code=asked["product"],
            requested_amount=asked["requested_amount"],
            purpose=asked["purpose"],
            occupation=asked.get("occupation", ""),
            actor=self.user,
            as_of=business_date(),
            now=timezone.now(),
        )
        return Response(ApplicationOut(found).data, status=201)


class ApplicationDetail(PortalView):
    @documented("See an application and its decision", response=ApplicationOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        return Response(ApplicationOut(access.own_application(user=self.user, ref=ref)).data)


class WithdrawApplication(PortalView):
    @documented("Take an application back", request=NoBody, response=ApplicationOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        found = access.own_application(user=self.user, ref=ref, roles=access.SPENDERS)
        operations.withdraw_application(application_id=found.pk, actor=self.user, as_of=business_date())
        return Response(ApplicationOut(access.own_application(user=self.user, ref=ref)).data)


class ReviewApplication(PortalView):
    @documented("Ask for a person to look at a decision", request=ReviewBody, response=ReviewOut, status=201)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        asked = self.body(ReviewBody)
        found = access.own_application(user=self.user, ref=ref, roles=access.SPENDERS)
        decision = queries.decision_of(application=found)
        if decision is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        review = operations.request_review(
            borrower=found.borrower,
            decision=decision,
            text=asked.get("text", ""),
            actor=self.user,
            as_of=business_date(),
        )
        return Response(ReviewOut(review).data, status=201)


class ReviewChange(PortalView):
    @documented(
        "Ask for a person to look at a change of a limit", request=ReviewBody, response=ReviewOut, status=201
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        asked = self.body(ReviewBody)
        change = access.own_limit_change(user=self.user, ref=ref, roles=access.SPENDERS)
        review = operations.request_review(
            borrower=own_borrower(user=self.user, ref=change.line.borrower.ref, roles=MAY_DRAW),
            limit_change=change,
            text=asked.get("text", ""),
            actor=self.user,
            as_of=business_date(),
        )
        return Response(ReviewOut(review).data, status=201)
