from loans.models.loan import Instalment, Loan, LoanEventRow
from loans.models.night import AccrualSlice
from loans.models.payment import Collection, GatewayMessage, Payout

__all__ = [
    "AccrualSlice",
    "Collection",
    "GatewayMessage",
    "Instalment",
    "Loan",
    "LoanEventRow",
    "Payout",
]
