"""The rules of working capital by themselves: no database, many numbers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain.working import (
    AdvanceRules,
    InvoiceFacts,
    ShareRules,
    UnableToAdvance,
    UnableToReadRules,
    cap_of,
    check_expected,
    check_invoice,
    due_of_advance,
    first_due,
    most_advanced,
    most_by_sales,
    priced,
    read_rules,
    share_terms,
)
from loans.domain.events import EventKind, LoanEvent
from loans.domain.quotes import quote
from loans.domain.sales import asked_of, month_after, month_asked, reports_in
from loans.domain.schedule import build_schedule
from loans.domain.terms import LoanTerms, RepaymentMethod
from regimes.errors import Refusal
from risk.domain.receivables import Paid, Sale, match

D = Decimal
SHARE = ShareRules(D("0.06"), D("0.25"), 10)
ADVANCE = AdvanceRules(D("0.80"), 15, 120, 90, D("0.50"), D("0.90"))
days = st.dates(date(2024, 1, 1), date(2030, 12, 31))
money = st.decimals(D("0.01"), D("999999.99"), places=2)
parts = st.decimals(D("0.01"), D("1"), places=4)


def loan(
    rules: ShareRules, *, amount: Decimal, expected: Decimal, count: int, start: date, rate: Decimal
) -> LoanTerms:
    return LoanTerms(
        principal=amount, annual_rate=rate, repayment_method=RepaymentMethod.SALES_SHARE, instalment_count=count,
        start_date=start, **share_terms(rules, amount=amount, expected=expected, start=start),
    )  # fmt: skip


class TestReading:
    @pytest.mark.parametrize(
        "written",
        [
            {}, {"kind": "BARTER"}, {"kind": "SALES_SHARE"}, "SALES_SHARE",
            {"kind": "SALES_SHARE", "share": 0.06, "cap": "0.25", "due_day": 10},
            {"kind": "SALES_SHARE", "share": "0", "cap": "0.25", "due_day": 10},
            {"kind": "SALES_SHARE", "share": "NaN", "cap": "0.25", "due_day": 10},
            {"kind": "SALES_SHARE", "share": "1.01", "cap": "0.25", "due_day": 10},
            {"kind": "SALES_SHARE", "share": "0.06", "cap": "0.25", "due_day": 29},
            {"kind": "SALES_SHARE", "share": "0.06", "cap": "0.25", "due_day": True},
            {"kind": "SALES_SHARE", "share": "0.06", "cap": "0.25", "due_day": 10, "advance": "0.8"},
        ],
    )  # fmt: skip
    def test_it_refuses_what_is_no_rule(self, written: object) -> None:
        with pytest.raises(UnableToReadRules):
            read_rules(written)  # type: ignore[arg-type]

    def test_none_is_none(self) -> None:
        assert read_rules(None) is None

    @given(rate=st.decimals(D("0"), D("0.36"), places=6), price=parts)
    def test_a_price_is_never_above_the_lines(self, rate: Decimal, price: Decimal) -> None:
        assert 0 <= priced(rate, ShareRules(D("0.1"), D("1"), 10, price)) <= rate


class TestShare:
    @given(start=days, due_day=st.integers(1, 28))
    def test_the_first_month_asked_is_whole_and_the_loans_own(self, start: date, due_day: int) -> None:
        due = first_due(start, due_day)
        assert due.day == due_day
        month = month_asked(due)
        assert start <= month < due
        assert month_after(month, -1) < start, "no whole month of the loan is left out"

    @given(
        start=days, expected=st.integers(2_000, 500_000), count=st.sampled_from([3, 6, 9, 12]),
        share=st.decimals(D("0.02"), D("0.20"), places=2), rate=st.decimals(D("0.03"), D("0.24"), places=4),
    )  # fmt: skip
    @settings(max_examples=60, deadline=None)
    def test_what_expected_sales_repay_leaves_no_heap_for_the_last_day(
        self, start: date, expected: int, count: int, share: Decimal, rate: Decimal
    ) -> None:
        rules = ShareRules(share, D("1"), 10)
        amount = most_by_sales(rules, expected=D(expected), count=count, annual_rate=rate)
        if amount <= 0:
            return
        rows = build_schedule(
            loan(rules, amount=amount, expected=D(expected), count=count, start=start, rate=rate)
        )
        ask = D(expected) * share
        # the first period may be ten days longer than the two months that are reckoned with, and months differ by days
        assert rows[-1].total <= ask * D("1.10") + 1, (rows[-1], ask)
        assert sum(row.principal for row in rows) == amount

    @given(start=days, amount=st.integers(100, 100_000), expected=money)
    @settings(max_examples=40, deadline=None)
    def test_no_month_but_the_last_asks_more_than_the_cap_or_the_interest(
        self, start: date, amount: int, expected: Decimal
    ) -> None:
        terms = loan(SHARE, amount=D(amount), expected=expected, count=6, start=start, rate=D("0.144"))
        for row in build_schedule(terms)[:-1]:
            assert row.total <= max(cap_of(SHARE, D(amount)), row.interest)

    @given(start=days, expected=st.integers(1_000, 50_000))
    @settings(max_examples=30, deadline=None)
    def test_sales_of_nothing_cost_most_and_a_cap_each_month_least(self, start: date, expected: int) -> None:
        costs = []
        for sales in (D(0), D(expected), D(10**9)):
            terms = loan(SHARE, amount=D(6000), expected=sales, count=6, start=start, rate=D("0.144"))
            costs.append(quote(terms, as_of=start).totals.cost)
        assert costs == sorted(costs, reverse=True)

    def test_the_newest_report_of_a_month_counts_and_one_taken_back_does_not(self) -> None:
        terms = loan(SHARE, amount=D(6000), expected=D(9000), count=6, start=date(2026, 9, 1), rate=D("0.12"))
        due = date(2026, 11, 10)

        def told(number: int, amount: str, **data: str) -> LoanEvent:
            kind = EventKind.REVERSAL if "reverses" in data else EventKind.SALES
            return LoanEvent(kind, due - timedelta(9 - number), f"e{number}", number, due, D(amount), data)

        events = [told(1, "12340", period="2026-10"), told(2, "20000", period="2026-10")]
        worked = asked_of(terms=terms, due_date=due, reports=reports_in(events[:1]))
        assert (worked.asked, worked.cap, worked.is_capped) == (D("740.40"), D("1500.00"), False)
        assert asked_of(terms=terms, due_date=due, reports=reports_in(events)).sales == 20000
        back = [*events, told(3, "0", reverses="e2")]
        assert asked_of(terms=terms, due_date=due, reports=reports_in(back)).sales == 12340
        assert asked_of(terms=terms, due_date=due, reports={}).asked == D("540.00")

    @pytest.mark.parametrize(
        ("mean", "months", "age", "code"),
        [(None, 6, 1, "sales_unknown"), (D(0), 6, 1, "sales_unknown"), (D(9), 2, 1, "sales_unknown"),
         (D(9), 3, None, "sales_stale"), (D(9), 3, 61, "sales_stale"), (D("9.009"), 3, 60, "")],
    )  # fmt: skip
    def test_thin_and_old_records_expect_nothing(
        self, mean: Decimal | None, months: int, age: int | None, code: str
    ) -> None:
        if not code:
            assert check_expected(mean=mean, months=months, age_days=age) == D("9.00")
            return
        with pytest.raises(Refusal) as refused:
            check_expected(mean=mean, months=months, age_days=age)
        assert refused.value.code == code


class TestAdvance:
    GOOD = InvoiceFacts(D(10000), D(10000), date(2026, 2, 20), date(2026, 4, 20))

    @given(amount=money, advance=parts)
    def test_never_more_than_the_part(self, amount: Decimal, advance: Decimal) -> None:
        rules = AdvanceRules(advance, 15, 120, 90, D("0.5"))
        most = most_advanced(rules, amount)
        assert most <= amount * advance < most + D("0.01")

    @given(
        as_of=st.dates(date(2026, 1, 1), date(2026, 8, 1)), issued=st.integers(0, 120), due=st.integers(-10, 150),
        owed=st.integers(0, 30_000), flags=st.tuples(*[st.booleans()] * 4),
    )  # fmt: skip
    def test_what_passes_breaks_no_rule(
        self, as_of: date, issued: int, due: int, owed: int, flags: tuple[bool, bool, bool, bool]
    ) -> None:
        written = as_of - timedelta(issued)
        facts = InvoiceFacts(
            D(10000), D(9000) if flags[0] else D(10000), written, as_of + timedelta(due),
            is_pledged=flags[1], is_own_group=flags[2], is_cancelled=flags[3], owed_on_customer=D(owed),
        )  # fmt: skip
        try:
            most = check_invoice(ADVANCE, facts, as_of=as_of, limit=D(50_000))
        except UnableToAdvance:
            return
        assert not any(flags)
        assert issued <= 90
        assert as_of < facts.due
        assert (due_of_advance(ADVANCE, facts.due) - as_of).days <= 120
        assert 0 < most <= min(D(8000), D(25_000) - owed)


sales = st.builds(
    Sale, identity=st.binary(min_size=2, max_size=2), day=st.dates(date(2026, 1, 1), date(2026, 1, 9)),
    amount=st.sampled_from([D(1), D(2), D(-1), D(-2)]), customer=st.integers(0, 2),
)  # fmt: skip
payments = st.builds(
    Paid, day=st.dates(date(2026, 1, 1), date(2026, 1, 9)), amount=st.sampled_from([D(1), D(2), D(3)]),
    customer=st.integers(0, 2),
)  # fmt: skip


class TestMatching:
    @given(
        sold=st.lists(sales, max_size=12, unique_by=lambda sale: sale.identity),
        paid=st.lists(payments, max_size=8),
    )
    def test_each_payment_settles_at_most_one_invoice_of_its_customer(
        self, sold: list[Sale], paid: list[Paid]
    ) -> None:
        found = match(sold, paid)
        assert [row.sale for row in found] == sorted(
            (sale for sale in sold if sale.amount > 0), key=lambda sale: (sale.day, sale.identity)
        )
        settled = [row for row in found if row.paid is not None]
        left = list(paid)
        for row in sorted(settled, key=lambda row: row.paid or row.sale.day):
            assert row.sale.customer
            assert not row.is_cancelled
            assert row.sale.day <= row.paid  # type: ignore[operator]
            left.remove(Paid(row.paid, row.sale.amount, row.sale.customer))  # type: ignore[arg-type]
        for payment in left:  # a payment that settled nothing found nothing open
            assert not [
                row for row in found
                if row.is_open and payment.customer and row.sale.customer == payment.customer
                and row.sale.amount == payment.amount and row.sale.day <= payment.day
            ]  # fmt: skip
        cancelled = sum(row.is_cancelled for row in found)
        assert cancelled <= sum(sale.amount < 0 for sale in sold)
        assert match(sold, paid) == found, "asked twice, answered once"

    def test_a_red_letter_takes_the_invoice_that_its_list_marks(self) -> None:
        day = date(2026, 1, 5)
        old = Sale(b"a", day, D(5), 1, is_taken_back=True)
        new = Sale(b"b", day + timedelta(1), D(5), 1)
        red = Sale(b"c", day + timedelta(2), D(-5), 1)
        assert [row.is_cancelled for row in match([old, new, red], [])] == [True, False]
        assert [row.is_cancelled for row in match([new, red], [])] == [True]
