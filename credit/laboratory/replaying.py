"""Decide a period's stored decisions again under a candidate, and gather what would be different."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np

from credit.domain.policy import PolicyRules
from credit.domain.pricing import SMALL_BUSINESSES
from credit.domain.profit import REFERENCE, Economics, expect
from credit.laboratory import reading
from credit.laboratory.columns import (
    OUTCOMES,
    DecidedColumns,
    Integers,
    Stored,
    decide_columns,
)
from credit.laboratory.tally import Tally
from credit.models import Decision
from credit.replay import replay
from risk import queries as risk_queries
from risk.models import ModelVersion

CHECKED: Final = 200  # rows that are also decided one by one, by the rule itself


@dataclass(frozen=True, slots=True)
class Candidate:
    """Say what is tried: a policy, perhaps another model, perhaps how customers answer prices."""

    policy: PolicyRules
    model: ModelVersion | None = None
    answers_prices: bool = False


def replay_decisions(
    *,
    candidate: Candidate,
    first: date,
    last: date,
    progress: Callable[[int], None] = lambda done: None,
    block: int = reading.BLOCK,
    check: int = CHECKED,
) -> dict[str, Any]:
    """Decide the engine's decisions of a period again, by columns; give the comparison as JSON takes it."""
    begun = time.perf_counter()
    became = reading.realised(first=first, last=last)
    tally = Tally(candidate.policy, became)
    economics = Economics.of(candidate.policy.profit or REFERENCE)
    model = risk_queries.loaded_model(version=candidate.model) if candidate.model is not None else None
    checked = differing = 0
    for part in reading.blocks(first=first, last=last, with_facts=model is not None, size=block):
        stored = part.stored if model is None else _scored_again(part, model)
        decided = _decide(candidate.policy, part, stored)
        if checked < check:
            places = np.linspace(0, len(part) - 1, min(check - checked, len(part))).astype(int)
            checked += len(places)
            differing += _differing(candidate.policy, part, stored, decided, places)
        _add(tally, part, stored, decided, candidate, economics)
        progress(tally.rows)
    found = tally.result()
    found["checked"] = {"rows": checked, "differ": differing}
    found["seconds"] = round(time.perf_counter() - begun, 2)
    return found


def _decide(policy: PolicyRules, part: reading.Block, stored: Stored) -> DecidedColumns:
    """Decide a block, each row under the regime's ceiling that it was decided under."""
    keys = np.asarray(part.rows["ceiling"])
    present = np.unique(keys)
    if len(present) == 1:
        return decide_columns(policy, part.ceilings[int(present[0])], stored)
    whole: dict[str, Any] = {}
    for key in present:
        chosen = np.flatnonzero(keys == key)
        some = decide_columns(policy, part.ceilings[int(key)], _take(stored, chosen))
        for name in DecidedColumns.__slots__:
            column = getattr(some, name)
            whole.setdefault(name, np.zeros(len(stored), dtype=column.dtype))[chosen] = column
    return DecidedColumns(**whole)


def _take(stored: Stored, chosen: Integers) -> Stored:
    means = stored.means
    columns = {name: getattr(stored, name)[chosen] for name in Stored.__slots__ if name != "means"}
    picked = type(means)(*(getattr(means, name)[chosen] for name in type(means).__slots__))
    return Stored(means=picked, **columns)


def _scored_again(part: reading.Block, model: Any) -> Stored:
    """Put another model's probabilities in place of the stored ones, from the facts that were scored then."""
    rows, stored = part.rows, part.stored
    scored = rows["scored"] == 1
    pd = stored.pd.copy()
    if scored.any():
        fresh = model.score(reading.facts_of_rows(rows[scored]), rows["segment"][scored].astype(np.int8)).pd
        pd[scored] = np.round(np.clip(fresh, 1e-8, 1 - 1e-8), 8)
    columns = {name: getattr(stored, name) for name in Stored.__slots__ if name != "pd"}
    return Stored(pd=pd, **columns)


def _differing(
    policy: PolicyRules, part: reading.Block, stored: Stored, decided: DecidedColumns, places: Integers
) -> int:
    """Count rows that `decide` itself decides otherwise: none, or the columns are wrong."""
    ids = [int(part.rows["id"][place]) for place in places]
    known = Decision.objects.select_related("policy").in_bulk(ids)
    wrong = 0
    for place, pk in zip(places.tolist(), ids, strict=True):
        decision = known[pk]
        if stored is not part.stored:
            chance = float(stored.pd[place])
            decision.pd = None if np.isnan(chance) else _eight(chance)
        one = replay(decision=decision, policy=policy)
        wrong += (
            str(one.outcome) != OUTCOMES[int(decided.outcome[place])]
            or float(one.limit) != float(decided.limit[place])
            or float(one.annual_rate) != float(decided.annual_rate[place])
        )
    return wrong


def _eight(chance: float) -> Any:
    return Decimal(repr(chance)).quantize(Decimal("0.00000001"))


def _add(
    tally: Tally,
    part: reading.Block,
    stored: Stored,
    decided: DecidedColumns,
    candidate: Candidate,
    economics: Economics,
) -> None:
    rows, business = part.rows, stored.means.is_business
    need = np.nan_to_num(stored.means.monthly_income) * economics.need_multiple
    chance = np.where(np.isnan(stored.pd), 0.0, stored.pd)
    old_limit, old_rate = (
        np.asarray(rows["limit"], dtype=np.float64),
        np.asarray(rows["rate"], dtype=np.float64),
    )
    before = expect(
        economics, pd=chance, annual_rate=old_rate, is_business=business, need=need, limit=old_limit
    )
    after = expect(
        economics,
        pd=chance,
        annual_rate=decided.annual_rate,
        is_business=business,
        need=need,
        limit=decided.limit,
    )
    stays = np.ones(len(rows))
    if candidate.answers_prices:
        both = (old_limit > 0) & (decided.limit > 0)
        # whoever stays at the old price is counted as one: a lower price brings more, a higher one fewer
        stays = np.where(
            both, SMALL_BUSINESSES.retained(decided.annual_rate) / SMALL_BUSINESSES.retained(old_rate), 1.0
        )
    tally.add(
        ids=np.asarray(rows["id"], dtype=np.int64),
        day=np.asarray(rows["day"], dtype=np.int64),
        old=np.asarray(rows["outcome"], dtype=np.int64),
        new=decided.outcome,
        why=decided.why,
        old_limit=old_limit,
        new_limit=decided.limit,
        old_rate=old_rate,
        new_rate=decided.annual_rate,
        chance=stored.pd,
        groups=_groups(rows, stored),
        before=before,
        after=after,
        stays=stays,
    )


def _groups(rows: Any, stored: Stored) -> dict[str, Integers]:
    """Give the groups that fairness looks at: kind, age band, region of the identity document (0 is unknown)."""
    age = np.nan_to_num(stored.age)
    band = np.digitize(age, [1, 26, 36, 51])
    return {
        "kind": stored.means.is_business.astype(np.int64),
        "age": band.astype(np.int64),
        "region": np.asarray(rows["region"], dtype=np.int64),
    }
