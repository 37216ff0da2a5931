"""What the regime allows at most."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Hold what the regime allows at most; the policy may be stricter, never looser."""

    person_limit: Decimal
    business_limit: Decimal
    annual_rate: Decimal  # all-in, by IRR
    bullet_months: int = 12
    person_months: int = 60
    business_months: int = 36
    refuses_students: bool = True
    penalty_rate: Decimal = Decimal(1)
    forbidden_purposes: tuple[str, ...] = ()
    cut_notice_days: int = 0  # a lower limit is announced so many days before it is in force
