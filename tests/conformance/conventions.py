"""The one table of conventions that this engine does not follow, each with the reason.

A case is unsupported only because it names one of these; never because of its id.
"""

from __future__ import annotations

from typing import Final

UNSUPPORTED: Final[dict[str, str]] = {
    "year_split_31_december": "Cuts a year at 31 December; ISDA, which we follow, cuts at 1 January.",
    "feb_29_period_only": "Divides a whole period by 366 if 29 February is in it; not a convention of ISDA.",
    "year_of_364_days": "Divides by 364; no rule book that we know asks for it.",
    "equalising_step": "Shifts the level payment by a part of the last residue; ours is the annuity, rounded once.",
    "no_rounding": "Carries unrounded balances; ours are money after every period, or cents could not be paid.",
    "level_by_search": "Finds the level payment by trial on the last payment; ours is the annuity, rounded once.",
    "residue_in_last_interest": "Hides the residue in the last interest; ours shows it in the last payment.",
    "odd_days_spread": "Spreads or deducts the odd days of the first period; ours charges them in that period.",
    "discount_instrument": "Interest taken off in advance from a redemption amount; not a loan of this house.",
    "early_principal_as_instalment": (
        "Takes principal paid early as the next instalment's principal and only then makes the rest smaller; "
        "ours leaves the next instalment standing (trap 36)."
    ),
    "penalty_on_interest": "Charges penalty on overdue interest; ours never puts interest on interest.",
    "not_reproduced": "The publisher of the case could not reproduce the figure either (verified: false).",
    "words_only": "The inputs are in words that leave the flows open.",
    "interest_beforehand": "Instalments with fixed interest that a prepayment does not lower.",
}


class UnsupportedCase(Exception):
    """Say that a case rests on a convention of the table."""

    def __init__(self, convention: str) -> None:
        assert convention in UNSUPPORTED, convention
        super().__init__(convention)
        self.convention = convention


class UnknownKind(Exception):
    """Say that no adapter reads a kind of case."""
