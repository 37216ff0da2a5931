"""Write the reminders of a day: one notice per instalment, rung and channel, however often it runs.

Only rows are written here. They are sent by the sweeper of notices, which keeps the regime's contact hours, the number
of contacts a day, and drops what is no longer true. How an instalment is reminded of is decided once, in a row of
`ReminderTrial`; a second sweep that would choose otherwise finds the first choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from accounts import queries as account_queries
from accounts.models import ContactPreference
from accounts.operations import NoticeOrder, queue_notices
from credit.domain.bandit import STANDARD_HOUR, Arm, Tally, choose_arm, in_hold_out
from credit.domain.reminders import IN_APP, SMS, Rung, dedup_key, due_dates, send_window, window_end
from credit.models import ReminderTrial
from loans import queries as loan_queries
from loans.queries import DueInstalment

CHUNK = 2_000
REMEMBER = timedelta(days=180)
Group, Outcome = ReminderTrial.Group, ReminderTrial.Outcome


def send_reminders(*, as_of: date, now: datetime | None = None) -> int:
    """Queue the reminders of a business date; give how many are new. Without `now` they may go out at once."""
    settle_trials(as_of=as_of)
    tallies = tallies_by_stage(as_of=as_of)
    new = 0
    for due_date, rung in due_dates(as_of).items():
        rows = iter(loan_queries.due_instalments(from_date=due_date, to_date=due_date))
        while batch := list(islice(rows, CHUNK)):
            with transaction.atomic():
                arms = _arms(batch, rung, tallies.get(rung.stage, {}), as_of) if rung.is_learned else {}
                new += queue_notices(orders=_orders(batch, rung, arms, now))
    return new


def settle_trials(*, as_of: date) -> int:
    """Write down which reminders were followed by a payment in their window; give how many are now known."""
    known = 0
    open_trials = ReminderTrial.objects.filter(outcome=Outcome.OPEN, window_end_date__lt=as_of).order_by("pk")
    while batch := list(open_trials[:CHUNK]):
        paid = loan_queries.payment_of(instalment_ids=[trial.instalment_id for trial in batch])
        for trial in batch:
            trial.outcome, trial.settled_date = _outcome(trial, paid), as_of
        with transaction.atomic():
            ReminderTrial.objects.bulk_update(batch, ["outcome", "settled_date"])
        known += len(batch)
    return known


def _outcome(trial: ReminderTrial, paid: Mapping[int, tuple[date, date | None]]) -> str:
    due_date, paid_date = paid.get(trial.instalment_id, (None, None))
    if due_date != trial.due_date:
        return Outcome.VOID
    if paid_date is None or paid_date > trial.window_end_date:
        return Outcome.MISSED
    # a payment that was learned of later but is dated before the reminder was not its doing
    return Outcome.CURED if paid_date >= trial.assigned_date else Outcome.VOID


def tallies_by_stage(*, as_of: date) -> dict[str, dict[str, Tally]]:
    """Count what the learning group's trials of the last half year came to, by stage and way."""
    rows = (
        ReminderTrial.objects.filter(
            group=Group.LEARNED,
            settled_date__gt=as_of - REMEMBER,
            settled_date__lte=as_of,
            outcome__in=[Outcome.CURED, Outcome.MISSED],
        )
        .values_list("stage", "arm", "outcome")
        .annotate(many=Count("pk"))
    )
    found: dict[str, dict[str, Tally]] = {}
    for stage, arm, outcome, many in rows:
        before = found.setdefault(stage, {}).get(arm, Tally())
        cured = outcome == Outcome.CURED
        found[stage][arm] = Tally(before.cured + many * cured, before.missed + many * (not cured))
    return found


def _arms(
    batch: list[DueInstalment], rung: Rung, tallies: Mapping[str, Tally], as_of: date
) -> dict[int, Arm]:
    """Decide how each instalment is reminded of, or find what an earlier sweep decided."""
    borrowers = {row.borrower_id for row in batch}
    reachable = account_queries.channels_of(borrower_ids=borrowers)
    wishes = ContactPreference.objects.in_bulk(borrowers, field_name="borrower_id")
    trials = []
    for row in batch:
        group, arm = _choose(row, rung, tallies, reachable[row.borrower_id], wishes.get(row.borrower_id))
        if arm is not None:
            trials.append(
                ReminderTrial(
                    borrower_id=row.borrower_id,
                    instalment_id=row.instalment_id,
                    due_date=row.due_date,
                    rung=rung.name,
                    stage=rung.stage,
                    group=group,
                    arm=arm.name,
                    assigned_date=as_of,
                    window_end_date=window_end(rung=rung, due_date=row.due_date),
                )
            )
    ReminderTrial.objects.bulk_create(trials, ignore_conflicts=True)
    first = ReminderTrial.objects.filter(
        instalment_id__in=[row.instalment_id for row in batch], due_date=batch[0].due_date, rung=rung.name
    )
    return {pk: Arm.read(arm) for pk, arm in first.values_list("instalment_id", "arm")}


def _choose(
    row: DueInstalment,
    rung: Rung,
    tallies: Mapping[str, Tally],
    reachable: frozenset[str],
    wish: ContactPreference | None,
) -> tuple[str, Arm | None]:
    """Give the group and the way: a wish comes first, then the hold-out's standard, then what was learned."""
    standard = SMS if SMS in reachable else min(reachable, default="")
    if not standard:
        return Group.HOLD_OUT, None
    if wish is not None and (wish.channel or wish.hour is not None):
        channel = wish.channel if wish.channel in reachable else standard
        return Group.WISHED, Arm(channel, STANDARD_HOUR if wish.hour is None else wish.hour)
    if in_hold_out(row.borrower_id):
        return Group.HOLD_OUT, Arm(standard, STANDARD_HOUR)
    seed = f"{row.instalment_id}|{row.due_date}|{rung.name}"
    return Group.LEARNED, choose_arm(seed=seed, tallies=tallies, channels=reachable)


def _orders(
    batch: list[DueInstalment], rung: Rung, arms: Mapping[int, Arm], now: datetime | None
) -> Iterator[NoticeOrder]:
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE)) if now is not None else None
    for row in batch:
        common: dict[str, Any] = {
            "borrower_id": row.borrower_id,
            "kind": rung.kind,
            "dedup_key": dedup_key(instalment_id=row.instalment_id, due_date=row.due_date, rung=rung),
            "params": {
                "amount": f"{row.amount:.2f}",
                "due_date": row.due_date.isoformat(),
                "loan_ref": str(row.loan_ref),
                "rung": rung.name,
                "instalment_id": row.instalment_id,
            },
        }
        yield NoticeOrder(**common, channels=(IN_APP,))
        arm = arms.get(row.instalment_id)
        carried = tuple(channel for channel in rung.channels if channel != IN_APP) if rung.required else ()
        channels = (arm.channel,) if arm is not None else carried
        if channels:
            hour = arm.hour if arm is not None else STANDARD_HOUR
            window = send_window(rung=rung, hour=hour, local=local) if local is not None else (None, None)
            yield NoticeOrder(**common, channels=channels, send_after=window[0], send_before=window[1])
