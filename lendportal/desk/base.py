"""What every page of the desk shares: nothing is added, changed or deleted by a form of a table."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lendportal.desk.keyset import KeysetList
from lendportal.desk.view_log import note_view

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Title = str | _StrPromise


class ReadOnlyAdmin(admin.ModelAdmin):
    """Show rows to whoever may view them; writing is the business of operations."""

    list_per_page = 50
    show_full_result_count = False  # a count of a large ledger costs more than the page
    actions = None
    shows_person = False  # whoever opens a row is written into the audit trail

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return (
            KeysetList
            if tuple(self.ordering or ()) == ("-id",)
            else super().get_changelist(request, **kwargs)
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if self.shows_person and request.method == "GET" and response.status_code == 200:
            row = self.get_object(request, object_id)
            note_view(
                request,
                page=self.model._meta.model_name or "",
                object_type=self.model._meta.label,
                object_ref=getattr(row, "ref", object_id),
            )
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return super().history_view(request, object_id, extra_context)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return list(self.fields or self.readonly_fields)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    """Rows that belong to the object above, to be read."""

    extra = 0
    can_delete = False
    show_change_link = False
    max_num = 0

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return list(self.fields or self.readonly_fields)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def money_column(field: str, title: Title) -> Callable[[Any, Any], SafeString]:
    """Return a column that writes an amount to the right, with thousands and the currency's sign."""

    @admin.display(description=title, ordering=field)
    def column(self: Any, row: Any) -> SafeString:
        return money(getattr(row, field))

    return column


def money(value: Decimal | None) -> SafeString:
    return format_html('<span class="money">{}</span>', "–" if value is None else f"¥{value:,.2f}")


def percent(value: Decimal | float | None) -> str:
    return "–" if value is None else f"{value * 100:.2f}%"


def link(obj: Model | None, text: str | None = None) -> SafeString | str:
    """Return a link to an object's page of the desk."""
    if obj is None:
        return "–"
    meta = obj._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(obj))
