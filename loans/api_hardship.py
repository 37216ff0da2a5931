"""When a loan gets hard to pay, what money beyond the due would do, and due days in one's own calendar."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MAY_DRAW
from accounts.api import (
    DateField,
    MoneyField,
    NoBody,
    OneBorrowerQuery,
    PortalView,
    RefField,
    StrictQuery,
    StrictSerializer,
    TextField,
    documented,
)
from ledger.queries import business_date
from loans import access, operations
from loans import hardship as questions
from loans.api_fields import AmountField
from loans.calendar import feed_of
from loans.domain.prepaying import Choice, prepay_choices
from loans.models import HardshipRequest
from loans.operations.events import read_events
from regimes.errors import N_, NotFound


class PlanOut(serializers.Serializer[Any]):
    """A plan that an officer offered."""

    ref = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.CharField(help_text="OFFERED, ACCEPTED, DECLINED or REPLACED.")
    measures = serializers.JSONField(help_text="What the plan does, measure by measure.")


class HardshipOut(serializers.Serializer[Any]):
    """A request for help with a loan."""

    ref = serializers.UUIDField()
    status = serializers.CharField(help_text="OPEN, OFFERED, ACCEPTED, REFUSED or WITHDRAWN.")
    reason = serializers.CharField()
    wish = serializers.CharField()
    affordable = MoneyField(allow_null=True)
    until_date = serializers.DateField(allow_null=True)
    requested_date = serializers.DateField()
    answer_by_date = serializers.DateField(help_text="You hear from us by this day.")
    answer = serializers.CharField()
    plans = serializers.SerializerMethodField()

    def get_plans(self, row: HardshipRequest) -> list[dict[str, Any]]:
        return list(PlanOut(row.plans.all(), many=True).data)


class HardshipBody(StrictSerializer):
    reason = TextField(most=10, help_text=", ".join(HardshipRequest.Reason.values))
    wish = TextField(most=10, help_text=", ".join(HardshipRequest.Wish.values))
    text = TextField(required=False, most=2000, help_text="In your own words.")
    affordable = AmountField(required=False, help_text="What you can pay a month.")
    until_date = DateField(required=False, help_text="Until when you expect it to last.")

    def validate_reason(self, value: str) -> str:
        return _one_of(value, HardshipRequest.Reason.values)

    def validate_wish(self, value: str) -> str:
        return _one_of(value, HardshipRequest.Wish.values)


def _one_of(value: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise serializers.ValidationError(_("Choose one from the list."), code="choice_invalid")
    return value


class AmountQuery(StrictQuery):
    amount = AmountField(help_text="What would be paid today.")


class ChoiceOut(serializers.Serializer[Any]):
    """The loan after a payment, under one way for what is more than due."""

    choice = serializers.CharField(help_text="PAY_AHEAD, FEWER_INSTALMENTS or SMALLER_INSTALMENTS.")
    saved = MoneyField(help_text="Interest and fees that fall away because of the payment.")
    left = MoneyField(help_text="Still to pay if every instalment is paid on its day.")
    next_due_amount = MoneyField()
    next_due_date = serializers.DateField(allow_null=True)
    instalments_left = serializers.IntegerField()
    last_due_date = serializers.DateField(allow_null=True)


class CalendarBody(StrictSerializer):
    borrower = RefField()


class FeedOut(serializers.Serializer[Any]):
    """A link for a calendar program; whoever has it sees due days and amounts, so it is shown once."""

    created_date = serializers.DateField()
    url = serializers.CharField(allow_blank=True, help_text="Empty but in the answer that made it.")


class Hardship(PortalView):
    @documented("See the newest request for help with a loan", response=HardshipOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref)
        found = questions.hardship_of(loan_id=loan.pk)
        if found is None:
            raise NotFound("no_request", N_("There is no request for help with this loan."))
        return Response(HardshipOut(found).data)

    @documented("Ask for help with a loan", request=HardshipBody, response=HardshipOut, status=201)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref, roles=MAY_DRAW)
        asked = self.body(HardshipBody)
        operations.request_hardship(loan_id=loan.pk, actor=self.user, as_of=business_date(), **asked)
        return Response(HardshipOut(questions.hardship_of(loan_id=loan.pk)).data, status=201)


class WithdrawHardship(PortalView):
    @documented("Take a request for help back", request=NoBody, response=HardshipOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        found = access.own_hardship(user=self.user, ref=ref, roles=MAY_DRAW)
        operations.withdraw_hardship(request_id=found.pk, actor=self.user, as_of=business_date())
        return Response(HardshipOut(questions.hardship_of(loan_id=found.loan_id)).data)


class AcceptPlan(PortalView):
    @documented("Accept a plan: the loan changes at once", request=NoBody, response=HardshipOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        plan = access.own_hardship_plan(user=self.user, ref=ref, roles=MAY_DRAW)
        operations.accept_hardship_plan(plan_id=plan.pk, actor=self.user, as_of=business_date())
        return Response(HardshipOut(questions.hardship_of(loan_id=plan.request.loan_id)).data)


class DeclinePlan(PortalView):
    @documented("Decline a plan: the request waits for another", request=NoBody, response=HardshipOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        plan = access.own_hardship_plan(user=self.user, ref=ref, roles=MAY_DRAW)
        operations.decline_hardship_plan(plan_id=plan.pk, actor=self.user, as_of=business_date())
        return Response(HardshipOut(questions.hardship_of(loan_id=plan.request.loan_id)).data)


class PrepayChoices(PortalView):
    query = AmountQuery

    @documented(
        "Compare the three ways for money beyond the due", response=ChoiceOut(many=True), query=AmountQuery
    )
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref)
        events = read_events(loan_id=loan.pk)
        found = prepay_choices(loan.agreed, events, amount=self.asked["amount"], value_date=business_date())
        return Response(ChoiceOut([_choice(one) for one in found], many=True).data)


def _choice(one: Choice) -> dict[str, Any]:
    return {
        "choice": one.policy.value, "saved": one.saved, "left": one.left, "next_due_amount": one.state.next_due.total,
        "next_due_date": one.state.next_due_date, "instalments_left": one.rows_left, "last_due_date": one.last_date,
    }  # fmt: skip


class Calendar(PortalView):
    query = OneBorrowerQuery

    @documented("See whether a calendar link is open", response=FeedOut, query=OneBorrowerQuery)
    def get(self, request: Request) -> Response:
        feed = feed_of(borrower_id=self.borrower(self.asked["borrower"]).pk)
        if feed is None:
            raise NotFound("no_feed", N_("There is no calendar link."))
        return Response(FeedOut({"created_date": feed.created_date, "url": ""}).data)

    @documented(
        "Make a calendar link; one from before stops working",
        request=CalendarBody,
        response=FeedOut,
        status=201,
    )
    def post(self, request: Request) -> Response:
        borrower = self.borrower(self.body(CalendarBody)["borrower"])
        feed = operations.make_calendar_feed(
            borrower=borrower, language=self.user.language, actor=self.user, as_of=business_date()
        )
        url = request.build_absolute_uri(reverse("loans:calendar-feed", args=[feed.token]))
        return Response(FeedOut({"created_date": feed.created_date, "url": url}).data, status=201)


class RevokeCalendar(PortalView):
    @documented("Close the calendar link", request=CalendarBody, response=FeedOut)
    def post(self, request: Request) -> Response:
        borrower = self.borrower(self.body(CalendarBody)["borrower"])
        feed = feed_of(borrower_id=borrower.pk)
        if feed is None:
            raise NotFound("no_feed", N_("There is no calendar link."))
        operations.revoke_calendar_feed(borrower=borrower, actor=self.user, as_of=business_date())
        return Response(FeedOut({"created_date": feed.created_date, "url": ""}).data)
