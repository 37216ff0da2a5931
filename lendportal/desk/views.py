"""Pages behind the desk's buttons: each reads a form, makes one call into operations, and says what happened."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import operations as account_operations
from credit import operations as credit_operations
from credit.models import Application, CreditLine, ReviewRequest
from ledger import queries as ledger_queries
from lendportal.desk import review_queue, summary
from lendportal.desk.forms import AnswerForm, DateForm, DecideForm, ReasonForm
from lendportal.errors import refusal_text
from regimes.errors import Refusal


def _page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, template, {**admin.site.each_context(request), **context}, status=status)


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):  # type: ignore[union-attr]
        raise PermissionDenied


def queue(request: HttpRequest) -> HttpResponse:
    """List what needs a person, the oldest first."""
    _require(request, "credit.view_application")
    user: Any = request.user
    today, now = ledger_queries.business_date(), timezone.now()
    if request.method == "POST":
        _require(request, "credit.decide_application")
        return _take_or_leave(request, user)
    return _page(
        request,
        "admin/queue.html",
        title=_("Review queue"),
        queue=review_queue.queue(user=user, today=today, now=now),
        reviews=review_queue.reviews(),
        today=today,
    )


def _take_or_leave(request: HttpRequest, user: Any) -> HttpResponse:
    """Claim an application and open it, or let it go."""
    application = Application.objects.filter(ref=_ref_or_404(request.POST.get("ref", ""))).first()
    if application is None:
        raise Http404
    names = {"object_type": review_queue.APPLICATION, "object_ref": str(application.ref), "user": user}
    if request.POST.get("act") == "leave":
        account_operations.release_work(**names)
        return redirect("admin:queue")
    try:
        account_operations.claim_work(**names, now=timezone.now())
    except Refusal as refusal:
        messages.warning(request, refusal_text(refusal))
        return redirect("admin:queue")
    return redirect("admin:review", application.ref)


def _ref_or_404(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None


def review(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show one referred application with its evidence, score and reasons, and take the decision."""
    _require(request, "credit.view_application")
    application = get_object_or_404(
        Application.objects.select_related("borrower", "product", "policy"), ref=ref
    )
    form = DecideForm(request.POST or None)
    status = 200
    if request.method == "POST":
        _require(request, "credit.decide_application")
        if form.is_valid():
            held = {"object_type": review_queue.APPLICATION, "object_ref": str(ref), "user": request.user}
            try:
                account_operations.refuse_held(**held, now=timezone.now())  # type: ignore[arg-type]
                credit_operations.decide_by_officer(
                    application_id=application.pk,
                    outcome=form.cleaned_data["outcome"],
                    limit=form.cleaned_data["limit"],
                    annual_rate=None,
                    note=form.cleaned_data["note"],
                    actor=request.user,  # type: ignore[arg-type]
                    as_of=ledger_queries.business_date(),
                    now=timezone.now(),
                )
            except credit_operations.NeedsSecondPerson as refusal:
                messages.warning(request, refusal_text(refusal))
                filled = {"limit": str(form.cleaned_data["limit"]), "reason": form.cleaned_data["note"]}
                query = urlencode({"application_ref": str(application.ref), **filled})
                return redirect(f"{reverse('admin:propose', args=['large_approval'])}?{query}")
            except Refusal as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))
                status = refusal.http_status
            else:
                account_operations.release_work(**held)  # type: ignore[arg-type]
                messages.success(request, _("The decision is recorded and the borrower is told."))
                return redirect("admin:queue")
        else:
            status = 400
    picture = summary.application_picture(application=application)
    similar = review_queue.similar_cases(
        application=application, pd=picture.assessment.pd if picture.assessment else None
    )
    title = _("Review an application")
    return _page(
        request, "admin/review.html", status, title=title, application=application, form=form, picture=picture, similar=similar
    )  # fmt: skip


def freeze(request: HttpRequest, ref: uuid.UUID, act: str) -> HttpResponse:
    """Freeze or release a line, with a reason."""
    _require(request, "credit.freeze_line")
    if act not in ("freeze", "unfreeze"):
        raise Http404
    line = get_object_or_404(CreditLine.objects.select_related("borrower"), ref=ref)
    form = ReasonForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        operation = credit_operations.freeze_line if act == "freeze" else credit_operations.unfreeze_line
        try:
            operation(
                line_id=line.pk,
                reason=form.cleaned_data["reason"],
                actor=request.user,  # type: ignore[arg-type]
                as_of=ledger_queries.business_date(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal_text(refusal))
            status = refusal.http_status
        else:
            messages.success(request, _("Done. The borrower is told why."))
            return redirect("admin:credit_creditline_change", line.pk)
    elif request.method == "POST":
        status = 400
    title = _("Freeze a line") if act == "freeze" else _("Release a line")
    return _page(
        request, "admin/act.html", status, title=title, subject=f"{line.borrower} – {line}", form=form
    )


def answer(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Answer a borrower who asked for a person."""
    _require(request, "credit.decide_application")
    asked = get_object_or_404(ReviewRequest.objects.select_related("borrower"), ref=ref)
    form = AnswerForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            credit_operations.answer_review(
                request_id=asked.pk,
                is_changed=form.cleaned_data["outcome"] == "CHANGED",
                answer=form.cleaned_data["answer"],
                actor=request.user,  # type: ignore[arg-type]
                as_of=ledger_queries.business_date(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal_text(refusal))
            status = refusal.http_status
        else:
            messages.success(request, _("The answer is on its way to the borrower."))
            return redirect("admin:queue")
    elif request.method == "POST":
        status = 400
    subject = f"{asked.borrower}: {asked.text}"
    return _page(request, "admin/act.html", status, title=_("Answer a borrower"), subject=subject, form=form)


def business_date(request: HttpRequest) -> HttpResponse:
    """Move the sandbox's business date forward; every night between is worked."""
    _require(request, "credit.move_business_date")
    today = ledger_queries.business_date()
    form = DateForm(request.POST or None, business_date=today)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            credit_operations.move_business_date(
                to=form.cleaned_data["to"],
                actor=request.user,  # type: ignore[arg-type]
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal_text(refusal))
            status = refusal.http_status
        else:
            messages.success(request, _("The books are open for the new day."))
            return redirect("admin:business_date")
    elif request.method == "POST":
        status = 400
    nights = summary.nights()
    title = _("Business date")
    return _page(
        request, "admin/business_date.html", status, title=title, form=form, today=today, nights=nights
    )
