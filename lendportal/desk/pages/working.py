"""Invoices put forward, and the advances on them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from credit.models import Invoice, InvoiceAdvance
from lendportal.desk.base import ReadOnlyAdmin, link, money
from lendportal.desk.working import masked, tail


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("registered_date", "business", "which", "to", "whole", "issue_date", "due_date")
    list_select_related = ("business",)
    search_fields = ("ref", "business__display_name")
    ordering = ("-id",)
    fields = ("ref", "business", "which", "to", "whole", "issue_date", "due_date", "registered_by", "registered_date")  # fmt: skip

    @admin.display(description=_("number"))
    def which(self, row: Invoice) -> str:
        return tail(row.number)

    @admin.display(description=_("customer"))
    def to(self, row: Invoice) -> str:
        return masked(row.customer_name)

    @admin.display(description=_("amount"), ordering="amount")
    def whole(self, row: Invoice) -> SafeString:
        return money(row.amount)


@admin.register(InvoiceAdvance)
class InvoiceAdvanceAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = (
        "created_at",
        "which",
        "sum",
        "whole",
        "advance_rate",
        "paid_seen_date",
        "released_date",
        "loan_page",
    )
    list_filter = ("paid_seen_date", "released_date")
    list_select_related = ("invoice", "drawdown__loan")
    ordering = ("-id",)
    fields = ("invoice", "loan_page", "sum", "whole", "advance_rate", "paid_seen_date", "released_date")

    @admin.display(description=_("invoice"))
    def which(self, row: InvoiceAdvance) -> str:
        return tail(row.invoice.number)

    @admin.display(description=_("advanced"), ordering="amount")
    def sum(self, row: InvoiceAdvance) -> SafeString:
        return money(row.amount)

    @admin.display(description=_("amount of the invoice"))
    def whole(self, row: InvoiceAdvance) -> SafeString:
        return money(row.invoice_amount)

    @admin.display(description=_("loan"))
    def loan_page(self, row: InvoiceAdvance) -> SafeString | str:
        return link(row.drawdown.loan)
