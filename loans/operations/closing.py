"""Close a month by a worker: asked for once, proved step by step, closed in one transaction, and said how it went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from accounts.operations import write_audit
from ledger.closing import close_month
from ledger.domain.closing import CloseCheck, first_failing
from ledger.queries import closed_through, next_month_to_close
from ledger.reports import CLOSE_STEPS, close_checklist
from loans.models import MonthClose
from loans.reports import close_checks
from regimes.errors import N_, Refusal

log = structlog.get_logger(__name__)
Status = MonthClose.Status
LOST_AFTER = timedelta(
    minutes=30
)  # a worker that did not end by then was killed: its transaction went with it


class UnableToAskForClose(Refusal):
    """Refuse a close that is under way, or of a month that is not the next."""


def ask_for_close(*, month_end: date, is_close: bool, actor: User) -> MonthClose:
    """Ask a worker to look at the next month, or to close it. One at a time; the caller wakes the worker after the commit."""
    try:
        with transaction.atomic():
            if month_end != next_month_to_close():
                raise UnableToAskForClose(
                    "month_not_next", N_("This month is closed already, or not the next one to close."), field="month_end"
                )  # fmt: skip
            run = MonthClose(month_end=month_end, is_close=is_close, asked_by=actor)
            run.save(force_insert=True)
            write_audit(
                actor=actor, action="ledger.ask_for_close", object_type="loans.MonthClose", object_ref=run.ref,
                after={"month_end": str(month_end), "closes": is_close},
            )  # fmt: skip
    except IntegrityError:
        raise UnableToAskForClose(
            "close_under_way",
            N_("The books are being proved for this month already. Wait until that is done."),
        ) from None
    return run


def work_closes(*, now: datetime) -> int:
    """Do what was asked for, and take up what a killed worker left; tell how many."""
    lost = Q(status=Status.RUNNING, claimed_at__lt=now - LOST_AFTER)
    ids = list(
        MonthClose.objects.filter(Q(status=Status.WAITING) | lost).order_by("pk").values_list("pk", flat=True)[:5]
    )  # fmt: skip
    return sum(work_close(close_id=pk, now=now) is not None for pk in ids)


def work_close(*, close_id: int, now: datetime) -> MonthClose | None:
    """Prove a month's books, and close it if that was asked and everything holds; None if somebody else does."""
    free = Q(status=Status.WAITING) | Q(status=Status.RUNNING, claimed_at__lt=now - LOST_AFTER)
    steps = {"steps": CLOSE_STEPS + 2, "steps_done": 0}  # two: what loans ask, and the close itself
    if not MonthClose.objects.filter(free, pk=close_id).update(
        status=Status.RUNNING, claimed_at=now, **steps
    ):
        return None
    run = MonthClose.objects.select_related("asked_by").get(pk=close_id)
    try:
        return _work(run, now)
    except Refusal as refusal:
        run.problem = refusal.code
        return _finish(run, Status.REFUSED, now)
    except Exception:  # a sweep goes on, and the page says so
        log.exception("close.failed")
        return _finish(run, Status.FAILED, now)


def _work(run: MonthClose, now: datetime) -> MonthClose:
    def step() -> None:
        run.steps_done += 1
        MonthClose.objects.filter(pk=run.pk).update(steps_done=run.steps_done)

    # without a lock first: who looks holds nobody up, and what does not hold is found before anything waits for it
    found: list[CloseCheck] = list(close_checklist(month_end=run.month_end, step=step))
    found += close_checks(run.month_end)
    step()
    run.checks = _plain(found)
    if first_failing(found) is not None:
        return _finish(run, Status.REFUSED, now)
    if not run.is_close:
        return _finish(run, Status.DONE, now)
    with transaction.atomic():
        before = closed_through()
        close_month(month_end=run.month_end, checks=[close_checks], actor=run.asked_by)
        write_audit(
            actor=run.asked_by, action="ledger.close_period", object_type="ledger.period", object_ref=run.month_end,
            before={"closed_through": str(before)}, after={"closed_through": str(run.month_end)},
        )  # fmt: skip
        return _finish(run, Status.DONE, now)


def _plain(found: Sequence[CloseCheck]) -> list[dict[str, Any]]:
    return [{"code": row.code, "title": row.title, "holds": row.holds, "found": row.found} for row in found]


def _finish(run: MonthClose, status: str, now: datetime) -> MonthClose:
    run.status, run.finished_at = status, now
    if status == Status.DONE:
        run.steps_done = run.steps
    run.save(update_fields=["status", "finished_at", "checks", "problem", "steps_done"])
    return run
