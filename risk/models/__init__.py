"""Tables of risk: the registry of models and assessments, and the evidence."""

from risk.models.evidence import *  # noqa: F403  the evidence room says what it offers in its __all__
from risk.models.registry import Assessment, ModelStateChange, ModelVersion, MonitoringRun

__all__ = ["Assessment", "ModelStateChange", "ModelVersion", "MonitoringRun"]
