"""Tables of the desk page by page by key: the newest first, each page costs the same, and no row is counted.

A page starts below a key, so what is written meanwhile shifts nothing. Who sorts by a column gets Django's own pages instead.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.http import HttpRequest

BEFORE = "before"
LONGEST_KEY = 18  # digits: what the column of a key holds


def read_key(text: str) -> int | None:
    """Read a row's key from an address, or None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST_KEY
    return int(text) if fits else None


class KeysetList(ChangeList):
    """A list of a table, newest first, that starts below a key."""

    next_before: int | None = None
    is_first_page = True

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        before = request.GET.get(BEFORE, "")
        self.before = read_key(before)
        if before and self.before is None:
            raise IncorrectLookupParameters
        self.by_key = ORDER_VAR not in request.GET
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        found.pop(BEFORE, None)
        return found

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Lead from filters and headings to their first page."""
        kept = [BEFORE] if new_params is None or BEFORE not in new_params else []
        return super().get_query_string(new_params, [*(remove or []), *kept])

    def get_results(self, request: HttpRequest) -> None:
        if not self.by_key:
            return super().get_results(request)
        rows = self.queryset if self.before is None else self.queryset.filter(pk__lt=self.before)
        found = list(rows[: self.list_per_page + 1])
        more = len(found) > self.list_per_page
        self.result_list = found[: self.list_per_page]  # type: ignore[assignment]
        self.next_before = self.result_list[-1].pk if more else None
        self.is_first_page = self.before is None
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count, self.show_admin_actions = False, False
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.result_list, self.list_per_page)
        return None

    @property
    def older(self) -> str:
        return self.get_query_string({BEFORE: self.next_before}, [PAGE_VAR])

    @property
    def newest(self) -> str:
        return self.get_query_string(remove=[PAGE_VAR])
