"""Lines: what can be drawn, what it would cost, drawing, freezing."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import (
    CountField,
    FlagField,
    ListQuery,
    NoBody,
    PortalView,
    RefField,
    StrictQuery,
    StrictSerializer,
    TextField,
    documented,
    paged,
    wake_on_commit,
    write,
)
from credit import access, operations, queries
from credit.api.answers import (
    CaseOut,
    DrawdownOut,
    LineDetailOut,
    LineOut,
    LineQuoteOut,
    PaperOut,
    line_detail,
)
from credit.domain.products import allowed_purposes, check_choice
from credit.models import CreditLine, Drawdown, Product
from credit.views.working import cases, put_forward, repaid_words
from ledger.queries import business_date
from loans.api_answers import quote_answer
from loans.api_fields import AmountField, CurrencyField
from loans.api_v1 import KEY, read_months
from loans.tasks import wake_payouts
from loans.views.wake import wake_soon
from regimes.errors import N_, InvalidInput
from risk.api import UploadField


class UnableToQuote(InvalidInput):
    """Refuse to quote what the line does not offer."""


class LinesQuery(StrictQuery):
    borrower = RefField(required=False, help_text="A reference from `/me`; without it, all of yours.")


class LineQuoteQuery(StrictQuery):
    amount = AmountField()
    scenario = TextField(most=40, help_text="From the line's options.")
    repayment_method = TextField(most=40, help_text="From the line's options.")
    instalment_count = TextField(most=3, help_text="From the line's options.")
    invoice = RefField(
        required=False, help_text="Of yours, from `invoices`: what INVOICE_ADVANCE is advanced on."
    )

    def validate_instalment_count(self, value: str) -> int:
        return read_months(value)


class FreezeBody(StrictSerializer):
    reason = TextField(required=False, most=500, blank=True)


class AutoDebitBody(StrictSerializer):
    is_on = FlagField()


class DrawdownBody(StrictSerializer):
    amount = AmountField()
    currency = CurrencyField()
    instalment_count = CountField()
    repayment_method = TextField(most=40)
    scenario = TextField(most=40)
    purpose = TextField(most=2000, blank=True)
    bank_account = RefField(required=False, help_text="Of yours; not needed where a payee is paid.")
    evidence = RefField(required=False, help_text="A paper that shows the purpose, from `purpose-evidence`.")
    payee = RefField(required=False, help_text="From the line's options.")
    invoice = RefField(
        required=False, help_text="Of yours, from `invoices`: what INVOICE_ADVANCE is advanced on."
    )
    terms_version = TextField(most=80, help_text="The terms that were read, from the quote.")


class PaperBody(StrictSerializer):
    scenario = TextField(most=16, help_text="From the line's options.")
    file = UploadField(help_text="PDF, PNG or JPEG, at most 5 MB.")


class Lines(PortalView):
    query = LinesQuery

    @documented("List credit lines", response=LineOut(many=True), query=LinesQuery)
    def get(self, request: Request) -> Response:
        as_of = business_date()
        rows = (
            CreditLine.objects.filter(borrower__in=self.borrowers())
            .select_related("borrower")
            .order_by("-pk")
        )
        views = [queries.line_view(line=line, as_of=as_of, newest=0) for line in rows[:100]]
        return Response(LineOut(views, many=True).data)


class LineView(PortalView):
    def line(self, ref: uuid.UUID, *, spending: bool = False) -> CreditLine:
        """Give a line of the caller's, or 404; a viewer of a business cannot act on it."""
        roles = access.SPENDERS if spending else access.READERS
        return access.own_line(user=self.user, ref=ref, roles=roles)

    def line_today(self, ref: uuid.UUID, *, spending: bool = False) -> tuple[CreditLine, date]:
        """Give the same, and the business date."""
        roles = access.SPENDERS if spending else access.READERS
        return access.own_line_today(user=self.user, ref=ref, roles=roles)

    def shown(self, ref: uuid.UUID) -> Response:
        """Answer the line as it stands."""
        line = self.line(ref)
        return Response(line_detail(line, queries.line_view(line=line, as_of=business_date())))


