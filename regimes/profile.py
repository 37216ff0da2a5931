"""The form of a jurisdiction's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal


@dataclass(frozen=True)
class Regime:
    """Legal numbers of one jurisdiction. `unverified` names fields that an operator must check before relying on them."""

    code: str
    name: str
    currency: str
    country: str
    # who may borrow
    minimum_age: int
    students_excluded: bool
    # how much, how long, at what price
    min_limit: Decimal
    max_limit_person: Decimal
    max_limit_business: Decimal
    max_annual_rate: Decimal  # all-in: interest, fees, guarantee, insurance
    max_penalty_annual_rate: Decimal
    max_term_months: int
    max_bullet_months: int
    # how the offer is shown and left
    reading_seconds: int
    cooling_off_days: int
    adverse_notice_days: int
    human_review_right: bool
    forbidden_purposes: tuple[str, ...]
    # how people are contacted
    contact_opens: time
    contact_closes: time
    max_contacts_a_day: int
    # a new bank account waits before money goes to it
    bank_account_wait_hours: int
    review_answer_days: int = 30  # until a person who asked for a person has an answer with reasons
    cut_notice_days: int = 0  # so many days a lower limit is announced before it is in force; 0: at once
    sources: tuple[tuple[str, str], ...] = ()
    unverified: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        assert self.contact_opens < self.contact_closes
        assert Decimal(0) < self.min_limit <= self.max_limit_person
        assert self.min_limit <= self.max_limit_business
        assert Decimal(0) < self.max_annual_rate < Decimal(2)
        assert self.max_bullet_months <= self.max_term_months
        assert 0 <= self.cut_notice_days <= 365
        assert self.unverified <= set(self.__dataclass_fields__)

    def is_verified(self, field: str) -> bool:
        """Tell whether the source of a number was seen."""
        assert field in self.__dataclass_fields__, field
        return field not in self.unverified
