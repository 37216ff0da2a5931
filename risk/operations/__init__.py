"""Every write of risk's registry and assessments."""

from risk.evidence.operations import (
    forget_evidence,
    honour_consents,
    import_statement,
    odd_evidence,
    record_events,
    refresh_rollups,
)
from risk.evidence.sandbox import connect_sandbox_person
from risk.operations.assessing import assess, forget_assessments
from risk.operations.errors import UnableToAssess, UnableToChangeModel, UnableToLoadModel, UnableToTrain
from risk.operations.monitoring import monitor, score_shadows
from risk.operations.registry import (
    decide_state,
    install_first_models,
    propose_state,
    register_model,
    roll_back,
)
from risk.operations.shadow import ScoredAgain, score_again
from risk.operations.training import train_models, train_on_synthetic_people, training_set

__all__ = [
    "ScoredAgain",
    "UnableToAssess",
    "UnableToChangeModel",
    "UnableToLoadModel",
    "UnableToTrain",
    "assess",
    "forget_assessments",
    "connect_sandbox_person",
    "decide_state",
    "forget_evidence",
    "honour_consents",
    "import_statement",
    "install_first_models",
    "monitor",
    "odd_evidence",
    "propose_state",
    "record_events",
    "refresh_rollups",
    "register_model",
    "roll_back",
    "score_again",
    "score_shadows",
    "train_models",
    "train_on_synthetic_people",
    "training_set",
]
