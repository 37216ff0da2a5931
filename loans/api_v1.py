"""Loans, their instalments, what closes them, and paying; any loan's cost."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MAY_DRAW, own_bank_account
from accounts.api import (
    DateField,
    OwnListQuery,
    PortalView,
    RefField,
    StrictQuery,
    StrictSerializer,
    TextField,
    documented,
    paged,
    wake_on_commit,
)
from ledger.queries import business_date
from loans import access, operations, queries
from loans.api_answers import (
    LoanDetailOut,
    LoanOut,
    PayoffOut,
    QuoteOut,
    RepaymentOut,
    loan_detail,
    quote_answer,
)
from loans.api_fields import AmountField, CurrencyField
from loans.domain.quotes import quote
from loans.domain.terms import DayCount, FeeTerm, FeeTiming, Frequency, LoanTerms, RepaymentMethod
from loans.domain.validation import validate_terms
from loans.models import Collection, Loan
from loans.tasks import wake_collection
from loans.views.wake import wake

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable ASCII characters, new for each payment meant. A repeat gives the first answer.",
)
QUOTED = ("EQUAL_INSTALMENT", "EQUAL_PRINCIPAL", "INTEREST_FIRST", "BULLET", "FLEXIBLE", "FLAT")
FREQUENCIES = ("WEEKLY", "BIWEEKLY", "MONTHLY", "QUARTERLY", "YEARLY")


class LoansQuery(OwnListQuery):
    status = TextField(required=False, most=20, help_text="Only loans of this status.")

    def validate_status(self, value: str) -> str:
        if value not in Loan.Status.values:
            raise serializers.ValidationError(_("Choose one of the statuses."), code="query_invalid")
        return value


class RepaymentBody(StrictSerializer):
    amount = AmountField()
    currency = CurrencyField()
    bank_account = RefField()
    choice = TextField(
        required=False,
        most=40,
        help_text="What money beyond the due does: PAY_AHEAD, FEWER_INSTALMENTS or SMALLER_INSTALMENTS.",
    )


class QuoteQuery(StrictQuery):
    amount = AmountField()
    annual_rate = TextField(most=8, help_text="Annual nominal rate as a fraction: 0.18 is 18 %.")
    repayment_method = TextField(most=40, help_text=", ".join(QUOTED))
    instalment_count = TextField(most=3, help_text="Instalments; months unless a frequency is given.")
    frequency = TextField(required=False, most=10, help_text=", ".join(FREQUENCIES))
    first_due_date = DateField(required=False, help_text="If not one period from today.")
    due_day = TextField(required=False, most=2, help_text="Day of the month, 1 to 31, clipped to the month.")
    day_count = TextField(required=False, most=20, help_text=", ".join(DayCount))
    opening_fee = AmountField(
        required=False, help_text="Kept back from the payout; part of the annual rates."
    )

    def validate_frequency(self, value: str) -> Frequency:
        if value not in FREQUENCIES:
            raise serializers.ValidationError(_("Choose a frequency from the list."))
        return Frequency(value)

    def validate_due_day(self, value: str) -> int:
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 31) or value.startswith("0"):
            raise serializers.ValidationError(_("Send a day of the month from 1 to 31."))
        return int(value)

    def validate_day_count(self, value: str) -> DayCount:
        if value not in set(DayCount):
            raise serializers.ValidationError(_("Choose a day count from the list."))
        return DayCount(value)

    def validate_annual_rate(self, value: str) -> Decimal:
        whole, point, part = value.partition(".")
        if (
            whole not in ("0", "1")
            or (point and not part)
            or not (part or "0").isascii()
            or not (part or "0").isdigit()
        ):
            raise serializers.ValidationError(_("Enter a rate from 0 to 1, such as 0.18."))
        if len(part) > 6 or Decimal(value) > 1:
            raise serializers.ValidationError(_("Enter a rate from 0 to 1, such as 0.18."))
        return Decimal(value)

    def validate_repayment_method(self, value: str) -> RepaymentMethod:
        if value not in QUOTED:
            raise serializers.ValidationError(_("Choose a way of repaying from the list."))
        return RepaymentMethod(value)

    def validate_instalment_count(self, value: str) -> int:
        return read_months(value)


def read_months(value: str) -> int:
    """Read a term from a query string."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 120) or value.startswith("0"):
        raise serializers.ValidationError(_("Send a number of months from 1 to 120."))
    return int(value)


class Loans(PortalView):
    query = LoansQuery

    @documented("List loans", response=paged(LoanOut), query=LoansQuery)
    def get(self, request: Request) -> Response:
        rows = queries.loans_of(borrower_ids=[one.pk for one in self.borrowers()]).select_related("borrower")
        if "status" in self.asked:
            rows = rows.filter(status=self.asked["status"])
        return self.rows(rows, LoanOut)


class LoanDetail(PortalView):
    @documented("See a loan with its instalments and history", response=LoanDetailOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref)
        as_of = business_date()
        return Response(loan_detail(queries.loan_view(loan_id=loan.pk, as_of=as_of), as_of=as_of))


class Payoff(PortalView):
    @documented("See what closes a loan today", response=PayoffOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref)
        return Response(PayoffOut(queries.payoff(loan_id=loan.pk, as_of=business_date())).data)


class Repayments(PortalView):
    own_key = True
    throttle_scope = "money"

    @documented("List the payments of a loan", response=RepaymentOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref)
        found = queries.loan_view(loan_id=loan.pk, as_of=business_date()).collections
        return Response(RepaymentOut(found, many=True).data)

    @documented("Pay", request=RepaymentBody, response=RepaymentOut, status=201, parameters=[KEY])
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        loan = access.own_loan(user=self.user, ref=ref, roles=MAY_DRAW)
        asked = self.body(RepaymentBody)
        account = own_bank_account(user=self.user, ref=asked["bank_account"], roles=MAY_DRAW)
        found = operations.start_collection(
            loan_id=loan.pk,
            amount=asked["amount"],
            choice=asked.get("choice"),
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            bank_account_id=account.pk,
            actor=self.user,
            as_of=business_date(),
        )
        wake_on_commit(wake, wake_collection, found.pk)
        return Response(RepaymentOut(found).data, status=201)


class Repayment(PortalView):
    @documented("See where a payment is", response=RepaymentOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        found: Collection = access.own_collection(user=self.user, ref=ref)
        return Response(RepaymentOut(found).data)


class Quotes(PortalView):
    query = QuoteQuery

    @documented("Work out what any loan costs", response=QuoteOut, query=QuoteQuery)
    def get(self, request: Request) -> Response:
        as_of = business_date()
        asked = dict(self.asked)
        fee = asked.pop("opening_fee", None)
        terms = validate_terms(
            LoanTerms(
                principal=asked.pop("amount"),
                start_date=as_of,
                fees=(FeeTerm("opening", FeeTiming.AT_PAYOUT, amount=fee),) if fee else (),
                **asked,
            )
        )
        return Response(quote_answer(quote(terms, as_of=as_of)))
