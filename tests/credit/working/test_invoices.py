"""An advance on an invoice: which invoice serves, once and only once, and how it is repaid."""

from __future__ import annotations

import io
import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connections, transaction

from accounts.models import Notice
from credit import operations, queries
from credit.models import CreditLine, Drawdown, Invoice, InvoiceAdvance
from loans import operations as loan_operations
from loans.models import Collection, Loan
from regimes.errors import NotFound, Refusal
from risk.evidence.operations import import_statement
from tests.credit.factories import make_line
from tests.credit.test_night import close
from tests.credit.working.test_share import refused
from tests.credit.working.trade import (
    CUSTOMER,
    ISSUED,
    NUMBER,
    D,
    arrive,
    draw,
    give,
    invoice_row,
    register,
)
from tests.factories import (
    AS_OF,
    NOW,
    BankAccountFactory,
    BusinessFactory,
    ConsentFactory,
    IdentityFactory,
    UserFactory,
)
from tests.web.conftest import Scene
from tests.web.conftest import scene as scene

pytestmark = pytest.mark.django_db
OTHER = "26332000000012345679"


@pytest.fixture
def line(scene: Scene) -> CreditLine:
    give(scene.shop_line, [invoice_row(), invoice_row("4000.00", number=OTHER)])
    return scene.shop_line


def advance(line: CreditLine, invoice: Invoice, amount: str = "8000.00", **values: object) -> Drawdown:
    return draw(line, "INVOICE_ADVANCE", amount, invoice=invoice.ref, **values)


def customer_pays(line: CreditLine, amount: str, day: date, *, as_of: date) -> None:
    """Upload a bank statement in which the customer pays."""
    text = f"交易日期,收入,支出,余额,对方户名,摘要\n{day.isoformat()},{amount},,50000.00,{CUSTOMER},货款\n"
    import_statement(
        borrower_id=line.borrower_id, kind="BANK_CSV", stream=io.BytesIO(text.encode()), file_name="b.csv",
        mapping=None, as_of=as_of, now=NOW, isolated=False,
    )  # fmt: skip


def business() -> CreditLine:
    """Open a line for a shop of somebody else, who may draw."""
    owner = UserFactory()
    IdentityFactory(borrower__user=owner)
    other = BusinessFactory(owner=owner)
    BankAccountFactory(borrower=other)
    for purpose in ("CREDIT_DECISION", "BUSINESS"):
        ConsentFactory(borrower=other, purpose=purpose)
    return make_line(borrower=other, limit=50_000, family="BUSINESS")


class TestRegistering:
    def test_it_refuses_what_the_records_do_not_say(self, line: CreditLine) -> None:
        cases = [
            ({"number": "26332000000099999999"}, "invoice_unknown", "number"),
            ({"number": ""}, "number_invalid", "number"),
            ({"code": "一"}, "code_invalid", "code"),
            ({"customer_name": "别家公司"}, "customer_mismatch", "customer_name"),
            ({"customer_name": " "}, "customer_invalid", "customer_name"),
            ({"due_date": ISSUED - timedelta(1)}, "due_date_invalid", "due_date"),
            ({"identity": b"0" * 16}, "number_mismatch", "number"),
        ]
        for values, code, field in cases:
            found = refused(register, line=line, **values)
            assert (found.code, found.field) == (code, field)
        assert not Invoice.objects.exists()

    def test_it_refuses_what_was_voided_or_is_somebody_elses(self, line: CreditLine) -> None:
        give(line, [invoice_row(number="26332000000012340000", state="作废")], name="void.csv")
        assert refused(register, line=line, number="26332000000012340000").code == "invoice_cancelled"
        stranger = make_line(borrower=BusinessFactory(), family="BUSINESS")
        assert refused(register, line=stranger).code == "invoice_unknown"

    def test_number_and_name_are_sealed_and_a_repeat_changes_the_due_date(self, line: CreditLine) -> None:
        first = register(line)
        again = register(line, due_date=date(2026, 4, 25))
        assert (first.pk, again.due_date) == (again.pk, date(2026, 4, 25))
        stored = Invoice.objects.filter(pk=first.pk).values_list("number", "customer_name")[0]
        assert NUMBER not in str(stored[0].token)
        kept = Invoice.objects.get(pk=first.pk)
        assert (kept.number, kept.customer_name, kept.amount) == (NUMBER, CUSTOMER, D("10000.00"))

    def test_what_is_unpaid_is_listed_until_it_is_put_forward(self, line: CreditLine) -> None:
        rules = product().terms().working

        def tails() -> list[str]:
            return [row.sale.tail for row in queries.unpaid_invoices(line=line, rules=rules, as_of=AS_OF)]

        assert sorted(tails()) == ["…5678", "…5679"]
        register(line)
        assert tails() == ["…5679"]
        standing = queries.registered_invoices(line=line, rules=rules, as_of=AS_OF)
        assert [(row.most, row.refusal) for row in standing] == [(D("8000.00"), None)]


