"""Reminders: exactly one of each (instalment, rung, channel), at the chosen hour, learned from what was paid."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from accounts.models import ContactPreference, Notice
from accounts.notifications import sms
from accounts.operations import send_due_notices
from credit import operations
from credit.domain.bandit import ARMS, Tally, choose_arm, compare, in_hold_out
from credit.domain.reminders import LADDER, send_window, window_end
from credit.models import ReminderTrial
from credit.operations.reminders import settle_trials, tallies_by_stage
from credit.reminders import reminder_effect
from loans import operations as loan_operations
from loans.models import Loan
from tests.credit.test_night import lent
from tests.factories import AS_OF, NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
EARLY = datetime(2026, 3, 2, 8, 5, tzinfo=SHANGHAI)


def reachable(loan: Loan) -> Loan:
    user = loan.borrower.user
    user.set_phone(f"+8613800{user.pk:06d}")
    user.phone_verified_at = NOW
    user.save()
    return loan


def due_of(loan: Loan) -> Any:
    return loan.instalments.order_by("due_date")[0]


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put everybody into the learning group."""
    monkeypatch.setattr("credit.operations.reminders.in_hold_out", lambda borrower_id: False)


@pytest.mark.usefixtures("books")
class TestWriting:
    def test_the_first_choice_stands_whatever_is_learned_between_two_sweeps(self, learning: None) -> None:
        loan = reachable(lent())
        day = due_of(loan).due_date - timedelta(3)
        assert operations.send_reminders(as_of=day, now=EARLY) == 2
        before = ReminderTrial.objects.get()
        other = next(arm for arm in ARMS if arm.channel not in before.arm)
        for number in range(30):  # now the other channel looks far better
            ReminderTrial.objects.create(
                borrower=loan.borrower, instalment_id=-number, due_date=day, rung="T-1", stage="BEFORE",
                group="LEARNED", arm=other.name, assigned_date=day, window_end_date=day, outcome="CURED",
                settled_date=day,
            )  # fmt: skip
        assert operations.send_reminders(as_of=day, now=EARLY) == 0
        told = Notice.objects.filter(params__rung="T-3").values_list("channel", flat=True)
        assert sorted(told) == sorted(["IN_APP", before.arm.partition("@")[0]])

    def test_it_waits_for_the_wished_hour_and_channel(self) -> None:
        loan = reachable(lent())
        ContactPreference.objects.create(borrower=loan.borrower, channel="EMAIL", hour=20)
        operations.send_reminders(as_of=due_of(loan).due_date, now=EARLY)
        notice = Notice.objects.exclude(channel="IN_APP").get(params__rung="T")
        assert notice.channel == "EMAIL"
        assert notice.send_after.astimezone(SHANGHAI) == EARLY.replace(hour=20, minute=0)
        assert notice.send_before.astimezone(SHANGHAI).date() == EARLY.date() + timedelta(1)
        assert ReminderTrial.objects.get().group == "WISHED"

    def test_what_the_law_requires_is_neither_learned_nor_wished(self) -> None:
        loan = reachable(lent())
        ContactPreference.objects.create(borrower=loan.borrower, channel="EMAIL", hour=20)
        due = due_of(loan).due_date
        operations.send_reminders(as_of=due + timedelta(1), now=EARLY)
        notice = Notice.objects.exclude(channel="IN_APP").get(params__rung="T+1")
        assert (notice.channel, notice.kind, notice.send_before) == ("SMS", "instalment_late_notice", None)
        assert not ReminderTrial.objects.filter(rung="T+1").exists()

    def test_who_has_one_channel_gets_that_one(self, learning: None) -> None:
        loan = lent()  # an address, no number
        operations.send_reminders(as_of=due_of(loan).due_date, now=EARLY)
        assert ReminderTrial.objects.get().arm.startswith("EMAIL@")

    def test_a_reminder_of_what_was_paid_meanwhile_is_not_sent(self, learning: None) -> None:
        sms.outbox.clear()
        loan = reachable(lent())
        first = due_of(loan)
        ContactPreference.objects.create(borrower=loan.borrower, channel="SMS", hour=20)
        operations.send_reminders(as_of=first.due_date, now=EARLY)
        loan_operations.record_repayment(
            loan_id=loan.pk, amount=first.outstanding, value_date=AS_OF, reference="r", as_of=AS_OF
        )
        assert send_due_notices(now=EARLY.replace(hour=20, minute=1)).dropped == 1
        assert sms.outbox == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("books")
def test_eight_sweeps_at_once_write_one_of_each(learning: None) -> None:
    loans = [reachable(lent()) for _ in range(6)]
    days = [due_of(loans[0]).due_date + timedelta(rung.days) for rung in LADDER if rung.days <= 0]
    barrier, broken = threading.Barrier(8, timeout=20), []

    def sweep() -> None:
        try:
            barrier.wait()
            for day in days:
                operations.send_reminders(as_of=day, now=EARLY)
        except Exception as error:
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    told = Counter(
        Notice.objects.filter(kind__startswith="instalment_").values_list(
            "params__instalment_id", "params__rung", "channel"
        )
    )
    assert set(told.values()) == {1}
    outside = Counter((instalment, rung) for instalment, rung, channel in told if channel != "IN_APP")
    assert set(outside.values()) == {1}, "one way out of the portal for each instalment and rung"
    assert len(outside) == len(loans) * 3
    assert ReminderTrial.objects.count() == len(loans) * 3


