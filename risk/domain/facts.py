"""The form of facts: what risk wants to know of borrowers as of a date, in columns.

Risk owns the form; credit fills in `ConductFacts` (how our own loans were paid) and says which consents
stand; `risk.queries.feature_matrix` joins them with the evidence roll-ups into `Facts`. Origination (n = 1),
re-evaluation (n = 1,000,000) and training share this path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from risk.domain.events import Bytes, Flags, Floats, Integers
from risk.domain.registry import FEATURE_AT, FEATURE_NAMES, FEATURES, Missing, Purpose


class Segment(IntEnum):
    """Who borrows; calibrated apart."""

    PERSON = 0
    BUSINESS = 1


CONSENT_PURPOSES: tuple[Purpose, ...] = tuple(p for p in Purpose if p is not Purpose.NONE)
CONDUCT_NAMES: tuple[str, ...] = (
    "account_age_months",
    "months_on_book",
    "loans_opened",
    "loans_paid_off",
    "days_past_due_now",
    "days_past_due_max_12m",
    "late_count_12m",
    "on_time_streak",
    "utilisation",
    "applications_6m",
)


@dataclass(frozen=True, slots=True)
class ConductFacts:
    """Hold what our own books say of n borrowers, each array of shape (n,).

    NaN means "no such history": a borrower who never had a loan has NaN in all but `account_age_months`
    and `applications_6m`. Never fill 0 for unknown. `utilisation` is outstanding principal / limit.
    `account_age_months` is whole months; `on_time_streak` counts instalments; days are days.
    """

    subject_ids: Integers
    segment: Bytes
    account_age_months: Floats
    months_on_book: Floats
    loans_opened: Floats
    loans_paid_off: Floats
    days_past_due_now: Floats
    days_past_due_max_12m: Floats
    late_count_12m: Floats
    on_time_streak: Floats
    utilisation: Floats
    applications_6m: Floats

    def __post_init__(self) -> None:
        count = len(self.subject_ids)
        assert len(np.unique(self.subject_ids)) == count, "each borrower once"
        assert len(self.segment) == count
        assert all(len(getattr(self, name)) == count for name in CONDUCT_NAMES)

    def __len__(self) -> int:
        return len(self.subject_ids)

    @classmethod
    def of(
        cls, *, subject_ids: Sequence[int] | Integers, segment: Sequence[int] | Bytes, **known: Floats
    ) -> ConductFacts:
        """Build from the columns that are known; the others become NaN."""
        unknown = set(known) - set(CONDUCT_NAMES)
        assert not unknown, f"no such columns of conduct: {sorted(unknown)}"
        count = len(subject_ids)
        columns = {
            name: np.asarray(known[name], dtype=np.float64) if name in known else np.full(count, np.nan)
            for name in CONDUCT_NAMES
        }
        return cls(np.asarray(subject_ids, dtype=np.int64), np.asarray(segment, dtype=np.int8), **columns)


@dataclass(frozen=True, slots=True)
class Consents:
    """Say for n borrowers which purposes they agree to: `allowed` has shape (n, len(CONSENT_PURPOSES))."""

    allowed: Flags

    @classmethod
    def none(cls, count: int) -> Consents:
        """Agree to nothing."""
        return cls(np.zeros((count, len(CONSENT_PURPOSES)), dtype=bool))

    @classmethod
    def of(cls, count: int, **columns: Sequence[bool] | Flags | bool) -> Consents:
        """Build by purpose name, each one flag for all or one per borrower; not named is not agreed.

        >>> Consents.of(2, BANK=True, SPENDING=[True, False]).allows((Purpose.SPENDING,)).tolist()
        [True, False]
        """
        allowed = np.zeros((count, len(CONSENT_PURPOSES)), dtype=bool)
        for name, given in columns.items():
            allowed[:, CONSENT_PURPOSES.index(Purpose(name))] = given
        return cls(allowed)

    def allows(self, purposes: tuple[Purpose, ...]) -> Flags:
        """Tell for whom at least one of the purposes stands; no purpose needed is always allowed."""
        if not purposes:
            return np.ones(len(self.allowed), dtype=bool)
        return np.asarray(self.allowed[:, [CONSENT_PURPOSES.index(p) for p in purposes]].any(axis=1))


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold n feature vectors: `values` is float64 of shape (n, len(FEATURES)), NaN for missing.

    `evidence_age_months` is the age of the newest whole month of evidence (0: last month; NaN: none).
    """

    subject_ids: Integers
    as_of: date
    segment: Bytes
    values: Floats
    evidence_age_months: Floats

    def __post_init__(self) -> None:
        assert self.values.shape == (len(self.subject_ids), len(FEATURES)), self.values.shape
        assert self.values.dtype == np.float64

    def __len__(self) -> int:
        return len(self.subject_ids)

    def column(self, name: str) -> Floats:
        """Give one feature of all borrowers."""
        return np.asarray(self.values[:, FEATURE_AT[name]])

    def take(self, chosen: Integers | Flags) -> Facts:
        """Select borrowers."""
        return Facts(
            self.subject_ids[chosen],
            self.as_of,
            self.segment[chosen],
            self.values[chosen],
            self.evidence_age_months[chosen],
        )

    def digest(self) -> str:
        """Hash the vectors, to the byte."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()


class Sufficiency(IntEnum):
    """Whether facts may be scored; everything but ENOUGH is referred to a person."""

    ENOUGH = 0
    NO_EVIDENCE = 1
    STALE_EVIDENCE = 2
    OUT_OF_RANGE = 3


LEAST_EVIDENCE_MONTHS = 2.0
LEAST_MONTHS_ON_BOOK = 3.0
STALE_AFTER_MONTHS = 3.0
_LOW = np.maximum(np.array([f.low for f in FEATURES]), np.finfo(np.float64).min)
_HIGH = np.minimum(np.array([f.high for f in FEATURES]), np.finfo(np.float64).max)
"""The registry's ranges, finite: so a comparison with them finds what is infinite, too."""
_PIECE = 4_096  # rows whose vectors and flags stay in a processor's cache
_EVIDENCE = [place for place, f in enumerate(FEATURES) if f.missing is Missing.UNKNOWN and f.purposes]


