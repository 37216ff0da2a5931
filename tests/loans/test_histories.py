"""Random histories, shrunk by Hypothesis: after every step the books hold, at the end they equal the fold."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.operations import advance_business_date
from loans import operations, queries
from loans.domain.engine import fold
from loans.domain.events import EventKind
from loans.domain.terms import RepaymentMethod
from loans.models import Loan
from loans.operations.events import read_events
from regimes.errors import Refusal
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

CENTS = st.integers(min_value=1, max_value=150_000).map(lambda cents: Decimal(cents).scaleb(-2))
WAYS = st.sampled_from(
    [RepaymentMethod.EQUAL_INSTALMENT, RepaymentMethod.EQUAL_PRINCIPAL, RepaymentMethod.INTEREST_FIRST, RepaymentMethod.BULLET,
     RepaymentMethod.FLEXIBLE]
)  # fmt: skip


DEEP = bool(os.environ.get("DEEP"))
EXAMPLES = int(os.environ.get("DEEP_EXAMPLES", "1000")) if DEEP else 10
STEPS = 50 if DEEP else 20
KINDS = [
    EventKind.FEE,
    EventKind.WAIVER,
    EventKind.REFUND,
    EventKind.CHARGE_BACK,
    EventKind.RATE_CHANGE,
    EventKind.RESCHEDULE,
    EventKind.RE_AGE,
    EventKind.EXTENSION,
    EventKind.PAUSE,
    EventKind.WITHDRAWAL,
    EventKind.WRITE_OFF,
    EventKind.RECOVERY,
]


class Undo(Exception):
    """Roll an example back."""


class Histories(RuleBasedStateMachine):
    """Draw, repay in time, late, in advance and after the fact, take back, work nights."""

    @initialize()
    def open(self) -> None:
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.day = START
        self.account = BankAccountFactory()
        self.loans: list[Loan] = []

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            self.outer.__exit__(Undo, Undo(), None)

    def loan(self, index: int) -> Loan:
        loan = self.loans[index % len(self.loans)]
        loan.refresh_from_db()
        return loan

    @rule(way=WAYS, count=st.integers(min_value=1, max_value=12), principal=CENTS)
    def draw(self, way: RepaymentMethod, count: int, principal: Decimal) -> None:
        if len(self.loans) < 4:
            self.loans.append(
                factories.active_loan(
                    account=self.account,
                    as_of=self.day,
                    repayment_method=way,
                    instalment_count=count,
                    principal=principal,
                )
            )

    @precondition(lambda self: getattr(self, "loans", None))
    @rule(index=st.integers(0, 3), amount=CENTS, back=st.integers(0, 45))
    def repay(self, index: int, amount: Decimal, back: int) -> None:
        loan = self.loan(index)
        on = max(loan.start_date, self.day - timedelta(days=back))
        if loan.status == "CLOSED" and on >= loan.closed_date:
            with pytest.raises(Refusal, match="paid off"):
                factories.repay(loan, amount, on=on, as_of=self.day)
        elif loan.status == "WRITTEN_OFF":
            self.perhaps(loan, lambda: factories.repay(loan, amount, on=on, as_of=self.day))
        else:
            factories.repay(loan, amount, on=on, as_of=self.day)

    def perhaps(self, loan: Loan, work: Callable[[], object]) -> None:
        """Do what may be refused; a refusal has written nothing."""
        before = loan.events.count()
        try:
            work()
        except Refusal:
            assert loan.events.count() == before

    @precondition(lambda self: getattr(self, "loans", None))
    @rule(index=st.integers(0, 3))
    def pay_off(self, index: int) -> None:
        loan = self.loan(index)
        total = queries.payoff(loan_id=loan.pk, as_of=self.day).total
        if total:
            factories.repay(loan, total, on=self.day)
            assert loan.status == "CLOSED"

    @precondition(lambda self: getattr(self, "loans", None))
    @rule(index=st.integers(0, 3), which=st.integers(0, 20))
    def take_back(self, index: int, which: int) -> None:
        loan = self.loan(index)
        undone = [row.data["reverses"] for row in loan.events.filter(kind=EventKind.REVERSAL)]
        rows = list(
            loan.events.filter(kind=EventKind.REPAYMENT).exclude(reference__in=undone).order_by("sequence")
        )
        if rows:
            self.perhaps(
                loan,
                lambda: operations.reverse_event(
                    loan_id=loan.pk,
                    reference=rows[which % len(rows)].reference,
                    reversal_reference=uuid.uuid4().hex,
                    as_of=self.day,
                    actor=None,
                ),
            )

    @precondition(lambda self: getattr(self, "loans", None))
    @rule(index=st.integers(0, 3), kind=st.sampled_from(KINDS), amount=CENTS, days=st.integers(1, 60))
    def happen(self, index: int, kind: EventKind, amount: Decimal, days: int) -> None:
        """Let anything else happen that can happen to a loan; what is refused must have written nothing."""
        loan = self.loan(index)
        later = (self.day + timedelta(days=days)).isoformat()
        data: dict[EventKind, dict[str, object]] = {
            EventKind.FEE: {"component": "fee" if days % 2 else "penalty", "due_date": later},
            EventKind.WAIVER: {"component": ("fee", "penalty", "interest")[days % 3]},
            EventKind.CHARGE_BACK: {"repayment": self.some_repayment(loan, days)},
            EventKind.RATE_CHANGE: {"annual_rate": f"0.{days:02}"},
            EventKind.RESCHEDULE: {"instalment_count": days % 12 + 1, "first_due_date": later},
            EventKind.RE_AGE: {"instalment_count": days % 12 + 1, "first_due_date": later},
            EventKind.EXTENSION: {"extra_instalments": days % 3 + 1},
            EventKind.PAUSE: {"until": later},
        }
        money = {
            EventKind.FEE, EventKind.WAIVER, EventKind.REFUND, EventKind.CHARGE_BACK, EventKind.RECOVERY,
        }  # fmt: skip
        if kind is EventKind.REFUND:
            amount = loan.credit_balance or amount
        event = factories.event(
            kind, on=self.day, amount=amount if kind in money else "0", **data.get(kind, {})
        )
        self.perhaps(loan, lambda: operations.add_event(loan_id=loan.pk, event=event, as_of=self.day))

    def some_repayment(self, loan: Loan, which: int) -> str:
        rows = loan.events.filter(kind=EventKind.REPAYMENT).order_by("sequence")
        return rows[which % len(rows)].reference if rows else "none"

    @rule(nights=st.integers(1, 40))
    def nights(self, nights: int) -> None:
        """Work the last night of a stretch: the ones before are caught up by it."""
        last = self.day + timedelta(days=nights - 1)
        advance_business_date(to=last)
        operations.age_loans(as_of=last)
        operations.accrue(as_of=last)
        self.day: date = last + timedelta(days=1)
        advance_business_date(to=self.day)

    @invariant()
    def the_books_hold(self) -> None:
        if getattr(self, "loans", None):
            assert breaches() == {}

    @invariant()
    def a_loan_is_its_fold(self) -> None:
        for loan in getattr(self, "loans", []):
            loan.refresh_from_db()
            state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=self.day)
            assert loan.principal_outstanding == state.principal_outstanding
            assert (loan.status == "CLOSED") == (state.status.value == "CLOSED")


@pytest.mark.django_db
@pytest.mark.slow
def test_histories() -> None:
    from ledger.operations import open_books

    open_books(first_date=START)
    run_state_machine_as_test(
        Histories,
        settings=hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
