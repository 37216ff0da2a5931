"""Learn from the loans of 1993-96: features from others' statistics where there are no transactions.

Both ways lead to the same features of the registry. `agreement` shows how far they agree on the accounts that have both.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from accounts.models import User
from credit.realdata.berka import MAPPING, HistoricLoan, statement
from risk import operations as risk_operations
from risk.domain.events import EvidenceEvent, Floats, columns_of
from risk.domain.facts import ConductFacts, Consents, Facts
from risk.domain.features import DAYS_A_MONTH, LEAST_COVERAGE_DAYS, compute
from risk.domain.labels import BAD, GOOD
from risk.domain.metrics import auc, auc_interval
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.domain.rollup import days_of_months, month_number, roll_up, windows
from risk.evidence.bank import parse
from risk.evidence.parsed import Options, Summary
from risk.models import ModelVersion

LEARNED = (
    "inflow_24m", "outflow_24m", "outflow_to_inflow_24m", "balance_mean_24m", "balance_min_24m", "balance_spread_24m",
    "balance_swing_24m", "buffer_days_24m", "evidence_months",
)  # fmt: skip
SEED = 7


def from_statistics(loan: HistoricLoan) -> dict[str, float]:
    """Compute the features from statistics over all transactions before the loan.

    No account is older than 23 months, so that the registry's 24 months are the whole record.
    """
    s = loan.statistics
    months = max((loan.day - loan.opened).days, 1) / DAYS_A_MONTH
    coming, going = s["n_credit"] * s["avg_credit"], s["n_withdrawal"] * s["avg_withdrawal"]
    mean, spread = s["avg_balance"], s["sd_balance"]
    found = {
        "inflow_24m": coming / months,
        "outflow_24m": going / months,
        "outflow_to_inflow_24m": going / coming if coming > 0 else (100.0 if going > 0 else np.nan),
        "balance_mean_24m": mean,
        "balance_min_24m": s["min_balance"],
        "balance_spread_24m": spread,
        "balance_swing_24m": spread / mean if mean > 0 else np.nan,
        "buffer_days_24m": float(np.clip(30 * mean / (going / months), -3660, 3660)) if going > 0 else np.nan,
        "evidence_months": _whole_months(loan),
    }
    for name, value in found.items():
        feature = FEATURES[FEATURE_AT[name]]
        if feature.unit == "ratio":
            found[name] = float(np.clip(value, feature.low, feature.high))
    return found


def _whole_months(loan: HistoricLoan) -> float:
    """Count the calendar months before the loan's; the first counts when enough of its days are covered."""
    first, last = month_number(loan.opened), month_number(loan.day)
    if first >= last:
        return np.nan
    begun = days_of_months(np.array([first + 1]))[0] - (loan.opened - date(1970, 1, 1)).days
    count = last - first - 1 + int(begun >= LEAST_COVERAGE_DAYS)
    return float(count) if count else np.nan


def from_statements(loans: Sequence[HistoricLoan]) -> Floats:
    """Compute all features from the statements, by the parser and the sums that serve uploads."""
    events: list[EvidenceEvent] = []
    for place, loan in enumerate(loans):
        summary = Summary()
        for row in parse(
            io.BytesIO(statement(loan.movements)), summary, Options(as_of=loan.day, mapping=MAPPING)
        ):
            events.append(
                EvidenceEvent(
                    subject=place + 1,
                    occurred_at=row.occurred_at,
                    known_at=row.occurred_at,
                    kind=row.kind,
                    amount=row.amount,
                    balance=row.balance,
                    counterparty=row.counterparty,
                    category=row.category,
                )
            )
    subjects = np.arange(1, len(loans) + 1, dtype=np.int64)
    asked = np.array([month_number(loan.day) for loan in loans])
    months = windows(roll_up(columns_of(events)), subjects=subjects, as_of=asked)
    return compute(
        months=months,
        conduct=ConductFacts.of(subject_ids=subjects, segment=np.zeros(len(loans), dtype=np.int8)),
        consents=Consents.of(len(loans), BANK=True),
        as_of=loans[-1].day,
    ).values