@pytest.mark.usefixtures("books")
class TestLearning:
    def trial(self, loan: Loan, rung: str = "T-3", **values: Any) -> ReminderTrial:
        first = due_of(loan)
        found = next(row for row in LADDER if row.name == rung)
        return ReminderTrial.objects.create(
            **{
                "borrower": loan.borrower,
                "instalment_id": first.pk,
                "due_date": first.due_date,
                "rung": rung,
                "stage": found.stage,
                "group": "LEARNED",
                "arm": "SMS@9",
                "assigned_date": first.due_date + timedelta(found.days),
                "window_end_date": window_end(rung=found, due_date=first.due_date),
                **values,
            }
        )

    def test_a_payment_in_the_window_is_a_cure(self) -> None:
        loan = lent()
        trial = self.trial(loan, assigned_date=AS_OF)
        loan_operations.record_repayment(
            loan_id=loan.pk, amount=due_of(loan).outstanding, value_date=AS_OF, reference="r", as_of=AS_OF
        )
        assert settle_trials(as_of=trial.window_end_date) == 0, "the window is still open"
        assert settle_trials(as_of=trial.window_end_date + timedelta(1)) == 1
        trial.refresh_from_db()
        assert trial.outcome == "CURED"
        found = tallies_by_stage(as_of=trial.window_end_date + timedelta(1))
        assert found == {"BEFORE": {"SMS@9": Tally(cured=1, missed=0)}}

    def test_a_payment_after_the_window_is_none_and_a_moved_instalment_counts_for_nothing(self) -> None:
        late, moved = lent(), lent()
        self.trial(late)
        gone = self.trial(moved, due_date=due_of(moved).due_date - timedelta(5))
        settle_trials(as_of=due_of(late).due_date + timedelta(9))
        assert ReminderTrial.objects.get(borrower=late.borrower).outcome == "MISSED"
        gone.refresh_from_db()
        assert gone.outcome == "VOID"

    def test_the_operator_sees_instalments_cured_against_the_hold_out(self) -> None:
        loan = lent()
        for number in range(200):
            group, cured = ("LEARNED", number % 10 < 7) if number < 150 else ("HOLD_OUT", number % 10 < 4)
            ReminderTrial.objects.create(
                borrower=loan.borrower, instalment_id=number, due_date=AS_OF, rung="T-3", stage="BEFORE",
                group=group, arm="SMS@19" if group == "LEARNED" else "SMS@10", assigned_date=AS_OF,
                window_end_date=AS_OF, outcome="CURED" if cured else "MISSED", settled_date=AS_OF,
            )  # fmt: skip
        report = reminder_effect(as_of=AS_OF, days=30)
        before = next(row for row in report if row.stage == "BEFORE")
        assert (before.learned, before.hold_out) == (Tally(105, 45), Tally(20, 30))
        assert before.effect is not None
        assert before.effect.is_certain
        assert round(before.effect.difference, 2) == 0.30
        assert before.arms[0].name == "SMS@19"


class TestBandit:
    def test_it_finds_the_way_that_works_and_keeps_looking(self) -> None:
        truth = {"SMS@9": 0.45, "SMS@12": 0.45, "SMS@19": 0.70, "EMAIL@9": 0.35, "EMAIL@19": 0.40}
        people, tallies, chosen = random.Random(5), {}, Counter()
        for number in range(3_000):
            arm = choose_arm(seed=f"i{number}", tallies=tallies, channels={"SMS", "EMAIL"})
            assert arm is not None
            cured = people.random() < truth[arm.name]
            before = tallies.get(arm.name, Tally())
            tallies[arm.name] = Tally(before.cured + cured, before.missed + (not cured))
            chosen[arm.name] += number >= 1_500
        assert chosen["SMS@19"] / 1_500 > 0.9
        assert len(tallies) == len(ARMS), "each way was tried"

    def test_one_question_has_one_answer(self) -> None:
        asked = [choose_arm(seed="x", tallies={}, channels={"SMS"}) for _ in range(3)]
        assert len(set(asked)) == 1
        assert choose_arm(seed="x", tallies={}, channels=()) is None

    def test_a_tenth_is_held_out_always_the_same(self) -> None:
        held = [number for number in range(20_000) if in_hold_out(number)]
        assert 0.09 < len(held) / 20_000 < 0.11
        assert held == [number for number in range(20_000) if in_hold_out(number)]

    def test_an_effect_is_certain_only_when_chance_does_not_explain_it(self) -> None:
        small = compare(Tally(7, 3), Tally(5, 5))
        large = compare(Tally(700, 300), Tally(500, 500))
        assert small is not None
        assert large is not None
        assert (small.is_certain, large.is_certain) == (False, True)
        assert compare(Tally(1, 1), Tally()) is None

    def test_words_of_today_hold_today(self) -> None:
        rungs = {rung.name: rung for rung in LADDER}
        assert send_window(rung=rungs["T-1"], hour=9, local=EARLY)[1] == EARLY.replace(
            day=3, hour=0, minute=0
        )
        assert send_window(rung=rungs["T-3"], hour=9, local=EARLY)[1] == EARLY.replace(
            day=5, hour=0, minute=0
        )
        assert send_window(rung=rungs["T+1"], hour=9, local=EARLY)[1] is None
