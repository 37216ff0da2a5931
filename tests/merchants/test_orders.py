"""From the shop's order to its money: authorise, capture, void, refund, expire, settle."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from credit.domain.line import UnableToDrawDown
from credit.models import CreditLine, Hold
from credit.queries import debt_of_line
from ledger.queries import balance
from loans.models import Payout, Transfer
from loans.operations import confirm_payout, confirm_transfer
from merchants import operations
from merchants.models import Checkout, Delivery, Settlement, WebhookEvent
from regimes.errors import Refusal
from tests.factories import AS_OF, NOW
from tests.loans.factories import repay
from tests.merchants.books import assert_books, live_until
from tests.merchants.shop import agree, capture, make_checkout, refund

ONE_MONTH = AS_OF + timedelta(31)


def room(line: CreditLine) -> Decimal:
    return line.limit - debt_of_line(line_id=line.pk).exposure


def code_of(act: Any) -> str:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.code


def arrive(transfer: Transfer) -> None:
    """Say for the bank that a transfer arrived."""
    confirm_transfer(
        transfer_id=transfer.pk,
        provider_reference=f"bank-{transfer.pk}",
        amount=transfer.amount,
        currency=transfer.currency,
        as_of=AS_OF,
        now=NOW,
    )


def test_it_refuses_a_capture_before_the_buyer_agreed(merchant: Any) -> None:
    order = make_checkout(merchant)
    assert code_of(lambda: capture(order, "1.00")) == "checkout_not_authorised"
    assert code_of(lambda: operations.void_checkout(checkout_id=order.pk, as_of=AS_OF, now=NOW)) == (
        "checkout_not_authorised"
    )


def test_it_refuses_to_hold_more_than_the_line_has(merchant: Any, line: CreditLine) -> None:
    agree(make_checkout(merchant, "4500.00"), line)
    second = make_checkout(merchant, "600.00")
    with pytest.raises(UnableToDrawDown) as caught:
        agree(second, line)
    assert caught.value.code == "limit_exceeded"
    assert room(line) == Decimal("500.00")
    assert Hold.objects.count() == 1


def test_it_refuses_a_capture_above_what_was_agreed(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    capture(order, "400.00")
    assert code_of(lambda: capture(order, "200.01")) == "capture_exceeds_authorisation"
    capture(order, "200.00")
    assert code_of(lambda: capture(order, "0.01")) == "checkout_captured"
    assert_books()


def test_it_refuses_a_void_after_all_was_captured_and_a_refund_above_it(
    merchant: Any, line: CreditLine
) -> None:
    order = agree(make_checkout(merchant), line)
    capture(order)
    assert code_of(lambda: operations.void_checkout(checkout_id=order.pk, as_of=AS_OF, now=NOW)) == (
        "checkout_captured"
    )
    assert code_of(lambda: refund(order, "600.01")) == "refund_exceeds_capture"


def test_it_refuses_the_same_key_with_another_amount(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    first = capture(order, "100.00", key="k")
    assert capture(order, "100.00", key="k").pk == first.pk
    assert code_of(lambda: capture(order, "200.00", key="k")) == "idempotency_mismatch"
    back = refund(order, "10.00", key="r")
    assert refund(order, "10.00", key="r").pk == back.pk
    assert code_of(lambda: refund(order, "20.00", key="r")) == "idempotency_mismatch"


def test_it_lends_what_is_captured_and_frees_what_is_not(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    assert room(line) == Decimal("4400.00")
    taken = capture(order, "250.00")
    assert (taken.fee, taken.drawdown.loan.status) == (Decimal("5.00"), "ACTIVE")
    assert room(line) == Decimal("4400.00")
    assert balance(role="MERCHANT_PAYABLE") == Decimal("245.00")
    assert balance(role="CASH_AT_BANK") == 0
    order = operations.void_checkout(checkout_id=order.pk, as_of=AS_OF, now=NOW)
    assert (order.status, order.released) == ("CAPTURED", Decimal("350.00"))
    assert room(line) == Decimal("4750.00")
    # the answer was lost and the shop asks again: what is so is said, and nothing moves
    again = operations.void_checkout(checkout_id=order.pk, as_of=AS_OF, now=NOW)
    assert (again.status, again.released, room(line)) == ("CAPTURED", Decimal("350.00"), Decimal("4750.00"))
    assert_books()


def test_an_authorisation_that_expires_frees_the_line(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    late = AS_OF + timedelta(8)
    live_until(late)
    assert operations.due_expiries(as_of=AS_OF + timedelta(7), now=NOW, limit=9) == []
    assert code_of(lambda: capture(order, as_of=late)) == "authorisation_expired"
    assert operations.due_expiries(as_of=late, now=NOW, limit=9) == [order.pk]
    order = operations.expire_checkout(checkout_id=order.pk, as_of=late, now=NOW)
    assert (order.status, room(line)) == ("EXPIRED", line.limit)
    assert code_of(lambda: capture(order, as_of=late)) == "checkout_expired"
    assert_books()


def test_a_page_that_expires_cannot_be_agreed_to(merchant: Any, line: CreditLine) -> None:
    order = make_checkout(merchant)
    late = NOW + timedelta(minutes=31)
    assert code_of(lambda: agree(order, line, now=late)) == "checkout_expired"
    assert operations.expire_checkout(checkout_id=order.pk, as_of=AS_OF, now=late).status == "EXPIRED"
    assert code_of(lambda: agree(order, line)) == "checkout_expired"


def test_a_capture_is_honoured_after_the_line_was_cut_and_frozen(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    CreditLine.objects.filter(pk=line.pk).update(status="FROZEN", freeze_reason="RISK")
    assert capture(order).drawdown.loan.status == "ACTIVE"


def test_the_shop_is_paid_net_of_its_fee(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    capture(order)
    refund(order, "100.00")
    [row] = operations.settle_merchants(as_of=AS_OF, now=NOW)
    assert (row.captured, row.refunded, row.fees, row.net) == (
        Decimal("600.00"),
        Decimal("100.00"),
        Decimal("10.00"),
        Decimal("490.00"),
    )
    assert operations.settle_merchants(as_of=AS_OF, now=NOW) == []
    assert row.transfer.bank_account_id == merchant.settlement_account_id
    arrive(row.transfer)
    assert (balance(role="MERCHANT_PAYABLE"), balance(role="CASH_AT_BANK")) == (0, Decimal("-490.00"))
    assert operations.note_settlements(now=NOW) == 1
    assert operations.note_settlements(now=NOW) == 0
    kinds = list(WebhookEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [
        "checkout.authorised",
        "capture.created",
        "refund.created",
        "settlement.created",
        "settlement.paid",
    ]
    assert_books()


def test_refunds_beyond_sales_wait_for_the_next_sales(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    capture(order)
    operations.settle_merchants(as_of=AS_OF, now=NOW)
    arrive(Settlement.objects.get().transfer)
    refund(order, "300.00")
    assert operations.settle_merchants(as_of=AS_OF, now=NOW) == []
    assert balance(role="MERCHANT_PAYABLE") == Decimal("-294.00")
    capture(agree(make_checkout(merchant, "1000.00"), line))
    [row] = operations.settle_merchants(as_of=AS_OF, now=NOW)
    assert row.net == Decimal("1000.00") - Decimal("20.00") - Decimal("294.00")
    assert_books()


def test_a_whole_refund_after_instalments_returns_what_was_paid(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant, "1200.00"), line)
    taken = capture(order)
    loan = taken.drawdown.loan
    live_until(ONE_MONTH)
    repay(loan, "210.00", on=ONE_MONTH)
    refund(order, as_of=ONE_MONTH)
    loan.refresh_from_db()
    assert (loan.status, loan.credit_balance, loan.interest_earned) == ("CLOSED", 0, 0)
    assert balance(role="INTEREST_INCOME") == 0
    back = Payout.objects.get(purpose="REFUND")
    assert (back.amount, back.bank_account_id) == (Decimal("210.00"), loan.bank_account_id)
    confirm_payout(
        payout_id=back.pk,
        provider_reference="bank-1",
        amount=back.amount,
        currency="CNY",
        as_of=ONE_MONTH,
        now=NOW,
    )
    loan.refresh_from_db()
    assert (loan.credit_balance, balance(role="BORROWER_CREDIT")) == (0, 0)
    assert balance(role="CASH_AT_BANK") == 0
    assert operations.due_credits(limit=9) == []
    assert_books()


def test_credit_that_comes_after_the_refund_is_returned_too(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    loan = capture(order).drawdown.loan
    refund(order)
    from loans.domain.events import EventKind
    from loans.operations import add_event
    from tests.loans.factories import event

    add_event(loan_id=loan.pk, event=event(EventKind.REPAYMENT, on=AS_OF, amount="104.00"), as_of=AS_OF)
    assert operations.due_credits(limit=9) == [loan.pk]
    row = operations.return_credit_of(loan_id=loan.pk, as_of=AS_OF)
    assert row is not None
    assert row.amount == Decimal("104.00")
    assert operations.due_credits(limit=9) == []


def test_a_partial_refund_makes_the_loan_one_of_the_smaller_amount(merchant: Any, line: CreditLine) -> None:
    """The same instalments, interest and payments as if the smaller amount had been bought."""
    big, small = (
        agree(make_checkout(merchant, "1200.00"), line),
        agree(make_checkout(merchant, "700.00"), line),
    )
    first, second = capture(big).drawdown.loan, capture(small).drawdown.loan
    live_until(ONE_MONTH)
    for loan in (first, second):
        repay(loan, "150.00", on=ONE_MONTH)
    live_until(ONE_MONTH + timedelta(5))
    refund(big, "500.00", as_of=ONE_MONTH + timedelta(5))
    for loan in (first, second):
        loan.refresh_from_db()
    columns = ("number", "due_date", "interest_due", "interest_paid", "outstanding")
    assert list(first.instalments.order_by("number").values_list(*columns)) == list(
        second.instalments.order_by("number").values_list(*columns)
    )
    assert first.principal_outstanding == second.principal_outstanding
    assert_books()


def test_a_plan_at_no_interest_is_paid_for_by_the_shop(merchant: Any, line: CreditLine) -> None:
    operations.set_plan(merchant=merchant, instalment_count=6, subvention_rate=Decimal("0.03"), actor=None)
    order = agree(make_checkout(merchant), line, zero=True)
    taken = capture(order)
    assert taken.subvention == Decimal("18.00")
    loan = taken.drawdown.loan
    assert loan.annual_rate == 0
    assert balance(role="SUBVENTION_DEFERRED") == Decimal("18.00")
    assert balance(role="MERCHANT_PAYABLE") == Decimal("570.00")
    live_until(ONE_MONTH)
    operations.earn_subventions(as_of=ONE_MONTH)
    part = balance(role="SUBVENTION_INCOME")
    assert Decimal(0) < part < Decimal("18.00")
    assert balance(role="INTEREST_INCOME") == 0
    refund(order, "300.00", as_of=ONE_MONTH)
    taken.refresh_from_db()
    assert taken.subvention_returned == Decimal("9.00")
    assert balance(role="SUBVENTION_INCOME") < part
    refund(order, as_of=ONE_MONTH)
    assert balance(role="SUBVENTION_INCOME") == balance(role="SUBVENTION_DEFERRED") == 0
    assert balance(role="MERCHANT_PAYABLE") == balance(role="MERCHANT_FEE_INCOME") == 0
    assert_books()


def test_the_rest_is_earned_when_the_loan_ends_early(merchant: Any, line: CreditLine) -> None:
    operations.set_plan(merchant=merchant, instalment_count=6, subvention_rate=Decimal("0.03"), actor=None)
    loan = capture(agree(make_checkout(merchant), line, zero=True)).drawdown.loan
    repay(loan, "600.00", on=AS_OF)
    assert operations.earn_subventions(as_of=AS_OF) == Decimal("18.00")
    assert operations.earn_subventions(as_of=AS_OF) == 0
    assert_books()


def test_an_order_belongs_to_its_number(merchant: Any) -> None:
    first = make_checkout(merchant, order_id="a-1")
    assert make_checkout(merchant, order_id="a-1").pk == first.pk
    assert code_of(lambda: make_checkout(merchant, "700.00", order_id="a-1")) == "order_id_reused"
    assert Checkout.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"return_url": "https://evil.example/"}, "return_url_unknown"),
        ({"return_url": "https://shop.example.evil.example/"}, "return_url_unknown"),
        ({"return_url": "javascript:alert(1)"}, "url_invalid"),
        ({"return_url": "https://shop.example@evil.example/"}, "url_invalid"),
        ({"category": "CLINIC"}, "category_invalid"),
        ({"category": "WEAPONS"}, "category_invalid"),
        ({"order_id": "x" * 65}, "order_id_invalid"),
        ({"order_id": "a\nb"}, "order_id_invalid"),
    ],
)
def test_it_refuses_an_order_that_is_not_in_form(merchant: Any, values: dict[str, Any], code: str) -> None:
    assert code_of(lambda: make_checkout(merchant, **values)) == code
    assert not Checkout.objects.exists()


def test_a_suspended_shop_sells_nothing_but_is_paid(merchant: Any, line: CreditLine) -> None:
    from tests.factories import StaffFactory

    order = agree(make_checkout(merchant), line)
    row = operations.set_merchant_status(
        merchant=merchant, status="SUSPENDED", actor=StaffFactory(), reason="complaints"
    )
    assert code_of(lambda: make_checkout(row)) == "merchant_not_active"
    capture(order)
    assert len(operations.settle_merchants(as_of=AS_OF, now=NOW)) == 1
    assert Delivery.objects.count() == 0
