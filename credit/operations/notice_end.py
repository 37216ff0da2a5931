"""Cuts that were announced: in force on their day, or dropped when a person decided otherwise meanwhile."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from credit.domain.limit_in_force import LimitParts
from credit.domain.reasons import Reason
from credit.models import CreditLine, LimitChange
from credit.operations.line_events import ANNOUNCED, LIMIT_COLUMNS, direction_of, put_limit, write_change
from credit.operations.lines import lock_line


def carry_out_cuts(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> int:
    """Put announced limits in force whose day has come; give how many. Draws of that day meet the new limit."""
    due = CreditLine.objects.filter(pk__gte=first_id, pk__lte=last_id, announced_date__lte=as_of)
    done = 0
    for pk in list(due.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            done += _carry_out(pk, as_of)
    return done


def _carry_out(pk: int, as_of: date) -> bool:
    line = lock_line(line_id=pk)
    if line.announced_date is None or line.announced_date > as_of:
        return False
    announced = (
        LimitChange.objects.filter(line_id=pk, direction=LimitChange.Direction.ANNOUNCE)
        .order_by("-pk")
        .first()
    )
    assert announced is not None, "an announced limit has its event"
    assert line.announced_limit is not None
    day, coming, parts = line.announced_date, line.announced_limit, line.parts
    line.announced_limit = line.announced_date = None
    if line.status == CreditLine.Status.CLOSED or coming >= parts.granted:
        line.save(update_fields=ANNOUNCED)
        return False
    old = put_limit(line, LimitParts(coming, extra=parts.extra, own_cap=parts.own_cap))
    line.last_cut_date = day
    line.save(update_fields=[*LIMIT_COLUMNS, *ANNOUNCED, "last_cut_date"])
    write_change(
        line,
        direction_of(old=old, new=line.limit),
        LimitChange.Trigger.NOTICE_END,
        old=old,
        why=[Reason.from_dict(item) for item in announced.reasons],
        ways=[Reason.from_dict(item) for item in announced.recourse],
        as_of=day,
        actor=None,
        following=announced,
    )
    return True
