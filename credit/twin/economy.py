"""The economy of the twin: the synthetic people, what they need, and every draw of luck, fixed before any policy acts.

Two policies run on one economy meet the same people with the same luck, so their difference is the policies' own.
How people behave here knows nothing of the formulas by which limits are set.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from risk.domain.events import Flags, Floats, Integers
from risk.synthetic.evidence import FESTIVE
from risk.synthetic.population import People, Shock, World, draw_people

RUN_OFF = 15  # months after the last draw, in which everything is repaid or lost
TERMS = (3, 6, 12)
TERM_SHARES = (0.2, 0.3, 0.5)
SIGNAL_NOISE = (
    1.7  # makes the lender's signal separate good from bad as well as the real model does (AUC .77)
)


@dataclass(frozen=True, slots=True)
class Economy:
    """Hold n people over `months` of lending and the run-off; luck has shape (n, months + RUN_OFF).

    `seen_income` and `signal` are what a lender sees; `people.eta` is the truth that nobody sees.
    """

    people: People
    months: int
    arrival: Integers
    seen_income: Floats
    debts: Floats
    signal: Floats
    need: Floats
    asked: Floats
    lot: Floats
    recovery: Floats
    luck: Floats = field(repr=False)
    cure: Floats = field(repr=False)
    draw_luck: Floats = field(repr=False)
    draw_share: Floats = field(repr=False)
    leave_luck: Floats = field(repr=False)
    term: Integers = field(repr=False)
    season: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.people)

    @property
    def horizon(self) -> int:
        return self.months + RUN_OFF

    @property
    def is_business(self) -> Flags:
        return self.people.is_business

    def stress(self, month: int) -> Floats:
        """Give what the economy does to each person in a month, counted from the first."""
        people = self.people
        return np.asarray(
            people.macro[people.world.first_application + month] * people.loading[people.region]
        )


def draw_economy(
    *, borrowers: int, months: int, seed: int, shock_month: int | None = None, shock_size: float = 1.2
) -> Economy:
    """Draw an economy; `shock_month` counts from the first month of lending.

    With and without a shock a seed gives the same people with the same luck.
    """
    world = World(size=borrowers, seed=seed, application_months=months, months_after=RUN_OFF)
    if shock_month is not None:
        world = replace(world, shock=Shock(month=world.first_application + shock_month, size=shock_size))
    people = draw_people(world)
    rng, n, horizon = world.stream("twin"), borrowers, months + RUN_OFF
    need = people.income * np.exp(rng.normal(0.55, 0.75, n) + 0.25 * people.burden)
    asked = np.clip(np.round(need * np.exp(rng.normal(0.3, 0.4, n)) / 100) * 100, 500, 200_000)
    calendar = (world.first_application + np.arange(horizon)) % 12
    return Economy(
        people=people,
        months=months,
        arrival=people.application - world.first_application,
        seen_income=np.floor(people.income * np.exp(rng.normal(0, 0.10, n))),
        debts=np.floor(people.income * np.clip(0.06 + 0.06 * people.burden, 0, 0.45)),
        signal=people.eta + rng.normal(0, SIGNAL_NOISE, n),
        need=need,
        asked=asked,
        lot=rng.random(n),
        recovery=rng.beta(2, 3, n),
        luck=rng.random((n, horizon)),
        cure=rng.random((n, horizon)),
        draw_luck=rng.random((n, horizon)),
        draw_share=rng.uniform(0.3, 1.0, (n, horizon)),
        leave_luck=rng.random((n, horizon)),
        term=rng.choice(len(TERMS), size=(n, horizon), p=TERM_SHARES),
        season=FESTIVE[calendar],
    )
