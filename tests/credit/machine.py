"""The portal's money as a machine: lines, draws, payouts, repayments, nights, in any order, against a model in whole cents.

The model knows limits, freezes and pending draws by itself, and asks the second loan engine (tests/loans/domain/reference.py,
integers, written from the rules) what each loan owes. After every step the books of all rooms hold.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import User
from credit import operations, queries
from credit.models import CreditLine, Drawdown
from credit.operations.autodebit import start_auto_debits
from ledger.operations import advance_business_date
from ledger.queries import business_date
from loans import operations as loan_operations
from loans import queries as loan_queries
from loans.models import Collection, Loan, Payout
from loans.operations.events import read_events
from regimes.errors import Refusal
from tests.credit.factories import account_of, make_line
from tests.credit.test_draw_down import draw
from tests.factories import NOW, UserFactory
from tests.loans.domain.reference import Reference, cents

DEEP = bool(os.environ.get("DEEP"))
MOST_DAYS = 70 if DEEP else 12
FORWARD = st.integers(1, MOST_DAYS)
PICK = st.integers(0, 7)
AMOUNT = st.sampled_from([1, 99, 10_000, 30_000, 50_000, 99_999, 100_000, 100_001, 10**14]).map(
    lambda whole: Decimal(whole).scaleb(-2)
)


class Undo(Exception):
    """Roll an example back."""


@dataclass
class Model:
    """What must be so, in whole cents."""

    limit: int
    is_frozen: bool = False
    waiting: dict[int, int] = field(default_factory=dict)  # payouts under way, by loan
    keys: dict[str, tuple[Decimal, int]] = field(default_factory=dict)  # what each key drew, and its draw


class Portal(RuleBasedStateMachine):
    """Do anything that a borrower, a bank, an officer and the nights can do."""

    @initialize()
    def open(self) -> None:
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.line: CreditLine = make_line(limit=1_000)
        self.account = account_of(self.line.borrower)
        self.officer: User = UserFactory(is_staff=True)
        self.model = Model(limit=100_000)
        self.begin()

    def begin(self) -> None:
        """Prepare what rules of another file need."""

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            self.outer.__exit__(Undo, Undo(), None)

    # ---- what is there ----------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return business_date()

    def loans(self, *status: str) -> list[Loan]:
        found = Loan.objects.filter(borrower=self.line.borrower).order_by("pk")
        return list(found.filter(status__in=status) if status else found)

    def pick(self, which: int, *status: str) -> Loan | None:
        found = self.loans(*status)
        return found[which % len(found)] if found else None

    def reference(self, loan: Loan) -> Reference:
        return Reference(loan.agreed, list(read_events(loan_id=loan.pk)), self.today)

    def owed(self) -> int:
        """Return what the line owes by the model."""
        running = [self.reference(loan) for loan in self.loans("ACTIVE", "OVERDUE")]
        return sum(self.model.waiting.values()) + sum(each.running + each.arrears() for each in running)

    def perhaps(self, loan: Loan, work: Callable[[], Any]) -> Any:
        """Do what may be refused; a refusal has written nothing."""
        before = loan.events.count()
        try:
            return work()
        except Refusal:
            assert loan.events.count() == before
            return None

    # ---- the line -----------------------------------------------------------------------------------

    @rule(limit=st.sampled_from([500, 1_000, 1_200, 3_000]))
    def set_limit(self, limit: int) -> None:
        try:
            operations.change_limit(
                line_id=self.line.pk,
                limit=Decimal(limit),
                reason="seen",
                actor=self.officer,
                as_of=self.today,
            )
        except Refusal:
            return
        self.model.limit = limit * 100

    @rule()
    def freeze(self) -> None:
        operations.freeze_line(line_id=self.line.pk, reason="look", actor=self.officer, as_of=self.today)
        self.model.is_frozen = True

    @precondition(lambda self: hasattr(self, "model") and self.model.is_frozen)
    @rule()
    def unfreeze(self) -> None:
        operations.unfreeze_line(line_id=self.line.pk, reason="fine", actor=self.officer, as_of=self.today)
        self.model.is_frozen = False

    @rule(amount=AMOUNT, key=st.sampled_from("abcdefgh"), count=st.sampled_from([3, 6, 12]))
    def drawdown(self, amount: Decimal, key: str, count: int) -> None:
        room = self.model.limit - self.owed()
        known = self.model.keys.get(key)
        try:
            found = draw(
                self.line, amount=amount, idempotency_key=key, instalment_count=count, bank_account_id=self.account.pk,
                as_of=self.today,
            )  # fmt: skip
        except Refusal as refusal:
            if refusal.code == "limit_exceeded":
                assert cents(amount) > room
            if refusal.code == "idempotency_mismatch":
                assert known is not None
            return
        if known is not None:
            assert (found.amount, found.pk) == known, "one key drew twice"
            return
        assert cents(amount) <= room, "over the limit"
        assert not self.model.is_frozen, "on a frozen line"
        self.model.keys[key] = (amount, found.pk)
        self.model.waiting[found.loan_id] = cents(amount)

    # ---- the bank: whatever it says comes twice -------------------------------------------------------

    @rule(which=PICK)
    def confirm(self, which: int) -> None:
        loan = self.pick(which, "PENDING")
        if loan is not None:
            for _ in range(2):
                loan_operations.confirm_payout(
                    payout_id=loan.payout.pk, provider_reference=f"b{loan.pk}", amount=loan.payout.amount,
                    currency="CNY", as_of=self.today, now=NOW,
                )  # fmt: skip
            del self.model.waiting[loan.pk]

    @rule(which=PICK)
    def partial(self, which: int) -> None:
        loan = self.pick(which, "PENDING")
        if loan is not None:
            with pytest.raises(Refusal, match="another amount"):
                loan_operations.confirm_payout(
                    payout_id=loan.payout.pk, provider_reference="p", amount=loan.payout.amount - 1, currency="CNY",
                    as_of=self.today, now=NOW,
                )  # fmt: skip

    @rule(which=PICK)
    def fail(self, which: int) -> None:
        loan = self.pick(which, "PENDING")
        if loan is not None:
            for _ in range(2):
                loan_operations.refuse_payout(
                    payout_id=loan.payout.pk, reason="no", as_of=self.today, now=NOW
                )
            del self.model.waiting[loan.pk]

    @rule(which=PICK)
    def come_back(self, which: int) -> None:
        """The money comes back: before its success it is refused, after it the loan is no more, if nothing was built on it."""
        loan = self.pick(which)
        if loan is not None:
            self.perhaps(
                loan,
                lambda: loan_operations.return_payout(
                    payout_id=loan.payout.pk, reference=f"r{loan.pk}", as_of=self.today
                ),
            )

    # ---- paying -----------------------------------------------------------------------------------------

    @rule(
        which=PICK, how=st.sampled_from(["exact", "cent", "part", "over", "early"]), back=st.integers(0, 40)
    )
    def repay(self, which: int, how: str, back: int) -> None:
        loan = self.pick(which, "ACTIVE", "OVERDUE", "CLOSED")
        if loan is None:
            return
        on = max(loan.start_date, self.today - timedelta(days=back if how == "part" else 0))
        owed = loan_queries.payoff(loan_id=loan.pk, as_of=on).total
        amount = {
            "exact": owed, "cent": Decimal("0.01"), "part": round(owed / 3, 2), "over": owed + 25,
            "early": loan.next_due_amount,
        }[how]  # fmt: skip
        reference = uuid.uuid4().hex
        for _ in range(2):
            self.perhaps(
                loan,
                lambda: loan_operations.record_repayment(
                    loan_id=loan.pk, amount=amount, value_date=on, reference=reference, as_of=self.today
                ),
            )
        loan.refresh_from_db()
        if how == "exact" and owed > 0:
            assert loan.status == "CLOSED"

    @rule(result=st.sampled_from(["confirmed", "refused", "returned", "open"]))
    def auto_debit(self, result: str) -> None:
        CreditLine.objects.filter(pk=self.line.pk).update(auto_debit=True)
        start_auto_debits(as_of=self.today)
        for row in Collection.objects.filter(loan__borrower=self.line.borrower, status="PENDING"):
            if result in ("confirmed", "returned"):
                loan_operations.confirm_collection(
                    collection_id=row.pk, provider_reference=f"c{row.pk}", amount=row.amount, currency="CNY",
                    as_of=self.today, now=NOW,
                )  # fmt: skip
            if result == "refused":
                loan_operations.refuse_collection(collection_id=row.pk, reason="empty", now=NOW)

    @rule(which=PICK, is_paid=st.booleans())
    def refund(self, which: int, is_paid: bool) -> None:
        loan = self.pick(which)
        if loan is None or not loan.credit_balance:
            return
        payout = loan_operations.start_refund(
            loan_id=loan.pk, amount=loan.credit_balance, reference=uuid.uuid4().hex, as_of=self.today
        )
        if is_paid:
            loan_operations.confirm_payout(
                payout_id=payout.pk, provider_reference=f"f{payout.pk}", amount=payout.amount, currency="CNY",
                as_of=self.today, now=NOW,
            )  # fmt: skip
        else:
            loan_operations.refuse_payout(payout_id=payout.pk, reason="no", as_of=self.today, now=NOW)
        assert Payout.objects.get(pk=payout.pk).is_final

    # ---- officers -----------------------------------------------------------------------------------------

    @rule(which=PICK, what=st.sampled_from(["fee", "waive", "rate", "reschedule", "re_age", "extend", "pause", "write_off"]),
          days=st.integers(1, 40))  # fmt: skip
    def restructure(self, which: int, what: str, days: int) -> None:
        loan = self.pick(which, "ACTIVE", "OVERDUE", "CLOSED")
        if loan is None:
            return
        later = self.today + timedelta(days=days)
        verbs: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
            "fee": (loan_operations.charge_fee, {"amount": Decimal("5.00"), "due_date": later}),
            "waive": (loan_operations.waive, {"amount": Decimal("0.01"), "component": "interest"}),
            "rate": (loan_operations.change_rate, {"annual_rate": Decimal(days) / 200}),
            "reschedule": (
                loan_operations.reschedule,
                {"instalment_count": days % 9 + 1, "first_due_date": later},
            ),
            "re_age": (loan_operations.re_age, {"instalment_count": days % 9 + 1, "first_due_date": later}),
            "extend": (loan_operations.extend, {"extra_instalments": 1}),
            "pause": (loan_operations.pause, {"until": later}),
            "write_off": (loan_operations.write_off, {}),
        }
        verb, values = verbs[what]
        self.perhaps(
            loan,
            lambda: verb(
                loan_id=loan.pk, reference=uuid.uuid4().hex, as_of=self.today, actor=self.officer, **values
            ),
        )

    # ---- time -----------------------------------------------------------------------------------------------

    @rule(days=FORWARD)
    def advance_days(self, days: int) -> None:
        """Skip nights: the last of them catches the others up."""
        last = self.today + timedelta(days=days - 1)
        advance_business_date(to=last)
        loan_operations.age_loans(as_of=last)
        loan_operations.accrue(as_of=last)
        advance_business_date(to=last + timedelta(days=1))

    @rule()
    def run_eod_twice(self) -> None:
        day = self.today
        report = operations.run_end_of_day(as_of=day, now=NOW, worker="machine")
        assert report.status == "DONE", report.problem
        assert operations.run_end_of_day(as_of=day, now=NOW, worker="other").status == "ALREADY_DONE"
        assert self.today == day + timedelta(days=1)
        self.look_again()

    def look_again(self) -> None:
        """Take over what the night's own look at the line decided."""
        self.line.refresh_from_db()
        self.model.limit, self.model.is_frozen = cents(self.line.limit), self.line.status == "FROZEN"

    @rule(which=PICK)
    def crash_and_recover(self, which: int) -> None:
        """Die in the middle of a repayment: nothing of it is there, and the same request works afterwards."""
        loan = self.pick(which, "ACTIVE", "OVERDUE")
        if loan is None:
            return
        reference, events = uuid.uuid4().hex, loan.events.count()

        def pay() -> None:
            loan_operations.record_repayment(
                loan_id=loan.pk,
                amount=Decimal("0.01"),
                value_date=self.today,
                reference=reference,
                as_of=self.today,
            )

        def die() -> None:
            with transaction.atomic():
                pay()
                raise Undo

        with pytest.raises(Undo):
            die()
        assert loan.events.count() == events
        pay()
        assert loan.events.count() == events + 1

    # ---- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def the_books_hold(self) -> None:
        if hasattr(self, "model"):
            assert operations.prove_books() == {}

    @invariant()
    def the_portal_is_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        self.line.refresh_from_db()
        assert cents(self.line.limit) == self.model.limit
        assert cents(queries.line_exposure(line_id=self.line.pk)) == self.owed()
        assert Drawdown.objects.count() == len(self.model.keys)
        for loan in self.loans("ACTIVE", "OVERDUE", "CLOSED"):
            other = self.reference(loan)
            assert cents(loan.principal_outstanding) == other.running + other.arrears()
            assert cents(loan.credit_balance) == other.credit
            assert cents(loan_queries.payoff(loan_id=loan.pk, as_of=self.today).total) == max(
                other.payoff() - other.credit, 0
            )
