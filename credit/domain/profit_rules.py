"""What a limit set by expected profit needs to know about money: costs, loss, need."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ProfitRules:
    """Hold the economics by which limits are set. All rates are parts of one a year.

    A policy without them sizes limits by its grade table; a policy with them looks for the limit that is expected
    to earn most, and its grade table gives only the price.
    """

    funding_rate: Decimal  # what the lent money costs
    capital_share: Decimal  # own capital behind one of exposure
    capital_rate: Decimal  # what that capital must earn beyond funding
    person_loss: Decimal  # part of the exposure lost when a person defaults
    business_loss: Decimal
    drawn_at_default: Decimal  # part of the unused limit that is drawn before a default
    need_multiple: Decimal  # of monthly income: what a borrower is expected to need before anything was seen
    account_cost: Decimal  # of a line in a year, in money
    loss_weight: Decimal  # what one of expected loss counts beyond itself: how little loss is wanted
