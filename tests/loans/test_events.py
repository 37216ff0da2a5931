"""Events, their projection and their journals."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from ledger.models import Journal, Posting
from ledger.operations import advance_business_date, close_period
from ledger.queries import balance, loan_balances
from loans import operations, queries
from loans.domain.engine import fold
from loans.domain.events import EventKind, UnableToRecordEvent
from loans.models import Instalment, Loan, LoanEventRow
from loans.operations.events import read_events
from regimes.errors import Refusal
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
DUE = date(2026, 4, 2)


def on(day: date) -> date:
    advance_business_date(to=day)
    return day


def assert_equal_to_fold(loan: Loan, day: date) -> None:
    loan.refresh_from_db()
    state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
    held = loan_balances(loan_ids=[loan.pk])[loan.pk]
    assert loan.status == state.status.value
    assert loan.principal_outstanding == state.principal_outstanding == held.get("LOAN_PRINCIPAL", 0)
    assert loan.credit_balance == state.credit == -held.get("BORROWER_CREDIT", Decimal(0))
    rows = queries.instalments(loan_id=loan.pk)
    shown = sorted(state.instalments, key=lambda row: (row.due_date, row.number))
    assert [(row.number, row.principal_due, row.interest_due) for row in rows] == [
        (row.number, row.due.principal, row.due.interest) for row in shown
    ]
    assert breaches() == {}


class TestOpening:
    def test_it_refuses_the_same_reference_with_other_terms(self) -> None:
        loan = factories.open_loan()
        with pytest.raises(Refusal) as refused:
            operations.open_loan(
                borrower_id=loan.borrower_id,
                terms=factories.terms(principal=Decimal("1300.00")),
                bank_account_id=loan.bank_account_id,
                reference=loan.reference,
                as_of=START,
            )
        assert refused.value.code == "reference_reused"

    def test_it_opens_once(self) -> None:
        loan = factories.open_loan()
        again = operations.open_loan(
            borrower_id=loan.borrower_id,
            terms=loan.agreed,
            bank_account_id=loan.bank_account_id,
            reference=loan.reference,
            as_of=START,
        )
        assert again.pk == loan.pk
        assert Loan.objects.count() == 1
        assert loan.payout.status == "PENDING"

    def test_a_loan_that_waits_counts_whole_and_owes_nothing(self) -> None:
        loan = factories.open_loan()
        assert loan.principal_outstanding == 0
        assert queries.exposure(loan_ids=[loan.pk]) == Decimal("1200.00")
        assert [row.outstanding for row in queries.instalments(loan_id=loan.pk)] == [0] * 12
        assert not Journal.objects.exists()

    def test_the_payout_is_booked_once(self) -> None:
        loan = factories.active_loan()
        factories.confirm(loan)
        assert loan.status == "ACTIVE"
        assert balance(role="LOAN_PRINCIPAL") == Decimal("1200.00")
        assert balance(role="CASH_AT_BANK") == Decimal("-1200.00")
        assert LoanEventRow.objects.count() == 1
        assert_equal_to_fold(loan, START)


class TestRepayment:
    def test_it_refuses_a_date_of_the_future(self) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            factories.repay(loan, "10.00", on=START + timedelta(days=1), as_of=START)
        assert refused.value.code == "value_date_future"
        assert LoanEventRow.objects.count() == 1

    def test_it_refuses_a_date_before_the_payout(self) -> None:
        loan = factories.active_loan()
        with pytest.raises(UnableToRecordEvent):
            factories.repay(loan, "10.00", on=START - timedelta(days=1), as_of=START)

    def test_it_refuses_a_date_in_a_closed_period(self) -> None:
        loan = factories.active_loan()
        on(date(2026, 5, 4))
        close_period(through=date(2026, 4, 30))
        with pytest.raises(Refusal) as refused:
            factories.repay(loan, "10.00", on=DUE, as_of=date(2026, 5, 4))
        assert refused.value.code == "value_date_in_closed_period"

    @pytest.mark.parametrize("amount", ["0", "-1", "1.005", "NaN"])
    def test_it_refuses_what_is_no_amount(self, amount: str) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            factories.repay(loan, amount, on=START)
        assert refused.value.code == "amount_invalid"

    def test_it_refuses_a_loan_that_was_never_paid_out_or_is_paid_off(self) -> None:
        waiting = factories.open_loan()
        with pytest.raises(Refusal) as refused:
            factories.repay(waiting, "10.00", on=START)
        assert refused.value.code == "loan_not_paid_out"
        loan = factories.active_loan()
        factories.repay(loan, "1200.00", on=START)
        with pytest.raises(Refusal) as refused:
            factories.repay(loan, "1.00", on=START)
        assert refused.value.code == "loan_closed"

    def test_the_same_reference_is_the_same_repayment(self) -> None:
        loan = factories.active_loan()
        arguments = {"loan_id": loan.pk, "value_date": START, "reference": "bank-17", "as_of": START}
        first = operations.record_repayment(amount=Decimal("10.00"), **arguments)
        assert operations.record_repayment(amount=Decimal("10.00"), **arguments).pk == first.pk
        with pytest.raises(Refusal) as refused:
            operations.record_repayment(amount=Decimal("11.00"), **arguments)
        assert refused.value.code == "reference_reused"
        assert_equal_to_fold(loan, START)

    def test_paying_each_instalment_closes_the_loan(self) -> None:
        loan = factories.active_loan()
        while loan.status != "CLOSED":
            on(loan.next_due_date)
            factories.repay(loan, loan.next_due_amount, on=loan.next_due_date)
            assert_equal_to_fold(loan, loan.projected_date)
        assert loan.last_sequence == 13
        assert balance(role="INTEREST_RECEIVABLE") == 0
        assert balance(role="LOAN_PRINCIPAL") == 0
        assert balance(role="INTEREST_INCOME") == balance(role="CASH_AT_BANK") > 0

    def test_paying_the_payoff_closes_the_loan_on_any_day(self) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 6, 17))
        quote = queries.payoff(loan_id=loan.pk, as_of=day)
        factories.repay(loan, quote.total, on=day)
        assert loan.status == "CLOSED"
        assert loan.closed_date == day
        assert_equal_to_fold(loan, day)

    def test_what_is_too_much_becomes_credit(self) -> None:
        loan = factories.active_loan()
        factories.repay(loan, "1300.00", on=START)
        assert (loan.status, loan.credit_balance) == ("CLOSED", Decimal("100.00"))
        assert balance(role="BORROWER_CREDIT") == Decimal("100.00")
        assert_equal_to_fold(loan, START)

    def test_it_takes_few_statements(self, django_assert_max_num_queries: object) -> None:
        loan = factories.active_loan()
        with django_assert_max_num_queries(22):  # type: ignore[operator]
            factories.repay(loan, "10.00", on=START)


class TestBackdating:
    def test_the_ledger_gets_the_difference_alone(self) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 6, 1))
        operations.age_loans(as_of=date(2026, 5, 31))
        operations.accrue(as_of=date(2026, 5, 31))
        loan.refresh_from_db()
        assert loan.status == "OVERDUE"
        before = Journal.objects.count()
        factories.repay(loan, "110.02", on=DUE, as_of=day)
        assert Journal.objects.count() - before <= 2
        assert_equal_to_fold(loan, day)
        changes = queries.what_changed(loan_id=loan.pk, sequence=2)
        assert {row.field for row in changes.rows if row.number == 1} >= {"principal_paid", "interest_paid"}

    def test_it_is_as_if_the_money_had_come_in_time(self) -> None:
        """Twins: one pays on the day, the other's payment is learned two months later."""
        punctual, late = factories.active_loan(), factories.active_loan()
        on(DUE)
        factories.repay(punctual, "110.02", on=DUE)
        day = on(date(2026, 6, 1))
        operations.accrue(as_of=date(2026, 5, 31))
        factories.repay(late, "110.02", on=DUE, as_of=day)
        factories.repay(punctual, "1.00", on=day)
        factories.repay(late, "1.00", on=day)
        rows = [
            [
                (row.principal_paid, row.interest_paid, row.penalty_due, row.outstanding)
                for row in queries.instalments(loan_id=loan.pk)
            ]
            for loan in (punctual, late)
        ]
        assert rows[0] == rows[1]
        assert breaches() == {}

    def test_an_earlier_day_is_seen_as_it_was_known(self) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 6, 1))
        factories.repay(loan, "110.02", on=DUE, as_of=day)
        known = queries.loan_as_known(loan_id=loan.pk, value_date=DUE, known_on=date(2026, 5, 31))
        told = queries.loan_as_known(loan_id=loan.pk, value_date=DUE, known_on=day)
        assert known.instalments[0].paid.total == 0
        assert told.instalments[0].paid.total == Decimal("110.02")


