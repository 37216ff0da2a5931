"""Finance's page of money that nobody has claimed: what waits, where the rest went, and the way to a loan or back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from ledger import queries as ledger_queries
from lendportal.desk.keyset import read_key
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from loans.operations.suspense import hold_line
from loans.suspense import held, items, matches
from regimes.errors import Refusal

SHOWN = 50


def listing(request: HttpRequest) -> HttpResponse:
    """List what waits, the oldest first, by key; take a line of a bank file in."""
    problem, status = "", 200
    if request.method == "POST":
        user: Any = request.user
        line_id = read_key(request.POST.get("line", ""))
        if line_id is None:
            raise Http404
        try:
            hold_line(line_id=line_id, actor=user, as_of=ledger_queries.business_date())
        except Refusal as refusal:
            problem, status = refusal_text(refusal), refusal.http_status
        else:
            messages.success(request, _("Held in suspense. Pay it on a loan, or send it back."))
            return redirect("admin:suspense")
    after = read_key(request.GET.get("after", "0"))
    if after is None:
        raise Http404
    rows = list(items().filter(left__gt=Decimal(0), pk__gt=after).select_related("line__file").order_by("pk")[: SHOWN + 1])  # fmt: skip
    cleared = matches().select_related("item", "loan", "maker", "checker").order_by("-pk")[:20]
    return _page(
        request, "admin/suspense.html", status, title=_("Suspense"), rows=rows[:SHOWN], more=rows[SHOWN - 1].pk if len(rows) > SHOWN else 0,
        cleared=cleared, held=held(), problem=problem, today=ledger_queries.business_date(),
    )  # fmt: skip
