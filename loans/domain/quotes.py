"""One answer for pages, contracts and the live schedule: what a loan costs and what closes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.domain.money import ZERO, format_amount
from loans.domain.annual_rate import (
    UNIT_PERIODS,
    Flow,
    UnableToFindRate,
    eu_aprc,
    pboc_rate,
    us_apr,
)
from loans.domain.changes import kept_fees
from loans.domain.engine import fold, payoff_quote
from loans.domain.events import LoanEvent
from loans.domain.schedule import ScheduledInstalment, build_schedule
from loans.domain.state import InstalmentState, LoanState, PayoffQuote
from loans.domain.terms import LoanTerms


@dataclass(frozen=True, slots=True)
class AnnualRates:
    """Hold the annual rate by three standards and the contract's own; None where none exists."""

    nominal: Decimal
    pboc_irr: Decimal | None
    us_apr: Decimal | None
    eu_aprc: Decimal | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Hold what the whole loan costs."""

    received: Decimal  # principal less the fees kept back
    principal: Decimal
    interest: Decimal
    fees: Decimal
    penalties: Decimal
    repayments: Decimal  # everything that is paid
    cost: Decimal  # what is paid beyond what was received


@dataclass(frozen=True, slots=True)
class Quote:
    """Hold one loan's instalments, totals, annual rates and, once it is paid out, its payoff."""

    terms: LoanTerms
    as_of: date
    instalments: tuple[InstalmentState, ...]
    totals: Totals
    annual_rates: AnnualRates
    payoff: PayoffQuote | None
    state: LoanState

    def to_dict(self) -> dict[str, Any]:
        """Write the quote as JSON-safe values; money and rates are strings."""
        money = self._money
        return {
            "as_of": self.as_of.isoformat(),
            "status": self.state.status.value,
            "currency": self.terms.currency,
            "instalments": [self._instalment(item) for item in self.instalments],
            "totals": {
                "received": money(self.totals.received),
                "principal": money(self.totals.principal),
                "interest": money(self.totals.interest),
                "fees": money(self.totals.fees),
                "penalties": money(self.totals.penalties),
                "repayments": money(self.totals.repayments),
                "cost": money(self.totals.cost),
            },
            "annual_rates": {
                "nominal": _rate(self.annual_rates.nominal),
                "pboc_irr": _rate(self.annual_rates.pboc_irr),
                "us_apr": _rate(self.annual_rates.us_apr),
                "eu_aprc": _rate(self.annual_rates.eu_aprc),
            },
            "payoff": self._payoff(),
        }

    def _money(self, amount: Decimal) -> str:
        return format_amount(amount, currency=self.terms.currency)

    def _instalment(self, item: InstalmentState) -> dict[str, Any]:
        money = self._money
        return {
            "number": item.number,
            "from_date": item.from_date.isoformat(),
            "due_date": item.due_date.isoformat(),
            "principal": money(item.due.principal),
            "interest": money(item.due.interest),
            "fee": money(item.due.fee),
            "penalty": money(item.due.penalty),
            "total": money(item.due.total),
            "paid": money(item.paid.total),
            "balance_after": money(item.balance_after),
            "days_past_due": item.days_past_due,
        }

    def _payoff(self) -> dict[str, str] | None:
        if self.payoff is None:
            return None
        parts = ("principal", "interest", "fee", "penalty", "credit", "total")
        return {part: self._money(getattr(self.payoff, part)) for part in parts}


def _rate(rate: Decimal | None) -> str | None:
    return None if rate is None else f"{rate.quantize(Decimal('0.000001')) + 0:f}"


def quote(terms: LoanTerms, events: Sequence[LoanEvent] = (), *, as_of: date) -> Quote:
    """Return the whole cost of a loan, as agreed or as it stands after its events."""
    state = fold(terms, events, value_date=as_of)
    payoff = payoff_quote(terms, events, value_date=as_of) if state.disbursed else None
    flows = contract_flows(terms, build_schedule(terms))
    return Quote(
        terms=terms,
        as_of=as_of,
        instalments=state.instalments,
        totals=find_totals(terms, state),
        annual_rates=annual_rates(terms, flows),
        payoff=payoff,
        state=state,
    )


def kept_back(terms: LoanTerms) -> Decimal:
    """Return the fees that the payout is less by."""
    return kept_fees(terms, terms.principal)


def contract_flows(terms: LoanTerms, schedule: Sequence[ScheduledInstalment]) -> list[Flow]:
    """Return the flows of the contract as agreed, every fee included, as the borrower sees them."""
    flows: list[Flow] = [(terms.start_date, terms.principal - kept_back(terms))]
    flows += [(row.due_date, -row.total) for row in schedule if row.total]
    return flows


def annual_rates(terms: LoanTerms, flows: Sequence[Flow]) -> AnnualRates:
    """Return the annual rate of the flows by each standard."""
    unit = UNIT_PERIODS[terms.frequency]
    try:
        return AnnualRates(
            nominal=terms.annual_rate,
            pboc_irr=pboc_rate(flows),
            us_apr=us_apr(flows, unit),
            eu_aprc=eu_aprc(flows),
        )
    except UnableToFindRate:
        return AnnualRates(terms.annual_rate, None, None, None)


def cost_rate(terms: LoanTerms) -> Decimal:
    """Return the annual rate of all costs (PBOC): what a price cap is held against."""
    return pboc_rate(contract_flows(terms, build_schedule(terms)))


def find_totals(terms: LoanTerms, state: LoanState) -> Totals:
    """Add up the instalments and the fees kept back."""
    principal = sum((i.due.principal for i in state.instalments), ZERO)
    interest = sum((i.due.interest for i in state.instalments), ZERO)
    kept = kept_back(terms)
    fees = sum((i.due.fee for i in state.instalments), ZERO) + kept
    penalties = sum((i.due.penalty for i in state.instalments), ZERO)
    repayments = principal + interest + fees - kept + penalties
    received = principal - kept
    return Totals(
        received=received,
        principal=principal,
        interest=interest,
        fees=fees,
        penalties=penalties,
        repayments=repayments,
        cost=repayments - received,
    )
