"""Credit passports: earned, released, signed, shared, verified by strangers, revoked."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from credit.domain.passport import (
    LEVELS,
    Conduct,
    UnableToReadPassport,
    canonical,
    carry,
    is_genuine,
    key_id,
    level_of,
    next_level,
    parse_code,
    public_half,
    read_document,
    seal,
    show_code,
)
from credit.models import Passport, PassportLink
from credit.passport import operations
from tests.factories import AS_OF, NOW
from tests.web.conftest import Scene, signed_in
from tests.web.conftest import scene as scene
from tests.web.pages import words

SEED = bytes(range(32))
BODY = {"version": "1", "code": "K7Q29FMX3TB0", "sections": {"line": {"limit": "50000.00"}}}


class TestLevels:
    @pytest.mark.parametrize(
        ("conduct", "number"),
        [
            (Conduct(), 1),
            (Conduct(months_on_book=3, on_time_streak=3), 2),
            (Conduct(months_on_book=3, on_time_streak=3, days_past_due_now=1), 1),
            (Conduct(months_on_book=9, on_time_streak=9, loans_paid_off=1, days_past_due_max_12m=4), 2),
            (Conduct(months_on_book=9, on_time_streak=9, loans_paid_off=1, days_past_due_max_12m=3), 3),
            (Conduct(months_on_book=30, on_time_streak=20, loans_paid_off=3), 4),
        ],
    )
    def test_good_repayment_raises_it(self, conduct: Conduct, number: int) -> None:
        assert level_of(conduct).number == number

    def test_more_of_the_good_never_lowers_it_and_each_level_gives_more(self) -> None:
        for months in range(0, 14, 2):
            for streak in range(0, 14, 2):
                here = level_of(Conduct(months, 1, streak)).number
                assert level_of(Conduct(months + 1, 2, streak + 1)).number >= here
        given = [(level.valid_days, level.link_days, level.links) for level in LEVELS]
        assert given == sorted(given)

    def test_it_says_what_the_next_one_asks(self) -> None:
        level, lacks = next_level(Conduct(months_on_book=3, on_time_streak=4)) or pytest.fail("not the top")
        assert level.number == 3
        assert [(lack.have, lack.need) for lack in lacks] == [(3, 6), (4, 6), (0, 1)]
        assert next_level(Conduct(12, 3, 12)) is None


class TestSealing:
    def test_anybody_verifies_it_with_the_public_key_alone(self) -> None:
        document = seal(BODY, seed=SEED)
        # written by hand, as a stranger would in any language
        signed = (
            b"lendportal-passport-v1\n"
            + json.dumps(BODY, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        )
        signature = base64.b64decode(document["signature"]["value"])
        Ed25519PublicKey.from_public_bytes(public_half(SEED)).verify(signature, signed)
        assert is_genuine(document, keys=[public_half(SEED)])
        assert document["signature"]["key"] == key_id(public_half(SEED))

    def test_one_changed_letter_is_a_forgery(self) -> None:
        document = seal(BODY, seed=SEED)
        keys = [public_half(SEED)]
        forged = copy.deepcopy(document)
        forged["passport"]["sections"]["line"]["limit"] = "90000.00"
        assert not is_genuine(forged, keys=keys)
        for part in ("key", "value", "algorithm"):
            broken = copy.deepcopy(document)
            broken["signature"][part] = "x"
            assert not is_genuine(broken, keys=keys)
        assert not is_genuine(document, keys=[public_half(bytes(32))])
        assert not is_genuine({**document, "more": 1}, keys=keys)

    def test_a_pdf_carries_the_document(self) -> None:
        document = seal(BODY, seed=SEED)
        assert read_document(carry(b"%PDF-1.7\n...\n%%EOF\n", document)) == document

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"[]", b"%PDF-1.7 nothing", b"\xff\xfe", b'{"passport":1}', b'{"passport":{},"passport":{}}',
         b'{"passport":{"a":1.5}}', b"[" * 5000, b"x" * 70_000],
    )  # fmt: skip
    def test_it_refuses_what_is_no_passport(self, content: bytes) -> None:
        with pytest.raises(UnableToReadPassport):
            read_document(content)

    @pytest.mark.parametrize("raw", ["", "K7Q2", "K7Q2-9FMX-3TBU", "K7Q2-9FMX-3TB！", "K7Q29FMX3TB00"])
    def test_it_refuses_what_is_no_code(self, raw: str) -> None:
        with pytest.raises(UnableToReadPassport):
            parse_code(raw)


def issue(scene: Scene, *sections: str) -> Passport:
    return operations.issue_passport(
        borrower=scene.world.shop, sections=sections or ("holder", "line"), actor=scene.world.dora, as_of=AS_OF,
        now=NOW,
    )  # fmt: skip


@pytest.mark.django_db
class TestReleasing:
    def test_nothing_is_in_it_that_was_not_released(self, scene: Scene) -> None:
        made = issue(scene, "line")
        assert set(made.document["passport"]["sections"]) == {"line"}
        written = json.dumps(made.document, ensure_ascii=False)
        profile = scene.world.shop.business_profile
        for secret in (profile.uscc, profile.legal_name, str(scene.world.shop.ref), scene.world.dora.email):
            assert secret not in written
        assert made.document["passport"]["sections"]["line"] == {"limit": "50000.00", "in_use": "0.00"}

    def test_every_section_can_be_released_and_said(self, scene: Scene) -> None:
        made = issue(scene, "holder", "standing", "repayment", "debt", "line", "turnover")
        page = signed_in(scene.world.dora).get(reverse("credit:passport-one", args=[made.ref]))
        said = words(page.content)
        for line in ("Dora's Noodles", "Newcomer", "Open loans 0", "¥50,000.00", "not known"):
            assert line in said

    def test_it_refuses_without_a_choice_and_more_than_ten_a_day(self, scene: Scene) -> None:
        with pytest.raises(UnableToReadPassport):
            operations.issue_passport(
                borrower=scene.world.shop, sections=[], actor=scene.world.dora, as_of=AS_OF, now=NOW
            )
        for _ in range(10):
            issue(scene)
        with pytest.raises(operations.UnableToIssue):
            issue(scene)

    def test_the_owner_does_it_and_others_do_not(self, scene: Scene) -> None:
        url = reverse("credit:passport", args=[scene.world.shop.ref])
        assert signed_in(scene.world.fay).get(url).status_code == 403
        assert signed_in(scene.world.charlie).get(url).status_code == 404
        answer = signed_in(scene.world.dora).post(url, {"sections": ["standing", "line"]})
        made = Passport.objects.get()
        assert answer["Location"] == reverse("credit:passport-one", args=[made.ref])
        assert signed_in(scene.world.charlie).get(answer["Location"]).status_code == 404
        empty = signed_in(scene.world.dora).post(url, {})
        assert empty.status_code == 400
        assert "Choose at least one part" in words(empty.content)


@pytest.mark.django_db
class TestSharing:
    def link(self, scene: Scene, made: Passport, days: int = 7) -> tuple[PassportLink, str]:
        return operations.share_passport(
            passport=made, days=days, label="The bank", actor=scene.world.dora, as_of=AS_OF, now=NOW
        )

    def test_a_link_opens_it_until_it_ends(self, scene: Scene) -> None:
        made = issue(scene)
        link, token = self.link(scene, made)
        assert token not in str(PassportLink.objects.filter(pk=link.pk).values().get())
        assert operations.open_link(token=token, as_of=AS_OF, now=NOW + timedelta(days=6)) == made
        link.refresh_from_db()
        assert link.opened_count == 1
        for dead in (
            {"token": token, "now": NOW + timedelta(days=7)},
            {"token": token[:-1] + "x", "now": NOW},
        ):
            with pytest.raises(operations.NotFound) as refused:
                operations.open_link(as_of=AS_OF, **dead)
            assert refused.value.code == "link_dead"

    def test_a_newcomers_link_lives_a_week_at_most(self, scene: Scene) -> None:
        with pytest.raises(operations.InvalidInput) as refused:
            self.link(scene, issue(scene), days=30)
        assert (refused.value.field, refused.value.params) == ("days", {"most": 7})

    def test_revoking_ends_the_links_and_is_told_to_who_verifies(self, scene: Scene) -> None:
        made = issue(scene)
        _link, token = self.link(scene, made)
        operations.revoke_passport(passport=made, actor=scene.world.dora, now=NOW)
        with pytest.raises(operations.NotFound):
            operations.open_link(token=token, as_of=AS_OF, now=NOW)
        assert operations.verify_code(code=made.code, as_of=AS_OF).verdict == "REVOKED"
        with pytest.raises(operations.UnableToIssue):
            self.link(scene, made)

    def test_the_page_shows_the_link_once_and_strangers_read_it(self, scene: Scene) -> None:
        made = issue(scene, "holder", "standing")
        owner = signed_in(scene.world.dora)
        url = reverse("credit:passport-one", args=[made.ref])
        page = owner.post(url, {"label": "The bank", "days": "7"}, follow=True)
        shown = page.context["fresh_url"]
        assert shown.encode() in page.content
        assert "fresh" not in owner.get(url).content.decode()
        stranger = Client(headers={"accept-language": "en"})
        answer = stranger.get(shown)
        assert answer.status_code == 200
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert "Genuine and valid" in words(answer.content)
        assert "Dora's Noodles" in words(answer.content)
        assert "50,000" not in words(answer.content), "the limit was not released"
        link = PassportLink.objects.get()
        owner.post(reverse("credit:passport-link-close", args=[made.ref, link.ref]))
        assert stranger.get(shown).status_code == 404


@pytest.mark.django_db
class TestVerifying:
    url = "/passport/verify/"

    def client(self) -> Client:
        return Client(headers={"accept-language": "en"})

    def test_by_code(self, scene: Scene) -> None:
        made = issue(scene)
        said = words(self.client().get(self.url, {"code": show_code(made.code).lower()}).content)
        assert "Genuine and valid" in said
        assert made.fingerprint in said
        assert "Not known here" in words(self.client().get(self.url, {"code": "0000-0000-0000"}).content)
        wrong = self.client().get(self.url, {"code": "abc"})
        assert wrong.status_code == 400
        assert "Enter the 12 characters" in words(wrong.content)
        assert self.client().post(self.url, {}).status_code == 400

    def test_by_the_json_file_and_a_forged_one(self, scene: Scene) -> None:
        made = issue(scene)
        owner = signed_in(scene.world.dora)
        content = owner.get(reverse("credit:passport-file", args=[made.ref, "json"])).content
        good = SimpleUploadedFile("p.json", content)
        assert "Genuine and valid" in words(self.client().post(self.url, {"file": good}).content)
        forged = SimpleUploadedFile("p.json", content.replace(b"50000.00", b"90000.00"))
        said = words(self.client().post(self.url, {"file": forged}).content)
        assert "Not genuine" in said
        assert "90,000" not in said

    def test_by_the_pdf_and_one_whose_pages_were_changed(self, scene: Scene) -> None:
        made = issue(scene)
        owner = signed_in(scene.world.dora)
        pdf = owner.get(reverse("credit:passport-file", args=[made.ref, "pdf"])).content
        assert pdf.startswith(b"%PDF-")
        good = SimpleUploadedFile("p.pdf", pdf)
        assert "exactly as it was handed out" in words(self.client().post(self.url, {"file": good}).content)
        changed = SimpleUploadedFile("p.pdf", pdf.replace(b"%PDF-1.", b"%PDF-2.", 1))
        said = words(self.client().post(self.url, {"file": changed}).content)
        assert "Trust only what is shown below" in said

    def test_a_row_changed_behind_the_portals_back_is_no_passport(self, scene: Scene) -> None:
        made = issue(scene)
        made.document["passport"]["sections"]["line"]["limit"] = "90000.00"
        Passport.objects.filter(pk=made.pk).update(document=made.document)
        assert operations.verify_code(code=made.code, as_of=AS_OF).verdict == "FORGED"

    def test_it_ends_by_itself_and_old_keys_still_verify(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = issue(scene)
        assert operations.verify_code(code=made.code, as_of=AS_OF + timedelta(days=91)).verdict == "EXPIRED"
        old = settings.PASSPORT_PUBLIC_KEYS
        monkeypatch.setattr(settings, "PASSPORT_PUBLIC_KEYS", [public_half(SEED)])
        assert operations.verify_code(code=made.code, as_of=AS_OF).verdict == "FORGED"
        monkeypatch.setattr(settings, "PASSPORT_PUBLIC_KEYS", [public_half(SEED), *old])
        assert operations.verify_code(code=made.code, as_of=AS_OF).verdict == "VALID"

    def test_guessing_is_counted(self, scene: Scene) -> None:
        client = self.client()
        answers = [client.get(self.url, {"code": f"{n:012d}"}).status_code for n in range(62)]
        assert answers[59:] == [200, 429, 429]

    def test_the_public_keys_are_public(self, scene: Scene) -> None:
        found = self.client().get("/passport/keys/").json()["keys"]
        made = issue(scene)
        public = base64.b64decode(
            next(k["public"] for k in found if k["key"] == made.document["signature"]["key"])
        )
        assert is_genuine(made.document, keys=[public])
        assert canonical(made.document["passport"])
        assert Decimal(made.document["passport"]["sections"]["line"]["limit"]) == 50_000
