"""What a product asks of a draw: a paper above an amount, a named payee, a sub-limit; and versions by two people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from credit import operations
from credit.domain.products import UnableToUseProduct
from credit.models import CreditLine, Drawdown, Product, PurposeEvidence
from regimes.errors import NotFound, Refusal
from tests.credit.factories import account_of, make_line
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF, BankAccountFactory, BusinessFactory, UserFactory

pytestmark = pytest.mark.usefixtures("books")
PDF = b"%PDF-1.7 an invoice"


def medical(**changes: Any) -> Product:
    """Put a new version of the medical product in force, by two people."""
    drafted = operations.draft_product(code="medical", changes=changes, actor=UserFactory(is_staff=True))
    return operations.activate_product(product_id=drafted.pk, actor=UserFactory(is_staff=True))


def spend(line: CreditLine, key: str = "k", amount: int = 300, **more: Any) -> Drawdown:
    return draw(
        line, amount=Decimal(amount), scenario="MEDICAL", purpose="DENTAL", idempotency_key=key, instalment_count=3, **more
    )  # fmt: skip


def paper(line: CreditLine, content: bytes = PDF, scenario: str = "MEDICAL") -> PurposeEvidence:
    return operations.upload_purpose_evidence(
        line=line, scenario=scenario, file_name="../in\nvoice.pdf", content=content, actor=None, as_of=AS_OF
    )


def test_a_draw_above_the_amount_needs_a_paper_and_a_paper_serves_one_draw() -> None:
    medical(evidence_above=Decimal(200))
    line = make_line(limit=1_000)
    spend(line, "small", 200)
    with pytest.raises(UnableToUseProduct) as refused:
        spend(line, "large")
    assert (refused.value.code, refused.value.field) == ("evidence_required", "evidence")
    shown = paper(line)
    assert paper(line).pk == shown.pk, "the same file is kept once"
    drawn = spend(line, "large", evidence=shown.ref)
    assert PurposeEvidence.objects.get(drawdown=drawn).file_name == "..invoice.pdf"
    with pytest.raises(NotFound):
        spend(line, "again", evidence=shown.ref)
    with pytest.raises(NotFound):
        spend(make_line(), "other", evidence=paper(line, PDF + b"2").ref)
    assert not operations.prove_books()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file_empty"), (b"MZ\x90", "file_kind"), (b"%PDF-" + b"0" * (5 << 20), "file_too_large")],
)
def test_it_refuses_a_file_that_is_no_paper(content: bytes, code: str) -> None:
    with pytest.raises(UnableToUseProduct) as refused:
        paper(make_line(), content)
    assert refused.value.code == code


def test_a_draw_is_paid_to_the_named_payee_and_to_nobody_else() -> None:
    medical(payee_rule="REQUIRED")
    clinic = BankAccountFactory(borrower=BusinessFactory(display_name="Clinic"))
    payee = operations.register_payee(
        name="Clinic", scenario="MEDICAL", account=clinic, actor=UserFactory(is_staff=True)
    )
    line = make_line(limit=1_000)
    with pytest.raises(UnableToUseProduct) as refused:
        spend(line)
    assert refused.value.code == "payee_required"
    drawn = spend(line, payee=payee.ref)
    assert (drawn.payee, drawn.bank_account_id) == (payee, clinic.pk)
    assert drawn.loan.payout.bank_account_id == clinic.pk
    with pytest.raises(UnableToUseProduct):
        draw(line, payee=payee.ref, idempotency_key="everyday")
    assert account_of(line.borrower).pk != clinic.pk


def test_a_sub_limit_binds_before_the_line_does() -> None:
    medical(sub_limit=Decimal(500))
    line = make_line(limit=1_000)
    spend(line, "one", 300)
    with pytest.raises(UnableToUseProduct) as refused:
        spend(line, "two", 300)
    assert refused.value.code == "sub_limit_exceeded"
    assert refused.value.params == {"available": "200.00"}
    draw(line, amount=Decimal(700), idempotency_key="rest")


def test_a_version_needs_two_people_and_what_was_signed_keeps_its_own() -> None:
    line, maker = make_line(limit=1_000), UserFactory(is_staff=True)
    before = spend(line, "one", 100)
    drafted = operations.draft_product(code="medical", changes={"maximum_amount": Decimal(900)}, actor=maker)
    with pytest.raises(Refusal) as own:
        operations.activate_product(product_id=drafted.pk, actor=maker)
    assert own.value.code == "own_item"
    operations.activate_product(product_id=drafted.pk, actor=UserFactory(is_staff=True))
    after = spend(line, "two", 100)
    before.refresh_from_db()
    assert (before.product.version, after.product.version) == (1, 2)
    for changes in (
        {"maximum_amount": Decimal(1)},
        {"purposes": []},
        {"code": "x"},
        {"sub_limit": Decimal(1)},
    ):
        with pytest.raises(UnableToUseProduct):
            operations.draft_product(code="medical", changes=changes, actor=maker)
