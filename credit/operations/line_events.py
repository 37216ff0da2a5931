"""The event that every change of a line leaves, and the columns of its limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from accounts.models import User
from accounts.operations import NoticeOrder, queue_notices
from accounts.rows import insert_row
from credit.domain.limit_in_force import LimitParts
from credit.domain.reasons import Reason, recourse
from credit.domain.reevaluation import period_of
from credit.models import CreditLine, Decision, LimitChange
from credit.notices import change_params
from credit.queries import active_policy

LIMIT_COLUMNS = ("limit", "held_back", "own_cap", "temporary_extra", "temporary_until")
ANNOUNCED = ("announced_limit", "announced_date")


def put_limit(line: CreditLine, parts: LimitParts) -> Decimal:
    """Write what the limit is made of into the line's columns, unsaved; give the limit that was in force before."""
    before = line.limit
    line.limit, line.held_back = parts.in_force, parts.held_back
    line.own_cap, line.temporary_extra = parts.own_cap, parts.extra
    if parts.extra == 0:
        line.temporary_until = None
    return before


def direction_of(*, old: Decimal, new: Decimal) -> LimitChange.Direction:
    """Name the way in which a limit in force moved."""
    if new == old:
        return LimitChange.Direction.KEEP
    return LimitChange.Direction.UP if new > old else LimitChange.Direction.DOWN


def write_change(
    line: CreditLine,
    direction: str,
    trigger: str,
    *,
    old: Decimal,
    why: Sequence[Reason],
    as_of: date,
    actor: User | None,
    old_rate: Decimal | None = None,
    ways: Sequence[Reason] = (),
    decision: Decision | None = None,
    note: str = "",
    tell: bool = False,
    told: Sequence[NoticeOrder] = (),
    following: LimitChange | None = None,
) -> LimitChange:
    """Write the event and tell the borrower, in the caller's transaction; of a KEEP only with `tell`.

    `told` is what else the borrower is to be told now: it goes with it, in one statement. `following` is the
    event of which this one is the end: facts and policy are those.
    """
    basis = following or decision
    change = LimitChange(
        line=line,
        direction=direction,
        trigger=trigger,
        old_limit=old,
        new_limit=line.limit,
        old_annual_rate=line.annual_rate if old_rate is None else old_rate,
        new_annual_rate=line.annual_rate,
        reasons=[item.to_dict() for item in why],
        recourse=[item.to_dict() for item in (ways or (recourse("wait_for_review"),))],
        assessment_id=basis.assessment_id if basis else None,
        policy_id=basis.policy_id if basis else active_policy().pk,
        actor=actor,
        note=note,
        period=period_of(as_of),
        effective_date=as_of,
        next_review_date=line.next_review_date,
    )
    insert_row(change)
    orders = list(told)
    if tell or direction != LimitChange.Direction.KEEP:
        params = change_params(change, language=line.borrower.language)
        kind, key = f"limit_{direction.lower()}", f"limit-change:{change.ref}"
        orders.append(NoticeOrder(line.borrower_id, kind, key, params))
    queue_notices(orders=orders)
    return change
