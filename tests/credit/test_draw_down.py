"""Draw on a line."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Borrower, BusinessMember, Consent, Identity, Notice
from credit import operations, queries
from credit.domain.line import UnableToDrawDown
from credit.models import CreditLine, Drawdown, LimitChange, Product
from loans.business_days import calendar_rule
from loans.models import Instalment, Loan, Payout
from loans.operations import open_loan
from regimes.errors import Refusal
from tests.credit.factories import account_of, make_line, make_person
from tests.factories import AS_OF, BankAccountFactory, BusinessFactory, ConsentFactory

pytestmark = pytest.mark.usefixtures("books")


def draw(line: CreditLine, **change: Any) -> Drawdown:
    request = {
        "line_id": line.pk,
        "amount": Decimal("300.00"),
        "instalment_count": 6,
        "repayment_method": "EQUAL_INSTALMENT",
        "purpose": "DAILY_GOODS",
        "scenario": "EVERYDAY",
        "bank_account_id": account_of(line.borrower).pk if "bank_account_id" not in change else None,
        "idempotency_key": "key-1",
        "actor": None,
        "as_of": AS_OF,
        **change,
    }
    return operations.draw_down(**request)


def assert_nothing_written() -> None:
    assert not Drawdown.objects.exists()
    assert not Loan.objects.exists()
    assert not Payout.objects.exists()
    assert not AuditEntry.objects.filter(action="line.draw_down").exists()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"status": "OFFERED", "opened_date": None}, "line_not_accepted"),
        ({"status": "FROZEN", "freeze_reason": "RISK"}, "line_frozen"),
        ({"status": "CLOSED"}, "line_closed"),
        ({"valid_until": AS_OF - timedelta(1)}, "line_expired"),
        ({"limit": Decimal(200)}, "limit_exceeded"),
    ],
)
def test_it_refuses_by_the_lines_state(values: dict[str, Any], code: str) -> None:
    line = make_line(**values)
    with pytest.raises(UnableToDrawDown) as caught:
        draw(line)
    assert (caught.value.code, caught.value.http_status) == (code, 409)
    assert_nothing_written()


def test_it_refuses_without_a_confirmed_identity() -> None:
    line = make_line()
    Identity.objects.update(status="REJECTED")
    with pytest.raises(UnableToDrawDown) as caught:
        draw(line)
    assert caught.value.code == "identity_missing"
    assert_nothing_written()


def test_it_refuses_after_the_consent_was_withdrawn() -> None:
    line = make_line()
    Consent.objects.update(withdrawn_at=datetime(2026, 3, 2, 3, tzinfo=UTC))
    with pytest.raises(UnableToDrawDown) as caught:
        draw(line)
    assert caught.value.code == "consent_missing"


def test_it_refuses_a_blocked_borrower() -> None:
    line = make_line()
    Borrower.objects.update(status="BLOCKED")
    with pytest.raises(UnableToDrawDown) as caught:
        draw(line)
    assert caught.value.code == "borrower_blocked"


def test_it_refuses_another_borrowers_bank_account_as_missing() -> None:
    line, other = make_line(), make_person()
    with pytest.raises(Refusal) as caught:
        draw(line, bank_account_id=account_of(other).pk)
    assert (caught.value.code, caught.value.http_status) == ("not_found", 404)
    assert_nothing_written()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"verified_at": None}, "bank_account_unverified"),
        ({"usable_from": datetime(2026, 3, 2, 16, 0, tzinfo=UTC)}, "cooling_off"),  # midnight in Shanghai
        ({"removed_at": datetime(2026, 3, 1, tzinfo=UTC)}, "not_found"),
    ],
)
def test_it_refuses_an_account_that_cannot_be_used(values: dict[str, Any], code: str) -> None:
    line = make_line()
    account = BankAccountFactory(borrower=line.borrower, is_default=False, **values)
    with pytest.raises(Refusal) as caught:
        draw(line, bank_account_id=account.pk)
    assert caught.value.code == code
    assert_nothing_written()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": "SECURITIES"}, "purpose_forbidden"),
        ({"purpose": "\u202e"}, "purpose_invalid"),
        ({"scenario": "WORKING_CAPITAL"}, "scenario_invalid"),
        ({"scenario": ""}, "scenario_invalid"),
        ({"repayment_method": "STEP"}, "repayment_method_invalid"),
        ({"instalment_count": 7}, "instalment_count_invalid"),
        ({"amount": Decimal("49.99")}, "amount_out_of_range"),
        ({"terms_version": "everyday@0"}, "terms_outdated"),
        ({"idempotency_key": ""}, "idempotency_key_required"),
        ({"idempotency_key": "k" * 256}, "idempotency_key_invalid"),
        ({"idempotency_key": "a\nb"}, "idempotency_key_invalid"),
    ],
)
def test_it_refuses_what_is_not_offered(change: dict[str, Any], code: str) -> None:
    line = make_line()
    with pytest.raises(Refusal) as caught:
        draw(line, **change)
    assert caught.value.code == code
    assert_nothing_written()


def test_it_refuses_a_line_that_is_not_there() -> None:
    line = make_line()
    with pytest.raises(Refusal) as caught:
        draw(line, line_id=line.pk + 1)
    assert caught.value.http_status == 404


def test_it_refuses_the_same_key_with_another_request() -> None:
    line = make_line()
    draw(line)
    with pytest.raises(operations.IdempotencyMismatch) as caught:
        draw(line, amount=Decimal("301.00"))
    assert (caught.value.code, caught.value.http_status) == ("idempotency_mismatch", 422)
    assert Drawdown.objects.count() == 1


def test_the_database_itself_refuses_a_second_draw_of_one_key() -> None:
    """The question under the line's lock answers a repeat; should it ever be forgotten, the row cannot be written."""
    first = draw(make_line())
    other = draw(first.line, amount=Decimal("100.00"), idempotency_key="another")
    with pytest.raises(IntegrityError, match="drawdown_key_once_a_line"), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL session_replication_role = replica; "  # without the guards of history
            "UPDATE credit_drawdown SET idempotency_key = %s WHERE id = %s",
            [first.idempotency_key, other.pk],
        )


