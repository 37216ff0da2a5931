"""A loan by the API alone: see, quote, draw, pay, and what is answered on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from credit.models import Drawdown
from loans.models import Collection
from tests.api.conftest import Caller, Scene, draw_body


def test_a_line_is_quoted_drawn_and_repaid(
    scene: Scene, alice: Caller, woken: list[tuple[str, int]], django_capture_on_commit_callbacks: Any
) -> None:
    me = alice.get("/me").json()
    assert [(row["kind"], row["role"]) for row in me["borrowers"]] == [("PERSON", "SELF")]
    [line] = alice.get("/lines").json()
    assert (line["limit"], line["exposure"], line["available"]) == ("20000.00", "1200.00", "18800.00")
    detail = alice.get(f"/lines/{line['ref']}").json()
    option = detail["options"][0]
    quote = alice.get(
        f"/lines/{line['ref']}/quote?amount=500.00&scenario={option['scenario']}"
        "&repayment_method=EQUAL_INSTALMENT&instalment_count=12"
    ).json()
    assert len(quote["instalments"]) == 12
    assert sum(Decimal(row["principal"]) for row in quote["instalments"]) == Decimal("500.00")
    body = draw_body(scene, terms_version=quote["terms_version"])
    with django_capture_on_commit_callbacks(execute=True):
        drawn = alice.post(f"/lines/{line['ref']}/drawdowns", body, key="first")
    assert drawn.status_code == 201, drawn.json()
    drawdown = Drawdown.objects.get(ref=drawn.json()["ref"])
    assert woken == [("loans.tasks.wake_payouts", drawdown.loan.payout.pk)]
    again = alice.post(f"/lines/{line['ref']}/drawdowns", body, key="first")
    assert (again.status_code, again.json()) == (201, drawn.json())
    assert alice.get(f"/lines/{line['ref']}").json()["available"] == "18300.00"
    listed = alice.get(f"/lines/{line['ref']}/drawdowns?page_size=1").json()
    assert [row["ref"] for row in listed["results"]] == [drawn.json()["ref"]]
    assert listed["next"]
    assert alice.get(f"/drawdowns/{drawn.json()['ref']}").json()["payout_status"] == "PENDING"


def test_a_payment_is_asked_of_the_bank_once(
    scene: Scene, alice: Caller, woken: list[tuple[str, int]], django_capture_on_commit_callbacks: Any
) -> None:
    path = f"/loans/{scene.loan.ref}"
    loan = alice.get(path).json()
    assert (loan["status"], loan["payoff"]["total"], len(loan["instalments"])) == ("ACTIVE", "1200.00", 12)
    assert alice.get(f"{path}/payoff").json()["total"] == "1200.00"
    body = {
        "amount": "200.00",
        "currency": "CNY",
        "bank_account": str(scene.world.alice_account.ref),
        "choice": "SMALLER_INSTALMENTS",
    }
    with django_capture_on_commit_callbacks(execute=True):
        first = alice.post(f"{path}/repayments", body, key="k")
    assert first.status_code == 201, first.json()
    collection = Collection.objects.get()
    assert woken == [("loans.tasks.wake_collection", collection.pk)]
    assert alice.post(f"{path}/repayments", body, key="k").json() == first.json()
    other = alice.post(f"{path}/repayments", {**body, "amount": "201.00"}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert alice.get(f"/repayments/{first.json()['ref']}").json()["status"] == "PENDING"
    assert [row["ref"] for row in alice.get(f"{path}/repayments").json()] == [first.json()["ref"]]


def test_any_loan_is_quoted(alice: Caller) -> None:
    quote = alice.get(
        "/quotes?amount=10000.00&annual_rate=0.144&repayment_method=EQUAL_INSTALMENT&instalment_count=12"
    ).json()
    assert quote["annual_rates"]["nominal"] == "0.144000"
    assert quote["totals"]["principal"] == "10000.00"
    assert Decimal(quote["totals"]["cost"]) == sum(Decimal(row["interest"]) for row in quote["instalments"])


def test_every_list_answers(scene: Scene, alice: Caller) -> None:
    ref = scene.world.alice_person.ref
    for path in ("consents", "bank-accounts", "products", "applications", "lines", "loans"):
        mine, one = alice.get(f"/{path}"), alice.get(f"/{path}?borrower={ref}")
        assert mine.status_code == one.status_code == 200, (path, mine.json())
        assert mine.json() == one.json()
        assert mine.json()
    for path in ("identity", "evidence", "notices"):
        assert alice.get(f"/{path}?borrower={ref}").status_code == 200, path
