"""The caller, who the caller is by a document, what may be used, where money goes."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, queries
from accounts.access import MAY_DRAW, MAY_MANAGE
from accounts.api.answers import (
    BankAccountOut,
    ConsentOut,
    CountOut,
    IdentityOut,
    MeOut,
    NoticeOut,
)
from accounts.api.base import PortalView, documented
from accounts.api.fields import DateField, RefField, TextField
from accounts.api.strict import OneBorrowerQuery, StrictQuery, StrictSerializer
from accounts.domain.consents import TEXTS
from accounts.models import Borrower
from regimes.errors import N_, InvalidInput, NotFound


class UnableToFindPurpose(InvalidInput):
    """Refuse a use of data that is not on the list."""


class BorrowerQuery(StrictQuery):
    """Of whom; without it, of all for whom the caller acts."""

    borrower = RefField(required=False, help_text="A reference from `/me`; without it, all of yours.")


@method_decorator(ensure_csrf_cookie, name="get")
class Me(PortalView):
    @documented("Who am I, and for whom may I act?", response=MeOut)
    def get(self, request: Request) -> Response:
        mine = queries.borrowers_of(user=self.user)
        return Response(MeOut({"user": self.user, "borrowers": mine}).data)


# ---- consents --------------------------------------------------------------------------------------------------------


class GiveConsentBody(StrictSerializer):
    borrower = RefField()
    purpose = TextField(most=40)
    text_version = TextField(most=40, help_text="The version that was read, from the list.")


class WithdrawConsentBody(StrictSerializer):
    borrower = RefField()
    purpose = TextField(most=40)


def consents_of(borrower: Borrower) -> list[dict[str, Any]]:
    """Lay out every use of data that a borrower is asked for, in the caller's language."""
    given = queries.active_consents(borrower_ids=[borrower.pk])[borrower.pk]
    return [
        {
            "borrower": borrower.ref,
            "purpose": text.purpose,
            "text_version": text.version,
            "title": gettext(text.title),
            "text": gettext(text.text),
            "required_to_apply": text.required_to_apply,
            "is_given": text.purpose in given,
        }
        for text in TEXTS.values()
        if borrower.is_business or not text.business_only
    ]


class Consents(PortalView):
    query = BorrowerQuery

    @documented("List each use of data", response=ConsentOut(many=True), query=BorrowerQuery)
    def get(self, request: Request) -> Response:
        rows = [row for borrower in self.borrowers() for row in consents_of(borrower)]
        return Response(ConsentOut(rows, many=True).data)

    @documented(
        "Agree to one use of data", request=GiveConsentBody, response=ConsentOut(many=True), status=201
    )
    def post(self, request: Request) -> Response:
        asked = self.body(GiveConsentBody)
        borrower = self.borrower(asked.pop("borrower"), MAY_MANAGE)
        operations.give_consent(borrower=borrower, **asked, actor=self.user, now=timezone.now())
        return Response(ConsentOut(consents_of(borrower), many=True).data, status=201)


class WithdrawConsent(PortalView):
    @documented("Take an agreement back", request=WithdrawConsentBody, response=ConsentOut(many=True))
    def post(self, request: Request) -> Response:
        asked = self.body(WithdrawConsentBody)
        borrower = self.borrower(asked["borrower"], MAY_MANAGE)
        if asked["purpose"] not in TEXTS:
            raise UnableToFindPurpose(
                "purpose_unknown", N_("This purpose is not on the list."), field="purpose"
            )
        operations.withdraw_consent(
            borrower=borrower, purpose=asked["purpose"], actor=self.user, now=timezone.now()
        )
        return Response(ConsentOut(consents_of(borrower), many=True).data)


# ---- identity --------------------------------------------------------------------------------------------------------


class IdentityBody(StrictSerializer):
    borrower = RefField()
    document = TextField(most=20, help_text="PRC_ID or PASSPORT.")
    full_name = TextField(most=1000, blank=True)
    number = TextField(most=100, blank=True)
    birth_date = DateField(required=False, help_text="For a passport; an identity card carries it.")


class IdentityOfBorrower(PortalView):
    query = OneBorrowerQuery

    @documented("See what became of a document", response=IdentityOut, query=OneBorrowerQuery)
    def get(self, request: Request) -> Response:
        found = queries.identity_of(borrower_id=self.borrower(self.asked["borrower"]).pk)
        if found is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        return Response(IdentityOut(found).data)

    @documented("Give the details of a document", request=IdentityBody, response=IdentityOut, status=201)
    def post(self, request: Request) -> Response:
        asked = {"birth_date": None, **self.body(IdentityBody)}
        found = operations.record_identity(
            borrower=self.borrower(asked.pop("borrower"), MAY_MANAGE),
            **asked,
            actor=self.user,
            as_of=timezone.localdate(),  # noqa: TID251  accounts cannot see the books
            now=timezone.now(),
        )
        return Response(IdentityOut(found).data, status=201)


# ---- bank accounts ---------------------------------------------------------------------------------------------------


class BankAccountBody(StrictSerializer):
    borrower = RefField()
    bank_name = TextField(most=1000, blank=True)
    holder_name = TextField(most=1000, blank=True)
    number = TextField(most=100, blank=True)


class BankAccounts(PortalView):
    query = BorrowerQuery

    @documented("List bank accounts", response=BankAccountOut(many=True), query=BorrowerQuery)
    def get(self, request: Request) -> Response:
        rows = [row for one in self.borrowers() for row in queries.bank_accounts_of(borrower_id=one.pk)]
        return Response(BankAccountOut(rows, many=True).data)

    @documented("Add a bank account", request=BankAccountBody, response=BankAccountOut, status=201)
    def post(self, request: Request) -> Response:
        asked = self.body(BankAccountBody)
        borrower = self.borrower(asked.pop("borrower"), MAY_DRAW)
        found = operations.add_bank_account(borrower=borrower, **asked, actor=self.user, now=timezone.now())
        return Response(BankAccountOut(found).data, status=201)


# ---- notices ---------------------------------------------------------------------------------------------------------


class NoticesBody(StrictSerializer):
    borrower = RefField()


class Notices(PortalView):
    query = OneBorrowerQuery

    @documented("List the newest notices", response=NoticeOut(many=True), query=OneBorrowerQuery)
    def get(self, request: Request) -> Response:
        borrower = self.borrower(self.asked["borrower"])
        found = queries.notices_for(borrower_id=borrower.pk, now=timezone.now())
        return Response(NoticeOut(found, many=True).data)


class ReadNotices(PortalView):
    @documented("Mark notices as read", request=NoticesBody, response=CountOut)
    def post(self, request: Request) -> Response:
        borrower = self.borrower(self.body(NoticesBody)["borrower"])
        count = operations.mark_notices_read(borrower_id=borrower.pk, now=timezone.now())
        return Response(CountOut({"count": count}).data)
