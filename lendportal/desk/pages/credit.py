"""Applications, lines, drawdowns and the night at the desk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from credit.models import (
    Application,
    CreditLine,
    Decision,
    Drawdown,
    LimitChange,
    NightRun,
    NightShard,
    Payee,
    Policy,
    Product,
    PurposeEvidence,
    ReviewRequest,
)
from lendportal.desk.base import ReadOnlyAdmin, ReadOnlyInline, link, money, percent
from lendportal.desk.words import sentences
from lendportal.desk.working import loan_words


def months_of(kept: dict[str, Any] | None) -> str:
    """Say what is paid a month before and after, with the part of the income where it is known."""
    if not kept:
        return "–"
    shares = {name: kept.get(f"share_{name}") for name in ("before", "after")}
    return " → ".join(
        f"{kept[name]} ({percent(Decimal(share))})" if share is not None else str(kept[name])
        for name, share in shares.items()
    )


class DecisionInline(ReadOnlyInline):
    model = Decision
    fields = (
        "number",
        "outcome",
        "amount",
        "rate",
        "grade",
        "probability",
        "months",
        "why",
        "decided_by",
        "note",
        "decided_at",
    )
    ordering = ("-number",)

    @admin.display(description=_("limit"))
    def amount(self, row: Decision) -> SafeString:
        return money(row.limit)

    @admin.display(description=_("annual rate"))
    def rate(self, row: Decision) -> str:
        return percent(row.annual_rate)

    @admin.display(description=_("probability of default"))
    def probability(self, row: Decision) -> str:
        return percent(row.pd)

    @admin.display(description=_("instalments to income, before and after"))
    def months(self, row: Decision) -> str:
        return months_of((row.inputs or {}).get("affordability"))

    @admin.display(description=_("reasons"))
    def why(self, row: Decision) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((text,) for text in sentences(row.reasons)))


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("submitted_at", "borrower", "product", "amount", "status", "review")
    list_filter = ("status", "product__scenario", "product__family")
    list_select_related = ("borrower", "product")
    search_fields = ("ref", "borrower__display_name")
    ordering = ("-id",)
    inlines = (DecisionInline,)
    change_form_template = "admin/application.html"

    @admin.display(description=_("amount asked for"), ordering="requested_amount")
    def amount(self, row: Application) -> SafeString:
        return money(row.requested_amount)

    @admin.display(description="")
    def review(self, row: Application) -> SafeString | str:
        if row.status != Application.Status.REFERRED:
            return ""
        return format_html(
            '<a class="button" href="{}">{}</a>', reverse("admin:review", args=[row.ref]), _("Review")
        )


class LimitChangeInline(ReadOnlyInline):
    model = LimitChange
    fields = ("effective_date", "direction", "trigger", "old", "new", "why", "actor", "note")
    ordering = ("-id",)

    @admin.display(description=_("old limit"))
    def old(self, row: LimitChange) -> SafeString:
        return money(row.old_limit)

    @admin.display(description=_("new limit"))
    def new(self, row: LimitChange) -> SafeString:
        return money(row.new_limit)

    @admin.display(description=_("reasons"))
    def why(self, row: LimitChange) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((text,) for text in sentences(row.reasons)))


class DrawdownInline(ReadOnlyInline):
    model = Drawdown
    fields = ("drawn_date", "sum", "scenario", "purpose", "loan_page")
    ordering = ("-id",)

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("loan")

    @admin.display(description=_("amount"))
    def sum(self, row: Drawdown) -> SafeString:
        return money(row.amount)

    @admin.display(description=_("loan"))
    def loan_page(self, row: Drawdown) -> SafeString | str:
        return link(row.loan)


@admin.register(CreditLine)
class CreditLineAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = (
        "borrower",
        "family",
        "amount",
        "rate",
        "grade",
        "status",
        "next_review_date",
        "opened_date",
    )
    list_filter = ("status", "family", "grade", "freeze_reason")
    list_select_related = ("borrower",)
    search_fields = ("ref", "borrower__display_name")
    ordering = ("-id",)
    inlines = (DrawdownInline, LimitChangeInline)
    change_form_template = "admin/line.html"

    @admin.display(description=_("limit"), ordering="limit")
    def amount(self, row: CreditLine) -> SafeString:
        return money(row.limit)

    @admin.display(description=_("annual rate"), ordering="annual_rate")
    def rate(self, row: CreditLine) -> str:
        return percent(row.annual_rate)


@admin.register(Drawdown)
class DrawdownAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("drawn_date", "line", "sum", "scenario", "purpose", "payee", "paper", "loan_page")
    list_filter = ("scenario", "drawn_date")
    list_select_related = ("line", "loan", "payee")
    search_fields = ("ref",)
    ordering = ("-id",)
    readonly_fields = ("paper", "months", "working")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drawdown]:
        """Bring the papers' names with the rows, and leave their content where it is."""
        papers = Prefetch("purpose_evidence", PurposeEvidence.objects.defer("content"))
        return super().get_queryset(request).prefetch_related(papers)

    @admin.display(description=_("paper that shows the purpose"))
    def paper(self, row: Drawdown) -> SafeString | str:
        found: PurposeEvidence | None = getattr(row, "purpose_evidence", None)
        if found is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:purpose_paper", args=[found.ref]), found.file_name
        )

    @admin.display(description=_("share of sales, or invoice"))
    def working(self, row: Drawdown) -> SafeString | str:
        said = loan_words(row.loan)
        return format_html_join("", "<div>{}</div>", ((text,) for text in said)) if said else "–"

    @admin.display(description=_("instalments of the heaviest month, before and after"))
    def months(self, row: Drawdown) -> str:
        return months_of(row.affordability)

    @admin.display(description=_("amount"), ordering="amount")
    def sum(self, row: Drawdown) -> SafeString:
        return money(row.amount)

    @admin.display(description=_("loan"))
    def loan_page(self, row: Drawdown) -> SafeString | str:
        return link(row.loan)


