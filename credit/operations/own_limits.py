"""What borrowers decide about their own credit: a lower cap, and not to be lent to for a time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import queue_notice, write_audit
from credit.domain.limit_in_force import LimitParts, check_exclusion, check_own_cap
from credit.domain.line import FreezeReason, LineAction, UnableToMoveLine, next_status
from credit.domain.reasons import Reason, recourse
from credit.domain.reasons import reason as say
from credit.models import CreditLine, LimitChange, SelfExclusion
from credit.operations.line_events import LIMIT_COLUMNS, direction_of, put_limit, write_change
from credit.operations.lines import lock_line
from regimes.errors import N_, Refusal

Status = CreditLine.Status
Direction = LimitChange.Direction
Trigger = LimitChange.Trigger


class UnableToEndExclusion(Refusal):
    """Refuse to end a self-exclusion before its day, or one that is not there."""


def set_own_cap(*, line_id: int, cap: Decimal | None, actor: User | None, as_of: date) -> CreditLine:
    """Cap the limit by the borrower's own hand, at once; None lifts the cap and what was granted is back."""
    check_own_cap(cap)
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        if line.status in (Status.OFFERED, Status.CLOSED):
            raise UnableToMoveLine(
                "line_state",
                N_("This is not possible while the line is in its present state. Reload the page to see it."),
            )
        parts, before = line.parts, line.own_cap
        if cap == before:
            return line
        old = put_limit(line, LimitParts(parts.granted, extra=parts.extra, own_cap=cap))
        line.save(update_fields=LIMIT_COLUMNS)
        why = say("own_cap_lifted") if cap is None else say("own_cap_set", cap=cap)
        write_change(
            line,
            direction_of(old=old, new=line.limit),
            Trigger.BORROWER,
            old=old,
            why=(why,),
            as_of=as_of,
            actor=actor,
            ways=(recourse("wait_for_review" if cap is None else "lift_own_cap"),),
        )
        write_audit(
            actor=actor,
            action="line.own_cap",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            before={"own_cap": None if before is None else str(before)},
            after={"own_cap": None if cap is None else str(cap)},
        )
    return line


def exclude_self(*, borrower: Borrower, until: date, actor: User | None, as_of: date) -> SelfExclusion:
    """Stop lending to a borrower until a day, by the borrower's own wish; asking again may only make it longer.

    Every open line is suspended, offers are closed, and no application is taken. Repaying goes on.
    """
    check_exclusion(until=until, as_of=as_of)
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        found = SelfExclusion.objects.filter(borrower_id=borrower.pk, ended_date__isnull=True).first()
        if found is None:
            found = SelfExclusion(borrower=borrower, asked_date=as_of, until_date=until, actor=actor)
            found.save(force_insert=True)
        elif until > found.until_date:
            found.until_date = until
            found.save(update_fields=["until_date"])
        why = say("asked_for_exclusion", date=found.until_date.isoformat())
        for pk in _open_lines(borrower):
            _suspend(pk, found, why, actor, as_of)
        write_audit(
            actor=actor,
            action="borrower.exclude_self",
            object_type="accounts.Borrower",
            object_ref=str(borrower.ref),
            after={"until": found.until_date.isoformat()},
        )
        queue_notice(
            borrower_id=borrower.pk,
            kind="self_excluded",
            dedup_key=f"exclusion:{found.pk}:{found.until_date.isoformat()}",
            params={"date": found.until_date.isoformat()},
        )
    return found


def end_self_exclusion(*, borrower: Borrower, actor: User | None, as_of: date) -> SelfExclusion:
    """Lend again when the borrower asks for it, from the day agreed; never before, whoever asks."""
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        found = SelfExclusion.objects.filter(borrower_id=borrower.pk, ended_date__isnull=True).first()
        if found is None:
            raise UnableToEndExclusion("exclusion_missing", N_("You did not ask us to stop lending to you."))
        if as_of < found.until_date:
            raise UnableToEndExclusion(
                "exclusion_not_over",
                N_("You asked us not to lend to you before %(date)s. It cannot be ended earlier."),
                params={"date": found.until_date.isoformat()},
            )
        found.ended_date = as_of
        found.save(update_fields=["ended_date"])
        for pk in _open_lines(borrower):
            line = lock_line(line_id=pk)
            if line.freeze_reason == FreezeReason.EXCLUDED:
                _resume(line, say("exclusion_ended"), Trigger.BORROWER, actor, as_of)
        write_audit(
            actor=actor,
            action="borrower.end_self_exclusion",
            object_type="accounts.Borrower",
            object_ref=str(borrower.ref),
        )
    return found


