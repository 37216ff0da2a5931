"""The operator's page: which way of reminding helps people to pay in time, against the hold-out."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from credit.domain.bandit import HOLD_OUT_SHARE
from credit.models import ReminderTrial
from credit.reminders import StageResult, reminder_effect
from ledger import queries as ledger_queries
from lendportal.desk.views import _page, _require

SPANS = (30, 90, 180)


def reminders(request: HttpRequest) -> HttpResponse:
    """Show what the reminders of the last months came to: instalments paid in their window, never messages sent."""
    _require(request, "credit.view_remindertrial")
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(span) for span in SPANS} else SPANS[-1]
    stages = reminder_effect(as_of=ledger_queries.business_date(), days=days)
    return _page(
        request,
        "admin/reminders.html",
        title=_("Reminders and what they bring"),
        days=days,
        spans=SPANS,
        stages=[_shown(stage) for stage in stages],
        hold_out_percent=round(HOLD_OUT_SHARE * 100),
    )


def _shown(stage: StageResult) -> dict[str, Any]:
    names = {"BEFORE": _("Before the due date"), "DUE": _("On the due date"), "LATE": _("After the due date")}
    groups = dict(ReminderTrial.Group.choices)
    channels = {"SMS": _("text message"), "EMAIL": _("e-mail")}
    arms = []
    for arm in stage.arms:
        channel, _at, hour = arm.name.partition("@")
        arms.append({"row": arm, "group": groups[arm.group], "way": f"{channels[channel]}, {hour}:00"})
    return {"name": names[stage.stage], "result": stage, "arms": arms, "effect": _effect(stage)}


def _effect(stage: StageResult) -> str:
    """Say the difference in points and whether chance explains it."""
    effect = stage.effect
    if effect is None:
        return _("Not enough is known yet to compare with the hold-out.")
    figures = {
        "points": f"{effect.difference * 100:+.1f}",
        "low": f"{effect.low * 100:+.1f}",
        "high": f"{effect.high * 100:+.1f}",
    }
    if effect.is_certain:
        return _("%(points)s points against the hold-out (%(low)s to %(high)s).") % figures
    return (
        _("%(points)s points against the hold-out (%(low)s to %(high)s): chance alone may explain it.")
        % figures
    )