def test_it_refuses_one_cent_more_than_is_left_and_says_how_much() -> None:
    line = make_line()
    draw(line, amount=Decimal("600.00"))
    with pytest.raises(UnableToDrawDown) as caught:
        draw(line, amount=Decimal("400.01"), idempotency_key="key-2")
    assert str(caught.value) == "You can draw up to 400.00."
    draw(line, amount=Decimal("400.00"), idempotency_key="key-3")
    assert queries.line_exposure(line_id=line.pk) == 1000


def test_it_draws() -> None:
    line = make_line()
    drawdown = draw(line)
    loan = Loan.objects.get()
    assert (loan.status, loan.principal, loan.annual_rate) == ("PENDING", Decimal("300.00"), line.annual_rate)
    assert loan.agreed.penalty_rate == line.penalty_rate
    assert loan.instalments.count() == 6
    assert Payout.objects.get().status == "PENDING"
    assert (drawdown.exposure_before, drawdown.limit_at_draw) == (0, 1000)
    assert drawdown.limit_change.direction == "OPEN"
    assert AuditEntry.objects.filter(action="line.draw_down", object_ref=str(drawdown.ref)).count() == 1
    assert Notice.objects.filter(kind="draw_accepted").count() == 1
    assert queries.debt_of_line(line_id=line.pk) == queries.Debt(Decimal("300.00"), 0)
    assert operations.prove_books() == {}


def test_it_gives_the_first_draw_for_the_same_key_even_when_the_line_is_frozen_by_then() -> None:
    line = make_line()
    first = draw(line)
    operations.freeze_line(line_id=line.pk, reason="test", actor=None, as_of=AS_OF)
    assert draw(line).pk == first.pk
    assert Payout.objects.count() == 1


def test_a_key_belongs_to_its_line() -> None:
    one, other = make_line(), make_line()
    assert draw(one).pk != draw(other).pk


def test_a_cancelled_loan_frees_the_line() -> None:
    line = make_line(limit=300)
    draw(line)
    Loan.objects.update(status="CANCELLED")
    draw(line, idempotency_key="key-2")


def test_a_draw_takes_few_statements() -> None:
    line = make_line()
    draw(line, idempotency_key="warm")
    account = account_of(line.borrower).pk
    with CaptureQueriesContext(connection) as first:
        draw(line, amount=Decimal("50.00"), idempotency_key="a", bank_account_id=account)
    for number in range(5):
        draw(line, amount=Decimal("50.00"), idempotency_key=f"b{number}", bank_account_id=account)
    with CaptureQueriesContext(connection) as later:
        draw(line, amount=Decimal("50.00"), idempotency_key="c", bank_account_id=account)
    told = [query["sql"] for query in first if "SAVEPOINT" not in query["sql"]]
    assert len(later) == len(first), "the number of statements does not grow with the line's history"
    # the lock, what a draw asks under it, and what it writes: the second sees what whoever had the lock last wrote
    assert len(told) == 3, [sql[:90] for sql in told]
    assert "FOR UPDATE" in told[0]


def test_what_a_draw_asks_at_once_is_what_each_question_answers() -> None:
    """The gate's one statement against the questions that pages and holds ask one by one, in every state."""
    line, shop = make_line(limit=2_000), make_line(borrower=_owned_shop(), family="BUSINESS")
    draw(line, amount=Decimal("150.00"))
    Loan.objects.update(days_past_due=3, status="OVERDUE", disbursed=150, principal_outstanding=140)
    draw_again = {"amount": Decimal("60.00"), "idempotency_key": "key-2"}
    with pytest.raises(UnableToDrawDown, match="overdue|paid"):
        draw(line, **draw_again)
    Loan.objects.update(days_past_due=0)
    draw(line, **draw_again)
    operations.place_hold(
        line_id=line.pk, terms=operations.HoldTerms(Decimal("70.00"), 6, "EQUAL_INSTALMENT", "DAILY_GOODS", "EVERYDAY"),
        bank_account_id=account_of(line.borrower).pk, reference=uuid.uuid4(), expires_date=AS_OF, actor=None, as_of=AS_OF,
    )  # fmt: skip
    _agrees(line), _agrees(shop)
    for change in (
        lambda: Consent.objects.update(withdrawn_at=datetime(2026, 3, 2, 3, tzinfo=UTC)),
        lambda: Identity.objects.update(status="REJECTED"),
        lambda: Product.objects.update(is_active=False),
    ):
        change()
        _agrees(line), _agrees(shop)