def suspend_line(*, line_id: int, reason: str, actor: User, as_of: date) -> CreditLine:
    """Suspend a line by an officer: no draws, no looks, no raises until an officer resumes it; payments go on."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        if line.status == Status.SUSPENDED and line.freeze_reason == FreezeReason.OFFICER:
            return line
        line.status = next_status(line.status, LineAction.SUSPEND)
        line.freeze_reason, line.suspended_until = FreezeReason.OFFICER, None
        line.save(update_fields=["status", "freeze_reason", "suspended_until"])
        write_change(
            line,
            Direction.SUSPEND,
            Trigger.OFFICER,
            old=line.limit,
            why=(say("suspended_by_officer"),),
            as_of=as_of,
            actor=actor,
            ways=(recourse("ask_person"),),
            note=reason,
        )
        write_audit(
            actor=actor,
            action="line.suspend",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            reason=reason,
        )
    return line


def resume_line(*, line_id: int, reason: str, actor: User, as_of: date) -> CreditLine:
    """Lift an officer's suspension; a borrower's self-exclusion is not an officer's to end."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        if line.status == Status.SUSPENDED and line.freeze_reason == FreezeReason.EXCLUDED:
            raise UnableToMoveLine(
                "exclusion_not_yours",
                N_("The borrower asked not to be lent to. Only the borrower can end that."),
            )
        _resume(line, say("resumed"), Trigger.OFFICER, actor, as_of, note=reason)
        write_audit(
            actor=actor,
            action="line.resume",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            reason=reason,
        )
    return line


def _open_lines(borrower: Borrower) -> list[int]:
    rows = CreditLine.objects.filter(borrower_id=borrower.pk).exclude(status=Status.CLOSED)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _suspend(pk: int, found: SelfExclusion, why: Reason, actor: User | None, as_of: date) -> None:
    line = lock_line(line_id=pk)
    if line.status == Status.OFFERED:
        line.status = next_status(line.status, LineAction.CLOSE)
        line.save(update_fields=["status"])
        write_change(
            line, Direction.CLOSE, Trigger.BORROWER, old=line.limit, why=(why,), as_of=as_of, actor=actor
        )
        return
    again = line.status == Status.SUSPENDED and line.freeze_reason == FreezeReason.EXCLUDED
    if line.status != Status.SUSPENDED:
        line.status = next_status(line.status, LineAction.SUSPEND)
    # a suspension by an officer outlives the exclusion
    if line.freeze_reason != FreezeReason.OFFICER:
        line.freeze_reason = FreezeReason.EXCLUDED
    line.suspended_until = found.until_date
    line.save(update_fields=["status", "freeze_reason", "suspended_until"])
    if not again:
        way = recourse("wait_for_exclusion_end", date=found.until_date.isoformat())
        write_change(
            line,
            Direction.SUSPEND,
            Trigger.BORROWER,
            old=line.limit,
            why=(why,),
            as_of=as_of,
            actor=actor,
            ways=(way,),
        )


def _resume(
    line: CreditLine, why: Reason, trigger: Trigger, actor: User | None, as_of: date, note: str = ""
) -> None:
    line.status = next_status(line.status, LineAction.RESUME)
    line.freeze_reason, line.suspended_until = FreezeReason.NONE, None
    line.save(update_fields=["status", "freeze_reason", "suspended_until"])
    write_change(
        line, Direction.RESUME, trigger, old=line.limit, why=(why,), as_of=as_of, actor=actor, note=note
    )
