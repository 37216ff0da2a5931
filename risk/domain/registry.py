"""The registry of features: name, unit, range, missing rule, sign, consent, and a sentence for the borrower.

`sign` is the direction in which the probability of default may move when the value rises: +1 riskier, -1
safer, 0 free. Sex, age, region, nationality, marriage and health (medical spending included) are not here
and must not come here: the fairness report reads them from outside.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache

from risk.domain.factors import FACTORS
from risk.domain.feature import Factor, Feature, Missing, Purpose
from risk.domain.features_of_people import FEATURES_OF_PEOPLE
from risk.domain.features_of_trade import FEATURES_OF_TRADE

__all__ = ["FACTORS", "FACTOR_BY_CODE", "FEATURES", "FEATURE_AT", "FEATURE_NAMES", "Factor", "Feature", "Missing",
           "PROTECTED", "Purpose", "registry_digest"]  # fmt: skip

FEATURES: tuple[Feature, ...] = FEATURES_OF_PEOPLE + FEATURES_OF_TRADE
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
FEATURE_AT: dict[str, int] = {name: place for place, name in enumerate(FEATURE_NAMES)}
FACTOR_BY_CODE: dict[str, Factor] = {factor.code: factor for factor in FACTORS}
PROTECTED: tuple[str, ...] = (
    "sex",
    "age",
    "region",
    "marriage",
    "nationality",
    "ethnicity",
    "religion",
    "health",
)


@cache
def registry_digest() -> str:
    """Hash the contract (names, order, units, ranges, signs): a model made for another one is refused."""
    contract = [(f.name, f.unit, f.low, f.high, f.sign, f.missing.value) for f in FEATURES]
    return hashlib.sha256(json.dumps(contract).encode()).hexdigest()