class TestRefusing:
    @pytest.mark.parametrize(
        ("row", "due", "code"),
        [
            (invoice_row(day=AS_OF - timedelta(91)), AS_OF + timedelta(10), "invoice_too_old"),
            (invoice_row(), AS_OF, "invoice_overdue"),
            (invoice_row(), AS_OF + timedelta(106), "invoice_too_long"),
            (invoice_row(customer="Dora's Noodles"), date(2026, 4, 20), "customer_own_group"),
            (invoice_row(customer="Dora Li"), date(2026, 4, 20), "customer_own_group"),
        ],
    )
    def test_it_refuses_an_invoice_that_does_not_serve(
        self, scene: Scene, row: str, due: date, code: str
    ) -> None:
        give(scene.shop_line, [row])
        found = register(scene.shop_line, due_date=due, customer_name=row.split(",")[2])
        told = refused(advance, line=scene.shop_line, invoice=found, amount="1000.00")
        assert (told.code, told.field) == (code, "invoice")
        assert not Drawdown.objects.exists()

    def test_it_refuses_paid_taken_back_altered_and_forgotten(self, line: CreditLine) -> None:
        found = register(line)
        with transaction.atomic():
            customer_pays(line, "10000.00", date(2026, 2, 25), as_of=AS_OF)
            told = refused(advance, line=line, invoice=found)
            assert (told.code, told.params["paid"]) == ("invoice_paid", "2026-02-25")
            transaction.set_rollback(True)
        with transaction.atomic():
            give(
                line, [invoice_row("-10000.00", number="26332000000012349999", state="红字")], name="red.csv"
            )
            assert refused(advance, line=line, invoice=found).code == "invoice_cancelled"
            transaction.set_rollback(True)
        with transaction.atomic():
            give(line, [invoice_row(state="已红冲")], name="taken.csv")
            assert refused(advance, line=line, invoice=found).code == "invoice_cancelled"
            transaction.set_rollback(True)
        with transaction.atomic():
            give(line, [invoice_row("9000.00")], name="altered.csv")
            assert refused(advance, line=line, invoice=found).code == "invoice_changed"
            transaction.set_rollback(True)
        from risk.evidence.operations import honour_consents

        honour_consents(borrower_ids=[line.borrower_id], consents={line.borrower_id: ["BANK"]})
        assert refused(advance, line=line, invoice=found).code == "invoice_unseen"

    def test_it_refuses_too_much_no_invoice_and_one_where_none_belongs(self, line: CreditLine) -> None:
        found = register(line)
        much = refused(advance, line=line, invoice=found, amount="8000.01")
        assert (much.code, much.field, much.params["most"]) == ("advance_exceeded", "amount", "8000.00")
        assert (
            refused(draw, line=line, scenario="INVOICE_ADVANCE", amount="1000.00").code == "invoice_required"
        )
        none = refused(
            draw, line=line, scenario="WORKING_CAPITAL", amount="1000.00", invoice=found.ref,
            repayment_method="EQUAL_INSTALMENT", instalment_count=6,
        )  # fmt: skip
        assert none.code == "invoice_invalid"
        stranger = business()
        told = refused(draw, line=stranger, scenario="INVOICE_ADVANCE", amount="1000.00", invoice=found.ref)
        assert isinstance(told, NotFound)

    def test_it_refuses_more_on_one_customer_than_the_limit_bears(self, scene: Scene) -> None:
        line = scene.shop_line
        give(line, [invoice_row("40000.00"), invoice_row("10000.00", number=OTHER)])
        first, second = register(line), register(line, number=OTHER)
        arrive(advance(line, first, "24000.00"))
        told = refused(advance, line=line, invoice=second, amount="2000.00", key="k2")
        assert (told.code, told.params["most"]) == ("advance_exceeded", "1000.00"), (
            "half of the limit on one customer"
        )
        arrive(advance(line, second, "1000.00", key="k2"))
        rules = product().terms().working
        give(line, [invoice_row("3000.00", number="26332000000012345680")], name="third.csv")
        third = register(line, number="26332000000012345680")
        told = refused(advance, line=line, invoice=third, amount="500.00", key="k3")
        assert told.code == "customer_concentration"
        assert queries.registered_invoices(line=line, rules=rules, as_of=AS_OF)[0].refusal is not None


