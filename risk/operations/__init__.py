"""Every write of risk's registry and assessments."""

from risk.operations.assessing import assess
from risk.operations.errors import UnableToAssess, UnableToChangeModel, UnableToLoadModel, UnableToTrain
from risk.operations.registry import (
    decide_state,
    install_first_models,
    propose_state,
    register_model,
    roll_back,
)
from risk.operations.training import train_models, train_on_synthetic_people, training_set

__all__ = [
    "UnableToAssess",
    "UnableToChangeModel",
    "UnableToLoadModel",
    "UnableToTrain",
    "assess",
    "decide_state",
    "install_first_models",
    "propose_state",
    "register_model",
    "roll_back",
    "train_models",
    "train_on_synthetic_people",
    "training_set",
]