def sufficiency(facts: Facts) -> Bytes:
    """Judge each vector: enough to score, or why not.

    Own conduct of three months on the book suffices without outside evidence. Infinite values and values
    outside the registry's range (a wrong unit, a swapped column) are never scored.
    """
    outside, some = _ranges(facts.values)
    months = facts.column("evidence_months")
    sales_months = 12.0 - facts.column("no_sales_months_12m")
    with np.errstate(invalid="ignore"):
        evidence = some & ((months >= LEAST_EVIDENCE_MONTHS) | (sales_months >= LEAST_EVIDENCE_MONTHS))
        own = facts.column("months_on_book") >= LEAST_MONTHS_ON_BOOK
        stale = facts.evidence_age_months >= STALE_AFTER_MONTHS
    result = np.full(len(facts), Sufficiency.ENOUGH, dtype=np.int8)
    result[~evidence & ~own] = Sufficiency.NO_EVIDENCE
    result[evidence & stale & ~own] = Sufficiency.STALE_EVIDENCE
    result[outside] = Sufficiency.OUT_OF_RANGE
    return result


def _ranges(values: Floats) -> tuple[Flags, Flags]:
    """Tell of n vectors whether anything is out of its range, and whether anything outside the book is known."""
    outside, some = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        with np.errstate(invalid="ignore"):
            outside[start : start + _PIECE] = ((piece < _LOW) | (piece > _HIGH)).any(axis=1)
        some[start : start + _PIECE] = (~np.isnan(piece[:, _EVIDENCE])).any(axis=1)
    return outside, some


assert set(CONDUCT_NAMES) - set(FEATURE_NAMES) == {"loans_opened"}, (
    "conduct that is not a feature must be meant"
)
