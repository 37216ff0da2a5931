"""The policy laboratory: try a change on what was decided, before any customer feels it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from credit import operations
from credit.models import Experiment, PolicyTrial
from credit.operations.policies import digest_of
from credit.queries import active_policy
from ledger import queries as ledger_queries
from lendportal.desk.laboratory_forms import ExperimentForm, TrialForm, changed_fields
from lendportal.desk.laboratory_words import picture
from lendportal.desk.views import _page, _require
from lendportal.errors import refusal_text
from regimes.errors import Refusal

AT_ONCE = 20_000  # decisions that a page may wait for; more are a worker's business
SHOWN = 50


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the desk's door lets nobody else in"
    return request.user


def _visible(user: User) -> Any:
    rows = Experiment.objects.select_related("made_by", "base", "submitted")
    return rows.filter(Q(made_by=user) | Q(is_shared=True))


def listing(request: HttpRequest) -> HttpResponse:
    """List one's own experiments and those that colleagues share."""
    _require(request, "credit.view_experiment")
    rows = _visible(_staff(request)).defer("document").order_by("-id")[:SHOWN]
    return _page(
        request, "admin/laboratory.html", title=_("Policy laboratory"), rows=rows, policy=active_policy()
    )


def new(request: HttpRequest) -> HttpResponse:
    """Ask a question: what would a changed policy, model or price have done in a period?"""
    _require(request, "credit.use_laboratory")
    as_of, policy = ledger_queries.business_date(), active_policy()
    base, status = policy.document, 200
    if (start := request.GET.get("from")) and request.method == "GET":
        base = _one(request, start).document
    form = ExperimentForm(request.POST or None, base=base, as_of=as_of)
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                experiment = _make(form, _staff(request))
            except Refusal as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))
                status = refusal.http_status
            else:
                return redirect("admin:experiment", experiment.ref)
    title = _("New experiment")
    return _page(request, "admin/laboratory_new.html", status, title=title, form=form, policy=policy)


def _make(form: ExperimentForm, user: User) -> Experiment:
    """Write the question down; a small one is answered at once."""
    from credit.models import Decision
    from credit.tasks import run_experiments

    data, now = form.cleaned_data, timezone.now()
    experiment = operations.make_experiment(
        name=data["name"],
        note=data["note"],
        first_date=data["first_date"],
        last_date=data["last_date"],
        document=form.document(),
        model=data["model"],
        answers_prices=data["answers_prices"],
        actor=user,
        now=now,
    )
    period = (experiment.first_date, experiment.last_date)
    some = Decision.objects.filter(decided_date__range=period).order_by()[: AT_ONCE + 1]
    if some.count() <= AT_ONCE:
        operations.run_experiment(experiment_id=experiment.pk, now=now)
    else:
        run_experiments.delay()
    return experiment


def experiment(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show an experiment's answer; share it, or submit its policy for activation."""
    _require(request, "credit.view_experiment")
    row = _one(request, str(ref))
    if request.method == "POST":
        _require(request, "credit.use_laboratory")
        _act(request, row)
        return redirect("admin:experiment", row.ref)
    user = _staff(request)
    return _page(
        request,
        "admin/experiment.html",
        title=row.name,
        row=row,
        changed=changed_fields(row.base.document, row.document),
        is_mine=row.made_by_id == user.pk,
        may_submit=row.submitted_id is None and digest_of(row.document) != active_policy().document_sha256,
        **_trial(row),
        **(picture(row) if row.status == Experiment.Status.DONE else {}),
    )


def _trial(row: Experiment) -> dict[str, Any]:
    """Give the newest trial of what an experiment submitted, with both sides' counts while it decides."""
    if row.submitted_id is None:
        return {}
    trial = PolicyTrial.objects.filter(policy_id=row.submitted_id).order_by("-id").first()
    live = trial is not None and trial.live_date is not None
    report = (
        operations.trial_report(trial=trial, as_of=ledger_queries.business_date()) if trial and live else None
    )
    return {
        "trial": trial,
        "report": report,
        "trial_form": TrialForm() if trial is None or trial.stage == PolicyTrial.Stage.OVER else None,
    }


def _one(request: HttpRequest, ref: str) -> Experiment:
    try:
        found = _visible(_staff(request)).filter(ref=uuid.UUID(ref)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found  # type: ignore[no-any-return]


def _act(request: HttpRequest, row: Experiment) -> None:
    user, act = _staff(request), request.POST.get("act")
    try:
        if act in ("share", "unshare"):
            operations.share_experiment(experiment_id=row.pk, actor=user, is_shared=act == "share")
            messages.success(
                request, _("Your colleagues see it now.") if act == "share" else _("Only you see it now.")
            )
        elif act == "submit":
            policy = operations.submit_experiment(
                experiment_id=row.pk, actor=user, as_of=ledger_queries.business_date(), now=timezone.now()
            )
            messages.success(
                request,
                _("Proposed as policy %(version)s. Another person must activate it.")
                % {"version": policy.version},
            )
        elif act in ("shadow", "live", "stop") and row.submitted_id is not None:
            _act_on_trial(request, row, str(act))
        else:
            raise Http404
    except Refusal as refusal:
        messages.error(request, refusal_text(refusal))


def _act_on_trial(request: HttpRequest, row: Experiment, act: str) -> None:
    user, as_of = _staff(request), ledger_queries.business_date()
    assert row.submitted_id is not None
    if act == "shadow":
        form = TrialForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Enter a number."))
            return
        operations.start_shadow(
            policy_id=row.submitted_id, **form.cleaned_data, actor=user, as_of=as_of, now=timezone.now()
        )
        messages.success(request, _("On trial in the shadow. Another person may let it decide."))
        return
    trial = PolicyTrial.objects.filter(policy_id=row.submitted_id).order_by("-id").first()
    if trial is None:
        raise Http404
    if act == "live":
        operations.go_live(trial_id=trial.pk, actor=user, as_of=as_of)
        messages.success(request, _("It decides for its share from now on."))
    else:
        operations.stop_trial(trial_id=trial.pk, actor=user, as_of=as_of)
        messages.success(request, _("The trial is over."))
