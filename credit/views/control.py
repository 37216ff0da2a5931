"""The borrower's own brakes: a lower cap, a freeze, and not to be lent to for a time."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.pages import SignedIn, page, refuse, sentence
from credit import operations
from credit.forms import CapForm, ExclusionForm
from credit.models import CreditLine, SelfExclusion
from credit.views.home import for_line
from ledger.queries import business_date
from regimes.errors import Refusal


@require_http_methods(["GET", "POST"])
@for_line(spending=True)
def control(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Show and set what borrowers decide about their own credit."""
    as_of = business_date()
    act = request.POST.get("act", "") if request.method == "POST" else ""
    cap = CapForm(request.POST if act == "cap" else None, initial={"cap": line.own_cap or ""})
    away = ExclusionForm(request.POST if act == "exclude" else None)
    status = 200
    if request.method == "POST":
        status = 400
        form = cap if act == "cap" else away if act == "exclude" else None
        if form is None or form.is_valid():
            try:
                messages.success(
                    request, _do(act, line, form.cleaned_data if form else {}, user=request.user, as_of=as_of)
                )
                return redirect("credit:control", line.ref)
            except Refusal as refusal:
                if form is None:
                    messages.error(request, sentence(refusal))
                    return redirect("credit:control", line.ref)
                status = refuse(form, refusal, until="until_date")
    context = {
        "line": line,
        "cap": cap,
        "away": away,
        "excluded": SelfExclusion.objects.filter(borrower_id=line.borrower_id, ended_date=None).first(),
        "as_of": as_of,
        "is_open": line.status in (CreditLine.Status.ACTIVE, CreditLine.Status.FROZEN),
    }
    return page(request, "credit/control.html", context, borrower=line.borrower, here="home", status=status)


def _do(act: str, line: CreditLine, data: dict[str, Any], *, user: Any, as_of: Any) -> str:
    """Carry out what was asked and say it."""
    if act == "cap":
        operations.set_own_cap(line_id=line.pk, cap=data["cap"], actor=user, as_of=as_of)
        return _("Your own cap holds from now on.")
    if act == "lift":
        operations.set_own_cap(line_id=line.pk, cap=None, actor=user, as_of=as_of)
        return _("Your own cap is lifted. What was granted is there again.")
    if act == "exclude":
        operations.exclude_self(borrower=line.borrower, until=data["until_date"], actor=user, as_of=as_of)
        return _("Nothing is lent to you until that day. Repaying goes on as before.")
    operations.end_self_exclusion(borrower=line.borrower, actor=user, as_of=as_of)
    return _("You can draw again.")
