"""Turn a synthetic world into what training wants: facts at the application date, and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from risk.domain.events import EventColumns, Floats, Integers
from risk.domain.facts import ConductFacts, Consents, Facts
from risk.domain.features import compute
from risk.domain.rollup import Rollups, days_of_months, month_start, roll_up, windows
from risk.synthetic.evidence import draw_evidence
from risk.synthetic.lending import History, draw_conduct, draw_history
from risk.synthetic.population import People, World, draw_people


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold a drawn world: people, facts as of each one's application month, and the history that followed."""

    people: People
    facts: Facts
    history: History

    @property
    def bad(self) -> Integers:
        return self.history.bad.astype(np.int64)


def known_before_application(people: People, events: EventColumns) -> EventColumns:
    """Drop events that had not happened or were not known when their subject applied."""
    place = events.subject - people.subject[0]
    cut = days_of_months(people.application)[place] * 1440 - 480
    return events.take((events.occurred < cut) & (events.known < cut))


def draw_sample(
    world: World,
    *,
    consents: Callable[[int], Consents] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sample:
    """Draw a world and compute its facts, chunk by chunk."""
    people = draw_people(world)
    conduct, history = draw_conduct(people), draw_history(people)
    done = 0
    parts: list[Floats] = []
    ages: list[Floats] = []
    agreed = consents(len(people)) if consents else all_consents(len(people))
    for events in draw_evidence(people):
        rollups = roll_up(known_before_application(people, events))
        count = min(len(people) - done, int(events.subject.max()) - int(people.subject[0]) + 1 - done)
        chosen = np.arange(done, done + count)
        facts = _facts(people, rollups, conduct, agreed, chosen)
        parts.append(facts.values)
        ages.append(facts.evidence_age_months)
        done += count
        if progress is not None:
            progress(done, len(people))
    as_of = month_start(int(people.application.max()))
    return Sample(
        people,
        Facts(people.subject, as_of, conduct.segment, np.concatenate(parts), np.concatenate(ages)),
        history,
    )


def _facts(
    people: People, rollups: Rollups, conduct: ConductFacts, agreed: Consents, chosen: Integers
) -> Facts:
    months = windows(rollups, subjects=people.subject[chosen], as_of=people.application[chosen])
    columns = {name: getattr(conduct, name)[chosen] for name in ConductFacts.__slots__}
    neighbours = _neighbours_late_share(people, chosen)
    return compute(
        months=months,
        conduct=ConductFacts(**columns),
        consents=Consents(agreed.allowed[chosen]),
        as_of=date(2000, 1, 1),
        neighbours_late_share=neighbours,
    )


def _neighbours_late_share(people: People, chosen: Integers) -> Floats:
    """Give the late-bill share among partners, from a year of three bills a month each."""
    share = 1 / (1 + np.exp(-people.bill_habit))
    rng = people.world.stream("neighbours")
    observed = rng.binomial(28, share) / 28.0
    around = observed[people.neighbours[chosen]]
    real = np.arange(around.shape[1])[None, :] < people.degree[chosen][:, None]
    return np.asarray(np.where(real, around, 0.0).sum(axis=1) / people.degree[chosen])


def all_consents(count: int) -> Consents:
    """Agree to everything but the transfers graph, which is off by default."""
    return Consents.of(count, PAYMENTS=True, SPENDING=True, BILLS=True, BANK=True, BUSINESS=True)
