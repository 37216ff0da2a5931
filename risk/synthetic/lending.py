"""Draw what the lender saw: old decisions, contracts, monthly delinquency, recoveries, and prior conduct."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.domain.events import Bytes, Flags, Floats, Integers
from risk.domain.facts import ConductFacts, Segment
from risk.synthetic.population import People

TERM = 12


@dataclass(frozen=True, slots=True)
class History:
    """Hold the lending history of n people.

    `days_past_due` has shape (n, months_after): the bucket 0/30/60/90 at the end of each month after the
    application. Rejected people have outcomes too (the truth for reject inference); `approved` tells them
    apart, and `randomly_approved` those taken against the old policy.
    Money in cents: `scheduled` and `paid` of shape (n, TERM), `recovered` after default.
    """

    days_past_due: Integers
    approved: Flags
    randomly_approved: Flags
    principal: Integers
    scheduled: Integers
    paid: Integers
    recovered: Integers

    @property
    def bad(self) -> Flags:
        """Tell who was 90 days late within the window."""
        return np.asarray((self.days_past_due >= 90).any(axis=1))

    @property
    def outstanding(self) -> Integers:
        """Give what is still owed in cents."""
        return np.asarray(self.principal - self.paid.sum(axis=1) - self.recovered)


def draw_history(people: People) -> History:
    """Draw decisions and outcomes of everyone."""
    world, rng = people.world, people.world.stream("lending")
    n = len(people)
    states = _states(people, rng, world.months_after, start=people.application)
    old_score = -people.eta + rng.normal(0, 1.2, n)
    approved = old_score >= np.quantile(old_score, 0.30)
    lucky = ~approved & (rng.random(n) < 0.02)
    principal = (
        np.rint(people.income * np.exp(rng.normal(0.3, 0.4, n))).astype(np.int64).clip(500, 300_000) * 100
    )
    scheduled = _schedule(principal)
    paid = _paid(states, scheduled)
    defaulted = (states >= 3).any(axis=1)
    at = people.application + np.where(defaulted, (states >= 3).argmax(axis=1), 0)
    stress = people.macro[at] * people.loading[people.region]
    share = np.clip(rng.beta(2, 3, n) * np.exp(-0.3 * stress), 0, 1)
    recovered = np.where(defaulted, np.floor(share * (principal - paid.sum(axis=1))), 0).astype(np.int64)
    return History(
        days_past_due=np.minimum(states, 3).astype(np.int64) * 30,
        approved=approved | lucky,
        randomly_approved=lucky,
        principal=principal,
        scheduled=scheduled,
        paid=paid,
        recovered=recovered,
    )


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _states(people: People, rng: np.random.Generator, months: int, *, start: Integers) -> Integers:
    """Walk everyone through 0 / 30 / 60 / 90+ days late, month by month; 90+ is absorbing."""
    n = len(people)
    state = np.zeros(n, dtype=np.int64)
    out = np.zeros((n, months), dtype=np.int64)
    for month in range(months):
        stress = people.macro[start + month] * people.loading[people.region]
        hazard = people.eta + 1.2 * stress
        state = next_states(
            state, hazard, miss_level=people.world.miss_level, luck=rng.random(n), cure=rng.random(n)
        )
        out[:, month] = state
    return out


def next_states(
    state: Integers, hazard: Floats, *, miss_level: float, luck: Floats, cure: Floats
) -> Integers:
    """Give the state after one more month: 0 is on time, 1 and 2 are so many instalments behind, 3 is lost.

    `luck` and `cure` are uniform draws in [0, 1), one a person.
    """
    miss, roll_on = _sigmoid(miss_level + hazard), _sigmoid(0.55 * hazard + 1.35)
    rolled = np.where(luck < roll_on, state + 1, np.where(cure < 0.25, 0, state))
    return np.where(state == 0, (luck < miss).astype(np.int64), np.where(state >= 3, 3, rolled))


def _schedule(principal: Integers) -> Integers:
    """Split principal into TERM equal parts of whole cents; the last takes the rest."""
    part = principal // TERM
    scheduled = np.repeat(part[:, None], TERM, axis=1)
    scheduled[:, -1] += principal - part * TERM
    return scheduled


def _paid(states: Integers, scheduled: Integers) -> Integers:
    """Pay so that a person in state k is k instalments behind; nobody pays after 90 days."""
    n, months = states.shape
    due = np.cumsum(scheduled, axis=1)
    paid, so_far = np.zeros_like(scheduled), np.zeros(n, dtype=np.int64)
    for month in range(min(months, TERM)):
        behind = states[:, month]
        reached = np.maximum(month - behind, -1)
        target = np.where(reached >= 0, due[np.arange(n), np.maximum(reached, 0)], 0)
        payment = np.where(behind >= 3, 0, np.maximum(target - so_far, 0))
        paid[:, month] = payment
        so_far = so_far + payment
    return paid


def draw_conduct(people: People) -> ConductFacts:
    """Draw how earlier loans with us were paid: four in ten have had some."""
    rng = people.world.stream("conduct")
    n = len(people)
    known = (rng.random(n) < 0.40) & (people.tenure >= 4)
    on_book = np.minimum(np.floor(rng.uniform(3, 25, n)), people.tenure - 1)
    past = _states(people, rng, 12, start=people.application - 12)
    known &= ~(past >= 3).any(axis=1)  # whoever reached 90 days was not kept as a customer
    past = np.minimum(past, 2)
    within = np.arange(12)[None, :] >= 12 - np.minimum(on_book, 12)[:, None]
    past = np.where(within, past, 0)
    late = past > 0
    entered = late & ~np.c_[np.zeros(n, dtype=bool), late[:, :-1]]
    streak = np.where(late.any(axis=1), late[:, ::-1].argmax(axis=1), on_book)
    utilisation = _sigmoid(-0.6 + 0.6 * people.burden - 0.3 * people.wealth + rng.normal(0, 0.8, n))

    def own(values: Floats | Integers) -> Floats:
        return np.where(known, values, np.nan).astype(np.float64)

    return ConductFacts.of(
        subject_ids=people.subject,
        segment=np.where(people.is_business, Segment.BUSINESS, Segment.PERSON).astype(np.int8),
        account_age_months=people.tenure,
        months_on_book=own(on_book),
        loans_opened=own(1 + rng.poisson(np.maximum(on_book, 1) / 5, n)),
        loans_paid_off=own(rng.poisson(np.maximum(on_book, 1) / 8, n)),
        days_past_due_now=own(past[:, -1] * 30),
        days_past_due_max_12m=own(past.max(axis=1) * 30),
        late_count_12m=own(entered.sum(axis=1)),
        on_time_streak=own(streak),
        utilisation=own(utilisation),
        applications_6m=rng.poisson(np.exp(-1.4 + 0.30 * people.burden), n).astype(np.float64),
    )


def segments(people: People) -> Bytes:
    """Give everyone's segment."""
    return np.where(people.is_business, Segment.BUSINESS, Segment.PERSON).astype(np.int8)
