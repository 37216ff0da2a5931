"""Random lives of orders against a model of ten lines: shop, buyer and lender agree to the cent."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.models import CreditLine
from credit.queries import debt_of_line
from ledger.queries import balance
from loans.domain.engine import fold
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.models import Loan, Payout
from loans.operations import record_repayment
from merchants import operations
from merchants.models import Capture, Checkout
from regimes.errors import Refusal
from tests.factories import AS_OF, NOW
from tests.merchants.books import assert_books, live_until
from tests.merchants.shop import agree, capture, make_checkout, refund

CENT = Decimal("0.01")
EXAMPLES = 400 if os.environ.get("DEEP") else 12
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["order", "capture", "capture", "void", "refund", "refund", "repay", "repay", "sleep", "expire"]
        ),
        st.integers(0, 2),
        st.integers(1, 70_000),
    ),
    min_size=3,
    max_size=14,
)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Part:
    """One capture as the model sees it: what was lent on a day, what came back, what was paid when."""

    amount: Decimal
    day: date
    pk: int
    back: Decimal = Decimal(0)
    paid: list[tuple[date, Decimal]] = field(default_factory=list)

    def fee(self, rate: Decimal) -> Decimal:
        whole = cents(self.amount * rate)
        gone = whole if self.back == self.amount else cents(whole * self.back / self.amount)
        return whole - gone

    def owes(self, rate: Decimal, today: date) -> tuple[Decimal, Decimal]:
        """Return principal owed and what was paid beyond everything, of a loan that was never larger than what was kept."""
        left, paid = self.amount - self.back, sum((money for _day, money in self.paid), Decimal(0))
        if not left:
            return Decimal(0), paid
        terms = LoanTerms(
            left, rate, RepaymentMethod.EQUAL_INSTALMENT, 6, self.day, penalty_rate=Decimal("0.18")
        )
        events = [LoanEvent(EventKind.PAYOUT, self.day, "p", 1, self.day, left)]
        for number, (day, money) in enumerate(self.paid, 2):
            events.append(LoanEvent(EventKind.REPAYMENT, day, f"r{number}", number, day, money))
        state = fold(terms, events, value_date=today)
        over = state.status.value == "CLOSED"
        return state.principal_outstanding, state.credit if over else Decimal(0)


class World:
    """The portal and the model, side by side."""

    def __init__(self, merchant: Any, line: CreditLine) -> None:
        self.merchant, self.line, self.today = merchant, line, AS_OF
        self.orders: list[Checkout] = []
        self.agreed: dict[int, Decimal] = {}  # what is still held, by order
        self.parts: dict[int, list[Part]] = {}

    def act(self, verb: str, which: int, size: int) -> None:
        amount = Decimal(size) / 100
        if verb == "sleep":
            self.today += timedelta(size % 25)
            live_until(self.today)
            return
        if verb == "order" or not self.orders:
            self.order(amount)
            return
        getattr(self, verb)(self.orders[which % len(self.orders)], amount)

    def order(self, amount: Decimal) -> None:
        row = make_checkout(self.merchant, max(amount, Decimal("100.00")))
        held = sum(self.agreed.values(), Decimal(0))
        late = debt_of_line(line_id=self.line.pk).days_past_due
        fits = not late and held + self.owed() + row.amount <= self.line.limit
        if self.tried(lambda: agree(row, self.line, as_of=self.today), fits):
            self.orders.append(row)
            self.agreed[row.pk], self.parts[row.pk] = row.amount, []

    def capture(self, row: Checkout, amount: Decimal) -> None:
        row.refresh_from_db()
        fits = (
            0 < amount <= self.agreed[row.pk]
            and row.capture_until is not None
            and self.today <= row.capture_until
        )
        made: list[Capture] = []
        if self.tried(lambda: made.append(capture(row, amount, as_of=self.today)), fits):
            self.agreed[row.pk] -= amount
            self.parts[row.pk].append(Part(amount, self.today, made[0].drawdown.loan_id))

    def void(self, row: Checkout, amount: Decimal) -> None:
        row.refresh_from_db()
        again = row.status == "VOIDED"
        done = lambda: operations.void_checkout(checkout_id=row.pk, as_of=self.today, now=NOW)  # noqa: E731
        if self.tried(done, self.agreed[row.pk] > 0 or again):
            self.agreed[row.pk] = Decimal(0)

    def expire(self, row: Checkout, amount: Decimal) -> None:
        row.refresh_from_db()
        operations.expire_checkout(checkout_id=row.pk, as_of=self.today, now=NOW)
        if row.capture_until is not None and self.today > row.capture_until:
            self.agreed[row.pk] = Decimal(0)

    def refund(self, row: Checkout, amount: Decimal) -> None:
        parts = self.parts[row.pk]
        room = sum((part.amount - part.back for part in parts), Decimal(0))
        if self.tried(lambda: refund(row, amount, as_of=self.today), 0 < amount <= room):
            for part in reversed(parts):
                taken = min(amount, part.amount - part.back)
                part.back += taken
                amount -= taken

    def repay(self, row: Checkout, amount: Decimal) -> None:
        for part in self.parts[row.pk]:
            loan = Loan.objects.get(pk=part.pk)
            if loan.status in ("ACTIVE", "OVERDUE"):
                record_repayment(
                    loan_id=part.pk,
                    amount=amount,
                    value_date=self.today,
                    reference=f"r{len(part.paid)}",
                    as_of=self.today,
                )
                part.paid.append((self.today, amount))
                return

    def tried(self, act: Any, expected: bool) -> bool:
        try:
            with transaction.atomic():
                act()
        except Refusal:
            assert not expected
            return False
        assert expected
        return True

    def owed(self) -> Decimal:
        every = [part for parts in self.parts.values() for part in parts]
        return sum((part.owes(self.line.annual_rate, self.today)[0] for part in every), Decimal(0))

    def compare(self) -> None:
        every = [part for parts in self.parts.values() for part in parts]
        rate = self.merchant.fee_rate
        # the shop
        shop = sum((part.amount - part.back - part.fee(rate) for part in every), Decimal(0))
        assert balance(role="MERCHANT_PAYABLE") == shop
        # the lender
        assert balance(role="MERCHANT_FEE_INCOME") == sum((part.fee(rate) for part in every), Decimal(0))
        assert balance(role="LOAN_PRINCIPAL") == self.owed()
        # the buyer
        held = sum(self.agreed.values(), Decimal(0))
        assert debt_of_line(line_id=self.line.pk).exposure == self.owed() + held
        for part in every:
            over = part.owes(self.line.annual_rate, self.today)[1]
            sent = Payout.objects.filter(loan_id=part.pk, purpose="REFUND")
            returned = sum((row.amount for row in sent), Decimal(0))
            assert returned + Loan.objects.get(pk=part.pk).credit_balance == over
        assert_books()


@pytest.mark.slow
@given(acts=ACTS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not os.environ.get("DEEP"),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_shop_buyer_and_lender_agree_to_the_cent(merchant: Any, line: CreditLine, acts: list[Any]) -> None:
    point = transaction.savepoint()
    try:
        world = World(merchant, line)
        for verb, which, size in acts:
            world.act(verb, which, size)
        world.compare()
    finally:
        transaction.savepoint_rollback(point)