class TestReversal:
    def test_it_refuses_what_is_unknown_or_reversed(self) -> None:
        loan = factories.active_loan()
        row = factories.repay(loan, "10.00", on=START)
        for reference, code in (("nothing", "reversal_of_unknown"), (row.reference, "already_reversed")):
            if reference == row.reference:
                operations.reverse_event(
                    loan_id=loan.pk, reference=reference, reversal_reference="undo", as_of=START, actor=None
                )
            with pytest.raises(Refusal) as refused:
                operations.reverse_event(
                    loan_id=loan.pk,
                    reference=reference,
                    reversal_reference=uuid.uuid4().hex,
                    as_of=START,
                    actor=None,
                )
            assert refused.value.code == code

    def test_a_closed_loan_opens_again(self) -> None:
        loan = factories.active_loan()
        row = factories.repay(loan, "1200.00", on=START)
        assert loan.status == "CLOSED"
        day = on(date(2026, 4, 20))
        operations.reverse_event(
            loan_id=loan.pk, reference=row.reference, reversal_reference="undo", as_of=day, actor=None
        )
        loan.refresh_from_db()
        assert (loan.status, loan.days_past_due) == ("OVERDUE", 18)
        assert loan.principal_outstanding == Decimal("1200.00")
        assert balance(role="CASH_AT_BANK") == Decimal("-1200.00")
        assert_equal_to_fold(loan, day)

    def test_a_returned_payout_cancels_the_loan(self) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 3, 6))
        operations.return_payout(payout_id=loan.payout.pk, reference="r1", as_of=day)
        loan.refresh_from_db()
        assert loan.status == "CANCELLED"
        assert (
            balance(role="LOAN_PRINCIPAL")
            == balance(role="CASH_AT_BANK")
            == balance(role="INTEREST_INCOME")
            == 0
        )
        assert queries.exposure(loan_ids=[loan.pk]) == 0


