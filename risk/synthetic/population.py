"""Draw the people of the synthetic population: who they are, what drives them, and what the economy does.

Everything here is made up by arithmetic from a seed; no row describes a real person. `sex`, `age` and
`region` exist for fairness reports only and have no way into a feature.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from risk.domain.events import Bytes, Flags, Floats, Integers

REGIONS = 30
COMMUNITY_SIZE = 60
DEGREE_MAX = 16


@dataclass(frozen=True, slots=True)
class Shock:
    """A downturn that begins in a calendar month and fades with a half-life of about 5.5 months."""

    month: int
    size: float = 1.2
    half_life: float = 5.5


@dataclass(frozen=True, slots=True)
class World:
    """Say how the population is drawn. Months are month numbers (`rollup.month_number`)."""

    size: int
    seed: int
    first_application: int = 600  # January 2020
    application_months: int = 24
    months_before: int = 24
    months_after: int = 12
    shock: Shock | None = None
    biased: bool = False
    miss_level: float = -6.15
    late_arriving_share: float = 0.005
    outage_month: int | None = None

    def stream(self, name: str, chunk: int = 0) -> np.random.Generator:
        """Give a generator of its own to each part, so that parts may be drawn in any order."""
        return np.random.default_rng([self.seed, chunk, *name.encode()])


@dataclass(frozen=True, slots=True)
class People:
    """Hold the latent truth of n people in columns; `eta` is the true log-odds driver that no feature shows."""

    world: World
    subject: Integers
    sex: Bytes
    age: Floats
    region: Bytes
    is_business: Flags
    tenure: Floats
    wealth: Floats
    stability: Floats
    discipline: Floats
    burden: Floats
    fraud: Flags
    community: Integers
    neighbours: Integers = field(repr=False)
    degree: Integers = field(repr=False)
    eta: Floats
    bill_habit: Floats
    income: Floats
    application: Integers
    macro: Floats = field(repr=False)
    loading: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.subject)


def draw_people(world: World) -> People:
    """Draw everyone of a world."""
    n, rng = world.size, world.stream("people")
    sex = (rng.random(n) < 0.5).astype(np.int8)  # 1 is female
    age = np.clip(rng.gamma(6.0, 3.0, n) + 18.0, 18.0, 75.0)
    wealth = rng.normal(size=n) - 0.10 * (sex == 1)
    stability = 0.3 * wealth + np.sqrt(1 - 0.09) * rng.normal(size=n)
    burden = -0.3 * wealth + np.sqrt(1 - 0.09) * rng.normal(size=n)
    communities = max(n // COMMUNITY_SIZE, 1)
    community = rng.integers(0, communities, n)
    discipline = 0.9 * rng.normal(size=communities)[community] + 0.75 * rng.normal(size=n)
    is_business = rng.random(n) < 0.20
    tenure = np.floor(rng.exponential(22.0, n))
    fraud = rng.random(n) < 0.004
    neighbours, degree = _graph(rng, community)
    around = discipline[neighbours]
    around[np.arange(DEGREE_MAX)[None, :] >= degree[:, None]] = 0.0
    around_mean = around.sum(axis=1) / degree
    drivers = -0.42 * discipline - 0.26 * stability - 0.22 * wealth + 0.33 * burden - 0.55 * around_mean
    drivers = drivers - 0.08 * np.log1p(tenure) + 0.20 * is_business
    drivers = (
        drivers - 0.15 * burden * wealth
    )  # debt weighs heavier on those without reserves: what a sum cannot say
    if world.biased:
        drivers = drivers + 1.1 * (sex == 1)
    eta = 1.42 * drivers + rng.normal(0, 0.5, n) + 3.0 * fraud
    income = np.exp(8.75 + 0.38 * wealth + 0.30 * rng.normal(size=n) + 0.25 * is_business)
    if world.biased:
        income = income * np.where(sex == 1, 0.55, 1.0)
    horizon = world.first_application + world.application_months + world.months_after + 1
    return People(
        world=world,
        subject=np.arange(1, n + 1, dtype=np.int64),
        sex=sex,
        age=age,
        region=rng.integers(1, REGIONS + 1, n).astype(np.int8),
        is_business=is_business,
        tenure=tenure,
        wealth=wealth,
        stability=stability,
        discipline=discipline,
        burden=burden,
        fraud=fraud,
        community=community,
        neighbours=neighbours,
        degree=degree,
        eta=eta,
        bill_habit=-2.6 - 0.60 * discipline - 0.25 * stability + 0.30 * burden + 0.8 * rng.normal(size=n),
        income=income,
        application=world.first_application + rng.integers(0, world.application_months, n),
        macro=_macro(world, horizon),
        loading=rng.uniform(0.3, 0.9, REGIONS + 1),
    )


def _macro(world: World, horizon: int) -> Floats:
    """Draw the state of the economy by calendar month: AR(1) of .9, and the shock if there is one."""
    rng, level = world.stream("macro"), np.zeros(horizon)
    for month in range(1, horizon):
        level[month] = 0.9 * level[month - 1] + 0.15 * rng.normal()
    if world.shock is not None:
        since = np.arange(horizon) - world.shock.month
        level = level + np.where(since >= 0, world.shock.size * 0.5 ** (since / world.shock.half_life), 0.0)
    return level


def _graph(rng: np.random.Generator, community: Integers) -> tuple[Integers, Integers]:
    """Draw each person's partners: 1 + Poisson 7 of them, 70 % from the own community."""
    n = len(community)
    degree = np.minimum(1 + rng.poisson(7, n), DEGREE_MAX).astype(np.int64)
    order = np.argsort(community, kind="stable")
    sizes = np.bincount(community)
    first = np.r_[0, np.cumsum(sizes)[:-1]]
    inside = (rng.random((n, DEGREE_MAX)) * sizes[community][:, None]).astype(np.int64)
    own = order[first[community][:, None] + inside]
    anyone = rng.integers(0, n, (n, DEGREE_MAX))
    return np.where(rng.random((n, DEGREE_MAX)) < 0.70, own, anyone), degree
