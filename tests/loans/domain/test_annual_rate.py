"""Each standard's rate found a second time: bisection with forty digits on the equation of the rule book."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, localcontext

import pytest

from loans.domain.annual_rate import (
    UnableToFindRate,
    UnitPeriod,
    effective_from_nominal,
    eu_aprc,
    eu_interval,
    level_rate,
    nominal_from_effective,
    pboc_rate,
    us_apr,
    xirr,
)
from loans.domain.quotes import contract_flows, quote
from loans.domain.schedule import build_schedule
from loans.domain.terms import FeeTerm, FeeTiming, LoanTerms, RepaymentMethod

CLOSE = Decimal("1e-9")


def bisect(worth: Callable[[Decimal], Decimal], low: str = "-0.9", high: str = "100") -> Decimal:
    with localcontext() as context:
        context.prec = 40
        lower, upper = Decimal(low), Decimal(high)
        sign = worth(lower) > 0
        for _ in range(130):
            middle = (lower + upper) / 2
            if (worth(middle) > 0) == sign:
                lower = middle
            else:
                upper = middle
        return lower


def random_flows(seed: int) -> list[tuple[date, Decimal]]:
    rng = random.Random(seed)
    terms = LoanTerms(
        Decimal(rng.randint(1000, 10**7)) / 100,
        Decimal(rng.randint(1, 360000)) / 10**6,
        rng.choice(
            [
                RepaymentMethod.EQUAL_INSTALMENT,
                RepaymentMethod.EQUAL_PRINCIPAL,
                RepaymentMethod.INTEREST_FIRST,
            ]
        ),
        rng.choice([2, 3, 6, 12, 24]),
        date(2024, 1, 1) + timedelta(days=rng.randint(0, 700)),
        due_day=rng.choice([None, 5, 28]),
        fees=(FeeTerm("service", FeeTiming.AT_PAYOUT, rate=Decimal(rng.choice(["0", "0.01", "0.03"]))),),
    )
    return contract_flows(terms, build_schedule(terms))


@pytest.mark.parametrize("seed", range(12))
def test_three_standards_by_a_second_method(seed: int) -> None:
    flows = random_flows(seed)
    first = flows[0][0]

    def by_days(rate: Decimal) -> Decimal:
        return sum(a / (1 + rate) ** (Decimal((d - first).days) / 365) for d, a in flows)

    def by_months(rate: Decimal) -> Decimal:
        years = [(eu_interval(first, d), a) for d, a in flows]
        return sum(a / (1 + rate) ** (Decimal(y.numerator) / y.denominator) for y, a in years)

    unit = UnitPeriod(months=1)

    def by_unit_periods(rate: Decimal) -> Decimal:
        total = Decimal(0)
        for day, amount in flows:
            whole, odd = unit.measure(first, day)
            part = Decimal(odd.numerator) / odd.denominator
            total += amount / ((1 + part * rate) * (1 + rate) ** whole)
        return total

    assert abs(pboc_rate(flows) - bisect(by_days)) < CLOSE
    assert xirr(flows) == pboc_rate(flows)
    assert abs(eu_aprc(flows) - bisect(by_months)) < CLOSE
    assert abs(us_apr(flows, unit) - 12 * bisect(by_unit_periods)) < 12 * CLOSE


def test_flows_without_a_rate_are_refused() -> None:
    day = date(2026, 1, 1)
    for flows in ([(day, Decimal(100))], [(day, Decimal(100)), (day + timedelta(9), Decimal(5))]):
        with pytest.raises(UnableToFindRate) as refused:
            xirr(flows)
        assert refused.value.code == "rate_not_defined"


def test_a_fee_raises_the_rate_of_the_whole_cost() -> None:
    terms = LoanTerms(
        Decimal("12000.00"), Decimal("0.18"), RepaymentMethod.EQUAL_INSTALMENT, 12, date(2026, 1, 15)
    )
    dear = LoanTerms(
        Decimal("12000.00"),
        Decimal("0.18"),
        RepaymentMethod.EQUAL_INSTALMENT,
        12,
        date(2026, 1, 15),
        fees=(FeeTerm("service", FeeTiming.AT_PAYOUT, amount=Decimal("240.00")),),
    )
    plain, with_fee = quote(terms, as_of=terms.start_date), quote(dear, as_of=dear.start_date)
    assert with_fee.annual_rates.pboc_irr > plain.annual_rates.pboc_irr + Decimal("0.03")
    assert with_fee.totals.cost == plain.totals.cost + 240
    assert with_fee.totals.received == Decimal("11760.00")


def test_no_interest_no_rate() -> None:
    terms = LoanTerms(Decimal("600.00"), Decimal(0), RepaymentMethod.EQUAL_PRINCIPAL, 6, date(2026, 1, 15))
    rates = quote(terms, as_of=terms.start_date).annual_rates
    assert rates.pboc_irr == rates.us_apr == rates.eu_aprc == 0


def test_conversions_are_inverse() -> None:
    assert effective_from_nominal(Decimal("0.12"), 12) == Decimal("0.1268250301")
    assert nominal_from_effective(Decimal("0.1268250301"), 12) == Decimal("0.1200000000")
    assert level_rate(periods=24, payment=Decimal(-250), present=Decimal(5000)) == Decimal("0.0151308439")
