"""What holds for every loan after every history, tried on random ones."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from loans.domain.engine import LoanState, LoanStatus, fold, payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.journal import AccountRole, journal_legs, posting_difference
from loans.domain.schedule import build_schedule
from tests.loans.domain.histories import Story, random_story, random_terms

DEEP = bool(os.environ.get("DEEP"))
STORIES = 3000 if DEEP else 100
STEPS = 50 if DEEP else 12
SCHEDULES = 20000 if DEEP else 300
ZERO = Decimal(0)
COMPONENTS = ("principal", "interest", "fee", "penalty")


def check_state(story: Story, state: LoanState) -> None:
    rows = state.instalments
    assert sum((row.due.principal for row in rows), ZERO) == state.disbursed
    for row in rows:
        for component in COMPONENTS:
            due = getattr(row.due, component)
            settled = sum(getattr(part, component) for part in (row.paid, row.waived, row.written_off))
            assert 0 <= settled <= due, (row, component)
            assert getattr(row.paid, component) >= 0
        assert row.balance_after >= 0
    assert rows[-1].balance_after == 0
    assert state.principal_outstanding >= 0
    assert state.accrued_interest >= 0
    assert state.credit >= 0
    nothing_owed = not (state.principal_outstanding or state.due.total or state.accrued_interest)
    if state.status is LoanStatus.CLOSED:
        assert nothing_owed
    assert (state.status is LoanStatus.OVERDUE) == (state.days_past_due > 0) or state.status in (
        LoanStatus.WRITTEN_OFF,
        LoanStatus.CLOSED,
    )
    for allocation in state.allocations:
        if allocation.kind == EventKind.REPAYMENT:
            assert allocation.amount == allocation.applied.total + allocation.credit
            assert allocation.applied.total >= 0


def balances(story: Story, state: LoanState) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    per_event: dict[str, Decimal] = defaultdict(Decimal)
    seen = set()
    for leg in journal_legs(story.terms, story.events, value_date=state.value_date):
        assert (leg.event_key, leg.leg) not in seen, "a leg is unique by event and leg"
        seen.add((leg.event_key, leg.leg))
        assert (leg.debit > 0) != (leg.credit > 0)
        sums[leg.account_role] += leg.debit - leg.credit
        per_event[leg.event_key] += leg.debit - leg.credit
    assert not any(per_event.values())
    return sums


def check_books(story: Story, state: LoanState) -> None:
    sums = balances(story, state)
    assert sums[AccountRole.LOAN_PRINCIPAL] == state.principal_outstanding
    assert sums[AccountRole.INTEREST_RECEIVABLE] == state.due.interest + state.accrued_interest
    assert -sums[AccountRole.BORROWER_CREDIT] == state.credit
    later_fees = sum((row.outstanding.fee for row in state.instalments), ZERO)
    later_penalties = sum((row.outstanding.penalty for row in state.instalments), ZERO)
    if story.terms.fees:
        settled = state.paid.fee + state.waived.fee + state.written_off.fee
        assert sums[AccountRole.FEE_RECEIVABLE] == state.fees_charged - settled >= state.due.fee
    else:
        assert sums[AccountRole.FEE_RECEIVABLE] == later_fees
    assert sums[AccountRole.PENALTY_RECEIVABLE] == later_penalties
    assert -sums[AccountRole.INTEREST_INCOME] == state.interest_earned


def check_payoff(story: Story, state: LoanState) -> None:
    if state.status in (LoanStatus.WRITTEN_OFF, LoanStatus.CLOSED):
        return
    owed = payoff_quote(story.terms, story.events, value_date=state.value_date)
    if owed.total <= 0:
        return
    last = max((event.sequence for event in story.events), default=0) + 1
    paid = LoanEvent(EventKind.REPAYMENT, state.value_date, "payoff", last, state.value_date, owed.total)
    closed = fold(story.terms, (*story.events, paid), value_date=state.value_date)
    assert closed.status is LoanStatus.CLOSED
    assert closed.credit == state.credit - owed.credit
    later = fold(story.terms, (*story.events, paid), value_date=state.value_date + timedelta(days=400))
    assert later.status is LoanStatus.CLOSED
    assert later.interest_earned == closed.interest_earned


@pytest.mark.parametrize("seed", range(STORIES))
def test_every_history_keeps_the_books(seed: int) -> None:
    story = random_story(seed, steps=STEPS, with_fees=True)
    for day in (story.day, story.day + timedelta(days=random.Random(seed).randint(1, 200))):
        state = fold(story.terms, story.events, value_date=day)
        check_state(story, state)
        check_books(story, state)
        check_payoff(story, state)
        assert fold(story.terms, story.events[::-1], value_date=day) == state


@pytest.mark.parametrize("seed", range(STORIES // 4))
def test_posting_only_the_difference_gives_the_whole(seed: int) -> None:
    story = random_story(seed, steps=STEPS)
    posted: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    before: tuple = ()
    for sequence in range(1, story.number + 1):
        after = journal_legs(story.terms, story.events, value_date=story.day, known_at_sequence=sequence)
        for leg in posting_difference(before, after):
            posted[leg.event_key, leg.leg, leg.account_role] += leg.debit - leg.credit
        before = after
    whole = {
        (leg.event_key, leg.leg, leg.account_role): leg.debit - leg.credit
        for leg in journal_legs(story.terms, story.events, value_date=story.day)
    }
    assert {key: amount for key, amount in posted.items() if amount} == whole


def test_every_schedule_closes_to_the_cent() -> None:
    for seed in range(SCHEDULES):
        terms = random_terms(random.Random(seed))
        rows = build_schedule(terms)
        assert sum((row.principal for row in rows), ZERO) == terms.principal, terms
        assert rows[-1].balance_after == 0
        assert all(row.principal >= 0 and row.interest >= 0 and row.balance_after >= 0 for row in rows)
        if terms.annual_rate == 0:
            assert not any(row.interest for row in rows)
