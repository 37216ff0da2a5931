"""Shops, their orders and settlements at the desk."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from credit.models import Hold
from lendportal.desk.base import ReadOnlyAdmin, ReadOnlyInline, link, money_column, percent
from loans.models import Transfer
from merchants.models import (
    ApiKey,
    Capture,
    Checkout,
    Delivery,
    Merchant,
    MerchantPlan,
    Refund,
    Settlement,
    WebhookEndpoint,
)


class PlanInline(ReadOnlyInline):
    model = MerchantPlan
    fields = ("instalment_count", "subvention_rate", "is_active")


class KeyInline(ReadOnlyInline):
    model = ApiKey
    fk_name = "merchant"
    fields = ("name", "prefix", "scopes", "needs_signature", "expires_at", "revoked_at", "last_used_at")
    ordering = ("-id",)


class EndpointInline(ReadOnlyInline):
    model = WebhookEndpoint
    fields = ("url", "events", "is_active", "failures", "disabled_reason")


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin):
    list_display = ("name", "business", "status", "categories", "fee", "created_at", "act")
    list_filter = ("status",)
    list_select_related = ("business",)
    search_fields = ("ref", "name")
    ordering = ("-id",)
    inlines = (PlanInline, KeyInline, EndpointInline)
    fields = ("ref", "business_page", "name", "status", "website", "categories", "return_origins", "settlement_account", "fee",
              "settlement_days", "proposed_by", "approved_by", "approved_at", "act")  # fmt: skip

    @admin.display(description=_("fee"), ordering="fee_rate")
    def fee(self, row: Merchant) -> str:
        return percent(row.fee_rate)

    @admin.display(description=_("business"))
    def business_page(self, row: Merchant) -> SafeString | str:
        return link(row.business)

    @admin.display(description="")
    def act(self, row: Merchant) -> SafeString:
        kind = "merchant_approval" if row.status == Merchant.Status.APPLIED else "merchant_status"
        words = (
            _("Propose to approve") if row.status == Merchant.Status.APPLIED else _("Propose another state")
        )
        return format_html(
            '<a class="button" href="{}?merchant={}">{}</a>',
            reverse("admin:propose", args=[kind]),
            row.ref,
            words,
        )


class CaptureInline(ReadOnlyInline):
    model = Capture
    fields = ("captured_date", "sum", "charged", "interest", "back", "settlement")
    ordering = ("id",)
    sum = money_column("amount", _("amount"))
    charged = money_column("fee", _("fee"))
    interest = money_column("subvention", _("interest paid by the shop"))
    back = money_column("refunded", _("refunded"))


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("refunded_date", "sum", "reason", "settlement")
    ordering = ("id",)
    sum = money_column("amount", _("amount"))


@admin.register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "merchant", "order_id", "sum", "status", "taken", "back")
    list_filter = ("status", "category")
    list_select_related = ("merchant",)
    search_fields = ("ref", "order_id")
    ordering = ("-id",)
    inlines = (CaptureInline, RefundInline)
    fields = ("ref", "merchant", "order_id", "status", "sum", "taken", "let_go", "back", "category", "description", "borrower",
              "instalment_count", "subvention_rate", "fee_rate", "authorised_at", "capture_until", "expires_at")  # fmt: skip
    sum = money_column("amount", _("amount"))
    taken = money_column("captured", _("captured"))
    let_go = money_column("released", _("let go"))
    back = money_column("refunded", _("refunded"))


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = ("settled_date", "merchant", "sold", "back", "charged", "interest", "paid", "state")
    list_select_related = ("merchant", "transfer")
    ordering = ("-id",)
    fields = (
        "ref",
        "merchant",
        "settled_date",
        "sold",
        "back",
        "charged",
        "interest",
        "paid",
        "transfer",
        "state",
        "attempt",
    )
    sold = money_column("captured", _("captured"))
    back = money_column("refunded", _("refunded"))
    charged = money_column("fees", _("fees"))
    interest = money_column("subventions", _("interest paid by the shop"))
    paid = money_column("net", _("paid out"))

    @admin.display(description=_("status"))
    def state(self, row: Settlement) -> str:
        return str(row.transfer.get_status_display())


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("requested_date", "purpose", "sum", "status", "reason", "gateway", "attempts", "done_at")
    list_filter = ("purpose", "status")
    search_fields = ("ref", "gateway_reference", "provider_reference")
    ordering = ("-id",)
    exclude = ("claim",)
    sum = money_column("amount", _("amount"))


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("held_date", "line", "sum", "used", "free", "status", "expires_date")
    list_filter = ("status",)
    list_select_related = ("line",)
    ordering = ("-id",)
    sum = money_column("amount", _("amount"))
    used = money_column("taken", _("captured"))
    free = money_column("released", _("released"))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "event", "endpoint", "status", "attempts", "next_attempt_at", "done_at")
    list_filter = ("status",)
    list_select_related = ("event", "endpoint")
    ordering = ("-id",)
    exclude = ("claim", "claimed_until")
