"""The collector's pages: cases by days past due, and one case with its story, its guard and what can be done."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import operations as account_operations
from accounts import queries as account_queries
from ledger import queries as ledger_queries
from lendportal.desk.forms import AmountField
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from loans import casework, operations
from loans.domain.casework import BUCKETS, STEP_WORDS, next_step
from loans.models import Loan, Promise
from loans.operations.casework import refuse_case_contact
from regimes.errors import Refusal


class CallForm(forms.Form):
    """A call, written down before it is made."""

    whom = forms.ChoiceField(
        label=gettext_lazy("Who is called"),
        choices=(("DEBTOR", gettext_lazy("The borrower")), ("OTHER", gettext_lazy("Somebody else"))),
        initial="DEBTOR",
    )
    reached = forms.ChoiceField(
        label=gettext_lazy("What came of it"),
        choices=(("yes", gettext_lazy("We spoke")), ("no", gettext_lazy("Nobody was reached"))),
        initial="yes",
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)


class PromiseForm(forms.Form):
    """A promise to pay."""

    amount = AmountField(label=gettext_lazy("Amount promised"))
    pay_by_date = forms.DateField(
        label=gettext_lazy("Pays by"), widget=forms.DateInput(attrs={"type": "date"}), input_formats=["%Y-%m-%d"]
    )  # fmt: skip
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)


def listing(request: HttpRequest) -> HttpResponse:
    """List the cases, the longest overdue first, with what is best done next."""
    bucket = request.GET.get("bucket", "")
    promise = request.GET.get("promise", "")
    bucket = bucket if bucket in BUCKETS else ""
    promise = promise if promise in Promise.Status.values else ""
    mark = re.fullmatch(r"(\d{1,6})\.(\d{1,18})", request.GET.get("before", ""))
    before = (int(mark[1]), int(mark[2])) if mark else None
    today = ledger_queries.business_date()
    found, more = casework.cases(as_of=today, bucket=bucket, promise=promise, before=before)
    return _page(
        request,
        "admin/collections.html",
        title=_("Collections"),
        cases=[(case, _(STEP_WORDS[case.step.kind])) for case in found],
        more=f"{more[0]}.{more[1]}" if more else "",
        bucket=bucket,
        promise=promise,
        buckets=[(name, label) for name, label in Loan.Bucket.choices if name in BUCKETS],
        promises=Promise.Status.choices,
        record=casework.promise_record(),
        today=today,
    )


def case(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show one case; calls and promises are taken here, plans and write-offs are proposed from here."""
    loan = get_object_or_404(Loan.objects.select_related("borrower"), ref=ref)
    today, now = ledger_queries.business_date(), timezone.now()
    act = request.POST.get("act", "")
    calling = CallForm(request.POST if act == "call" else None)
    promising = PromiseForm(request.POST if act == "promise" else None)
    status, form = 200, calling if act == "call" else promising
    if request.method == "POST":
        status = 400
        if act in ("call", "promise") and form.is_valid():
            try:
                said = _act(act, loan, form.cleaned_data, request)
            except Refusal as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))
                status = refusal.http_status
            else:
                messages.success(request, said)
                return redirect("admin:collection_case", loan.ref)
    return _page(request, "admin/collection_case.html", status, title=_("Case"), **_picture(loan, today, now),
                 calling=calling, promising=promising)  # fmt: skip


def _act(act: str, loan: Loan, data: dict[str, Any], request: HttpRequest) -> str:
    user: Any = request.user
    today, now = ledger_queries.business_date(), timezone.now()
    account_operations.refuse_held(object_type="loans.Loan", object_ref=str(loan.ref), user=user, now=now)
    account_operations.claim_work(object_type="loans.Loan", object_ref=str(loan.ref), user=user, now=now)
    if act == "call":
        operations.call_debtor(
            loan_id=loan.pk, is_debtor=data["whom"] == "DEBTOR", is_effective=data["reached"] == "yes",
            note=data["note"], actor=user, as_of=today, now=now,
        )  # fmt: skip
        return _("The call is written down.")
    operations.take_promise(
        loan_id=loan.pk, amount=data["amount"], pay_by_date=data["pay_by_date"], note=data["note"], actor=user,
        as_of=today,
    )  # fmt: skip
    return _("The promise is written down.")


def _picture(loan: Loan, today: Any, now: Any) -> dict[str, Any]:
    file = casework.case_file(loan=loan, as_of=today)
    facts = file.facts
    plans = casework.strategy()
    forbidden = ""
    try:
        refuse_case_contact(loan=loan, is_debtor=True, as_of=today, now=now, facts=facts)
    except Refusal as refusal:
        forbidden = refusal_text(refusal)
    step = next_step(facts, plans, as_of=today) if loan.bucket in plans else None
    preference = account_queries.contact_preference(borrower_id=loan.borrower_id)
    return {
        "loan": loan,
        "facts": facts,
        "step": step,
        "step_words": _(STEP_WORDS[step.kind]) if step else "",
        "forbidden": forbidden,
        "story": file.story,
        "preference": preference,
        "promise": file.promise,
    }
