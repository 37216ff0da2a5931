"""Refusals of the registry and of assessing."""

from __future__ import annotations

from regimes.errors import Refusal
from risk.domain.training import UnableToTrain
from risk.engine import UnableToLoadModel


class UnableToChangeModel(Refusal):
    """Refuse a change of a model's state."""


class UnableToAssess(Refusal):
    """Refuse to assess: the caller made a mistake. Doubt about facts or model is UNSCORED instead."""


__all__ = ["UnableToAssess", "UnableToChangeModel", "UnableToLoadModel", "UnableToTrain"]
