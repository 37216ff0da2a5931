"""How safe a score must be for a limit that fell, or a line that was frozen, to come back."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from credit.domain.limits import Means, Use, size_limit
from credit.domain.policy import MOST_LIMIT, Ceiling, PolicyRules
from credit.domain.reevaluation import Direction

_BELOW: Final = Decimal("0.00000001")  # the smallest step of a stored probability


def restoring_pd(
    *, direction: str, old_limit: Decimal, means: Means, use: Use, policy: PolicyRules, ceiling: Ceiling
) -> Decimal | None:
    """Give the highest probability of default at which the old limit would stand; None when no score would do.

    For a freeze by risk it is the bound under which the freeze is lifted.
    """
    if direction == Direction.FREEZE:
        return policy.reevaluation.unfreeze_pd - _BELOW
    if direction != Direction.DOWN:
        return None
    for grade in reversed(policy.grades):
        pd = min(grade.pd_below, policy.cut_offs.refer_below) - _BELOW
        if policy.grade_of(pd) is not grade:
            continue
        sized = size_limit(
            policy=policy, ceiling=ceiling, grade=grade, means=means, asked=MOST_LIMIT, pd=pd, use=use
        )
        if sized.limit > old_limit * policy.reevaluation.cut_from:
            return pd
    return None
