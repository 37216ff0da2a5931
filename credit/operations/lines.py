"""Open a line, freeze it, change its limit, close it: each under the line's lock, each leaving a LimitChange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from accounts.operations import NoticeOrder, queue_notices, write_audit
from accounts.rows import insert_row
from credit.domain.decision import Decided, Outcome
from credit.domain.limit_in_force import LimitParts
from credit.domain.limits import penalty_rate
from credit.domain.line import FreezeReason, LineAction, UnableToMoveLine, next_status
from credit.domain.policy import PolicyRules
from credit.domain.reasons import Reason, recourse
from credit.domain.reasons import reason as say
from credit.domain.reevaluation import next_review_after
from credit.models import Application, CreditLine, Decision, LimitChange
from credit.operations.authority import require_second
from credit.operations.line_events import ANNOUNCED, LIMIT_COLUMNS, direction_of, put_limit, write_change
from credit.queries import ceiling_now, room_in_group, rules_of, users_behind
from credit.rows import read_line_locked
from regimes.errors import N_, InvalidInput, NotFound, Refusal

Status = CreditLine.Status
Direction = LimitChange.Direction
Trigger = LimitChange.Trigger


class UnableToChangeLimit(InvalidInput):
    """Refuse a limit outside the range, or a change without a reason."""


class UnableToActOnOwn(Refusal):
    """Refuse an officer's act on the officer's own affairs."""

    http_status = 403


def lock_line(*, line_id: int) -> CreditLine:
    """Lock one line: the one point at which everything that makes it scarcer waits in a row."""
    line = read_line_locked(line_id=line_id)
    if line is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return line


def open_line(
    *,
    application: Application,
    decision: Decision,
    decided: Decided,
    actor: User | None,
    as_of: date,
    has_line: bool = True,
    told: Sequence[NoticeOrder] = (),
) -> CreditLine:
    """Open a line for an approved application, or raise the one that the borrower has.

    An approval in full opens at once; a counter-offer waits for the borrower's yes. `has_line` False: the borrower's row is
    locked and there is no line to look for. `told` goes out with what is told of the line.
    """
    rules = rules_of(application.policy)
    existing = (
        CreditLine.objects.select_for_update(of=("self",))
        .filter(borrower_id=application.borrower_id, family=application.product.family)
        .exclude(status=Status.CLOSED)
        .first()
        if has_line
        else None
    )
    if existing is not None and existing.status != Status.OFFERED:
        return _renew(existing, decision, decided, rules, actor, as_of, told)
    if existing is not None:
        _close(existing, actor=actor, as_of=as_of, why=(say("opened"),), note="")
    offered = decided.outcome is Outcome.COUNTER_OFFER
    line = CreditLine(
        borrower=application.borrower,
        family=application.product.family,
        limit=decided.limit,
        annual_rate=decided.annual_rate,
        penalty_rate=penalty_rate(rules, decided.annual_rate, ceiling_now()),
        grade=decided.grade,
        status=Status.OFFERED if offered else Status.ACTIVE,
        opened_date=None if offered else as_of,
        offer_until=as_of + timedelta(days=rules.offer_days) if offered else None,
        valid_until=as_of + timedelta(days=rules.line_days),
        application=application,
        next_review_date=next_review_after(as_of, anchor=application.borrower_id),
    )
    insert_row(line)
    if offered:
        queue_notices(orders=told)
    else:
        write_change(
            line,
            Direction.OPEN,
            Trigger.APPLICATION,
            old=Decimal(0),
            why=decided.reasons,
            as_of=as_of,
            actor=actor,
            decision=decision,
            told=told,
        )
    return line


def _renew(
    line: CreditLine,
    decision: Decision,
    decided: Decided,
    rules: PolicyRules,
    actor: User | None,
    as_of: date,
    told: Sequence[NoticeOrder],
) -> CreditLine:
    """Raise an open line on a new application; an application never lowers a limit or raises a price."""
    old_rate, parts = line.annual_rate, line.parts
    old = put_limit(
        line, LimitParts(max(parts.granted, decided.limit), extra=parts.extra, own_cap=parts.own_cap)
    )
    line.annual_rate = min(line.annual_rate, decided.annual_rate)
    line.penalty_rate = penalty_rate(rules, line.annual_rate, ceiling_now())
    line.grade = decided.grade
    line.valid_until = max(line.valid_until, as_of + timedelta(days=rules.line_days))
    line.announced_limit = line.announced_date = None  # what was decided now is newer than what was announced
    changed = [*LIMIT_COLUMNS, *ANNOUNCED, "annual_rate", "penalty_rate", "grade", "valid_until"]
    if line.limit > old:
        line.last_raised_date = as_of
        changed.append("last_raised_date")
    line.save(update_fields=changed)
    write_change(
        line,
        direction_of(old=old, new=line.limit),
        Trigger.APPLICATION,
        old=old,
        old_rate=old_rate,
        why=decided.reasons,
        as_of=as_of,
        actor=actor,
        decision=decision,
        told=told,
    )
    return line


def accept_offer(*, line_id: int, actor: User | None, as_of: date) -> CreditLine:
    """Turn an offer into an active line."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        status = next_status(line.status, LineAction.ACCEPT)
        if line.offer_until is not None and as_of > line.offer_until:
            raise UnableToMoveLine(
                "offer_expired",
                N_("The offer ended on %(date)s. Apply again."),
                params={"date": line.offer_until.isoformat()},
            )
        line.status, line.opened_date = status, as_of
        line.save(update_fields=["status", "opened_date"])
        decision = line.application.decisions.filter(is_final=True).first()
        why = (
            say("offer_accepted"),
            *(Reason.from_dict(item) for item in (decision.reasons if decision else [])),
        )
        write_change(
            line,
            Direction.OPEN,
            Trigger.APPLICATION,
            old=Decimal(0),
            why=why[:4],
            as_of=as_of,
            actor=actor,
            decision=decision,
        )
        write_audit(
            actor=actor,
            action="line.accept",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            after={"limit": str(line.limit)},
        )
    return line


