"""A buyer's app: look at an order, be decided, agree. And the sandbox's clock, for whoever tries it all out."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MAY_DRAW, own_bank_account
from accounts.api import PortalView, RefField, StrictQuery, documented
from accounts.models import Borrower
from credit.api.answers import ApplicationOut
from credit.operations import move_business_date
from ledger.queries import business_date
from loans.api_answers import quote_answer
from merchants import access, operations, queries
from merchants.api.answers import AgreeBody, DateOut, DecideBody, MoveDateBody, PurchaseOut
from merchants.api.keys import SIGNATURE, MerchantView
from merchants.domain.keys import Scope
from merchants.models import Checkout
from merchants.nudge import nudge
from merchants.operations.buying import Purchase


class PurchaseQuery(StrictQuery):
    borrower = RefField(required=False, help_text="For whom, from `/me`; without it, the person.")


def purchase_shape(row: Checkout, borrower: Borrower | None) -> dict[str, Any]:
    """Say an order to its buyer, with the plans if there is a line."""
    as_of = business_date()
    line = queries.line_for(borrower=borrower, checkout=row) if borrower is not None else None
    plans = queries.plans_for(line=line, checkout=row, as_of=as_of) if line and row.status == "OPEN" else []
    return {
        "ref": str(row.ref),
        "shop": row.merchant.name,
        "description": row.description,
        "amount": f"{row.amount:.2f}",
        "currency": row.currency,
        "status": row.status,
        "return_url": row.return_url,
        "line": str(line.ref) if line else None,
        "available": f"{queries.room_of(line=line, as_of=as_of):.2f}" if line else None,
        "plans": [
            {
                "instalment_count": plan.instalment_count,
                "zero_interest": plan.zero_interest,
                "terms_version": plan.terms_version,
                "quote": quote_answer(plan.quote),
            }
            for plan in plans
        ],
    }


class PurchaseView(PortalView):
    throttle_scope = "money"

    def answer(self, ref: uuid.UUID, borrower: Borrower | None) -> Response:
        """Answer the order as it stands for this buyer."""
        return Response(purchase_shape(access.buyer_page(user=self.user, ref=ref), borrower))


class PurchaseDetail(PurchaseView):
    query = PurchaseQuery

    @documented("See what a shop asks one to agree to", response=PurchaseOut, query=PurchaseQuery)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        found = self.borrowers()
        return self.answer(ref, found[0] if found else None)


class DecidePurchase(PurchaseView):
    @documented("Be decided for an order, at once", request=DecideBody, response=ApplicationOut, status=201)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        row = access.buyer_page(user=self.user, ref=ref)
        asked = self.body(DecideBody)
        found = operations.decide_buyer(
            checkout=row,
            borrower=self.borrower(asked["borrower"], MAY_DRAW),
            occupation=asked.get("occupation", ""),
            actor=self.user,
            as_of=business_date(),
            now=timezone.now(),
        )
        return Response(ApplicationOut(found).data, status=201)


class AgreePurchase(PurchaseView):
    @documented("Agree to a plan; the shop is told", request=AgreeBody, response=PurchaseOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        row = access.buyer_page(user=self.user, ref=ref)
        asked = self.body(AgreeBody)
        borrower = self.borrower(asked["borrower"], MAY_DRAW)
        line = queries.line_for(borrower=borrower, checkout=row)
        if line is None:
            raise access.missing()
        operations.authorise_checkout(
            checkout_id=row.pk,
            line_id=line.pk,
            purchase=Purchase(
                instalment_count=asked["instalment_count"],
                zero_interest=asked["zero_interest"],
                bank_account_id=own_bank_account(
                    user=self.user, ref=asked["bank_account"], roles=MAY_DRAW
                ).pk,
                terms_version=asked["terms_version"],
            ),
            actor=self.user,
            as_of=business_date(),
            now=timezone.now(),
        )
        nudge()
        return self.answer(ref, borrower)


class SandboxDate(MerchantView):
    """The movable clock of the sandbox; in production it is not there."""

    scopes = {"POST": Scope.CHECKOUT}

    @documented("See the sandbox's date", response=DateOut)
    def get(self, request: Request) -> Response:
        self._sandbox_only()
        return Response({"business_date": business_date().isoformat()})

    @documented(
        "Live through every day up to a date", request=MoveDateBody, response=DateOut, parameters=[SIGNATURE]
    )
    def post(self, request: Request) -> Response:
        self._sandbox_only()
        move_business_date(to=self.body(MoveDateBody)["to"], actor=None, now=timezone.now())
        as_of, now = business_date(), timezone.now()
        for pk in operations.due_expiries(as_of=as_of, now=now, limit=1000):
            operations.expire_checkout(checkout_id=pk, as_of=as_of, now=now)
        operations.earn_subventions(as_of=as_of)
        operations.settle_merchants(as_of=as_of, now=now)
        return Response({"business_date": as_of.isoformat()})

    def _sandbox_only(self) -> None:
        if not settings.SANDBOX:
            raise access.missing()


__all__ = ["AgreePurchase", "DecidePurchase", "PurchaseDetail", "SandboxDate"]