class TestOtherEvents:
    @pytest.mark.parametrize(
        ("kind", "amount", "data"),
        [
            (EventKind.FEE, "5.00", {}),
            (EventKind.FEE, "7.00", {"component": "penalty"}),
            (EventKind.RATE_CHANGE, "0", {"annual_rate": "0.12"}),
            (EventKind.RESCHEDULE, "0", {"instalment_count": 6, "first_due_date": "2026-07-01"}),
            (EventKind.RE_AGE, "0", {"instalment_count": 6, "first_due_date": "2026-07-01"}),
            (EventKind.EXTENSION, "0", {"extra_instalments": 3}),
            (EventKind.PAUSE, "0", {"until": "2026-07-01"}),
            (EventKind.WAIVER, "1.00", {"component": "penalty"}),
            (EventKind.WRITE_OFF, "0", {}),
        ],
    )
    def test_ledger_and_fold_agree(self, kind: EventKind, amount: str, data: dict[str, object]) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 6, 1))
        operations.accrue(as_of=date(2026, 5, 31))
        operations.add_event(
            loan_id=loan.pk, event=factories.event(kind, on=day, amount=amount, **data), as_of=day
        )
        assert_equal_to_fold(loan, day)
        following = on(date(2026, 7, 9))
        operations.age_loans(as_of=date(2026, 7, 8))
        operations.accrue(as_of=date(2026, 7, 8))
        assert breaches() == {}
        if loan.is_live:
            factories.repay(loan, "50.00", on=following)
            assert_equal_to_fold(loan, following)

    def test_money_after_a_write_off_is_a_recovery(self) -> None:
        loan = factories.active_loan()
        day = on(date(2026, 6, 1))
        operations.add_event(loan_id=loan.pk, event=factories.event(EventKind.WRITE_OFF, on=day), as_of=day)
        operations.add_event(
            loan_id=loan.pk, event=factories.event(EventKind.RECOVERY, on=day, amount="33.00"), as_of=day
        )
        assert balance(role="RECOVERY_INCOME") == Decimal("33.00")
        assert balance(role="WRITE_OFF_EXPENSE") > Decimal("1200.00")
        assert_equal_to_fold(loan, day)


class TestGuards:
    @pytest.mark.parametrize(
        "sql",
        ["UPDATE loans_event SET amount = 1", "DELETE FROM loans_event", "TRUNCATE loans_event CASCADE"],
    )
    def test_history_is_append_only(self, sql: str) -> None:
        factories.active_loan()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises(IntegrityError), transaction.atomic():
                cursor.execute(sql)

    def test_terms_are_frozen(self) -> None:
        loan = factories.active_loan()
        with pytest.raises(IntegrityError), transaction.atomic():
            Loan.objects.filter(pk=loan.pk).update(principal=Decimal("1.00"))

    def test_instalments_keep_their_keys(self) -> None:
        loan = factories.active_loan()
        before = set(Instalment.objects.values_list("pk", flat=True))
        factories.repay(loan, "10.00", on=START)
        assert set(Instalment.objects.values_list("pk", flat=True)) == before
        assert Posting.objects.filter(loan_id=loan.pk).exists()