def freeze_line(
    *, line_id: int, reason: str, actor: User | None, as_of: date, by_borrower: bool = False
) -> CreditLine:
    """Freeze a line: no draws from now on; payments go on.

    `reason` is a note for the audit trail; the borrower reads a sentence of the catalogue.
    """
    kind = FreezeReason.BORROWER if by_borrower else FreezeReason.OFFICER
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        if line.status == Status.FROZEN and line.freeze_reason in (kind, FreezeReason.OFFICER):
            return line
        if line.status != Status.FROZEN:
            line.status = next_status(line.status, LineAction.FREEZE)
        line.freeze_reason = kind
        line.save(update_fields=["status", "freeze_reason"])
        write_change(
            line,
            Direction.FREEZE,
            Trigger.BORROWER if by_borrower else Trigger.OFFICER,
            old=line.limit,
            why=(say("asked_to_freeze" if by_borrower else "frozen_by_officer"),),
            as_of=as_of,
            actor=actor,
            ways=(recourse("lift_own_freeze" if by_borrower else "ask_person"),),
            note=reason,
        )
        write_audit(
            actor=actor,
            action="line.freeze",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            reason=reason,
            after={"freeze_reason": line.freeze_reason},
        )
    return line


def unfreeze_line(
    *, line_id: int, actor: User | None, as_of: date, reason: str = "", by_borrower: bool = False
) -> CreditLine:
    """Lift a freeze. A borrower lifts only the own freeze; what risk or an officer froze needs an officer."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        status = next_status(line.status, LineAction.UNFREEZE)
        if by_borrower and line.freeze_reason != FreezeReason.BORROWER:
            raise UnableToMoveLine(
                "freeze_not_yours", N_("You did not freeze this line. Ask us for a review by a person.")
            )
        before = line.freeze_reason
        line.status, line.freeze_reason = status, FreezeReason.NONE
        line.save(update_fields=["status", "freeze_reason"])
        write_change(
            line,
            Direction.UNFREEZE,
            Trigger.BORROWER if by_borrower else Trigger.OFFICER,
            old=line.limit,
            why=(say("unfrozen"),),
            as_of=as_of,
            actor=actor,
            note=reason,
        )
        write_audit(
            actor=actor,
            action="line.unfreeze",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            reason=reason,
            before={"freeze_reason": before},
        )
    return line


def change_limit(
    *, line_id: int, limit: Decimal, reason: str, actor: User, as_of: date, second: User | None = None
) -> CreditLine:
    """Change a limit by an officer, with a note; never the officer's own.

    A rise above what one officer may give needs `second`, another person who proposed it.
    """
    ceiling = ceiling_now()
    if not reason.strip():
        raise UnableToChangeLimit("required", N_("Write why, so that others understand it."), field="reason")
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        refuse_own(actor=actor, borrower_id=line.borrower_id)
        if line.status in (Status.CLOSED, Status.OFFERED):
            raise UnableToMoveLine(
                "line_state",
                N_("This is not possible while the line is in its present state. Reload the page to see it."),
            )
        most = min(
            Decimal(300_000), ceiling.business_limit if line.family == "BUSINESS" else ceiling.person_limit
        )
        if not (Decimal(50) <= limit <= most) or (limit % 100 and limit != 50):
            raise UnableToChangeLimit(
                "limit_invalid",
                N_("Enter a limit between 50 and %(maximum)s, in hundreds."),
                field="limit",
                params={"maximum": str(most.quantize(Decimal(1)))},
            )
        parts = line.parts
        if limit > parts.granted:
            require_second(limit=limit, actor=actor, second=second)
            _check_group(line, limit)
        old = put_limit(line, LimitParts(limit, extra=parts.extra, own_cap=parts.own_cap))
        line.announced_limit = line.announced_date = None  # a person decided otherwise
        fields = [*LIMIT_COLUMNS, *ANNOUNCED]
        if limit != parts.granted:
            name = "last_raised_date" if limit > parts.granted else "last_cut_date"
            setattr(line, name, as_of)
            fields.append(name)
        line.save(update_fields=fields)
        direction = direction_of(old=old, new=line.limit)
        write_change(
            line,
            direction,
            Trigger.OFFICER,
            old=old,
            why=(say("changed_by_officer"),),
            as_of=as_of,
            actor=actor,
            ways=(recourse("ask_person"),),
            note=reason,
        )
        write_audit(
            actor=actor,
            action="line.change_limit",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            before={"limit": str(parts.granted)},
            after={"limit": str(limit)},
            reason=reason,
        )
    return line


def _check_group(line: CreditLine, limit: Decimal) -> None:
    """Refuse a limit by which the person and the businesses owned would have more than the policy allows in all."""
    room = room_in_group(line=line)
    if limit > room:
        raise UnableToChangeLimit(
            "group_limit",
            N_("All lines of this person and of the businesses owned leave room for CNY %(room)s here."),
            field="limit",
            params={"room": f"{max(Decimal(0), room):.2f}"},
        )


def close_line(*, line_id: int, actor: User | None, as_of: date, reason: str = "") -> CreditLine:
    """Close a line; what is owed stays owed and is repaid as agreed."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        _close(
            line, actor=actor, as_of=as_of, why=(say("line_expired", date=as_of.isoformat()),), note=reason
        )
        write_audit(
            actor=actor,
            action="line.close",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            reason=reason,
        )
    return line