@admin.register(LimitChange)
class LimitChangeAdmin(ReadOnlyAdmin):
    list_display = ("effective_date", "line", "direction", "trigger", "old_limit", "new_limit", "why")
    list_filter = ("direction", "trigger")
    list_select_related = ("line",)
    ordering = ("-id",)

    @admin.display(description=_("reasons"))
    def why(self, row: LimitChange) -> str:
        return " ".join(sentences(row.reasons))


@admin.register(Payee)
class PayeeAdmin(ReadOnlyAdmin):
    list_display = ("name", "scenario", "account", "is_active", "registered_by", "created_at")
    list_filter = ("scenario", "is_active")
    list_select_related = ("account", "registered_by")
    ordering = ("name", "pk")


class NightShardInline(ReadOnlyInline):
    model = NightShard
    fields = ("step", "first_id", "last_id", "status", "attempts", "figures", "problem")
    ordering = ("id",)


@admin.register(NightRun)
class NightRunAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "status", "step", "started_at", "finished_at", "problem")
    list_filter = ("status",)
    ordering = ("-business_date",)
    inlines = (NightShardInline,)


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ("name", "scenario", "family", "version", "minimum_amount", "maximum_amount", "is_active")
    list_filter = ("family", "is_active")
    ordering = ("code", "-version")


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    change_form_template = "admin/policy.html"
    list_display = ("version", "state", "proposed_by", "activated_by", "activated_at", "note")
    list_filter = ("state",)
    ordering = ("-version",)


@admin.register(ReviewRequest)
class ReviewRequestAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("requested_date", "borrower", "status", "answer_by_date", "answered_by")
    list_filter = ("status",)
    list_select_related = ("borrower", "answered_by")
    ordering = ("status", "answer_by_date", "id")
    change_form_template = "admin/review_request.html"
