"""Finance's bank file, the operator's page, the trail, the whole of a person, and two officers on one case."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts import operations as accounts
from accounts.models import AuditEntry
from ledger.domain.csv_rows import csv_rows
from ledger.operations import open_books
from lendportal.desk.review_queue import similar_cases
from loans import operations
from loans.bank_file import compare
from loans.models import BankFile, Loan, Payout, Transfer
from loans.operations.bank_file import import_bank_file
from merchants import operations as shop_operations
from regimes.errors import Refusal
from tests.credit.factories import bring_first_versions
from tests.credit.test_applications import apply, decide, person
from tests.factories import AS_OF, NOW, UserFactory
from tests.loans import factories
from tests.merchants.shop import agree, capture, make_buyer, make_checkout, make_merchant
from tests.world import TOTP_SECRET, World

pytestmark = pytest.mark.django_db


def at_desk(*roles: str) -> Client:
    user = UserFactory(is_staff=True)
    accounts.enrol_totp(user=user, secret=TOTP_SECRET)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    client.user = user  # type: ignore[attr-defined]
    return client


def bank_csv(*rows: str) -> bytes:
    return "\n".join(["date,reference,amount,text", *rows]).encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"date,reference,amount,text\n", "file_empty"),
        (b"PK\x03\x04zip", "not_csv"),
        ("date,reference,amount,text\n2026-03-02,ä,1.00,\n".encode("utf-16"), "not_csv"),
        ("date,reference,amount,text\n2026-03-02,ä,1.00,\n".encode("latin-1"), "not_utf8"),
        (b"date,reference,amount\n", "column_missing"),
        (b"date,date,reference,amount,text\n", "column_missing"),
        (b"date,reference,amount,text,iban\n", "column_unknown"),
        (b'date,reference,amount,text\n2026-03-02,"open,1.00,x\n', "quote_open"),
        (bank_csv("2026-02-30,a,1.00,x"), "date_invalid"),
        (bank_csv("2026-03-02,a,1,x"), "amount_invalid"),
        (bank_csv("2026-03-02,a,=1+1,x"), "amount_invalid"),
        (bank_csv("2026-03-02,a,NaN,x"), "amount_invalid"),
        (bank_csv("2026-03-02,a,1.00"), "cells_wrong"),
        (bank_csv("2026-03-02,,1.00,x"), "reference_invalid"),
        (bank_csv("2026-03-02,a\u202eb,1.00,x"), "control_character"),
    ],
)
def test_it_refuses_a_bank_file_that_is_none(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as no:
        import_bank_file(name="a.csv", content=content, actor=UserFactory(is_staff=True))
    assert no.value.code == code
    assert not BankFile.objects.exists()


def test_it_reads_a_mark_of_byte_order_and_refuses_a_million_rows() -> None:
    rows = list(csv_rows("\ufeffa,b\n=1,2\n".encode(), columns=("a", "b"), most_rows=5))
    assert rows == [(2, {"a": "=1", "b": "2"})], "a formula is kept as text"
    many = b"a,b\n" + b"1,2\n" * 10
    with pytest.raises(Refusal) as no:
        list(csv_rows(many, columns=("a", "b"), most_rows=5))
    assert no.value.code == "too_many_rows"


def test_the_bank_s_file_is_matched_by_reference_and_nothing_is_guessed() -> None:
    loans = [factories.active_loan() for _ in range(4)]
    day = date(2026, 3, 2)
    payouts = [Payout.objects.get(loan=loan) for loan in loans]
    Payout.objects.update(done_at="2026-03-02T04:00:00Z")
    sure, other, twice, _missing = payouts
    content = bank_csv(
        f"{day},{sure.provider_reference},-{sure.amount},payout",
        f"{day},{other.gateway_reference},-{other.amount + 1},payout",
        f"{day},{twice.provider_reference},-{twice.amount},payout",
        f"{day},{twice.provider_reference},-{twice.amount},payout",
        f"{day},stranger-1,25.00,=HYPERLINK(1)",
    )
    client = at_desk("Finance")
    upload = SimpleUploadedFile("march.csv", content)
    answer = client.post(reverse("admin:bank"), {"file": upload})
    assert answer.status_code == 302
    file = BankFile.objects.get()
    found = compare(file=file)
    assert found.counts == {"MATCHED": 1, "AMOUNT": 1, "TWICE": 2, "UNKNOWN": 1, "MISSING": 1}
    assert found.matched_total == -sure.amount
    page = client.get(reverse("admin:bank_file", args=[file.ref])).content.decode()
    assert "At the bank, not with us" in page
    assert "stranger-1" in page
    csv = client.get(reverse("admin:bank_file", args=[file.ref]), {"format": "csv"}).content.decode(
        "utf-8-sig"
    )
    assert "'=HYPERLINK(1)" in csv
    again = client.post(reverse("admin:bank"), {"file": SimpleUploadedFile("b.csv", content)})
    assert again.status_code == 409
    assert at_desk("Auditor").post(reverse("admin:bank"), {}).status_code == 403


def test_the_operator_sees_what_is_stuck_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    for name in ("run_end_of_day", "sweep_payouts", "sweep_collections", "sweep_webhooks"):
        monkeypatch.setattr(f"lendportal.desk.running.{name}.delay", lambda name=name: woken.append(name))
    loan = factories.open_loan()
    payout = Payout.objects.get(loan=loan)
    Payout.objects.filter(pk=payout.pk).update(status="UNKNOWN", next_attempt_at="2031-01-01T00:00:00Z")
    operator = at_desk("Administrator")
    url = reverse("admin:running")
    assert "Outcome not known yet" in operator.get(url).content.decode()
    assert at_desk("Auditor").post(url, {"act": "night"}).status_code == 403
    for act in ("night", "payout", "message"):
        assert operator.post(url, {"act": act, "id": str(payout.pk)}).status_code == 302
    assert operator.post(url, {"act": "dance"}).status_code == 400
    assert woken == ["run_end_of_day", "sweep_payouts", "sweep_webhooks"]
    payout.refresh_from_db()
    assert payout.next_attempt_at is not None
    assert payout.next_attempt_at.year < 2031


def test_the_trail_is_searched_and_every_look_is_in_it(world: World) -> None:
    loan: Loan = factories.active_loan()
    reviewer = at_desk("Credit officer")
    assert reviewer.get(reverse("admin:loans_loan_change", args=[loan.pk])).status_code == 200
    assert reviewer.get(reverse("admin:accounts_borrower_change", args=[loan.borrower.pk])).status_code == 200
    auditor = at_desk("Auditor")
    url = reverse("admin:trail")
    page = auditor.get(url, {"person": str(loan.borrower.ref), "views": "on"}).content.decode()
    assert page.count("person.viewed") == 2
    assert "person.viewed" not in auditor.get(url, {"actor": "nobody@example.com"}).content.decode()
    assert "person.viewed" in auditor.get(url, {"actor": str(reviewer.user.ref)}).content.decode()  # type: ignore[attr-defined]
    assert auditor.get(url, {"from_date": "soon"}).status_code == 400
    assert auditor.get(url, {"action": "person", "before": "1"}).status_code == 200
    assert reviewer.get(url).status_code == 403


def test_a_person_is_shown_whole_only_with_a_reason(world: World) -> None:
    url = reverse("admin:reveal", args=[world.alice_person.ref])
    for role in ("Support", "Auditor", "Finance", "Administrator"):
        assert at_desk(role).get(url).status_code == 403, role
    collector = at_desk("Collector")
    assert "alice@example.com" not in collector.get(url).content.decode()
    assert collector.post(url, {"reason": ""}).status_code == 400
    shown = collector.post(url, {"reason": "called back, must confirm"}).content.decode()
    assert "Alice Wong" in shown
    assert "alice@example.com" in shown
    entry = AuditEntry.objects.filter(action="person.revealed").get()
    assert entry.reason == "called back, must confirm"
    support = at_desk("Support")
    page = support.get(
        reverse("admin:accounts_borrower_change", args=[world.alice_person.pk])
    ).content.decode()
    assert "alice@example.com" not in page
    assert "Alice Wong" not in page


def test_two_officers_do_not_decide_one_application() -> None:
    open_books(first_date=AS_OF)
    application = apply(person())
    first, second = at_desk("Credit officer"), at_desk("Credit officer")
    queue, review = reverse("admin:queue"), reverse("admin:review", args=[application.ref])
    assert first.post(queue, {"act": "take", "ref": str(application.ref)}).url == review  # type: ignore[attr-defined]
    assert second.post(queue, {"act": "take", "ref": str(application.ref)}).url == queue  # type: ignore[attr-defined]
    form = {"outcome": "DECLINE", "note": "no"}
    assert second.post(review, form).status_code == 409
    assert first.post(queue, {"act": "leave", "ref": str(application.ref)}).status_code == 302
    assert second.post(review, form).status_code == 302
    for ref in ("x", str(uuid.uuid4())):
        assert first.post(queue, {"act": "take", "ref": ref}).status_code == 404


def test_similar_cases_say_how_they_went() -> None:
    officer = UserFactory(is_staff=True)
    old = apply(person())
    decide(old, officer, limit=Decimal("3000.00"))
    new = apply(person())
    (case,) = similar_cases(application=new, pd=None)
    assert (case.ref, case.status, case.loans, case.by_person) == (old.ref, "APPROVED", 0, True)
    page: Any = at_desk("Credit officer").get(reverse("admin:review", args=[new.ref]))
    assert "Similar cases" in page.content.decode()


def test_a_payment_to_a_shop_that_the_bank_refused_is_ordered_again(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    woken: list[int] = []
    monkeypatch.setattr("lendportal.desk.running.wake", lambda task, pk: woken.append(pk))
    bring_first_versions()
    merchant = make_merchant()
    checkout = agree(make_checkout(merchant), make_buyer())
    capture(checkout)
    [row] = shop_operations.settle_merchants(as_of=AS_OF, now=NOW)
    url, ask = reverse("admin:running"), {"act": "settlement", "id": str(row.pk)}
    finance = at_desk("Finance")
    assert finance.post(url, ask).status_code == 302  # not refused: nothing is ordered, and the page says why
    assert Transfer.objects.count() == 1
    operations.refuse_transfer(transfer_id=row.transfer_id, reason="account_closed", now=NOW)
    page = finance.get(url).content.decode()
    assert "account_closed" in page
    assert 'value="settlement"' in page
    for role in ("Administrator", "Auditor"):
        assert 'value="settlement"' not in at_desk(role).get(url).content.decode(), role
        assert at_desk(role).post(url, ask).status_code == 403, role
    with django_capture_on_commit_callbacks(execute=True):
        assert finance.post(url, ask).status_code == 302
    row.refresh_from_db()
    assert (row.attempt, row.transfer.status, row.transfer.amount) == (2, "PENDING", row.net)
    assert woken == [row.transfer_id]
    assert AuditEntry.objects.filter(action="merchant.settlement.retry", object_ref=str(row.ref)).count() == 1
    assert finance.post(url, ask).status_code == 302
    assert Transfer.objects.count() == 2, "a second press orders nothing more"
    assert finance.post(url, {"act": "settlement", "id": "0"}).status_code == 404


def test_a_hold_is_placed_and_lifted_with_reasons_by_an_administrator() -> None:
    from accounts.models import LegalHold
    from tests.factories import BorrowerFactory

    borrower = BorrowerFactory()
    client, url = at_desk("Administrator"), reverse("admin:hold", args=[borrower.ref])
    assert at_desk("Support").get(url).status_code == 403
    assert client.post(url, {"reason": ""}).status_code == 400
    assert not LegalHold.objects.exists()
    assert client.post(url, {"reason": "court of Pudong, 17/2026"}).status_code == 302
    page = client.get(url).content.decode()
    assert "must be kept since" in page
    assert "Lift the hold" in page
    assert client.post(url, {"reason": "settled"}).status_code == 302
    hold = LegalHold.objects.get()
    assert hold.lifted_by == client.user  # type: ignore[attr-defined]
    assert list(AuditEntry.objects.filter(action__startswith="hold.").order_by("pk").values_list("reason", flat=True)) == ["court of Pudong, 17/2026", "settled"]  # fmt: skip
