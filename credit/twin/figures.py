"""Turn diaries into figures: months, vintages, roll rates, and the difference of two policies with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from credit.twin.diary import STATES, VINTAGE_MONTHS, Diary
from risk.domain.events import Floats

RESAMPLES = 2_000
STATE_NAMES = ("on time", "30", "60", "90+")


@dataclass(frozen=True, slots=True)
class Interval:
    """Hold a mean of paired differences with its 95 % interval (bootstrap over borrowers)."""

    mean: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"mean": self.mean, "low": self.low, "high": self.high}


def paired(first: Floats, second: Floats, *, seed: int = 1) -> Interval:
    """Compare two policies on the same borrowers: the mean of first minus second, and its interval.

    Borrowers are drawn again with replacement, by Poisson weights, so that two million rows need no table of indices.
    """
    gap = np.asarray(first - second, dtype=np.float64)
    rng, means = np.random.default_rng(seed), np.empty(RESAMPLES)
    groups = min(len(gap), 1_000)  # borrowers are exchangeable: blocks of them are drawn, which is as wide
    blocks = np.array_split(gap[rng.permutation(len(gap))], groups)
    sums, sizes = np.array([b.sum() for b in blocks]), np.array([len(b) for b in blocks])
    for place in range(RESAMPLES):
        weight = rng.poisson(1.0, groups)
        means[place] = (weight * sums).sum() / max((weight * sizes).sum(), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(gap.mean()), float(low), float(high))


def figures(diary: Diary) -> dict[str, Any]:
    """Give a run's figures as JSON takes them. Money in units; the run-off is in the sums."""
    months = [
        {
            "month": month.number,
            "day": month.day.isoformat(),
            "decisions": {str(name.value): count for name, count in _plain(month.outcomes)},
            "changes": {str(name.value): count for name, count in _plain(month.changes)},
            **{
                name: round(getattr(month, name), 2)
                for name in (
                    "drawn", "repaid", "interest", "written_off", "recovered", "loss", "funding", "costs", "profit", "balance",
                    "limits", "cut_amount",
                )
            },
            "lines": month.lines,
            "largest_cut": round(month.largest_cut, 6),
            "balance_by_days_late": [round(value, 2) for value in month.by_state],
        }
        for month in diary.months
    ]  # fmt: skip
    return {
        "profit": round(float(diary.profit.sum()), 2),
        "loss": round(float(diary.loss.sum()), 2),
        "interest": round(float(diary.interest.sum()), 2),
        "drawn": round(sum(month.drawn for month in diary.months), 2),
        "loss_rate": _share(float(diary.loss.sum()), sum(month.drawn for month in diary.months)),
        "lines_opened": int(diary.was_opened.sum()),
        "defaults": int((diary.defaulted >= 0).sum()),
        "largest_cut": max(month.largest_cut for month in diary.months),
        "cuts": sum(
            count for month in diary.months for name, count in month.changes.items() if name == "DOWN"
        ),
        "rises": sum(
            count for month in diary.months for name, count in month.changes.items() if name == "UP"
        ),
        "line_months": sum(month.lines for month in diary.months),
        "months": months,
        "vintages": vintages(diary),
        "roll_rates": roll_rates(diary.rolls.sum(axis=0)),
        "roll_rates_by_month": [roll_rates(one) for one in diary.rolls],
    }


def _plain(counter: Any) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: str(item[0]))


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole > 0 else None


def vintages(diary: Diary) -> list[dict[str, Any]]:
    """Give, for loans of each quarter, the part of what was drawn that is lost by months since the draw, net of recoveries."""
    found = []
    horizon = len(diary.months)
    for place, drawn in enumerate(diary.vintage_drawn):
        last = min(horizon - place * VINTAGE_MONTHS, 18)
        lost = np.cumsum(diary.vintage_lost[place, :last])
        found.append(
            {
                "first_month": place * VINTAGE_MONTHS,
                "drawn": round(float(drawn), 2),
                "lost": [_share(float(value), float(drawn)) for value in lost],
            }
        )
    return found


def roll_rates(counts: Floats) -> list[list[float | None]]:
    """Give, for each number of days late, the parts that are so late a month after; rows and columns 0/30/60/90+."""
    return [
        [_share(float(counts[before, after]), float(counts[before].sum())) for after in range(STATES)]
        for before in range(STATES - 1)
    ]


def pooled(values: Sequence[Floats]) -> Floats:
    """Put the borrowers of several seeds together."""
    return np.concatenate(values)