@dataclass(frozen=True, slots=True)
class Agreement:
    """Say how one feature compares between the two ways, over the loans that have both."""

    feature: str
    correlation: float
    middle_ratio: float  # median of (from transactions / from statistics)
    largest_difference: float


def agreement(loans: Sequence[HistoricLoan]) -> list[Agreement]:
    """Compare the two ways on the loans that have transactions."""
    both = [loan for loan in loans if loan.has_statement]
    served, others = from_statements(both), [from_statistics(loan) for loan in both]
    found = []
    for name in LEARNED:
        a, b = served[:, FEATURE_AT[name]], np.array([row[name] for row in others])
        known = ~np.isnan(a) & ~np.isnan(b)
        a, b = a[known], b[known]
        away = b != 0
        found.append(
            Agreement(
                name,
                float(np.corrcoef(a, b)[0, 1]),
                float(np.median(a[away] / b[away])),
                float(np.abs(a - b).max()),
            )
        )
    return found


def training_facts(loans: Sequence[HistoricLoan]) -> Facts:
    """Lay out the learned features, from transactions where there are some; all others are missing."""
    values = np.full((len(loans), len(FEATURES)), np.nan)
    values[:, FEATURE_AT["is_business"]] = 0.0
    places = [FEATURE_AT[name] for name in LEARNED]
    for row, loan in enumerate(loans):
        told = from_statistics(loan)
        values[row, places] = [told[name] for name in LEARNED]
    stated = [row for row, loan in enumerate(loans) if loan.has_statement]
    if stated:
        served = from_statements([loans[row] for row in stated])
        values[np.ix_(stated, places)] = served[:, places]
    return Facts(
        subject_ids=np.array([loan.number for loan in loans], dtype=np.int64),
        as_of=max(loan.day for loan in loans),
        segment=np.zeros(len(loans), dtype=np.int8),
        values=values,
        evidence_age_months=np.zeros(len(loans)),
    )


def train(
    loans: Sequence[HistoricLoan], *, made_by: User, now: datetime, say: Callable[[str], None]
) -> tuple[ModelVersion, ModelVersion]:
    """Train on loans with known outcomes, by the pipeline of every model: gate, judge, calibrate, sign, register."""
    data = risk_operations.training_set(
        facts=training_facts(loans),
        labels=np.array([BAD if loan.is_bad else GOOD for loan in loans], dtype=np.int64),
        month=np.array([month_number(loan.day) for loan in loans]),
    )
    return risk_operations.train_models(
        data=data, name=f"berka-1993-96-{now:%Y%m%d%H%M%S}", seed=SEED, made_by=made_by, say=say
    )


def promote(models: tuple[ModelVersion, ModelVersion], *, maker: User, checker: User, now: datetime) -> None:
    """Bring the trees to decide and the scorecard to stand by; one person proposes each step, another approves it."""
    trees, card = models
    steps = [
        (card, "SHADOW"),
        (card, "CHALLENGER"),
        (trees, "SHADOW"),
        (trees, "CHALLENGER"),
        (trees, "CHAMPION"),
    ]
    for version, state in steps:
        change = risk_operations.propose_state(
            version_id=version.pk, to_state=state, proposed_by=maker, now=now
        )
        risk_operations.decide_state(change_id=change.pk, approve=True, decided_by=checker, now=now)


def separation(pd: Sequence[float], is_bad: Sequence[bool]) -> dict[str, Any]:
    """Give AUC with the 95 % interval of DeLong; None where one outcome is missing."""
    score, bad = np.array(pd, dtype=np.float64), np.array(is_bad, dtype=np.int64)
    if bad.sum() < 2 or (1 - bad).sum() < 2:
        return {"auc": None, "low": None, "high": None}
    interval = auc_interval(score, bad)
    return {"auc": auc(score, bad), "low": interval.low, "high": interval.high}
