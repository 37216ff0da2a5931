"""Tables of credit."""

from credit.models.application import Application, Decision, Occupation, ReviewRequest
from credit.models.approval import DrawRequest
from credit.models.cause import LookCause
from credit.models.exclusion import SelfExclusion
from credit.models.hold import Hold
from credit.models.import_batch import ImportBatch
from credit.models.invoice import Invoice, InvoiceAdvance
from credit.models.laboratory import Experiment, PolicyTrial
from credit.models.lesson import LessonRead
from credit.models.line import CreditLine, Drawdown, LimitChange
from credit.models.look import LineFacts, LineLook
from credit.models.night import NightRun, NightShard
from credit.models.passport import Passport, PassportFile, PassportLink
from credit.models.portfolio import PortfolioReport
from credit.models.product import Policy, Product
from credit.models.reminder import ReminderTrial
from credit.models.use import Payee, PurposeEvidence

__all__ = [
    "Application",
    "CreditLine",
    "Decision",
    "DrawRequest",
    "Drawdown",
    "LessonRead",
    "Hold",
    "Experiment",
    "ImportBatch",
    "Invoice",
    "InvoiceAdvance",
    "LimitChange",
    "LineFacts",
    "LineLook",
    "LookCause",
    "NightRun",
    "NightShard",
    "Occupation",
    "Passport",
    "PassportFile",
    "PassportLink",
    "Payee",
    "Policy",
    "PolicyTrial",
    "PortfolioReport",
    "Product",
    "PurposeEvidence",
    "ReminderTrial",
    "ReviewRequest",
    "SelfExclusion",
]
