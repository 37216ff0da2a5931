"""Tables of credit."""

from credit.models.application import Application, Decision, Occupation, ReviewRequest
from credit.models.cause import LookCause
from credit.models.line import CreditLine, Drawdown, LimitChange
from credit.models.night import NightRun, NightShard
from credit.models.product import Policy, Product
from credit.models.reminder import ReminderTrial

__all__ = [
    "Application",
    "CreditLine",
    "Decision",
    "Drawdown",
    "LimitChange",
    "LookCause",
    "NightRun",
    "NightShard",
    "Occupation",
    "Policy",
    "Product",
    "ReminderTrial",
    "ReviewRequest",
]
