"""What the engine promises, one trap or rule a test, worked by hand."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bench.bench_loan_engine import long_history
from loans.domain.engine import LoanStatus, accrual, append_event, fold, payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.journal import AccountRole, journal_legs, posting_difference
from loans.domain.schedule import build_schedule
from loans.domain.terms import (
    DayCount,
    FeeTerm,
    FeeTiming,
    Frequency,
    HolidayRoll,
    LoanTerms,
    RepaymentMethod,
)

START = date(2026, 1, 31)
D = Decimal


def terms(**change: Any) -> LoanTerms:
    base: dict[str, Any] = {
        "principal": D("1200.00"),
        "annual_rate": D("0.12"),
        "repayment_method": RepaymentMethod.EQUAL_PRINCIPAL,
        "instalment_count": 12,
        "start_date": START,
        "day_count": DayCount.THIRTY_360_NOMINAL,
        "penalty_rate": D("0.18"),
    }
    return LoanTerms(**{**base, **change})


class Loan:
    """A loan under test: paid out on its start date."""

    def __init__(self, agreed: LoanTerms) -> None:
        self.terms = agreed
        self.events: tuple[LoanEvent, ...] = ()
        self.add(EventKind.PAYOUT, agreed.start_date, str(agreed.principal))

    def add(self, kind: EventKind, day: date, amount: str = "0", **data: Any) -> str:
        number = len(self.events) + 1
        recorded = max([day, *(event.recorded_date for event in self.events)])
        event = LoanEvent(kind, day, f"e{number}", number, recorded, D(amount), data)
        self.events = append_event(self.terms, self.events, event)
        return event.ref

    def pay(self, day: date, amount: str, **data: Any) -> str:
        return self.add(EventKind.REPAYMENT, day, amount, **data)

    def at(self, day: date, **known: Any):
        return fold(self.terms, self.events, value_date=day, **known)


FEB, MAR, APR = date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)


class TestSchedule:
    def test_month_ends_stay_month_ends(self) -> None:
        days = [row.due_date for row in build_schedule(terms())][:4]
        assert days == [FEB, MAR, APR, date(2026, 5, 31)]

    @pytest.mark.parametrize(
        ("roll", "expected"),
        [
            (HolidayRoll.SAME, date(2026, 2, 28)),
            (HolidayRoll.NEXT, date(2026, 3, 2)),
            (HolidayRoll.MODIFIED_FOLLOWING, date(2026, 2, 27)),
            (HolidayRoll.PREVIOUS, date(2026, 2, 27)),
        ],
    )
    def test_saturday_28_february(self, roll: HolidayRoll, expected: date) -> None:
        rolled = terms(holiday_roll=roll, weekends_are_holidays=True)
        rows = build_schedule(rolled)
        assert rows[0].due_date == expected
        assert rows[1].due_date == date(2026, 3, 31), "the anchor is not moved by a roll"

    def test_tenor_is_kept_whatever_is_rounded(self) -> None:
        small = terms(
            principal=D("130.00"),
            annual_rate=D("0.20"),
            repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
            instalment_multiple=D(1),
        )
        rows = build_schedule(small)
        assert len(rows) == 12
        assert all(row.total > 0 for row in rows)

    @pytest.mark.parametrize("method", [m for m in RepaymentMethod if m not in ("STEP", "CUSTOM")])
    def test_a_cent_is_a_loan(self, method: RepaymentMethod) -> None:
        rows = build_schedule(terms(principal=D("0.01"), repayment_method=method, sales_share=D("0.1")))
        assert sum(row.principal for row in rows) == D("0.01")

    def test_short_and_long_first_periods_pay_for_their_days(self) -> None:
        daily = terms(day_count=DayCount.ACT_365F, start_date=date(2026, 1, 15), due_day=20)
        assert build_schedule(daily)[0].interest == D("1.97")  # 1200 x 12 % x 5 / 365
        long = replace(daily, first_due_date=date(2026, 3, 20))
        assert build_schedule(long)[0].interest == D("25.25")  # 64 days

    def test_grace_on_principal_and_on_interest(self) -> None:
        rows = build_schedule(terms(principal_grace_periods=3, interest_grace_periods=2))
        assert [row.principal for row in rows[:4]] == [0, 0, 0, D("133.33")]
        assert [row.interest for row in rows[:4]] == [0, 0, D("36.00"), D("12.00")]

    def test_flat_interest_is_on_the_first_principal(self) -> None:
        rows = build_schedule(terms(repayment_method=RepaymentMethod.FLAT))
        assert {row.interest for row in rows} == {D("12.00")}

    def test_without_a_rate_there_is_no_income(self) -> None:
        loan = Loan(terms(annual_rate=D(0)))
        legs = journal_legs(loan.terms, loan.events, value_date=date(2027, 1, 31))
        assert {leg.account_role for leg in legs} <= {
            AccountRole.LOAN_PRINCIPAL,
            AccountRole.CASH_IN_TRANSIT,
            AccountRole.PENALTY_RECEIVABLE,
            AccountRole.PENALTY_INCOME,
        }


class TestOverdue:
    def test_days_past_due_count_from_the_due_date(self) -> None:
        loan = Loan(terms())
        assert [loan.at(FEB + timedelta(n)).days_past_due for n in (-1, 0, 1, 30)] == [0, 0, 1, 30]
        assert loan.at(FEB).status is LoanStatus.ACTIVE
        assert loan.at(FEB + timedelta(1)).status is LoanStatus.OVERDUE

    def test_paid_on_the_due_date_is_never_late(self) -> None:
        loan = Loan(terms())
        loan.pay(FEB, "112.00")
        state = loan.at(FEB + timedelta(1))
        assert (state.days_past_due, state.overdue.total) == (0, 0)

    def test_grace_days_cost_nothing_and_do_not_count(self) -> None:
        loan = Loan(terms(grace_days=3))
        assert loan.at(FEB + timedelta(3)).status is LoanStatus.ACTIVE
        assert loan.at(FEB + timedelta(3)).penalty_earned == 0
        late = loan.at(FEB + timedelta(13))
        assert late.days_past_due == 13
        assert late.penalty_earned == D("0.50")  # 100 x 18 % x 10 / 360

    def test_penalty_is_on_overdue_principal_only(self) -> None:
        loan = Loan(terms())
        late = loan.at(FEB + timedelta(20))
        assert late.due.penalty == D("1.00")  # 100 x 18 % x 20 / 360; the 12.00 of interest bears nothing
        loan.pay(FEB + timedelta(20), "113.00")
        assert loan.at(FEB + timedelta(20)).due.total == 0

    def test_nothing_bears_interest_on_unpaid_interest(self) -> None:
        bullet = Loan(terms(repayment_method=RepaymentMethod.INTEREST_FIRST, penalty_rate=D("0.18")))
        state = bullet.at(date(2027, 1, 30))
        assert {row.due.interest for row in state.instalments} == {D("12.00")}
        assert state.penalty_earned == 0

    def test_a_pause_stops_penalty_and_days(self) -> None:
        loan = Loan(terms())
        loan.add(EventKind.PAUSE, FEB, until=(FEB + timedelta(10)).isoformat())
        state = loan.at(FEB + timedelta(20))
        assert (state.days_past_due, state.due.penalty) == (10, D("0.50"))

    def test_a_late_fee_falls_due_on_its_own_date(self) -> None:
        loan = Loan(terms())
        loan.add(EventKind.FEE, FEB, "5.00", component="fee", due_date=(FEB + timedelta(10)).isoformat())
        assert loan.at(FEB + timedelta(9)).due.fee == 0
        assert loan.at(FEB + timedelta(10)).due.fee == 5


class TestPayments:
    def test_interest_by_the_day_when_one_pays_at_any_time(self) -> None:
        free = Loan(
            terms(
                principal=D("10000.00"),
                annual_rate=D("0.18"),
                repayment_method=RepaymentMethod.FLEXIBLE,
                day_count=DayCount.ACT_365F,
            )
        )
        day = START + timedelta(10)
        assert free.at(day).accrued_interest == D("49.32")  # 10000 x 18 % x 10 / 365
        free.pay(day, "5049.32")
        state = free.at(day + timedelta(10))
        assert (state.principal_outstanding, state.accrued_interest) == (
            5000,
            D("24.65"),
        )  # 73.97 in all, rounded once

    @pytest.mark.parametrize(
        ("way", "count", "following"),
        [
            ("PAY_AHEAD", 12, "100.00"),
            ("FEWER_INSTALMENTS", 9, "109.00"),
            ("SMALLER_INSTALMENTS", 12, "81.82"),
        ],
    )
    def test_what_early_money_does_is_chosen(self, way: str, count: int, following: str) -> None:
        loan = Loan(terms())
        loan.pay(FEB, "312.00", prepayment=way)  # 112 due, 200 early
        rows = [row for row in loan.at(FEB).instalments if row.outstanding.total]
        assert loan.at(FEB).principal_outstanding == 900
        if way == "PAY_AHEAD":
            assert rows[0].number == 4
            assert rows[0].due.principal == 100
        elif way == "FEWER_INSTALMENTS":
            assert rows[-1].number == 10
            assert rows[0].due.total == D(following)
        else:
            assert rows[0].outstanding.principal == D(following)
            assert len(rows) == 11

    def test_an_overpayment_is_a_credit_that_can_be_refunded(self) -> None:
        loan = Loan(terms())
        day = START + timedelta(9)
        loan.pay(day, "1300.00")
        state = loan.at(day)
        assert state.status is LoanStatus.CLOSED
        assert state.credit == D("1300.00") - state.paid.total
        loan.add(EventKind.REFUND, day, str(state.credit))
        assert loan.at(day).credit == 0

    def test_reversing_the_last_payment_opens_the_loan_again(self) -> None:
        loan = Loan(terms())
        day = START + timedelta(9)
        total = payoff_quote(loan.terms, loan.events, value_date=day).total
        ref = loan.pay(day, str(total))
        before = loan.events
        assert loan.at(day).status is LoanStatus.CLOSED
        loan.add(EventKind.REVERSAL, day + timedelta(5), reverses=ref)
        state = loan.at(day + timedelta(5))
        assert (state.status, state.principal_outstanding) == (LoanStatus.ACTIVE, 1200)
        assert loan.events[: len(before)] == before, "nothing is deleted and no reference is lost"

    def test_a_charge_back_is_owed_again_from_its_own_day(self) -> None:
        loan = Loan(terms())
        ref = loan.pay(FEB, "112.00")
        loan.add(EventKind.CHARGE_BACK, MAR, "112.00", repayment=ref)
        assert loan.at(MAR - timedelta(1)).due.total == 0
        state = loan.at(MAR)
        assert state.due.principal == 200
        assert state.due.penalty == 0
        assert loan.at(MAR + timedelta(20)).due.penalty == 2

    @pytest.mark.parametrize("seed", range(8))
    def test_two_halves_on_one_day_are_one_payment(self, seed: int) -> None:
        rng = random.Random(seed)
        day = START + timedelta(rng.randint(0, 200))
        cents = rng.randint(2, 130000)
        first = rng.randint(1, cents - 1)
        whole, halves = Loan(terms()), Loan(terms())
        whole.pay(day, f"{D(cents) / 100}")
        halves.pay(day, f"{D(first) / 100}")
        halves.pay(day, f"{D(cents - first) / 100}")
        later = day + timedelta(90)
        a, b = whole.at(later), halves.at(later)
        assert replace(a, allocations=(), known_sequence=0) == replace(b, allocations=(), known_sequence=0)


class TestTimeTravel:
    def test_a_backdated_payment_equals_one_in_time(self) -> None:
        late, timely = Loan(terms()), Loan(terms())
        late.pay(MAR, "113.00")
        late.pay(FEB, "112.00")
        timely.pay(FEB, "112.00")
        timely.pay(MAR, "113.00")
        a, b = late.at(APR), timely.at(APR)
        assert list(a.instalments) == list(b.instalments)
        assert a.due == b.due

    def test_the_loan_as_it_was_known(self) -> None:
        loan = Loan(terms())
        loan.pay(MAR, "50.00")
        known = loan.at(MAR)
        loan.pay(FEB, "112.00")  # learned on 31 March
        assert loan.at(MAR, known_at_sequence=2) == known
        assert loan.at(MAR, knowledge_date=FEB).paid.total == 0
        assert loan.at(MAR) != known

    def test_only_the_difference_is_posted(self) -> None:
        loan = Loan(terms())
        loan.pay(MAR, "113.00")
        before = journal_legs(loan.terms, loan.events, value_date=MAR)
        loan.pay(FEB, "112.00")
        after = journal_legs(loan.terms, loan.events, value_date=MAR)
        difference = posting_difference(before, after)
        assert sum(leg.debit - leg.credit for leg in difference) == 0
        assert {leg.event_key for leg in difference} <= {"e2", "e3", "accrual"}
        penalty = next(leg for leg in difference if leg.event_key == "accrual" and leg.leg == "penalty")
        assert penalty.credit == D("1.55")  # 100 x 18 % x 31 / 360 was never owed
        assert posting_difference(after, after) == ()

    def test_accrual_is_cumulative(self) -> None:
        loan = Loan(terms(day_count=DayCount.ACT_365F))
        days = [START + timedelta(n) for n in range(40)]
        earned = [accrual(loan.terms, loan.events, date=day).interest for day in days]
        assert earned[0] == 0
        assert all(b >= a for a, b in zip(earned, earned[1:], strict=False))


class TestAgreements:
    def test_a_withdrawal_undoes_the_contract(self) -> None:
        fees = (FeeTerm("service", FeeTiming.AT_PAYOUT, amount=D("20.00")),)
        loan = Loan(terms(cooling_off_days=14, cooling_off_interest=False, fees=fees))
        day = START + timedelta(14)
        loan.add(EventKind.WITHDRAWAL, day)
        state = loan.at(day)
        assert state.due.total == 1180
        loan.pay(day, "1180.00")
        assert loan.at(day).status is LoanStatus.CLOSED
        assert loan.at(day).fees_charged == 0

    def test_withdrawn_before_the_payout_is_cancelled(self) -> None:
        event = LoanEvent(EventKind.WITHDRAWAL, START, "w", 1, START)
        assert fold(terms(), [event], value_date=START).status is LoanStatus.CANCELLED
        assert fold(terms(), [], value_date=START).status is LoanStatus.PENDING

    def test_a_rate_change_keeps_the_tenor(self) -> None:
        loan = Loan(terms(repayment_method=RepaymentMethod.EQUAL_INSTALMENT))
        level = loan.at(START).instalments[0].due.total
        loan.add(EventKind.RATE_CHANGE, MAR, annual_rate="0.06")
        rows = loan.at(MAR).instalments
        assert len(rows) == 12
        assert rows[0].due.principal + rows[0].due.interest == level
        assert rows[3].due.total < level

    def test_a_re_age_moves_arrears_without_interest_on_interest(self) -> None:
        loan = Loan(terms())
        day = MAR + timedelta(1)
        before = loan.at(day)
        loan.add(EventKind.RE_AGE, day, instalment_count=6, first_due_date="2026-05-01")
        after = loan.at(day)
        assert after.due.total == 0
        assert after.principal_outstanding == before.principal_outstanding == 1200
        assert payoff_quote(loan.terms, loan.events, value_date=day).total == D("1200.00") + (
            before.due.interest + before.due.penalty + before.accrued_interest
        )

    def test_tranches_are_planned_together(self) -> None:
        agreed = terms()
        loan = Loan.__new__(Loan)
        loan.terms, loan.events = agreed, ()
        loan.add(EventKind.PAYOUT, START, "600.00")
        loan.add(EventKind.PAYOUT, FEB, "600.00")
        state = loan.at(FEB)
        assert state.disbursed == 1200
        assert sum(row.due.principal for row in state.instalments) == 1200

    def test_a_share_of_sales_is_asked_with_a_cap_and_the_rest_at_the_end(self) -> None:
        shop = Loan(
            terms(repayment_method=RepaymentMethod.SALES_SHARE, sales_share=D("0.10"), period_cap=D("150.00"))
        )
        shop.add(EventKind.SALES, date(2026, 2, 20), "1000.00")
        shop.add(EventKind.SALES, date(2026, 3, 20), "9000.00")
        rows = shop.at(APR).instalments
        assert [row.due.principal + row.due.interest for row in rows[:2]] == [100, 150]
        assert rows[-1].balance_after == 0

    def test_parts_of_a_period_s_sales_add_up_to_the_cap(self) -> None:
        shop = Loan(
            terms(repayment_method=RepaymentMethod.SALES_SHARE, sales_share=D("0.10"), period_cap=D("150.00"))
        )
        for part in ("900.00", "900.00"):  # 90 each: 180, and the cap is 150
            shop.add(EventKind.SALES, date(2026, 2, 20), part)
        first = shop.at(APR).instalments[0]
        assert first.due.principal + first.due.interest == 150

    def test_a_write_off_loses_each_component_once(self) -> None:
        loan = Loan(terms())
        day = MAR + timedelta(10)
        owed = payoff_quote(loan.terms, loan.events, value_date=day)
        loan.add(EventKind.WRITE_OFF, day)
        state = loan.at(day + timedelta(100))
        assert state.status is LoanStatus.WRITTEN_OFF
        assert state.written_off.total == owed.total
        assert (state.principal_outstanding, state.due.total) == (0, 0)

    def test_fees_of_later_instalments_are_spared_by_a_payoff(self) -> None:
        fees = (FeeTerm("service", FeeTiming.EACH_INSTALMENT, amount=D("2.00")),)
        loan = Loan(terms(fees=fees))
        day = FEB + timedelta(3)
        quote = payoff_quote(loan.terms, loan.events, value_date=day)
        assert quote.fee == 2
        loan.pay(day, str(quote.total))
        assert loan.at(day).status is LoanStatus.CLOSED


def test_weekly_and_custom_frequencies() -> None:
    weekly = build_schedule(terms(frequency=Frequency.WEEKLY, instalment_count=3))
    assert [row.due_date for row in weekly] == [START + timedelta(7 * n) for n in (1, 2, 3)]
    custom = terms(frequency=Frequency.CUSTOM, instalment_count=2, custom_due_dates=(FEB, date(2026, 6, 1)))
    assert [row.due_date for row in build_schedule(custom)] == [FEB, date(2026, 6, 1)]


def test_a_long_life_folds_in_a_blink() -> None:
    """The budget of the goal is 0.1 s; ten times that still catches a fold that is not linear."""
    agreed, events, day = long_history(2400)
    begun = time.process_time()
    state = fold(agreed, events, value_date=day)
    assert time.process_time() - begun < 1.0
    assert len(state.allocations) >= 2400
