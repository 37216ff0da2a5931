"""Identity, consents, bank accounts, business, language: through the forms."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import BankAccount, Borrower, BusinessMember, Consent, Identity
from accounts.operations import ensure_person
from tests.factories import UserFactory, card_number, prc_id, uscc
from tests.web.conftest import Scene, signed_in
from tests.web.pages import words
from tests.world import World


@pytest.fixture
def newcomer(world: World):  # type: ignore[no-untyped-def]
    from ledger.operations import open_books

    open_books(first_date=world.as_of)
    user = UserFactory(email="nina@example.com")
    return signed_in(user), ensure_person(user=user)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"full_name": "", "number": prc_id(order=1)}, "Enter your name"),
        ({"full_name": "李", "number": "110105199005170014"}, "field-error"),
        ({"full_name": "李\u202e明", "number": prc_id(order=2)}, "hidden characters"),
        ({"full_name": "   ", "number": prc_id(order=3)}, "field-error"),
        ({"full_name": "李明", "number": prc_id(birth_date=date(2020, 1, 1), order=4)}, "field-error"),
        ({"full_name": "李明", "number": prc_id(order=5), "birth_date": "01/02/03"}, "YYYY-MM-DD"),
        ({"full_name": "李明", "number": prc_id(order=6), "status": "VERIFIED"}, "does not take the field"),
    ],
)
def test_it_refuses_an_identity_at_its_field(newcomer, fields: dict[str, str], said: str) -> None:  # type: ignore[no-untyped-def]
    client, person = newcomer
    answer = client.post(reverse("accounts:identity", args=[person.ref]), {"document": "PRC_ID", **fields})
    assert answer.status_code == 400
    assert said in answer.content.decode() or said in words(answer.content)
    assert not Identity.objects.filter(borrower=person).exists()
    if "number" in fields and "status" not in fields:
        assert fields["number"] in answer.content.decode(), "what was typed is kept"


@pytest.mark.parametrize("name", ["O'Brien", "Nguyễn Thị Hoa", "李明", "Łukasz Żak", "Anne-Marie"])
def test_it_takes_legal_names_as_typed(newcomer, name: str) -> None:  # type: ignore[no-untyped-def]
    client, person = newcomer
    fields = {"document": "PRC_ID", "full_name": name, "number": prc_id()}
    answer = client.post(reverse("accounts:identity", args=[person.ref]), fields)
    assert answer.status_code == 302
    assert answer.url == reverse("accounts:consents", args=[person.ref])
    assert Identity.objects.get(borrower=person).full_name == name


def test_it_refuses_a_consent_text_that_was_not_shown(newcomer) -> None:  # type: ignore[no-untyped-def]
    client, person = newcomer
    address = reverse("accounts:consents", args=[person.ref])
    for value in (
        "CREDIT_DECISION@1999-01-01",
        "CREDIT_DECISION",
        "NOTHING@2026-11-01",
        "BUSINESS@2026-11-01",
    ):
        answer = client.post(address, {"purpose": value})
        assert answer.status_code in (400, 409), value
        assert not Consent.objects.filter(borrower=person).exists()


def test_it_keeps_each_consent_apart_and_takes_it_back(newcomer) -> None:  # type: ignore[no-untyped-def]
    client, person = newcomer
    address = reverse("accounts:consents", args=[person.ref])
    assert b" checked" not in client.get(address).content, "nothing is ticked for anybody"
    client.post(address, {"purpose": ["CREDIT_DECISION@2026-11-01", "BANK@2026-11-01"]})
    given = Consent.objects.filter(borrower=person, withdrawn_at=None)
    assert set(given.values_list("purpose", flat=True)) == {"CREDIT_DECISION", "BANK"}
    client.post(address, {"purpose": ["CREDIT_DECISION@2026-11-01"]})
    assert set(given.values_list("purpose", flat=True)) == {"CREDIT_DECISION"}
    assert Consent.objects.filter(borrower=person, purpose="BANK").exclude(withdrawn_at=None).count() == 1


def test_it_keeps_a_bank_account_once_and_shows_four_digits(scene: Scene) -> None:
    client, person = signed_in(scene.world.alice), scene.world.alice_person
    address, number = reverse("accounts:banks", args=[person.ref]), card_number(4711)
    fields = {"bank_name": "Bank of Shanghai", "holder_name": "Alice Wong", "number": number}
    before = BankAccount.objects.filter(borrower=person).count()
    assert client.post(address, fields).status_code == 302
    assert client.post(address, fields).status_code == 302
    assert BankAccount.objects.filter(borrower=person).count() == before + 1
    page = client.get(address).content.decode()
    assert number not in page
    assert f"•••• {number[-4:]}" in page
    assert client.post(address, {**fields, "number": "12"}).status_code == 400


def test_it_refuses_a_business_without_its_right_code(scene: Scene, alice: Client) -> None:
    right = {"legal_name": "Alice Tea", "uscc": uscc(77), "industry": "RETAIL", "founded_date": "2020-02-01"}
    for name, value in (
        ("uscc", "91110105000000000X"),
        ("industry", "CASINO"),
        ("founded_date", "2999-01-01"),
        ("legal_name", ""),
    ):
        answer = alice.post(reverse("accounts:business-new"), {**right, name: value})
        assert answer.status_code == 400, name
        assert "field-error" in answer.content.decode(), name
    assert alice.post(reverse("accounts:business-new"), right).status_code == 302
    tea = Borrower.objects.get(display_name="Alice Tea")
    assert BusinessMember.objects.get(business=tea).role == "OWNER"


def test_only_an_owner_changes_members(scene: Scene) -> None:
    world = scene.world
    address = reverse("accounts:members", args=[world.shop.ref])
    added = {"login": "charlie@example.com", "role": "FINANCE"}
    assert signed_in(world.fay).post(address, added).status_code == 403
    assert signed_in(world.alice).post(address, added).status_code == 404
    assert not BusinessMember.objects.filter(user=world.charlie).exists()
    owner = signed_in(world.dora)
    assert owner.post(address, {"login": "nobody@example.com", "role": "VIEWER"}).status_code == 409
    assert owner.post(address, added).status_code == 302
    member = BusinessMember.objects.get(user=world.charlie)
    remove = reverse("accounts:member-remove", args=[world.shop.ref, member.ref])
    assert signed_in(world.fay).post(remove).status_code == 403
    assert owner.post(remove).status_code == 302
    member.refresh_from_db()
    assert not member.is_active


def test_the_language_is_remembered_and_leads_nowhere_else(scene: Scene, alice: Client) -> None:
    answer = alice.post("/language/", {"language": "zh-hans", "next": "/settings/"})
    assert answer.status_code == 302
    assert answer.url == "/settings/"
    scene.world.alice.refresh_from_db()
    assert scene.world.alice.language == "zh-hans"
    assert "设置" in words(alice.get("/settings/").content)
    for evil in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert alice.post("/language/", {"language": "en", "next": evil}).url == "/"
    assert alice.post("/language/", {"language": "xx", "next": "/"}).status_code == 302


def test_a_shop_owner_sees_for_whom_and_comes_back_to_the_last_one(scene: Scene) -> None:
    owner, shop = scene.world.dora, scene.world.shop
    person = ensure_person(user=owner)
    client = signed_in(owner)
    assert client.get("/").url == reverse("credit:home", args=[shop.ref]), "the one with a line, at first"
    home = client.get(reverse("credit:home", args=[person.ref])).content.decode()
    faces = home[home.index('class="faces"') : home.index("</nav>", home.index('class="faces"'))]
    assert "Noodles" in faces
    assert reverse("credit:home", args=[shop.ref]) in faces
    assert 'aria-current="true"' in faces
    again = signed_in(owner)
    assert again.get("/").url == reverse("credit:home", args=[person.ref]), "remembered over log-ins"
    again.get(reverse("credit:home", args=[shop.ref]))
    assert signed_in(owner).get("/").url == reverse("credit:home", args=[shop.ref])
    elsewhere = words(again.get(reverse("loans:list", args=[shop.ref])).content)
    assert "Noodles" in elsewhere
    assert "switch" in elsewhere


def test_who_acts_for_one_alone_is_not_asked_for_whom(alice: Client) -> None:
    assert 'class="faces"' not in alice.get("/", follow=True).content.decode()


def test_whoever_lost_the_business_is_not_led_there(scene: Scene) -> None:
    owner, shop = scene.world.dora, scene.world.shop
    person = ensure_person(user=owner)
    signed_in(owner).get(reverse("credit:home", args=[shop.ref]))
    BusinessMember.objects.filter(user=owner, business=shop).update(is_active=False)
    assert signed_in(owner).get("/").url == reverse("credit:home", args=[person.ref])
