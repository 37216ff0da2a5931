"""Businesses and their members."""

from __future__ import annotations

import uuid

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import operations, queries
from accounts.access import MAY_MANAGE
from accounts.api.answers import BusinessOut, MemberOut
from accounts.api.base import PortalView, documented
from accounts.api.fields import DateField, TextField
from accounts.api.strict import StrictSerializer
from accounts.models import Borrower
from regimes.errors import N_, NotFound


class BusinessBody(StrictSerializer):
    legal_name = TextField(most=1000, blank=True)
    uscc = TextField(most=100, blank=True)
    industry = TextField(most=40)
    founded_date = DateField()


class MemberBody(StrictSerializer):
    login = TextField(most=1000, blank=True, help_text="E-mail address or mobile number of an account.")
    role = TextField(most=20, help_text="OWNER, FINANCE or VIEWER.")


class Businesses(PortalView):
    @documented("Open a business", request=BusinessBody, response=BusinessOut, status=201)
    def post(self, request: Request) -> Response:
        business = operations.create_business(
            owner=self.user,
            **self.body(BusinessBody),
            as_of=timezone.localdate(),  # noqa: TID251  accounts cannot see the books
            now=timezone.now(),
        )
        return Response(BusinessOut(business).data, status=201)


class BusinessView(PortalView):
    def business(self, ref: uuid.UUID, roles: frozenset[str] | None = None) -> Borrower:
        """Give a business of the caller; a person is none."""
        found = self.borrower(ref, roles)
        if not found.is_business:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        return found


class Business(BusinessView):
    @documented("See a business", response=BusinessOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        return Response(BusinessOut(self.business(ref)).data)


class Members(BusinessView):
    @documented("List who may act for a business", response=MemberOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        found = queries.members_of(business_id=self.business(ref).pk)
        return Response(MemberOut(found, many=True).data)

    @documented("Let a person act for a business", request=MemberBody, response=MemberOut, status=201)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        member = operations.add_member(
            business=self.business(ref, MAY_MANAGE),
            **self.body(MemberBody),
            actor=self.user,
            now=timezone.now(),
        )
        return Response(MemberOut(member).data, status=201)


class Member(BusinessView):
    @documented("End what a member may do", response=MemberOut, writes=True)
    def delete(self, request: Request, ref: uuid.UUID, member_ref: uuid.UUID) -> Response:
        member = operations.remove_member(
            business=self.business(ref, MAY_MANAGE),
            member_ref=member_ref,
            actor=self.user,
            now=timezone.now(),
        )
        return Response(MemberOut(member).data)
