"""When it gets hard, through the pages: asking, the offer beside the loan as it is, accepting once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from loans import operations
from loans.models import HardshipRequest, Loan, LoanEventRow
from tests.loans.factories import active_loan
from tests.web.conftest import AS_OF, Scene, signed_in
from tests.web.pages import words

PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"


@pytest.fixture
def loan(scene: Scene) -> Loan:
    return active_loan(account=scene.world.alice_account)


def url(loan: Loan) -> str:
    return reverse("loans:hardship", args=[loan.ref])


def ask(client: Client, loan: Loan, **fields: object):  # type: ignore[no-untyped-def]
    posted = {
        "reason": "JOB",
        "wish": "LOWER",
        "affordable": "80.00",
        "text": "From May I work again.",
        **fields,
    }
    return client.post(url(loan), posted)


def offered(scene: Scene, loan: Loan, *measures: dict):  # type: ignore[no-untyped-def, type-arg]
    return operations.offer_hardship_plan(
        request_id=HardshipRequest.objects.get().pk,
        measures=list(measures) or [{"kind": "EXTENSION", "extra_instalments": "6"}],
        actor=scene.world.bob,
        as_of=AS_OF,
        words="Six months more.",
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"reason": ""}, "id_reason"),
        ({"wish": "MONEY"}, "id_wish"),
        ({"affordable": "1e3"}, "id_affordable"),
        ({"until_date": "soon"}, "id_until_date"),
        ({"until_date": AS_OF.isoformat()}, "id_until_date"),
        ({"papers": SimpleUploadedFile("note.pdf", b"MZ program")}, "id_papers"),
        ({"status": "ACCEPTED"}, "alert-bad"),
    ],
)
def test_it_refuses_at_the_field_and_keeps_what_was_typed(
    alice: Client,
    loan: Loan,
    fields: dict,
    place: str,  # type: ignore[type-arg]
) -> None:
    answer = ask(alice, loan, **fields)
    page = answer.content.decode()
    assert answer.status_code in (400, 415)
    assert f"{place}_error" in page or place in page
    assert "From May I work again." in page
    assert not HardshipRequest.objects.exists()


def test_strangers_and_viewers_ask_for_nothing(scene: Scene, alice: Client, loan: Loan) -> None:
    ask(alice, loan)
    plan = offered(scene, loan)
    charlie = signed_in(scene.world.charlie)
    request = HardshipRequest.objects.get()
    for path in (
        url(loan),
        reverse("loans:plan-accept", args=[plan.ref]),
        reverse("loans:plan-decline", args=[plan.ref]),
        reverse("loans:hardship-withdraw", args=[request.ref]),
    ):
        assert charlie.post(path, {"reason": "JOB", "wish": "TALK"}).status_code == 404
    request.refresh_from_db()
    assert request.status == "OFFERED"


def test_asking_is_written_once_with_its_papers(alice: Client, loan: Loan) -> None:
    for _ in range(2):
        assert ask(alice, loan, papers=SimpleUploadedFile("note.pdf", PDF)).status_code == 302
    request = HardshipRequest.objects.get()
    assert request.papers.count() == 1
    assert request.answer_by_date == AS_OF + timedelta(days=7)
    said = words(alice.get(url(loan)).content)
    assert "I lost my work" in said
    assert "Send my request" not in said


def test_an_offer_shows_before_and_after_and_is_accepted_once(
    scene: Scene, alice: Client, loan: Loan
) -> None:
    ask(alice, loan)
    plan = offered(scene, loan)
    said = words(alice.get(url(loan)).content)
    assert "6 instalments more" in said
    assert "Six months more." in said
    assert "Without the plan" in said
    for _ in range(2):
        alice.post(reverse("loans:plan-accept", args=[plan.ref]))
    assert LoanEventRow.objects.filter(loan=loan, kind="EXTENSION").count() == 1
    assert loan.instalments.count() == 18
    assert "The plan that runs" in words(alice.get(url(loan)).content)


def test_declining_and_withdrawing_leave_the_loan_as_agreed(scene: Scene, alice: Client, loan: Loan) -> None:
    ask(alice, loan)
    alice.post(reverse("loans:plan-decline", args=[offered(scene, loan).ref]))
    assert HardshipRequest.objects.get().status == "OPEN"
    alice.post(reverse("loans:hardship-withdraw", args=[HardshipRequest.objects.get().ref]))
    assert HardshipRequest.objects.get().status == "WITHDRAWN"
    assert "Send my request" in words(alice.get(url(loan)).content)
    assert LoanEventRow.objects.filter(loan=loan).count() == 1


def test_a_lapsed_offer_says_so_instead_of_a_button(scene: Scene, alice: Client, loan: Loan) -> None:
    from ledger.operations import advance_business_date

    ask(alice, loan)
    plan = offered(scene, loan)
    advance_business_date(to=plan.valid_until + timedelta(days=1))
    page = alice.get(url(loan)).content
    assert "could be accepted until" in words(page)
    assert b"plans/" not in page
