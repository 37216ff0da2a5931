"""A limit that is higher for a time: given by an officer, ended by the night."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from credit.domain.limit_in_force import LimitParts, UnableToSetLimit, check_temporary
from credit.domain.line import UnableToMoveLine
from credit.domain.policy import MOST_LIMIT
from credit.domain.reasons import reason as say
from credit.domain.reasons import recourse
from credit.models import CreditLine, LimitChange
from credit.operations.line_events import LIMIT_COLUMNS, direction_of, put_limit, write_change
from credit.operations.lines import lock_line, refuse_own
from credit.queries import ceiling_now, room_in_group
from regimes.errors import N_

Trigger = LimitChange.Trigger


def grant_temporary_limit(
    *, line_id: int, extra: Decimal, until: date, reason: str, actor: User, as_of: date
) -> CreditLine:
    """Raise a limit until a day, such as for a festival; on that day's night it falls back by itself.

    A second grant replaces the first. The borrower's own cap stays above it, and so do the regime and the group's limit.
    """
    if not reason.strip():
        raise UnableToSetLimit("required", N_("Write why, so that others understand it."), field="reason")
    ceiling = ceiling_now()
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        refuse_own(actor=actor, borrower_id=line.borrower_id)
        if line.status != CreditLine.Status.ACTIVE:
            raise UnableToMoveLine(
                "line_not_active", N_("Only an active line can have a temporary increase.")
            )
        parts = line.parts
        legal = ceiling.business_limit if line.family == "BUSINESS" else ceiling.person_limit
        most = min(MOST_LIMIT, legal, room_in_group(line=line))
        check_temporary(granted=parts.granted, extra=extra, until=until, as_of=as_of, most=most)
        if parts.own_cap is not None and parts.own_cap <= parts.granted:
            raise UnableToSetLimit(
                "own_cap_binds", N_("The borrower's own cap leaves no room for an increase."), field="extra"
            )
        old = put_limit(line, LimitParts(parts.granted, extra=extra, own_cap=parts.own_cap))
        line.temporary_until = until
        line.save(update_fields=LIMIT_COLUMNS)
        write_change(
            line,
            direction_of(old=old, new=line.limit),
            Trigger.OFFICER,
            old=old,
            why=(say("temporary_raise", extra=extra, date=until.isoformat()),),
            as_of=as_of,
            actor=actor,
            note=reason,
        )
        write_audit(
            actor=actor,
            action="line.temporary_limit",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            after={"extra": str(extra), "until": until.isoformat()},
            reason=reason,
        )
    return line


def end_temporary_limits(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> int:
    """Take back the temporary increases whose last day is `as_of` or before; give how many."""
    due = CreditLine.objects.filter(pk__gte=first_id, pk__lte=last_id, temporary_until__lte=as_of)
    ended = 0
    for pk in due.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            ended += _end(pk, as_of)
    return ended


def _end(pk: int, as_of: date) -> bool:
    line = lock_line(line_id=pk)
    if line.temporary_until is None or line.temporary_until > as_of:
        return False
    until, parts = line.temporary_until, line.parts
    old = put_limit(line, LimitParts(parts.granted, own_cap=parts.own_cap))
    line.save(update_fields=LIMIT_COLUMNS)
    if line.status != CreditLine.Status.CLOSED:
        write_change(
            line,
            direction_of(old=old, new=line.limit),
            Trigger.TEMPORARY_END,
            old=old,
            why=(say("temporary_over", date=until.isoformat()),),
            as_of=as_of,
            actor=None,
            ways=(recourse("wait_for_review"),),
        )
    return True