class TestOnce:
    def test_one_invoice_serves_one_draw_for_good(self, line: CreditLine) -> None:
        found = register(line)
        first = advance(line, found)
        assert advance(line, found).pk == first.pk, "the same key gives the same draw"
        assert refused(advance, line=line, invoice=found, amount="500.00", key="k2").code == "invoice_pledged"
        assert refused(register, line=line).code == "invoice_pledged"
        loan = arrive(first)
        pay_all(loan, AS_OF)
        assert Loan.objects.get(pk=loan.pk).status == "CLOSED"
        assert refused(advance, line=line, invoice=found, amount="500.00", key="k3").code == "invoice_pledged"

    def test_the_same_paper_serves_no_other_business(self, line: CreditLine) -> None:
        advance(line, register(line))
        other = business()
        give(other, [invoice_row()])
        found = register(other)
        told = refused(
            queries.shape_of,
            line=other,
            product=product(),
            amount=D(1000),
            count=1,
            as_of=AS_OF,
            invoice=found.ref,
        )
        assert told.code == "invoice_pledged"
        drawn = draw(
            line,
            "WORKING_CAPITAL",
            "100.00",
            key="k9",
            repayment_method="EQUAL_INSTALMENT",
            instalment_count=3,
        )
        from credit.operations.invoices import pledge

        late = refused(pledge, drawdown=drawn, invoice=found, rules=product().terms().working, as_of=AS_OF)
        assert late.code == "invoice_pledged", "the database says it too"

    def test_an_invoice_whose_money_never_went_out_is_free_again(self, line: CreditLine) -> None:
        found = register(line)
        first = advance(line, found)
        loan_operations.refuse_payout(payout_id=first.loan.payout.pk, reason="closed", as_of=AS_OF, now=NOW)
        assert Loan.objects.get(pk=first.loan_id).status == "CANCELLED"
        second = advance(line, found, key="k2")
        assert second.pk != first.pk
        assert InvoiceAdvance.objects.filter(invoice=found, released_date=None).count() == 1

    def test_the_database_keeps_the_rate(self, line: CreditLine) -> None:
        advance(line, register(line))
        with pytest.raises(IntegrityError), transaction.atomic():
            InvoiceAdvance.objects.update(amount=D("8000.01"))


def product():  # type: ignore[no-untyped-def]
    from credit.models import Product

    return Product.objects.get(code="invoice-advance", is_active=True)


def pay_all(loan: Loan, as_of: date) -> None:
    from loans import queries as loan_queries
    from tests.loans import factories

    factories.repay(loan, str(loan_queries.payoff(loan_id=loan.pk, as_of=as_of).total), on=as_of)


class TestRepaying:
    def test_the_tenor_follows_the_invoice(self, line: CreditLine) -> None:
        loan = arrive(advance(line, register(line)))
        row = loan.instalments.get()
        assert (row.due_date, row.principal_due) == (date(2026, 5, 5), D("8000.00"))
        assert loan.agreed.annual_rate == line.annual_rate * Decimal("0.9")
        assert loan.agreed.penalty_rate == line.penalty_rate * Decimal("0.9")

    def test_a_customers_payment_is_asked_for_at_once(self, line: CreditLine) -> None:
        loan = arrive(advance(line, register(line)))
        operations.set_auto_debit(line_id=line.pk, is_on=True, actor=None)
        assert operations.watch_invoices(as_of=AS_OF) == {"invoices_paid": 0, "advances_asked": 0}
        customer_pays(line, "10000.00", AS_OF, as_of=AS_OF)
        assert close().status == "DONE"
        pulled = Collection.objects.get()
        assert (pulled.amount, pulled.loan_id) == (D("8000.00"), loan.pk)
        assert Notice.objects.filter(kind="invoice_paid").exists()
        assert operations.watch_invoices(as_of=AS_OF) == {"invoices_paid": 0, "advances_asked": 0}
        assert Collection.objects.count() == 1

    def test_without_automatic_payment_the_owner_is_told(self, line: CreditLine) -> None:
        arrive(advance(line, register(line)))
        customer_pays(line, "10000.00", AS_OF, as_of=AS_OF)
        assert operations.watch_invoices(as_of=AS_OF) == {"invoices_paid": 1, "advances_asked": 0}
        assert not Collection.objects.exists()
        assert InvoiceAdvance.objects.get().paid_seen_date == AS_OF

    def test_an_unpaid_one_ages_as_any_loan(self, line: CreditLine) -> None:
        from ledger.operations import advance_business_date

        loan = arrive(advance(line, register(line)))
        advance_business_date(to=date(2026, 5, 7))
        assert close(date(2026, 5, 7)).status == "DONE"
        loan.refresh_from_db()
        assert (loan.status, loan.days_past_due) == ("OVERDUE", 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("transactional_db")
def test_two_draws_on_one_invoice_at_once_give_one(world) -> None:  # type: ignore[no-untyped-def]
    from tests.credit.factories import bring_first_versions

    bring_first_versions()
    line = make_line(borrower=world.shop, limit=D(50_000), family="BUSINESS")
    give(line, [invoice_row()])
    found = register(line)
    barrier = threading.Barrier(4)
    results: list[str] = []

    def one(key: str) -> None:
        try:
            barrier.wait(timeout=20)
            advance(line, found, "2000.00", key=key)
            results.append("drawn")
        except Refusal as refusal:
            results.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(f"k{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(results) == ["drawn", *["invoice_pledged"] * 3]
    assert InvoiceAdvance.objects.count() == 1
    assert Drawdown.objects.count() == 1