def set_auto_debit(*, line_id: int, is_on: bool, actor: User | None) -> CreditLine:
    """Agree to, or end, automatic payment of instalments from the default bank account."""
    with transaction.atomic():
        line = lock_line(line_id=line_id)
        line.auto_debit = is_on
        line.save(update_fields=["auto_debit"])
        write_audit(
            actor=actor,
            action="line.auto_debit",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            after={"auto_debit": is_on},
        )
    return line


def refuse_own(*, actor: User, borrower_id: int) -> None:
    """Refuse when an officer acts on the own line, or on that of a business of which the officer is a member."""
    if actor.pk in users_behind(borrower_id=borrower_id):
        raise UnableToActOnOwn("own_item", N_("You cannot decide on your own affairs. Ask a colleague."))


def _close(line: CreditLine, *, actor: User | None, as_of: date, why: Sequence[Reason], note: str) -> None:
    line.status, line.freeze_reason = next_status(line.status, LineAction.CLOSE), FreezeReason.NONE
    line.announced_limit = line.announced_date = None
    line.save(update_fields=["status", "freeze_reason", *ANNOUNCED])
    write_change(
        line,
        Direction.CLOSE,
        Trigger.OFFICER if actor else Trigger.APPLICATION,
        old=line.limit,
        why=why,
        as_of=as_of,
        actor=actor,
        note=note,
    )
