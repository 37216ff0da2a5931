"""Lines near the end of their term: renewed, told ahead why not, or closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from django.db import transaction

from accounts.models import Borrower
from accounts.operations import queue_notice
from accounts.queries import active_consents
from credit.domain.line import FreezeReason, LineAction, next_status
from credit.domain.policy import PolicyRules
from credit.domain.reasons import Reason
from credit.domain.reasons import reason as say
from credit.domain.renewal import TOLD_DAYS, Standing, in_the_way
from credit.facts import conduct_facts
from credit.models import CreditLine, LimitChange
from credit.notices import sentences
from credit.operations.line_events import ANNOUNCED, write_change
from credit.operations.lines import lock_line
from credit.queries import active_policy, debt_of_line, rules_of

Direction, Trigger = LimitChange.Direction, LimitChange.Trigger
OPEN = ("ACTIVE", "FROZEN", "SUSPENDED")
CHUNK = 500


def renew_or_close_lines(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> Counter[str]:
    """Work the lines whose term ends within a month, after the day `as_of`: renew, tell why not, or close on the last day.

    What stood in the way may go until the last day; then the line goes on by itself. Each line is a transaction of its own.
    """
    due = CreditLine.objects.filter(
        pk__gte=first_id, pk__lte=last_id, status__in=OPEN, valid_until__lte=as_of + timedelta(days=TOLD_DAYS)
    )
    found = list(due.order_by("pk").values_list("pk", "borrower_id"))
    done: Counter[str] = Counter()
    if not found:
        return done
    rules = rules_of(active_policy())
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        borrowers = sorted({borrower for _, borrower in chunk})
        consents = active_consents(borrower_ids=borrowers)
        worst = _worst(borrowers, as_of)
        for pk, borrower in chunk:
            with transaction.atomic():
                done[_work(pk, "CREDIT_DECISION" in consents[borrower], worst[borrower], rules, as_of)] += 1
    return done


def _worst(borrowers: Sequence[int], as_of: date) -> dict[int, int]:
    days = np.nan_to_num(conduct_facts(borrower_ids=borrowers, as_of=as_of).days_past_due_max_12m)
    return {pk: int(value) for pk, value in zip(borrowers, days, strict=True)}


def _work(pk: int, agreed: bool, worst: int, rules: PolicyRules, as_of: date) -> str:
    line = lock_line(line_id=pk)
    if line.status not in OPEN or line.valid_until > as_of + timedelta(days=TOLD_DAYS):
        return "PASSED"
    standing = Standing(
        status=line.status,
        freeze_reason=line.freeze_reason,
        is_blocked=line.borrower.status != Borrower.Status.ACTIVE,
        consent_given=agreed,
        days_past_due=debt_of_line(line_id=pk).days_past_due,
        worst_days_past_due_12m=worst,
    )
    why, ways = in_the_way(standing, rules=rules)
    if not why:
        return _renew(line, rules, as_of)
    if line.valid_until <= as_of:
        return _close(line, why, ways, as_of)
    return _tell(line, why, ways, as_of)


def _renew(line: CreditLine, rules: PolicyRules, as_of: date) -> str:
    line.valid_until = max(line.valid_until, as_of) + timedelta(days=rules.line_days)
    line.save(update_fields=["valid_until"])
    why = (say("line_renewed", date=line.valid_until.isoformat()),)
    write_change(line, Direction.RENEW, Trigger.RENEWAL, old=line.limit, why=why, as_of=as_of, actor=None)
    return "RENEW"


def _close(line: CreditLine, why: tuple[Reason, ...], ways: tuple[Reason, ...], as_of: date) -> str:
    """Close on the last day; what is owed stays owed and is repaid as agreed."""
    line.status, line.freeze_reason = next_status(line.status, LineAction.CLOSE), FreezeReason.NONE
    line.announced_limit = line.announced_date = None
    line.save(update_fields=["status", "freeze_reason", *ANNOUNCED])
    told = (say("line_expired", date=line.valid_until.isoformat()), *why)[:4]
    write_change(
        line, Direction.CLOSE, Trigger.RENEWAL, old=line.limit, why=told, ways=ways, as_of=as_of, actor=None
    )
    return "CLOSE"


def _tell(line: CreditLine, why: tuple[Reason, ...], ways: tuple[Reason, ...], as_of: date) -> str:
    """Tell once a term that the line ends, why, and what helps."""
    since = line.valid_until - timedelta(days=TOLD_DAYS)
    told = LimitChange.objects.filter(
        line_id=line.pk, trigger=Trigger.RENEWAL, direction=Direction.KEEP, effective_date__gte=since
    )
    if told.exists():
        return "WAITS"
    change = write_change(
        line, Direction.KEEP, Trigger.RENEWAL, old=line.limit, why=why, ways=ways, as_of=as_of, actor=None
    )
    language = line.borrower.language
    queue_notice(
        borrower_id=line.borrower_id,
        kind="line_ends",
        dedup_key=f"line-ends:{change.ref}",
        params={
            "date": line.valid_until.isoformat(),
            "line_ref": str(line.ref),
            "why": sentences(change.reasons, language=language),
            "way_on": sentences(change.recourse, language=language),
        },
    )
    return "TOLD"