class LineDetail(LineView):
    @documented("See a line, its options and its history", response=LineDetailOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        return self.shown(ref)


class AcceptLine(LineView):
    @documented("Accept an offer", request=NoBody, response=LineDetailOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        line = self.line(ref, spending=True)
        operations.accept_offer(line_id=line.pk, actor=self.user, as_of=business_date())
        return self.shown(ref)


class FreezeLine(LineView):
    @documented("Freeze a line; payments go on", request=FreezeBody, response=LineDetailOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        reason = self.body(FreezeBody).get("reason", "")
        line = self.line(ref, spending=True)
        operations.freeze_line(
            line_id=line.pk, reason=reason, actor=self.user, as_of=business_date(), by_borrower=True
        )
        return self.shown(ref)


class UnfreezeLine(LineView):
    @documented("Lift one's own freeze", request=NoBody, response=LineDetailOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        self.body(NoBody)
        line = self.line(ref, spending=True)
        operations.unfreeze_line(line_id=line.pk, actor=self.user, as_of=business_date(), by_borrower=True)
        return self.shown(ref)


class AutoDebit(LineView):
    @documented("Agree to automatic payment, or end it", request=AutoDebitBody, response=LineDetailOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        is_on = self.body(AutoDebitBody)["is_on"]
        line = self.line(ref, spending=True)
        operations.set_auto_debit(line_id=line.pk, is_on=is_on, actor=self.user)
        return self.shown(ref)


class LineQuote(LineView):
    query = LineQuoteQuery

    @documented("Work out what a draw would cost", response=LineQuoteOut, query=LineQuoteQuery)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        (line, as_of), asked = self.line_today(ref), dict(self.asked)
        product, calendar = queries.offer_of(line=line, scenario=asked.pop("scenario"))
        if product is None:
            raise UnableToQuote(
                "scenario_invalid", N_("Choose a use of the money from the list."), field="scenario"
            )
        terms, ceiling = product.terms(), queries.ceiling_now()
        check_choice(
            terms,
            amount=asked["amount"],
            count=asked["instalment_count"],
            method=asked["repayment_method"],
            purpose=allowed_purposes(terms, ceiling)[0],
            ceiling=ceiling,
        )
        method = asked.pop("repayment_method")
        (quote,) = queries.draw_quotes(
            line_id=line.pk,
            methods=[method],
            **asked,
            as_of=as_of,
            line=line,
            rule=calendar,
            product=product,
        )
        found = {
            **quote_answer(quote),
            "terms_version": terms.terms_version,
            "basis": "EXPECTED_SALES" if product.scenario == "SALES_SHARE" else "AGREED",
            "how_repaid": repaid_words(
                quote.terms, *put_forward(line, product.scenario, asked.get("invoice"))
            ),
            "cases": [write(CaseOut, case) for case in cases(quote.terms)],
        }
        return Response(found)


class Drawdowns(LineView):
    own_key = True
    query = ListQuery
    throttle_scope = "money"

    @documented("List the draws on a line", response=paged(DrawdownOut), query=ListQuery)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        rows = (
            Drawdown.objects.filter(line=self.line(ref))
            .select_related("line", "loan")
            .prefetch_related("loan__payouts")
        )
        return self.rows(rows, DrawdownOut)

    @documented("Draw", request=DrawdownBody, response=DrawdownOut, status=201, parameters=[KEY])
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        line, as_of = self.line_today(ref, spending=True)
        asked = self.body(DrawdownBody)
        asked.pop("currency")
        account = asked.pop("bank_account", None)
        if account is None and asked.get("payee") is None:
            raise UnableToQuote(
                "required",
                N_("Say where the money goes: an account of yours, or a payee."),
                field="bank_account",
            )
        found = operations.draw_down(
            line_id=line.pk,
            **asked,
            bank_account=None if asked.get("payee") else account or None,
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            actor=self.user,
            as_of=as_of,
        )
        wake_on_commit(wake_soon, wake_payouts, found.loan.payout.pk)
        return Response(write(DrawdownOut, found), status=201)


class PurposeEvidence(LineView):
    throttle_scope = "upload"

    def get_parsers(self) -> list[Any]:
        """Take files as a form, and nothing else."""
        return [MultiPartParser()]

    @documented("List papers that wait for a draw", response=PaperOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        line = self.line(ref, spending=True)
        rows = [row for one in Product.Scenario for row in queries.papers_waiting(line=line, scenario=one)]
        return Response(PaperOut(rows, many=True).data)

    @documented(
        "Give a paper that shows what a draw is for",
        request={"multipart/form-data": PaperBody},
        response=PaperOut,
        status=201,
    )
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        line, asked = self.line(ref, spending=True), self.body(PaperBody)
        kept = operations.upload_purpose_evidence(
            line=line,
            scenario=asked["scenario"],
            file_name=asked["file"].name,
            content=asked["file"].read(operations.MOST_PAPER_BYTES + 1),
            actor=self.user,
            as_of=business_date(),
        )
        return Response(PaperOut(kept).data, status=201)


class DrawdownDetail(PortalView):
    @documented("See where the money of a draw is", response=DrawdownOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        return Response(DrawdownOut(access.own_drawdown(user=self.user, ref=ref)).data)
