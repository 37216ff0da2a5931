"""Random terms and random histories, from a seed: the same seed gives the same loan."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledger.domain.money import HALF_EVEN, HALF_UP
from loans.domain.engine import LoanStatus, append_event, fold, payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import (
    DayCount,
    FeeTerm,
    FeeTiming,
    Frequency,
    HolidayRoll,
    LoanTerms,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
)
from regimes.errors import Refusal

AWKWARD_STARTS = (date(2024, 1, 31), date(2024, 2, 29), date(2023, 12, 31), date(2025, 8, 30))
METHODS = list(RepaymentMethod)
FREQUENCIES = (
    Frequency.WEEKLY,
    Frequency.BIWEEKLY,
    Frequency.MONTHLY,
    Frequency.MONTHLY,
    Frequency.QUARTERLY,
)


def random_principal(rng: random.Random) -> Decimal:
    cents = rng.choice(
        [1, 2, 99, 100, rng.randint(1, 10**4), rng.randint(10**4, 10**7), rng.randint(1, 10**9)]
    )
    return Decimal(cents) / 100


def random_terms(rng: random.Random, *, with_fees: bool = False, **fixed: Any) -> LoanTerms:
    """Draw terms that are valid, biased to the awkward ones."""
    method = fixed.get("repayment_method") or rng.choice(METHODS)
    count = rng.choice([1, 2, 3, 6, 12, 12, rng.randint(1, 40)])
    principal = random_principal(rng)
    start = rng.choice([*AWKWARD_STARTS, date(2024, 1, 1) + timedelta(days=rng.randint(0, 800))])
    values: dict[str, Any] = {
        "principal": principal,
        "annual_rate": rng.choice([Decimal(0), Decimal("0.18"), Decimal(rng.randint(1, 360000)) / 10**6]),
        "repayment_method": method,
        "instalment_count": count,
        "start_date": start,
        "frequency": rng.choice(FREQUENCIES),
        "day_count": rng.choice(list(DayCount)),
        "rounding": rng.choice([HALF_UP, HALF_EVEN]),
        "penalty_rate": rng.choice([Decimal(0), Decimal("0.27"), Decimal("0.365")]),
        "grace_days": rng.choice([0, 0, 3]),
        "overdue_interest": rng.choice(list(OverdueInterest)),
        "prepayment_policy": rng.choice(list(PrepaymentPolicy)),
        "cooling_off_days": rng.choice([0, 14]),
    }
    if rng.random() < 0.2:
        values["due_day"] = rng.randint(1, 31)
    if rng.random() < 0.2:
        values["holiday_roll"] = rng.choice(list(HolidayRoll))
        values["weekends_are_holidays"] = True
    if principal > 10 and with_fees and rng.random() < 0.3:
        timing = rng.choice(list(FeeTiming))
        values["fees"] = (FeeTerm("service", timing, amount=Decimal(rng.randint(1, 300)) / 100),)
    if count > 2 and rng.random() < 0.2:
        values["principal_grace_periods"] = rng.randint(1, count - 1)
    if count > 2 and rng.random() < 0.1:
        values["interest_grace_periods"] = rng.randint(1, count - 1)
    if method is RepaymentMethod.STEP:
        values["step_weights"] = tuple(Decimal(rng.randint(1, 5)) for _ in range(count))
    if method is RepaymentMethod.SALES_SHARE:
        values["sales_share"] = Decimal(rng.randint(1, 10**6)) / 10**6
        if rng.random() < 0.5:
            values["period_cap"] = max(round(principal / rng.randint(1, 20), 2), Decimal("0.01"))
        if rng.random() < 0.5:
            values["expected_sales"] = round(principal * rng.randint(0, 100) / 20, 2)
    if method is RepaymentMethod.CUSTOM:
        cents = int(principal * 100)
        cuts = sorted(rng.randint(0, cents) for _ in range(count - 1))
        parts = [b - a for a, b in zip([0, *cuts], [*cuts, cents], strict=True)]
        values["custom_principals"] = tuple(Decimal(part) / 100 for part in parts)
    return LoanTerms(**{**values, **fixed})


class Story:
    """Grow a history event by event; what the engine refuses is not part of it."""

    def __init__(self, rng: random.Random, terms: LoanTerms) -> None:
        self.rng, self.terms = rng, terms
        self.events: tuple[LoanEvent, ...] = ()
        self.refused: list[str] = []
        self.day = terms.start_date
        self.number = 0

    def add(
        self, kind: EventKind, amount: Decimal = Decimal(0), *, day: date | None = None, **data: Any
    ) -> bool:
        """Add an event dated today or earlier, learned today."""
        self.number += 1
        new = LoanEvent(kind, day or self.day, f"e{self.number}", self.number, self.day, amount, data)
        try:
            self.events = append_event(self.terms, self.events, new)
        except Refusal as refusal:
            self.refused.append(refusal.code)
            return False
        return True

    def refs(self, kind: EventKind) -> list[str]:
        return [event.ref for event in self.events if event.kind is kind]

    def amount(self) -> Decimal:
        """Draw an amount near one that matters."""
        state = fold(self.terms, self.events, value_date=self.day)
        owed = payoff_quote(self.terms, self.events, value_date=self.day).total
        cent = Decimal("0.01")
        near = [cent, state.next_due.total, state.due.total, owed, owed - cent, owed + cent]
        near += [owed / 3, owed / 10, state.next_due.total * 2]
        drawn = self.rng.choice(near).quantize(cent)
        return max(drawn, cent)

    def step(self, kinds: list[EventKind]) -> None:
        """Let days pass and something happen."""
        rng = self.rng
        self.day += timedelta(days=rng.choice([0, 0, 1, 5, 20, 31, rng.randint(0, 70)]))
        kind = rng.choice(kinds)
        if kind is EventKind.REPAYMENT:
            back = rng.choice([0, 0, 0, rng.randint(1, 60)])
            policy = rng.choice([None, None, *PrepaymentPolicy])
            data = {"prepayment": policy.value} if policy else {}
            self.add(kind, self.amount(), day=self.day - timedelta(days=back), **data)
        elif kind is EventKind.REVERSAL:
            refs = [event.ref for event in self.events if event.kind is not EventKind.PAYOUT]
            if refs:
                self.add(kind, reverses=rng.choice(refs))
        elif kind is EventKind.CHARGE_BACK and self.refs(EventKind.REPAYMENT):
            ref = rng.choice(self.refs(EventKind.REPAYMENT))
            paid = next(event.amount for event in self.events if event.ref == ref)
            self.add(
                kind,
                rng.choice([paid, max(paid / 2, Decimal("0.01")).quantize(Decimal("0.01"))]),
                repayment=ref,
            )
        else:
            self.simple(kind)

    def simple(self, kind: EventKind) -> None:
        rng = self.rng
        state = fold(self.terms, self.events, value_date=self.day)
        if kind is EventKind.FEE:
            due = self.day + timedelta(days=rng.choice([0, 0, 10, 40]))
            component = rng.choice(["fee", "penalty"])
            self.add(kind, Decimal(rng.randint(1, 5000)) / 100, component=component, due_date=due.isoformat())
        elif kind is EventKind.WAIVER:
            component = rng.choice(["fee", "penalty", "interest"])
            owed = getattr(state.due, component)
            if owed > 0:
                self.add(kind, rng.choice([owed, Decimal("0.01")]), component=component)
        elif kind is EventKind.REFUND:
            if state.credit:
                self.add(kind, state.credit)
        elif kind is EventKind.SALES:
            worth = self.terms.principal * rng.randint(0, 300) / 100
            whole = {"period": f"{self.day:%Y-%m}"} if rng.random() < 0.4 else {}
            self.add(kind, worth.quantize(Decimal("0.01")), **whole)
        elif kind is EventKind.RATE_CHANGE:
            self.add(kind, annual_rate=str(Decimal(rng.randint(0, 300000)) / 10**6))
        elif kind in (EventKind.RESCHEDULE, EventKind.RE_AGE):
            first = self.day + timedelta(days=rng.randint(1, 40))
            self.add(kind, instalment_count=rng.randint(1, 15), first_due_date=first.isoformat())
        elif kind is EventKind.EXTENSION:
            self.add(kind, extra_instalments=rng.randint(1, 4))
        elif kind is EventKind.PAUSE:
            self.add(kind, until=(self.day + timedelta(days=rng.randint(1, 50))).isoformat())
        elif kind in (EventKind.WITHDRAWAL, EventKind.WRITE_OFF):
            self.add(kind)
        elif kind is EventKind.RECOVERY and state.status is LoanStatus.WRITTEN_OFF:
            self.add(kind, Decimal(rng.randint(1, 10000)) / 100)


EVERY_KIND = [
    *[EventKind.REPAYMENT] * 10,
    EventKind.REVERSAL,
    EventKind.CHARGE_BACK,
    EventKind.FEE,
    EventKind.WAIVER,
    EventKind.REFUND,
    EventKind.RATE_CHANGE,
    EventKind.RESCHEDULE,
    EventKind.RE_AGE,
    EventKind.EXTENSION,
    EventKind.PAUSE,
]


def random_story(seed: int, *, steps: int, kinds: list[EventKind] | None = None, **fixed: Any) -> Story:
    """Return a story of a seed: a payout and so many steps."""
    rng = random.Random(seed)
    terms = random_terms(rng, **fixed)
    story = Story(rng, terms)
    story.add(EventKind.PAYOUT, terms.principal)
    chosen = list(kinds or EVERY_KIND)
    if kinds is None and rng.random() < 0.1:
        chosen += [EventKind.WITHDRAWAL, EventKind.WRITE_OFF, EventKind.RECOVERY]
    if terms.repayment_method is RepaymentMethod.SALES_SHARE:
        chosen += [EventKind.SALES] * 6
    for _ in range(steps):
        story.step(chosen)
    return story
