"""The books at the desk: read-only, as the database itself insists."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ledger.models import Account, BookDate, Journal, Posting
from lendportal.desk.base import ReadOnlyAdmin, ReadOnlyInline, money


class PostingInline(ReadOnlyInline):
    model = Posting
    fields = ("account", "direction", "sum", "loan_id", "borrower_id")
    ordering = ("id",)

    @admin.display(description=_("amount"))
    def sum(self, row: Posting) -> SafeString:
        return money(row.amount)


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ("booked_date", "value_date", "kind", "source", "leg", "total", "description")
    list_filter = ("kind", "booked_date")
    search_fields = ("source", "ref")
    ordering = ("-id",)
    inlines = (PostingInline,)
    exclude = ("digest", "written_in")

    def get_queryset(self, request: HttpRequest) -> object:  # type: ignore[override]
        # one row's postings at a time: a sum over a join would group the whole ledger before it cuts a page
        mine = Posting.objects.filter(journal_id=OuterRef("pk")).values("journal_id")
        total = mine.annotate(total=Sum("amount") / 2).values("total")
        return super().get_queryset(request).annotate(total_amount=Subquery(total))

    @admin.display(description=_("amount"))
    def total(self, row: Journal) -> SafeString:
        return money(row.total_amount)  # type: ignore[attr-defined]


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "kind", "role")
    list_filter = ("kind",)
    ordering = ("code",)


@admin.register(BookDate)
class BookDateAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "first_date", "closed_through")
