"""The desk's page of a legal hold: place one on a person's data, or lift it; each with a reason that stays in the trail."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Borrower, LegalHold
from credit.rights.erase import lift_hold, place_hold
from lendportal.desk.forms import ReasonForm
from lendportal.desk.views import _page


def hold(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show whether a person's data must be kept, and change it."""
    borrower = get_object_or_404(Borrower, ref=ref)
    rows = (
        LegalHold.objects.filter(borrower=borrower).select_related("placed_by", "lifted_by").order_by("-pk")
    )
    standing = rows.filter(lifted_at=None).first()
    form = ReasonForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            user: Any = request.user
            reason = form.cleaned_data["reason"]
            if standing is None:
                place_hold(borrower=borrower, reason=reason, actor=user, now=timezone.now())
                messages.success(
                    request, _("The hold is placed. Nothing of this person is erased while it stands.")
                )
            else:
                lift_hold(hold=standing, actor=user, now=timezone.now(), reason=reason)
                messages.success(request, _("The hold is lifted."))
            return redirect("admin:hold", borrower.ref)
    return _page(request, "admin/hold.html", status, title=_("Legal hold"), borrower=borrower, form=form, standing=standing, rows=rows[:20])  # fmt: skip
