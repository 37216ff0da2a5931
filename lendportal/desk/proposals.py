"""The pages of acts that need two people: what waits, making a proposal, and deciding one with its differences in sight."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import operations
from accounts.models import Proposal, User
from accounts.proposal_kinds import Change, ProposalKind, kind_of, kinds
from ledger import queries as ledger_queries
from lendportal.desk.proposal_forms import FORMS
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from regimes.errors import Refusal

SHOWN = 100
AMOUNT = re.compile(r"[+-]?\d{4,}\.\d{2}")


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the desk's door lets nobody else in"
    return request.user


def _kinds_for(user: User) -> tuple[list[ProposalKind], list[ProposalKind]]:
    """Return the kinds that a person may propose, and those that the person may approve."""
    makes = [kind for kind in kinds() if user.has_perm(kind.propose_permission)]
    checks = [kind for kind in kinds() if user.has_perm(kind.approve_permission)]
    return makes, checks


def _may_see(user: User, kind: str) -> bool:
    found = kind_of(kind)
    return (
        user.has_perm("accounts.view_proposal")
        or user.has_perm(found.propose_permission)
        or user.has_perm(found.approve_permission)
    )


def listing(request: HttpRequest) -> HttpResponse:
    """List what waits for a second person, the nearest end first, and what was decided last."""
    user = _staff(request)
    makes, checks = _kinds_for(user)
    if not makes and not checks and not user.has_perm("accounts.view_proposal"):
        raise PermissionDenied
    rows = Proposal.objects.select_related("maker", "checker").defer("payload", "changes")
    if not user.has_perm("accounts.view_proposal"):
        rows = rows.filter(kind__in={kind.name for kind in (*makes, *checks)})
    waiting = rows.filter(status=Proposal.Status.OPEN).order_by("expires_at", "id")[:SHOWN]
    decided = rows.exclude(status=Proposal.Status.OPEN).order_by("-decided_at", "-id")[:20]
    titles = {kind.name: _(kind.title) for kind in kinds()}
    checkable = {kind.name for kind in checks}
    return _page(
        request,
        "admin/proposals.html",
        title=_("Waits for a second person"),
        waiting=[
            (row, titles.get(row.kind, row.kind), row.kind in checkable and row.maker_id != user.pk)
            for row in waiting
        ],
        decided=[(row, titles.get(row.kind, row.kind)) for row in decided],
        makes=[(kind, _(kind.title)) for kind in makes if kind.name in FORMS],
    )


def make(request: HttpRequest, kind: str) -> HttpResponse:
    """Propose an act; the address may fill the form in."""
    user = _staff(request)
    found = next((known for known in kinds() if known.name == kind and kind in FORMS), None)
    if found is None:
        raise Http404
    if not user.has_perm(found.propose_permission):
        raise PermissionDenied
    form_class = FORMS[kind]
    form = (
        form_class(request.POST, request.FILES)
        if request.method == "POST"
        else form_class(initial=request.GET.dict())
    )
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                proposal = operations.propose(
                    kind=kind,
                    payload=form.payload(),
                    maker=user,
                    reason=form.cleaned_data["reason"],
                    as_of=ledger_queries.business_date(),
                    now=timezone.now(),
                )
            except Refusal as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))
                status = refusal.http_status
            else:
                messages.success(request, _("Proposed. Nothing happens until another person approves it."))
                return redirect("admin:proposal", proposal.ref)
    return _page(request, "admin/act.html", status, title=_(found.title), subject="", form=form)


def _changes_now(proposal: Proposal, kind: ProposalKind) -> tuple[Sequence[Change], str]:
    """Return what the proposal would change as things stand, or why that cannot be said."""
    try:
        content = json.loads(proposal.payload)
        return kind.diff(content, ledger_queries.business_date()), ""
    except Refusal as refusal:
        return [], refusal_text(refusal)


def decide(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show one proposal with exactly what it would change; another person approves or declines it."""
    user = _staff(request)
    proposal = get_object_or_404(Proposal.objects.select_related("maker", "checker"), ref=ref)
    if not _may_see(user, proposal.kind):
        raise PermissionDenied
    kind = kind_of(proposal.kind)
    problem, status = "", 200
    if request.method == "POST":
        try:
            return _decided(request, proposal, user)
        except Refusal as refusal:
            problem, status = refusal_text(refusal), refusal.http_status
            proposal.refresh_from_db()
    if proposal.is_open:
        changes, obstacle = _changes_now(proposal, kind)
        seen = operations.seen_digest(payload_sha256=proposal.payload_sha256, changes=changes)
    else:
        changes, obstacle, seen = [Change(**row) for row in proposal.changes], "", ""
    return _page(
        request,
        "admin/proposal.html",
        status,
        title=_(kind.title),
        proposal=proposal,
        changes=[(_(change.field), _grouped(change.before), _grouped(change.after)) for change in changes],
        seen=seen,
        problem=problem,
        obstacle=obstacle,
        payload=json.dumps(json.loads(proposal.payload), indent=2, ensure_ascii=False)[:20_000],
        is_maker=proposal.maker_id == user.pk,
        may_decide=user.has_perm(kind.approve_permission) and proposal.maker_id != user.pk,
    )


def _grouped(text: str) -> str:
    """Write an amount so that its size is seen at a glance; what is signed stays as it is."""
    return f"{Decimal(text):{'+' if text.startswith('+') else ''},.2f}" if AMOUNT.fullmatch(text) else text


def _decided(request: HttpRequest, proposal: Proposal, user: User) -> HttpResponse:
    now, note = timezone.now(), request.POST.get("note", "")
    match request.POST.get("decision", ""):
        case "approve":
            operations.approve(
                proposal_id=proposal.pk,
                seen=request.POST.get("seen", ""),
                checker=user,
                as_of=ledger_queries.business_date(),
                now=now,
                note=note,
            )
            messages.success(request, _("Approved and done."))
        case "decline":
            operations.decline(proposal_id=proposal.pk, checker=user, note=note, now=now)
            messages.success(request, _("Declined. Nothing was changed."))
        case "withdraw":
            operations.withdraw(proposal_id=proposal.pk, maker=user, now=now)
            messages.success(request, _("Withdrawn. Nothing was changed."))
        case _:
            raise operations.UnableToDecideProposal("invalid", _("Choose what to do with the proposal."))
    return redirect("admin:proposals")
