"""Add up a replay block by block; memory does not grow with the number of decisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import numpy as np

from credit.domain.policy import PolicyRules
from credit.domain.profit import Expected
from credit.laboratory.columns import CODES, COUNTER_OFFER, OUTCOMES, Flags, Floats, Integers
from credit.laboratory.reading import Realised
from risk.domain.fairness import AIR_LIMIT, LEAST_GROUP

EXAMPLES: Final = 8
BANDS: Final = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.14, 0.20)
CHANGES: Final = (-0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)  # of the limit, where both gave one


class Tally:
    """Gather counts and sums of both sides; `result` gives them as JSON takes them."""

    def __init__(self, policy: PolicyRules, became: Realised) -> None:
        self.policy, self.became, self.rows = policy, became, 0
        self.moves = np.zeros((len(OUTCOMES), len(OUTCOMES)), dtype=np.int64)
        self.why: dict[tuple[int, int], Counter[int]] = {}
        self.all_why: Counter[int] = Counter()
        self.examples: dict[tuple[int, int], list[int]] = {}
        self.sums = {side: defaultdict[str, float](float) for side in ("before", "after")}
        self.bands = np.zeros((len(BANDS) + 2, 5))
        self.months: dict[int, Any] = {}
        self.groups: dict[tuple[str, int], Any] = {}
        self.changes = np.zeros(len(CHANGES) + 1, dtype=np.int64)
        self.limit_moves = defaultdict[str, int](int)
        self.real = defaultdict[str, float](float)

    def add(
        self,
        *,
        ids: Integers,
        day: Integers,
        old: Integers,
        new: Integers,
        why: Integers,
        old_limit: Floats,
        new_limit: Floats,
        old_rate: Floats,
        new_rate: Floats,
        chance: Floats,
        groups: dict[str, Integers],
        before: Expected,
        after: Expected,
        stays: Floats,
    ) -> None:
        """Add a block; `day` counts from 2000-01-01, `stays` is the part of customers who stay at the new price."""
        self.rows += len(ids)
        np.add.at(self.moves, (old, new), 1)
        self.all_why.update(
            dict(zip(*(part.tolist() for part in np.unique(why, return_counts=True)), strict=True))
        )
        self._flips(ids, old, new, why)
        was, is_ = old <= COUNTER_OFFER, new <= COUNTER_OFFER
        ones = np.ones(len(ids))
        for side, yes, limit, rate, told, part in (
            ("before", was, old_limit, old_rate, before, ones),
            ("after", is_, new_limit, new_rate, after, stays),
        ):
            sums = self.sums[side]
            sums["offers"] += int(yes.sum())
            sums["limit"] += float(limit.sum())
            sums["rate_by_limit"] += float((rate * limit).sum())
            for name in ("balance", "income", "loss", "capital", "profit"):
                sums[name] += float((getattr(told, name) * part).sum())
        self._spread(chance, day, groups, was, is_, old_limit, new_limit)
        self._limits(old_limit, new_limit)
        self._outcomes(ids, old_limit, new_limit)

    def _flips(self, ids: Integers, old: Integers, new: Integers, why: Integers) -> None:
        for pair in {(int(a), int(b)) for a, b in np.argwhere(self.moves) if a != b}:
            chosen = np.flatnonzero((old == pair[0]) & (new == pair[1]))
            if len(chosen) == 0:
                continue
            codes, counts = np.unique(why[chosen], return_counts=True)
            self.why.setdefault(pair, Counter()).update(
                dict(zip(codes.tolist(), counts.tolist(), strict=True))
            )
            kept = self.examples.setdefault(pair, [])
            kept += ids[chosen[: EXAMPLES - len(kept)]].tolist()

    def _spread(
        self,
        chance: Floats,
        day: Integers,
        groups: dict[str, Integers],
        was: Flags,
        is_: Flags,
        old_limit: Floats,
        new_limit: Floats,
    ) -> None:
        """Count approvals and limits by band of probability, by month and by group."""
        sides = np.stack([np.ones(len(was)), was, is_, old_limit, new_limit], axis=1)
        band = np.where(np.isnan(chance), len(BANDS) + 1, np.digitize(np.nan_to_num(chance), BANDS))
        np.add.at(self.bands, band, sides)
        # binary COPY counts days from 2000
        month = (
            (np.datetime64("2000-01-01") + day.astype("timedelta64[D]")).astype("datetime64[M]").astype(int)
        )
        for key in np.unique(month):
            self.months[int(key)] = self.months.get(int(key), 0) + sides[month == key].sum(axis=0)
        for name, values in groups.items():
            for key in np.unique(values):
                place = (name, int(key))
                self.groups[place] = self.groups.get(place, 0) + sides[values == key].sum(axis=0)

    def _limits(self, old: Floats, new: Floats) -> None:
        both = (old > 0) & (new > 0)
        change = new[both] / old[both] - 1
        np.add.at(self.changes, np.digitize(change, CHANGES), 1)
        for name, chosen in (("higher", new > old), ("lower", new < old), ("same", new == old)):
            self.limit_moves[name] += int((both & chosen).sum())

    def _outcomes(self, ids: Integers, old: Floats, new: Floats) -> None:
        """Say what became of what was lent, and which part of it the candidate would have lent."""
        real = self.became
        at = np.searchsorted(real.decision, ids)
        known = at < len(real.decision)
        known[known] = real.decision[at[known]] == ids[known]
        if known.any():
            place = at[known]
            part = np.minimum(new[known] / np.maximum(old[known], 1.0), 1.0)
            bad = real.worst_days[place] >= 90
            for name, values in (("drawn", real.drawn), ("lost", real.lost), ("interest", real.interest)):
                self.real[name] += float(values[place].sum())
                self.real[f"{name}_kept"] += float((values[place] * part).sum())
            self.real["lent"] += int(known.sum())
            self.real["bad"] += int(bad.sum())
            self.real["bad_refused"] += int((bad & (new[known] == 0)).sum())
            self.real["good_refused"] += int((~bad & (new[known] == 0)).sum())
        never = ~known & (new > 0) & (old == 0)
        self.real["never_lent"] += int(never.sum())
        self.real["never_lent_limit"] += float(new[never].sum())

    def result(self) -> dict[str, Any]:
        """Give everything."""
        return {
            "rows": self.rows,
            "outcomes": {
                "before": dict(zip(OUTCOMES, self.moves.sum(axis=1).tolist(), strict=True)),
                "after": dict(zip(OUTCOMES, self.moves.sum(axis=0).tolist(), strict=True)),
            },
            "sums": {side: self._side(sums) for side, sums in self.sums.items()},
            "flips": self._told_flips(),
            "why": {CODES[code]: count for code, count in self.all_why.most_common()},
            "limits": {**self.limit_moves, "histogram": self.changes.tolist(), "edges": list(CHANGES)},
            "bands": [[round(value, 2) for value in row] for row in self.bands.tolist()],
            "band_edges": list(BANDS),
            "months": [
                [f"{1970 + key // 12}-{key % 12 + 1:02d}", *(round(v, 2) for v in self.months[key].tolist())]
                for key in sorted(self.months)
            ],
            "realised": {name: round(value, 2) for name, value in self.real.items()},
            "fairness": self._fairness(),
        }

    def _side(self, sums: dict[str, float]) -> dict[str, float]:
        offers, limit = sums["offers"], sums["limit"]
        return {
            "approval_rate": offers / self.rows if self.rows else 0.0,
            "mean_limit": limit / offers if offers else 0.0,
            "mean_rate": sums["rate_by_limit"] / limit if limit else 0.0,
            "loss_rate": sums["loss"] / sums["balance"] if sums["balance"] else 0.0,
            **{name: round(float(value), 2) for name, value in sums.items()},
        }

    def _told_flips(self) -> list[dict[str, Any]]:
        found = [
            {
                "from": OUTCOMES[pair[0]],
                "to": OUTCOMES[pair[1]],
                "count": int(self.moves[pair]),
                "why": [[CODES[code], count] for code, count in self.why[pair].most_common(4)],
                "examples": self.examples[pair],
            }
            for pair in self.why
        ]
        return sorted(found, key=lambda flip: -int(str(flip["count"])))

    def _fairness(self) -> dict[str, Any]:
        """Compare groups: approval before and after, and the ratio of the least to the best approved (AIR)."""
        found: dict[str, Any] = {}
        for name in sorted({name for name, _ in self.groups}):
            rows = []
            for (mine, key), row in sorted(self.groups.items()):
                if mine == name:
                    count, was, is_, old_limit, new_limit = row.tolist()
                    rows.append(
                        {
                            "group": key, "count": int(count), "before": was / count, "after": is_ / count,
                            "limit_before": old_limit / was if was else 0.0, "limit_after": new_limit / is_ if is_ else 0.0,
                        }
                    )  # fmt: skip
            large = [row for row in rows if row["count"] >= LEAST_GROUP]
            found[name] = {"groups": rows, "least": LEAST_GROUP, "floor": AIR_LIMIT}
            for side in ("before", "after"):
                best = max((row[side] for row in large), default=0.0)
                found[name][f"air_{side}"] = (
                    min(row[side] for row in large) / best if best > 0 and len(large) > 1 else None
                )
        return found
