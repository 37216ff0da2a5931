"""Keep the facts of lines current: from the one path of facts, into rows of fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from django.db import transaction

from credit.domain.policy import PolicyRules
from credit.facts import Collected, collect
from credit.models import CreditLine, LineFacts
from credit.operations.binary import EPOCH, copy_in, layout
from credit.operations.scoring import means_of
from credit.queries import debts_of_lines
from risk import operations as risk_operations
from risk.domain.registry import FEATURE_NAMES

CHUNK = 2_000
WIDTH = len(FEATURE_NAMES) * 8
IN_SHAPE = layout(
    ("line_id", ">i8"), ("as_of", ">i4"), ("segment", ">i2"), ("consent_given", "u1"), ("days_past_due", ">i4"),
    ("on_time_streak", ">f8"), ("evidence_age_months", ">f8"), ("monthly_income", ">f8"),
    ("monthly_instalments", ">f8"), ("other_limits", ">f8"), ("exposure", ">f8"), ("vector", f"V{WIDTH}"),
)  # fmt: skip


def refresh_line_facts(
    *, line_ids: Sequence[int], as_of: date, rules: PolicyRules, chunk: int = CHUNK
) -> int:
    """Collect facts of lines as of a date and store them; what is of that date already is left. Give how many."""
    known = set(LineFacts.objects.filter(line_id__in=line_ids, as_of=as_of).values_list("line_id", flat=True))
    wanted = sorted(set(line_ids) - known)
    for start in range(0, len(wanted), chunk):
        with transaction.atomic():
            _refresh(wanted[start : start + chunk], as_of, rules)
    return len(wanted)


def _refresh(ids: Sequence[int], as_of: date, rules: PolicyRules) -> None:
    owners = dict(CreditLine.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "borrower_id"))
    if not owners:
        return
    lines, borrowers = list(owners), list(owners.values())
    risk_operations.honour_consents(borrower_ids=borrowers)
    collected = collect(
        borrower_ids=borrowers, as_of=as_of, business_margin=rules.affordability.business_margin
    )
    means = means_of(borrower_ids=borrowers, collected=collected, excluded_line_ids=lines)
    debts = debts_of_lines(line_ids=lines)
    columns = {
        "line_id": np.array(lines, dtype=np.int64),
        "as_of": np.full(len(lines), as_of.toordinal() - EPOCH),
        "segment": collected.facts.segment,
        "consent_given": _agreed(collected, borrowers),
        "days_past_due": np.array([debts[pk].days_past_due for pk in lines]),
        "on_time_streak": np.nan_to_num(collected.conduct.on_time_streak),
        "evidence_age_months": collected.facts.evidence_age_months,
        "monthly_income": np.array([np.nan if m.monthly_income is None else float(m.monthly_income) for m in means]),
        "monthly_instalments": np.array([float(m.monthly_instalments) for m in means]),
        "other_limits": np.array([float(m.other_limits) for m in means]),
        "exposure": np.array([float(debts[pk].exposure) for pk in lines]),
        "vector": packed(collected.facts.values),
    }  # fmt: skip
    LineFacts.objects.filter(line_id__in=lines).delete()
    copy_in("credit_linefacts", IN_SHAPE, columns, len(lines))


def packed(values: np.ndarray) -> np.ndarray:
    """Give vectors as bytes, one a row."""
    return np.ascontiguousarray(values.astype("<f8", copy=False)).view(f"V{WIDTH}").reshape(len(values))


def _agreed(collected: Collected, borrowers: Sequence[int]) -> np.ndarray:
    return np.array(["CREDIT_DECISION" in collected.consents[pk] for pk in borrowers], dtype=np.uint8)
