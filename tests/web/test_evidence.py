"""Giving files through the page: refused at the field, mapped by hand, understood, never executed."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from risk.models import EvidenceSource
from tests.web.conftest import Scene, signed_in
from tests.web.pages import words

ODD = "When,What,Sum\n" + "".join(f"2026-01-{day:02d},=HYPERLINK(1),{day}.00\n" for day in range(1, 29))


def give(
    client: Client,
    scene: Scene,
    content: bytes,
    kind: str = "BANK_CSV",
    name: str = "bank.csv",
    **fields: str,
):  # type: ignore[no-untyped-def]
    address = reverse("risk:evidence", args=[scene.world.alice_person.ref])
    return client.post(address, {"kind": kind, "file": SimpleUploadedFile(name, content), **fields})


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"PK\x03\x04" + b"\0" * 400, 415),
        (b"%PDF-1.7 \n1 0 obj", 415),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, 415),
        (b"date,amount\n", 400),
        (b"date,amount\n2026-01-01,NaN\n", 400),
        (b'date,amount\n2026-01-01,"5\n', 400),
        (b"date,amount\n2999-01-01,5.00\n", 400),
    ],
)
def test_it_refuses_a_file_at_its_field(scene: Scene, alice: Client, content: bytes, status: int) -> None:
    answer = give(alice, scene, content)
    assert answer.status_code == status
    assert 'id="id_file_error"' in answer.content.decode()
    assert not EvidenceSource.objects.exists()


def test_it_refuses_strangers_viewers_and_unknown_kinds(scene: Scene, alice: Client) -> None:
    good = b"date,amount\n2026-01-01,5.00\n"
    assert give(signed_in(scene.world.charlie), scene, good).status_code == 404
    shop = reverse("risk:evidence", args=[scene.world.shop.ref])
    assert signed_in(scene.world.vic).get(shop).status_code == 403
    assert give(alice, scene, good, kind="PLATFORM").status_code == 400
    assert give(alice, scene, good, map_date="date", hack="1").status_code == 400


def test_it_lets_the_borrower_say_which_column_is_what(scene: Scene, alice: Client) -> None:
    asked = give(alice, scene, ODD.encode())
    text = words(asked.content)
    assert asked.status_code == 400
    assert "Which column is what?" in text
    assert '<option value="When">' in asked.content.decode()
    answer = give(alice, scene, ODD.encode(), map_date="When", map_amount="Sum", map_memo="What")
    source = EvidenceSource.objects.get()
    assert answer.url == reverse("risk:source", args=[scene.world.alice_person.ref, source.ref])
    page = alice.get(answer.url)
    assert "28" in words(page.content)
    assert signed_in(scene.world.charlie).get(answer.url).status_code == 404
    assert give(alice, scene, ODD.encode()).status_code == 409, "already uploaded"


def test_a_ready_made_person_brings_records(scene: Scene, alice: Client) -> None:
    address = reverse("risk:sandbox", args=[scene.world.alice_person.ref])
    assert alice.post(address, {"persona": "nobody"}).status_code == 400
    assert alice.post(address, {"persona": "steady"}).status_code == 302
    assert EvidenceSource.objects.get().kind == "SANDBOX"


def test_sample_files_are_in_the_borrowers_name_and_can_be_given_back(scene: Scene, alice: Client) -> None:
    for kind in ("ALIPAY", "WECHAT", "BANK_CSV", "OFX", "CAMT053"):
        answer = alice.get(reverse("risk:sample", args=[scene.world.alice_person.ref, kind]))
        assert answer.status_code == 200
        assert give(alice, scene, answer.content, kind=kind).status_code == 302, kind
    assert signed_in(scene.world.charlie).get(answer.request["PATH_INFO"]).status_code == 404
    odd = reverse("risk:sample", args=[scene.world.alice_person.ref, "PLATFORM"])
    assert alice.get(odd).status_code == 404
