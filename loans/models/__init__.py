from loans.models.bank_file import BankFile, BankFileLine
from loans.models.business_days import CalendarDay, CalendarRule
from loans.models.calendar import CalendarFeed
from loans.models.casework import CollectionStrategy, Promise
from loans.models.closing import MonthClose
from loans.models.hardship import HardshipPaper, HardshipPlan, HardshipRequest
from loans.models.loan import Instalment, Loan, LoanEventRow
from loans.models.night import AccrualLine, AccrualSlice
from loans.models.payment import Collection, GatewayMessage, Payout
from loans.models.provision import ProvisionLine, ProvisionRun
from loans.models.suspense import SuspenseItem, SuspenseMatch
from loans.models.transfer import Transfer

__all__ = [
    "AccrualLine",
    "AccrualSlice",
    "CalendarDay",
    "BankFile",
    "BankFileLine",
    "CalendarFeed",
    "CalendarRule",
    "Collection",
    "CollectionStrategy",
    "GatewayMessage",
    "HardshipPaper",
    "HardshipPlan",
    "HardshipRequest",
    "Instalment",
    "Loan",
    "MonthClose",
    "LoanEventRow",
    "Payout",
    "Promise",
    "ProvisionLine",
    "ProvisionRun",
    "SuspenseItem",
    "SuspenseMatch",
    "Transfer",
]