def _owned_shop() -> Borrower:
    owner, shop = make_person(), BusinessFactory()
    BusinessMember.objects.create(business=shop, user=owner.user, role="OWNER", is_active=True)
    ConsentFactory(borrower=shop, purpose="CREDIT_DECISION")
    BankAccountFactory(borrower=shop)
    return shop


def _agrees(line: CreditLine) -> None:
    line = CreditLine.objects.select_related("borrower").get(pk=line.pk)
    account = account_of(line.borrower)
    scenario = "WORKING_CAPITAL" if line.family == "BUSINESS" else "EVERYDAY"
    gate = queries.draw_gate(
        line=line, key="key-2", scenario=scenario, bank_account_id=account.pk, as_of=AS_OF
    )
    product = Product.objects.filter(scenario=scenario, family=line.family, is_active=True).first()
    before = Drawdown.objects.filter(line=line, idempotency_key="key-2").first()
    assert gate.drawn_before == (before.pk if before else None)
    assert (gate.product and (gate.product.pk, gate.product.terms())) == (
        product and (product.pk, product.terms())
    )
    assert gate.account is not None
    assert (gate.account.pk, gate.account.usable_from) == (account.pk, account.usable_from)
    assert gate.debt == queries.debt_of_line(line_id=line.pk)
    assert gate.identity_verified == queries.identity_confirmed(borrower=line.borrower)
    assert gate.consent_given == queries.consent_to_decide(borrower_id=line.borrower_id)
    assert gate.calendar.roll == calendar_rule().roll
    assert gate.limit_change_id == LimitChange.objects.filter(line=line).latest("pk").pk


def test_one_statement_writes_the_rows_that_the_operations_of_the_rooms_write() -> None:
    """A draw's contract, plan and payout, column by column, against `open_loan`."""
    line = make_line()
    drawn = draw(line).loan
    opened = open_loan(
        borrower_id=line.borrower_id, terms=drawn.agreed, bank_account_id=drawn.bank_account_id,
        reference=uuid.uuid4(), as_of=AS_OF,
    )  # fmt: skip
    own = {"id", "ref", "reference", "gateway_reference", "created_at", "loan_id"}

    def rows(model: Any, **wanted: Any) -> list[dict[str, Any]]:
        found = model.objects.filter(**wanted).order_by("pk").values()
        return [{name: value for name, value in row.items() if name not in own} for row in found]

    assert rows(Loan, pk=drawn.pk) == rows(Loan, pk=opened.pk)
    assert rows(Instalment, loan=drawn) == rows(Instalment, loan=opened)
    assert rows(Payout, loan=drawn) == rows(Payout, loan=opened)
    stored = Drawdown.objects.get(loan=drawn)
    for row, given in ((Loan.objects.get(pk=drawn.pk), drawn), (stored, draw(line))):
        for field in row._meta.concrete_fields:
            assert getattr(row, field.attname) == getattr(given, field.attname), field.name
    notice, entry = Notice.objects.get(kind="draw_accepted"), AuditEntry.objects.get(action="line.draw_down")
    assert (notice.language, notice.channel, notice.status) == (line.borrower.language, "IN_APP", "PENDING")
    assert notice.params["amount"] == entry.after["amount"] == "300.00"
    assert len(entry.hash) == 64  # the database made its own chain


def test_quote_and_contract_are_the_same_numbers() -> None:
    line = make_line()
    quote = queries.draw_quote(
        line_id=line.pk,
        amount=Decimal("300.00"),
        instalment_count=6,
        repayment_method="EQUAL_INSTALMENT",
        as_of=AS_OF,
    )
    loan = draw(line).loan
    rows = list(loan.instalments.order_by("number").values_list("due_date", "principal_due", "interest_due"))
    assert rows == [(row.due_date, row.due.principal, row.due.interest) for row in quote.instalments]
    assert sum(row[1] for row in rows) == 300


def test_options_hold_what_the_product_and_the_regime_allow() -> None:
    line = make_line(limit=600)
    options = {option.product.code: option for option in queries.draw_options(line=line)}
    assert set(options) == {"everyday", "medical", "education", "electronics", "travel"}
    assert options["everyday"].maximum == 600
    assert dict(options["everyday"].methods)["BULLET"] == (1, 3, 6, 9, 12)
    assert date(2026, 3, 2) == AS_OF
