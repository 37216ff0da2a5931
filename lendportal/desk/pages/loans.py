"""Loans, instalments and money under way at the desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from lendportal.desk.base import ReadOnlyAdmin, ReadOnlyInline, link, money_column, percent
from lendportal.desk.working import loan_words
from loans.models import Collection, GatewayMessage, Instalment, Loan, LoanEventRow, MonthClose, Payout


class InstalmentInline(ReadOnlyInline):
    model = Instalment
    fields = ("number", "due_date", "principal", "interest", "fee", "penalty", "open", "paid_date")
    ordering = ("number",)

    principal = money_column("principal_due", _("principal"))
    interest = money_column("interest_due", _("interest"))
    fee = money_column("fee_due", _("fees"))
    penalty = money_column("penalty_due", _("penalty"))
    open = money_column("outstanding", _("outstanding"))


class EventInline(ReadOnlyInline):
    model = LoanEventRow
    fields = ("sequence", "kind", "value_date", "booked_date", "sum", "reference", "data")
    ordering = ("sequence",)
    sum = money_column("amount", _("amount"))


class PayoutInline(ReadOnlyInline):
    model = Payout
    fields = ("status", "sum", "gateway", "gateway_reference", "provider_reference", "attempts", "done_at")
    sum = money_column("amount", _("amount"))


class CollectionInline(ReadOnlyInline):
    model = Collection
    fields = ("requested_date", "status", "sum", "reason", "provider_reference", "attempts", "done_at")
    ordering = ("-id",)
    sum = money_column("amount", _("amount"))


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    shows_person = True
    change_form_template = "admin/loan.html"
    list_display = (
        "start_date",
        "borrower",
        "lent",
        "rate",
        "method",
        "status",
        "left",
        "days_past_due",
        "next_due_date",
    )
    list_filter = ("status", "bucket", "repayment_method")
    list_select_related = ("borrower",)
    search_fields = ("ref", "borrower__display_name")
    ordering = ("-id",)
    inlines = (InstalmentInline, EventInline, PayoutInline, CollectionInline)
    fields = ("ref", "borrower_page", "finance_pages", "status", "bucket", "days_past_due", "lent", "rate", "penalty", "method", "instalment_count",
              "start_date", "maturity_date", "closed_date", "left", "interest", "fees", "penalties", "credit", "next_due_date",
              "working", "terms")  # fmt: skip

    lent = money_column("principal", _("principal"))
    left = money_column("principal_outstanding", _("outstanding"))
    interest = money_column("interest_outstanding", _("interest outstanding"))
    fees = money_column("fee_outstanding", _("fees outstanding"))
    penalties = money_column("penalty_outstanding", _("penalty outstanding"))
    credit = money_column("credit_balance", _("credit of the borrower"))

    @admin.display(description=_("annual rate"), ordering="annual_rate")
    def rate(self, row: Loan) -> str:
        return percent(row.annual_rate)

    @admin.display(description=_("penalty rate"))
    def penalty(self, row: Loan) -> str:
        return percent(row.penalty_rate)

    @admin.display(description=_("way of repaying"))
    def method(self, row: Loan) -> str:
        return str(row.get_repayment_method_display())

    @admin.display(description=_("share of sales, or invoice"))
    def working(self, row: Loan) -> SafeString | str:
        said = loan_words(row)
        return format_html_join("", "<div>{}</div>", ((text,) for text in said)) if said else "–"

    @admin.display(description=_("borrower"))
    def borrower_page(self, row: Loan) -> SafeString | str:
        return link(row.borrower)

    @admin.display(description=_("finance"))
    def finance_pages(self, row: Loan) -> SafeString:
        pages = (("loan_statement", _("Statement")), ("loan_as_known", _("As it was known")))
        return format_html_join(
            " · ",
            '<a href="{}">{}</a>',
            ((reverse(f"admin:{name}", args=[row.ref]), text) for name, text in pages),
        )


class MovementAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = (
        "requested_date",
        "loan_page",
        "sum",
        "status",
        "reason",
        "gateway",
        "attempts",
        "next_attempt_at",
        "done_at",
    )
    list_filter = ("status", "gateway")
    list_select_related = ("loan__borrower",)
    search_fields = ("ref", "gateway_reference", "provider_reference")
    ordering = ("-id",)
    exclude = ("claim",)
    sum = money_column("amount", _("amount"))

    @admin.display(description=_("loan"))
    def loan_page(self, row: Any) -> SafeString | str:
        return link(row.loan, str(row.loan.borrower))


admin.site.register(Payout, MovementAdmin)
admin.site.register(Collection, MovementAdmin)


@admin.register(Instalment)
class InstalmentAdmin(ReadOnlyAdmin):
    list_display = ("due_date", "loan_page", "number", "principal", "interest", "open", "paid_date")
    list_filter = ("due_date",)
    list_select_related = ("loan__borrower",)
    ordering = ("-id",)  # page by page by key: the filter leads to a day, and a heading sorts by it
    principal = money_column("principal_due", _("principal"))
    interest = money_column("interest_due", _("interest"))
    open = money_column("outstanding", _("outstanding"))

    @admin.display(description=_("loan"))
    def loan_page(self, row: Instalment) -> SafeString | str:
        return link(row.loan, str(row.loan.borrower))


@admin.register(MonthClose)
class MonthCloseAdmin(ReadOnlyAdmin):
    list_display = ("month_end", "is_close", "status", "asked_by", "created_at", "finished_at")
    list_filter = ("status", "is_close")
    list_select_related = ("asked_by",)
    ordering = ("-id",)


@admin.register(GatewayMessage)
class GatewayMessageAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "provider", "event_id", "state", "reason", "applied_at")
    list_filter = ("provider", "state")
    search_fields = ("event_id",)
    ordering = ("-id",)
