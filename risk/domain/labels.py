"""The label policy: what "bad" means, as code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.domain.events import Flags, Floats, Integers

GOOD, BAD, INDETERMINATE, IMMATURE, EXCLUDED = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """Bad: `bad_days` late or more within `window_months`; indeterminate: from `indeterminate_days` up to that.

    An observation younger than the window is immature, however good it looks so far: a young vintage shows
    its early bads and not its late ones. Bad is certain as soon as it is seen, but young bads without the
    young goods would bend the rate, so the whole vintage waits.
    """

    bad_days: int = 90
    indeterminate_days: int = 30
    window_months: int = 12

    def describe(self) -> str:
        return (
            f"bad = {self.bad_days}+ days past due within {self.window_months} months; "
            f"indeterminate = {self.indeterminate_days}-{self.bad_days - 1}; younger than {self.window_months} months = immature"
        )


def label(
    days_past_due: Integers | Floats,
    *,
    months_observed: Integers,
    policy: LabelPolicy,
    excluded: Flags | None = None,
) -> Integers:
    """Label n observations from their month-end days past due, shape (n, months).

    >>> label(np.array([[0, 30], [0, 90], [0, 0]]), months_observed=np.array([2, 2, 1]),
    ...       policy=LabelPolicy(window_months=2)).tolist()
    [2, 1, 3]
    """
    worst = np.asarray(days_past_due)[:, : policy.window_months].max(axis=1)
    result = np.where(
        worst >= policy.bad_days, BAD, np.where(worst >= policy.indeterminate_days, INDETERMINATE, GOOD)
    )
    result = np.where(months_observed < policy.window_months, IMMATURE, result)
    if excluded is not None:
        result = np.where(excluded, EXCLUDED, result)
    return result.astype(np.int64)
