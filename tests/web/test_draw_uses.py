"""What a product asks of a draw, through the pages and the API: a paper, a payee, a sub-limit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from credit import operations
from credit.models import Drawdown, Payee, PurposeEvidence
from tests.credit.test_uses import PDF, medical
from tests.factories import BankAccountFactory, BusinessFactory, UserFactory
from tests.web.conftest import Scene, signed_in
from tests.web.pages import hidden, words


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-03-02T02:00:00Z", tick=False) as stopped:
        yield stopped


@pytest.fixture
def alice(clock: time_machine.Coordinates, scene: Scene) -> Client:
    return signed_in(scene.world.alice)


@pytest.fixture
def clinic(scene: Scene) -> Payee:
    account = BankAccountFactory(borrower=BusinessFactory(display_name="Clinic"))
    return operations.register_payee(
        name="Renai Dental Clinic", scenario="MEDICAL", account=account, actor=UserFactory(is_staff=True)
    )


def wanted(**more: object) -> dict[str, object]:
    return {
        "scenario": "MEDICAL", "amount": "1200.00", "instalment_count": 12, "repayment_method": "EQUAL_INSTALMENT",
        "purpose": "DENTAL", **more,
    }  # fmt: skip


def upload(client: Client, scene: Scene, content: bytes = PDF):  # type: ignore[no-untyped-def]
    file = SimpleUploadedFile("quote.pdf", content, content_type="application/pdf")
    return client.post(
        reverse("credit:paper", args=[scene.line.ref]),
        {"scenario": "MEDICAL", "amount": "1200.00", "file": file},
    )


def test_a_paper_is_given_on_the_way_and_the_payee_is_paid(
    scene: Scene, alice: Client, clinic: Payee, clock: time_machine.Coordinates
) -> None:
    medical(evidence_above=Decimal(500), payee_rule="REQUIRED", sub_limit=Decimal(5_000))
    draw, cost = (reverse(f"credit:{name}", args=[scene.line.ref]) for name in ("draw", "cost"))
    page = alice.get(draw, {"scenario": "MEDICAL"})
    shown = words(page.content)
    assert "Above ¥500.00 this use needs a paper" in shown
    assert "For this use up to ¥5,000.00." in shown
    assert "Renai Dental Clinic" in shown
    assert "To which account?" not in shown, "a payee is paid"

    refused = alice.get(cost, wanted(payee=str(clinic.ref)))
    assert refused.status_code == 400
    assert "Above 500.00, upload a paper" in words(refused.content)
    assert upload(alice, scene, b"MZ").status_code == 400
    assert upload(signed_in(scene.world.charlie), scene).status_code == 404

    kept = upload(alice, scene)
    assert kept.status_code == 302
    paper = PurposeEvidence.objects.get()
    assert f"evidence={paper.ref}" in kept.url
    assert f'<option value="{paper.ref}" selected>' in alice.get(kept.url).content.decode()

    nobody = alice.get(cost, wanted(evidence=str(paper.ref)))
    assert nobody.status_code == 400, "a payee must be chosen"
    table = alice.get(cost, wanted(payee=str(clinic.ref), evidence=str(paper.ref)))
    assert "Renai Dental Clinic" in words(table.content)
    assert "quote.pdf" in words(table.content)
    clock.shift(6)
    signed = alice.post(
        reverse("credit:confirm", args=[scene.line.ref]),
        {"seal": hidden(table.content)["seal"], "agree": "on"},
    )
    assert signed.status_code == 302, words(signed.content)
    drawn = Drawdown.objects.get()
    assert (drawn.payee, drawn.loan.payout.bank_account_id) == (clinic, clinic.account_id)
    paper.refresh_from_db()
    assert paper.drawdown == drawn
    above = alice.get(cost, wanted(amount="4500.00", payee=str(clinic.ref), evidence=str(paper.ref)))
    assert above.status_code == 400, "a paper serves one draw"


def test_myself_or_a_payee_where_the_product_leaves_the_choice(
    scene: Scene, alice: Client, clinic: Payee
) -> None:
    medical(payee_rule="ALLOWED")
    cost = reverse("credit:cost", args=[scene.line.ref])
    own = str(scene.world.alice_account.ref)
    assert "Renai" not in words(alice.get(cost, wanted(bank_account=own)).content)
    both = alice.get(cost, wanted(bank_account=own, payee=str(clinic.ref)))
    assert both.status_code == 200
    assert "Renai Dental Clinic" in words(both.content)


def test_the_api_takes_a_paper_and_a_payee(scene: Scene, alice: Client, clinic: Payee) -> None:
    medical(evidence_above=Decimal(500), payee_rule="REQUIRED", sub_limit=Decimal(2_000))
    base = f"/api/v1/lines/{scene.line.ref}"
    [option] = [row for row in alice.get(base).json()["options"] if row["scenario"] == "MEDICAL"]
    assert (option["evidence_above"], option["sub_limit"], option["maximum"]) == (
        "500.00",
        "2000.00",
        "2000.00",
    )
    assert option["payees"] == [{"ref": str(clinic.ref), "name": "Renai Dental Clinic"}]
    body = {
        **wanted(), "currency": "CNY", "payee": str(clinic.ref), "terms_version": option["terms_version"],
    }  # fmt: skip

    def ask(key: str, **more: object):  # type: ignore[no-untyped-def]
        return alice.post(
            f"{base}/drawdowns",
            {**body, **more},
            content_type="application/json",
            headers={"idempotency-key": key},
        )

    assert (ask("a").status_code, ask("b").json()["code"]) == (400, "evidence_required")
    file = SimpleUploadedFile("quote.pdf", PDF, content_type="application/pdf")
    given = alice.post(f"{base}/purpose-evidence", {"scenario": "MEDICAL", "file": file})
    assert given.status_code == 201, given.content
    ref = given.json()["ref"]
    assert [row["ref"] for row in alice.get(f"{base}/purpose-evidence").json()] == [ref]
    assert signed_in(scene.world.charlie).get(f"{base}/purpose-evidence").status_code == 404
    drawn = ask("c", evidence=ref)
    assert drawn.status_code == 201, drawn.content
    assert drawn.json()["payee"] == "Renai Dental Clinic"
    assert alice.get(f"{base}/purpose-evidence").json() == []
    [option] = [row for row in alice.get(base).json()["options"] if row["scenario"] == "MEDICAL"]
    assert option["maximum"] == "800.00", "what the sub-limit leaves"
    alone = ask("d", payee=None, amount="100.00")
    assert alone.status_code == 400
