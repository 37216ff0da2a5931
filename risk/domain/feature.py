"""What a feature and a factor are; the registry is the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Purpose(StrEnum):
    """The uses of data that a borrower agrees to apart; NONE is our own record of the contract."""

    NONE = ""
    PAYMENTS = "PAYMENTS"
    SPENDING = "SPENDING"
    BILLS = "BILLS"
    SOCIAL = "SOCIAL"
    BANK = "BANK"
    BUSINESS = "BUSINESS"


class Missing(StrEnum):
    """What a missing value means to the model."""

    UNKNOWN = "UNKNOWN"  # has a branch and a bin of its own
    NEVER = "NEVER"  # no history of ours yet; own branch, never a reason against the borrower


@dataclass(frozen=True, slots=True)
class Feature:
    """Describe one feature. `low` and `high` are the contract: outside of it the facts are refused."""

    name: str
    unit: str
    low: float
    high: float
    sign: Literal[-1, 0, 1]
    purposes: tuple[Purpose, ...]  # any one of them suffices; empty: no consent is needed
    factor: str  # the plain factor under which reasons are grouped
    actionable: bool
    sentence: str  # msgid
    missing: Missing = Missing.UNKNOWN
    step: float = 0.0  # the smallest change that a borrower could make and see; 0 for not actionable


@dataclass(frozen=True, slots=True)
class Factor:
    """Describe a plain factor: what a decline says, and what to do about it."""

    code: str
    sentence: str  # msgid: said when it raised the risk
    way_on: str  # msgid: "" when nothing can be done but wait


CASH = (Purpose.BANK, Purpose.PAYMENTS)
SPENDING = (Purpose.SPENDING,)
BILLS = (Purpose.BILLS,)
BUSINESS = (Purpose.BUSINESS,)
NEVER = Missing.NEVER
MUCH = 1e12


def feature(
    name: str,
    unit: str,
    high: float,
    sign: Literal[-1, 0, 1],
    purposes: tuple[Purpose, ...],
    factor: str,
    sentence: str,
    *,
    low: float = 0.0,
    step: float = 0.0,
    missing: Missing = Missing.UNKNOWN,
) -> Feature:
    return Feature(name, unit, low, high, sign, purposes, factor, step > 0, sentence, missing, step)
