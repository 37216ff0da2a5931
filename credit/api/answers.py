"""What the addresses of credit answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api import MoneyField, RateField
from credit import queries
from credit.models import Application, CreditLine
from credit.queries import LineView
from loans.api_answers import QuoteOut


class ReasonOut(serializers.Serializer[Any]):
    """A reason with its sentence in the caller's language."""

    code = serializers.CharField()
    text = serializers.CharField()


def reasons_of(written: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Say stored reasons in the caller's language."""
    return [
        {"code": str(item["code"]), "text": gettext(item["message"]) % (item.get("params") or {})}
        for item in written
    ]


class ProductOut(serializers.Serializer[Any]):
    """What can be applied for."""

    code = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.SerializerMethodField()
    scenario = serializers.CharField()
    family = serializers.CharField(help_text="PERSONAL or BUSINESS.")
    repayment_methods = serializers.ListField(child=serializers.CharField())
    instalment_counts = serializers.ListField(child=serializers.IntegerField())
    minimum_amount = MoneyField()
    maximum_amount = MoneyField()
    purposes = serializers.ListField(child=serializers.CharField())
    forbidden_purposes = serializers.ListField(child=serializers.CharField())

    def get_name(self, product: Any) -> str:
        return gettext(product.name)


class DecisionOut(serializers.Serializer[Any]):
    """What was decided, and why."""

    ref = serializers.UUIDField()
    outcome = serializers.CharField(help_text="APPROVE, REFER, DECLINE or COUNTER_OFFER.")
    is_final = serializers.BooleanField()
    limit = MoneyField()
    annual_rate = RateField()
    reasons = serializers.SerializerMethodField()
    decided_date = serializers.DateField()

    @extend_schema_field(ReasonOut(many=True))
    def get_reasons(self, decision: Any) -> list[dict[str, str]]:
        return reasons_of(decision.reasons)


class ApplicationOut(serializers.Serializer[Any]):
    """An application."""

    ref = serializers.UUIDField()
    borrower = serializers.UUIDField(source="borrower.ref")
    product = serializers.CharField(source="product.code")
    requested_amount = MoneyField()
    purpose = serializers.CharField()
    occupation = serializers.CharField()
    status = serializers.CharField(help_text="SUBMITTED, REFERRED, APPROVED, DECLINED or WITHDRAWN.")
    submitted_date = serializers.DateField()
    decided_date = serializers.DateField(allow_null=True)
    decision = serializers.SerializerMethodField()

    @extend_schema_field(DecisionOut(allow_null=True))
    def get_decision(self, application: Application) -> Any:
        found = queries.decision_of(application=application)
        return DecisionOut(found).data if found else None


class ReviewOut(serializers.Serializer[Any]):
    """A request for a person to look."""

    ref = serializers.UUIDField()
    status = serializers.CharField(help_text="OPEN, UPHELD or CHANGED.")
    requested_date = serializers.DateField()
    answer_by_date = serializers.DateField()
    answer = serializers.CharField()


class LimitChangeOut(serializers.Serializer[Any]):
    """One event in a line's life, with its reasons and what would change it."""

    ref = serializers.UUIDField()
    direction = serializers.CharField(
        help_text="OPEN, UP, KEEP, DOWN, FREEZE, UNFREEZE, SUSPEND, RESUME, RENEW, ANNOUNCE, WITHDRAW or CLOSE."
    )
    old_limit = MoneyField()
    new_limit = MoneyField()
    reasons = serializers.SerializerMethodField()
    recourse = serializers.SerializerMethodField()
    effective_date = serializers.DateField()
    next_review_date = serializers.DateField()

    @extend_schema_field(ReasonOut(many=True))
    def get_reasons(self, change: Any) -> list[dict[str, str]]:
        return reasons_of(change.reasons)

    @extend_schema_field(ReasonOut(many=True))
    def get_recourse(self, change: Any) -> list[dict[str, str]]:
        return reasons_of(change.recourse)


class LineOut(serializers.Serializer[Any]):
    """A credit line as it stands today."""

    ref = serializers.UUIDField(source="line.ref")
    borrower = serializers.UUIDField(source="line.borrower.ref")
    family = serializers.CharField(source="line.family")
    status = serializers.CharField(
        source="line.status", help_text="OFFERED, ACTIVE, FROZEN, SUSPENDED or CLOSED."
    )
    freeze_reason = serializers.CharField(source="line.freeze_reason")
    limit = MoneyField(source="line.limit")
    exposure = MoneyField(help_text="Principal owed, payouts under way, and what is held for purchases.")
    held = MoneyField(help_text="Of the exposure: held for purchases that a shop has not captured.")
    available = MoneyField()
    annual_rate = RateField(source="line.annual_rate")
    penalty_rate = RateField(source="line.penalty_rate")
    can_draw = serializers.BooleanField()
    days_past_due = serializers.IntegerField()
    next_due_date = serializers.DateField(allow_null=True)
    next_due_amount = MoneyField()
    offer_until = serializers.DateField(source="line.offer_until", allow_null=True)
    valid_until = serializers.DateField(source="line.valid_until")
    announced_limit = MoneyField(
        source="line.announced_limit",
        allow_null=True,
        help_text="A lower grant that was announced; null: none.",
    )
    announced_date = serializers.DateField(source="line.announced_date", allow_null=True)
    next_review_date = serializers.DateField(source="next_look_date")


class MethodOut(serializers.Serializer[Any]):
    """A way of repaying, and its terms in months."""

    repayment_method = serializers.CharField()
    instalment_counts = serializers.ListField(child=serializers.IntegerField())


class PayeeOut(serializers.Serializer[Any]):
    """Whom a draw may be paid to instead of the borrower."""

    ref = serializers.UUIDField()
    name = serializers.CharField()


class PaperOut(serializers.Serializer[Any]):
    """A paper that shows what a draw is for; it serves one draw."""

    ref = serializers.UUIDField()
    scenario = serializers.CharField()
    file_name = serializers.CharField()
    content_type = serializers.CharField()
    sha256 = serializers.CharField()
    uploaded_date = serializers.DateField()


class DrawOptionOut(serializers.Serializer[Any]):
    """What a line can be drawn for."""

    scenario = serializers.CharField(source="product.scenario")
    terms_version = serializers.CharField(help_text="Send it with the draw.")
    minimum = MoneyField()
    maximum = MoneyField()
    purposes = serializers.ListField(child=serializers.CharField())
    evidence_above = MoneyField(
        source="product.evidence_above", allow_null=True, help_text="Above it a paper is needed; null: never."
    )
    sub_limit = MoneyField(
        source="product.sub_limit", allow_null=True, help_text="Of what may be owed on this use."
    )
    payee_rule = serializers.CharField(source="product.payee_rule", help_text="NONE, ALLOWED or REQUIRED.")
    working_rules = serializers.JSONField(
        source="product.working_rules",
        allow_null=True,
        help_text="Of a share of sales or an advance on an invoice: parts, days and price; null: neither.",
    )
    payees = PayeeOut(many=True)
    methods = serializers.SerializerMethodField()

    @extend_schema_field(MethodOut(many=True))
    def get_methods(self, option: Any) -> list[dict[str, Any]]:
        return [
            {"repayment_method": name, "instalment_counts": list(counts)} for name, counts in option.methods
        ]


class LineDetailOut(LineOut):
    """A line with what it can be drawn for and its history."""

    options = DrawOptionOut(many=True)
    history = LimitChangeOut(many=True)


class CaseOut(serializers.Serializer[Any]):
    """What a share of sales comes to if sales are so."""

    name = serializers.CharField()
    annual_rate = RateField(source="rate", allow_null=True, help_text="By IRR.")
    first_asked = MoneyField(source="ask")
    last_asked = MoneyField(source="last")
    last_date = serializers.DateField(source="last_day")
    cost = MoneyField()


class LineQuoteOut(QuoteOut):
    """The whole cost of a draw, and the terms that it would be signed under."""

    terms_version = serializers.CharField()
    basis = serializers.CharField(
        help_text="AGREED; or EXPECTED_SALES: instalments and rates hold if sales are as expected, `cases` if not."
    )
    how_repaid = serializers.ListField(
        child=serializers.CharField(), help_text="Working capital: how it is repaid, in sentences."
    )
    cases = CaseOut(many=True)


class UnpaidInvoiceOut(serializers.Serializer[Any]):
    """An unpaid invoice of the records that nobody put forward yet. The records keep no number and no name."""

    row = serializers.UUIDField(help_text="Send it when you put the invoice forward.")
    tail = serializers.CharField(help_text="The last digits of its number.")
    issue_date = serializers.DateField()
    amount = MoneyField()
    most = MoneyField(help_text="What is advanced on it at most.")


class InvoiceOut(serializers.Serializer[Any]):
    """An invoice that was put forward, and what is advanced on it today."""

    ref = serializers.UUIDField(source="invoice.ref", help_text="Send it with the draw.")
    number = serializers.CharField(source="invoice.number")
    customer_name = serializers.CharField(source="invoice.customer_name")
    issue_date = serializers.DateField(source="invoice.issue_date")
    due_date = serializers.DateField(source="invoice.due_date")
    amount = MoneyField(source="invoice.amount")
    most = MoneyField(help_text="What is advanced on it today; 0: nothing, see `why_not`.")
    why_not = ReasonOut(allow_null=True)


class InvoicesOut(serializers.Serializer[Any]):
    """The sales invoices of a business: those put forward, and those that could be."""

    put_forward = InvoiceOut(many=True)
    unpaid = UnpaidInvoiceOut(many=True)


class AskedOut(serializers.Serializer[Any]):
    """What one due date asks of one month's sales, and why."""

    period = serializers.CharField(help_text="The month, such as 2026-10.")
    due_date = serializers.DateField()
    sales = MoneyField()
    share = RateField()
    cap = MoneyField(allow_null=True)
    asked = MoneyField(help_text="The share up to the cap; the interest of the month is asked at least.")
    told_by = serializers.CharField(help_text="OWNER, RECORDS, or EXPECTED: nothing was reported.")
    words = serializers.CharField()


class SalesReportOut(AskedOut):
    """A report that was taken down."""

    replaced = MoneyField(allow_null=True, help_text="What was reported before; null: nothing.")
    changed = serializers.BooleanField(help_text="False: the same was reported before.")


class DrawdownOut(serializers.Serializer[Any]):
    """A draw and its loan."""

    ref = serializers.UUIDField()
    line = serializers.UUIDField(source="line.ref")
    loan = serializers.UUIDField(source="loan.ref")
    amount = MoneyField()
    purpose = serializers.CharField()
    scenario = serializers.CharField()
    payee = serializers.CharField(source="payee.name", default=None, help_text="Null: the borrower is paid.")
    drawn_date = serializers.DateField()
    payout_status = serializers.CharField(
        source="loan.payout.status",
        help_text="PENDING, CLAIMED, SENT, UNKNOWN, CONFIRMED, REFUSED or PARKED: only CONFIRMED has arrived.",
    )
    loan_status = serializers.CharField(source="loan.status")


def line_detail(line: CreditLine, view: LineView) -> dict[str, Any]:
    """Lay a line out with what it can be drawn for and its history."""
    return {
        **LineOut(view).data,
        "options": DrawOptionOut(queries.draw_options(line=line, room=view.available), many=True).data,
        "history": LimitChangeOut(view.changes, many=True).data,
    }
