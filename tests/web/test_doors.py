"""What people do to pages: two tabs, the back button, an ended session, a big draw, no connection; and what they may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from credit.affording import Affordability, Past, affordability, situations_of
from credit.domain.lessons import BY_CODE, LESSONS, SITUATIONS, fitting
from credit.models import Drawdown, LessonRead
from loans.models import Collection, Loan
from tests.factories import PASSWORD, UserFactory
from tests.loans.factories import active_loan
from tests.web.conftest import AS_OF, Scene, signed_in
from tests.web.pages import hidden, words
from tests.web.test_draw import cost, sign


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-03-02T02:00:00Z", tick=False) as stopped:
        yield stopped


@pytest.fixture
def alice(clock: time_machine.Coordinates, scene: Scene) -> Client:
    return signed_in(scene.world.alice)


class TestSigning:
    def test_a_session_that_ended_mid_draw_loses_and_doubles_nothing(
        self, scene: Scene, alice: Client, clock: time_machine.Coordinates
    ) -> None:
        page = cost(alice, scene)
        clock.shift(6)
        Session.objects.all().delete()
        answer = sign(alice, scene, page)
        assert answer.status_code == 302
        assert "/accounts/login/" in answer.url
        assert not Drawdown.objects.exists()
        alice.force_login(scene.world.alice)
        assert sign(alice, scene, page).status_code == 302, (
            "the same form still counts after logging in again"
        )
        assert sign(alice, scene, page).status_code == 302
        assert Drawdown.objects.count() == 1

    def test_two_tabs_are_two_draws_and_the_second_is_held_against_what_is_left(
        self, scene: Scene, alice: Client, clock: time_machine.Coordinates
    ) -> None:
        first, second = cost(alice, scene, amount="12000"), cost(alice, scene, amount="12000")
        clock.shift(6)
        assert sign(alice, scene, first).status_code == 302
        refused = sign(alice, scene, second)
        assert refused.status_code == 409
        assert "You can draw up to ¥8,000.00" in words(refused.content)
        assert Drawdown.objects.count() == 1

    def test_a_large_draw_asks_who_signs_and_goes_on_with_the_same_form(
        self, scene: Scene, clock: time_machine.Coordinates
    ) -> None:
        user = scene.world.alice
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        alice = signed_in(user)
        page = cost(alice, scene, amount="20000")
        assert "once more" in words(page.content)
        clock.shift(6)
        asked = sign(alice, scene, page)
        assert asked.status_code == 302
        assert "/accounts/reauthenticate/" in asked.url
        assert not Drawdown.objects.exists()
        wrong = alice.post(asked.url, {"password": "not it"})
        assert wrong.status_code == 400
        assert not Drawdown.objects.exists()
        done = alice.post(asked.url, {"password": PASSWORD})
        assert done.status_code == 302
        assert Drawdown.objects.get().amount == Decimal("20000.00")
        assert done.url == reverse("credit:drawdown", args=[Drawdown.objects.get().ref])

    def test_a_small_draw_asks_for_nothing_more(
        self, scene: Scene, alice: Client, clock: time_machine.Coordinates
    ) -> None:
        page = cost(alice, scene, amount="19999")
        clock.shift(6)
        assert "/drawdowns/" in sign(alice, scene, page).url

    def test_coming_back_to_the_signed_table_shows_the_draw_and_draws_no_more(
        self, scene: Scene, alice: Client, clock: time_machine.Coordinates
    ) -> None:
        page = cost(alice, scene)
        clock.shift(6)
        first = sign(alice, scene, page).url
        clock.shift(600)
        assert sign(alice, scene, page).url == first
        assert Drawdown.objects.count() == 1

    def test_where_the_regime_gives_it_the_right_to_leave_stands_before_the_signature(
        self, scene: Scene, alice: Client, settings: object
    ) -> None:
        settings.REGIME = "eu"  # type: ignore[attr-defined]
        assert "leave the contract within 14 days" in words(cost(alice, scene).content)

    def test_the_table_tells_the_heaviest_month_and_what_to_read(self, scene: Scene, alice: Client) -> None:
        said = words(cost(alice, scene).content)
        assert "heaviest month" in said
        assert "Your first loan here" in said


class TestPaying:
    def test_a_session_that_ended_mid_payment_pays_once(self, scene: Scene, alice: Client) -> None:
        loan: Loan = active_loan(account=scene.world.alice_account)
        url = reverse("loans:repay", args=[loan.ref])
        fields = hidden(alice.get(url).content)
        fields |= {"part": "DUE", "choice": "PAY_AHEAD", "bank_account": str(scene.world.alice_account.ref)}
        Session.objects.all().delete()
        assert "/accounts/login/" in alice.post(url, fields).url
        assert not Collection.objects.exists()
        alice.force_login(scene.world.alice)
        for _ in range(2):
            assert alice.post(url, fields).status_code == 302
        assert Collection.objects.count() == 1

    def test_two_tabs_cannot_pay_more_than_is_owed(self, scene: Scene, alice: Client) -> None:
        loan: Loan = active_loan(account=scene.world.alice_account)
        url = reverse("loans:repay", args=[loan.ref])
        tabs = [hidden(alice.get(url).content) for _ in range(2)]
        for fields in tabs:
            fields |= {
                "part": "ALL",
                "choice": "PAY_AHEAD",
                "bank_account": str(scene.world.alice_account.ref),
            }
        assert alice.post(url, tabs[0]).status_code == 302
        refused = alice.post(url, tabs[1])
        assert refused.status_code == 409
        assert "on its way" in words(refused.content)
        assert Collection.objects.count() == 1


class TestAffording:
    def test_the_heaviest_month_counts_what_runs_already(self, scene: Scene) -> None:
        borrower = scene.world.alice_person
        before = affordability(
            borrower_id=borrower.pk, rows=[(date(2026, 5, 2), Decimal("100.00"))], as_of=AS_OF
        )
        assert (before.before, before.after, before.month) == (0, Decimal("100.00"), date(2026, 5, 1))
        loan = active_loan(account=scene.world.alice_account)
        each = loan.instalments.get(number=2).outstanding
        after = affordability(
            borrower_id=borrower.pk, rows=[(date(2026, 5, 2), Decimal("100.00"))], as_of=AS_OF
        )
        assert after.before == max(loan.instalments.values_list("outstanding", flat=True))
        assert after.after == each + 100
        assert after.income is None
        assert after.level == "unknown"

    @pytest.mark.parametrize(
        ("after", "level"), [("330", "fine"), ("331", "tight"), ("500", "tight"), ("501", "heavy")]
    )
    def test_the_level_is_the_share_of_the_income(self, after: str, level: str) -> None:
        found = Affordability(Decimal(1000), Decimal(0), Decimal(after), AS_OF)
        assert found.level == level

    def test_situations_are_what_is_true(self, scene: Scene) -> None:
        found = Affordability(Decimal(1000), Decimal(0), Decimal(600), AS_OF)
        said = situations_of(
            line=scene.line, found=found, method="BULLET", count=24, left=Decimal(100), past=Past()
        )
        assert said == {"first", "heavy", "full", "long", "at_the_end"}


class TestLessons:
    def test_every_piece_fits_somebody_and_no_code_is_used_twice(self) -> None:
        assert len(BY_CODE) == len(LESSONS)
        for lesson in LESSONS:
            assert lesson.situations or lesson.scenarios
            assert lesson.situations <= SITUATIONS

    def test_what_was_read_comes_after_its_equals(self) -> None:
        first = fitting(scenario="EVERYDAY", situations=["first"])
        again = fitting(scenario="EVERYDAY", situations=["first"], read=[first[0].code])
        assert [row.code for row in first] == [row.code for row in reversed(again)]

    def test_anybody_reads_and_who_is_logged_in_keeps_it(self, scene: Scene) -> None:
        url = reverse("credit:lesson", args=["a-third"])
        nobody, user = Client(headers={"accept-language": "en"}), UserFactory()
        assert "I have read it" not in words(nobody.get(url).content)
        nobody.post(url)
        assert not LessonRead.objects.exists()
        client = signed_in(user)
        for _ in range(2):
            client.post(url)
        assert LessonRead.objects.get().code == "a-third"
        assert words(client.get(reverse("credit:lessons")).content).count(" read ") >= 1
        assert client.get("/learn/no-such-piece/").status_code == 404


class TestInstalling:
    def test_the_manifest_names_icons_that_are_there(self, db: None) -> None:
        from pathlib import Path

        answer = Client().get("/manifest.webmanifest")
        assert answer["Content-Type"] == "application/manifest+json"
        said = json.loads(answer.content)
        assert said["display"] == "standalone"
        assert {icon["purpose"] for icon in said["icons"]} == {"any", "maskable"}
        for icon in said["icons"]:
            assert (Path(__file__).parents[2] / icon["src"].lstrip("/")).exists()

    def test_the_worker_keeps_no_page_of_a_person(self, db: None) -> None:
        answer = Client().get("/sw.js")
        text = answer.content.decode()
        assert answer["Content-Type"].startswith("text/javascript")
        assert answer["Service-Worker-Allowed"] == "/"
        assert "cache.put" not in text
        assert text.count('"/offline/"') == 2

    def test_the_offline_page_asks_nobody_and_says_it_in_both_languages(
        self, db: None, django_assert_num_queries: object
    ) -> None:
        with django_assert_num_queries(0):  # type: ignore[operator]
            said = words(Client().get("/offline/").content)
        assert "没有网络" in said
        assert "Nothing is borrowed or paid while you are offline" in said
