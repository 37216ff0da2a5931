"""The desk's side of hardship: what waits for an answer, and a plan offered with its before and after in sight."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger import queries as ledger_queries
from lendportal.desk.proposal_forms import PlanForm
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from loans.checked import state_changes
from loans.domain.hardship import check_measures, preview_plan
from loans.models import HardshipRequest
from loans.operations.events import read_events
from loans.operations.hardship import offer_hardship_plan, refuse_hardship
from regimes.errors import Refusal


class AnswerForm(PlanForm):
    """A plan for the borrower, or the reason why there is none."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        choices=(("preview", gettext_lazy("Show what it does")), ("offer", gettext_lazy("Offer the plan")), ("refuse", gettext_lazy("Refuse"))),
        initial="preview",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["loan_ref"]
        self.fields["reason"].label = gettext_lazy("Words for the borrower")  # type: ignore[assignment]
        self.fields["reason"].required = False

    def payload(self) -> dict[str, Any]:
        self.cleaned_data["loan_ref"] = ""
        return super().payload()


def listing(request: HttpRequest) -> HttpResponse:
    """List what waits, the nearest answer date first."""
    rows = HardshipRequest.objects.filter(status__in=("OPEN", "OFFERED")).select_related("loan__borrower")
    return _page(
        request, "admin/hardships.html", title=_("Hardship"), rows=rows.order_by("answer_by_date", "id")[:200]
    )


def answer(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Answer one request: preview a plan, offer it, or refuse with the reason."""
    asked = get_object_or_404(HardshipRequest.objects.select_related("loan__borrower"), ref=ref)
    form = AnswerForm(request.POST or None)
    status, changes = 200, []
    today = ledger_queries.business_date()
    if request.method == "POST":
        if not request.user.has_perm("loans.answer_hardship"):  # type: ignore[union-attr]
            raise PermissionDenied
        status = 400
        if form.is_valid():
            try:
                if form.cleaned_data["outcome"] != "preview":
                    return _answered(request, asked, form, today)
                measures = check_measures(form.payload()["measures"], as_of=today)
                loan = asked.loan
                preview = preview_plan(
                    measures, terms=loan.agreed, events=read_events(loan_id=loan.pk), value_date=today
                )
                changes, status = state_changes(preview.before, preview.after, currency=loan.currency), 200
            except Refusal as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))
                status = refusal.http_status
    return _page(
        request, "admin/hardship.html", status, title=_("Answer a borrower in hardship"), asked=asked, form=form,
        changes=[(_(change.field), change.before, change.after) for change in changes], plans=asked.plans.order_by("-number"),
    )  # fmt: skip


def _answered(request: HttpRequest, asked: HardshipRequest, form: AnswerForm, today: Any) -> HttpResponse:
    user: Any = request.user
    words = form.cleaned_data["reason"]
    if form.cleaned_data["outcome"] == "refuse":
        refuse_hardship(request_id=asked.pk, answer=words, actor=user, as_of=today)
    else:
        offer_hardship_plan(
            request_id=asked.pk, measures=form.payload()["measures"], words=words, actor=user, as_of=today
        )
    messages.success(request, _("The answer is on its way to the borrower."))
    return redirect("admin:hardships")
