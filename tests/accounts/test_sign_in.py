"""Signing up and logging in, over HTTP, through allauth's own views."""

from __future__ import annotations

import re
import statistics
import threading
import time

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connections
from django.test import Client

from accounts.models import Borrower, User
from accounts.notifications import sms
from accounts.operations import enrol_totp, open_account
from accounts.sign_in.adapter import AccountAdapter
from tests.factories import NOW, PASSWORD, UserFactory
from tests.world import TOTP_SECRET

SIGN_UP, LOG_IN = "/accounts/signup/", "/accounts/login/"
CONFIRM_MAIL, CONFIRM_PHONE = "/accounts/confirm-email/", "/accounts/phone/verify/"


@pytest.fixture(autouse=True)
def quiet() -> None:
    sms.outbox.clear()
    cache.clear()  # sign-ups of a network are counted a minute


def sign_up(client: Client, login: str, password: str = PASSWORD, **extra: str):
    return client.post(
        SIGN_UP, {"login": login, "password1": password, **extra}, headers={"accept-language": "en"}
    )


def log_in(client: Client, login: str, password: str = PASSWORD):
    return client.post(LOG_IN, {"login": login, "password": password}, headers={"accept-language": "en"})


def errors(response) -> str:
    return str(response.context["form"].errors.as_data()) + str(response.context["form"].errors)


def code_in(text: str) -> str:
    return re.search(r"\b(\d{7})\b", text).group(1)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.django_db
class TestSigningUp:
    @pytest.mark.parametrize(
        ("login", "code"),
        [
            ("", "required"),
            ("   ", "required"),
            ("alice", "email_invalid"),
            ("a@b@example.com", "email_invalid"),
            ("alice@example.com.", "email_invalid"),
            ("al ice@example.com", "email_invalid"),
            ("alice@example", "email_invalid"),
            ("alice@example.com\r\nBcc: all@example.com", "email_invalid"),
            ("a" * 250 + "@example.com", "too_long"),
            ("+0", "phone_invalid"),
            ("1380013", "phone_invalid"),
            ("1" * 30, "phone_invalid"),
            ("+8613800abc000", "phone_invalid"),
            ("010 6505 1234", "phone_invalid"),  # a landline cannot receive a text message
        ],
    )
    def test_it_refuses_a_login_that_cannot_be_one(self, client, login: str, code: str) -> None:
        response = sign_up(client, login)
        assert response.status_code == 400
        assert f"'{code}'" in repr(response.context["form"].errors.as_data()) or code in str(
            [error.code for rows in response.context["form"].errors.as_data().values() for error in rows]
        )
        assert not User.objects.exists()
        assert mail.outbox == []
        assert sms.outbox == []

    @pytest.mark.parametrize(
        ("password", "sentence"),
        [
            ("short77", "Use at least 8 characters."),
            ("password123", "easy to guess"),
            ("Password1!", "easy to guess"),
            ("alice@example.com", "easy to guess"),
            ("lendportal1", "easy to guess"),
            ("11111111", "easy to guess"),
            ("good\x00password", "Remove the hidden character."),
            ("x" * 1025, "Use at most 1024 characters."),
        ],
    )
    def test_it_refuses_a_password_that_protects_nothing(self, client, password: str, sentence: str) -> None:
        response = sign_up(client, "alice@example.com", password)
        assert response.status_code == 400
        assert sentence in errors(response)
        assert not User.objects.exists()

    def test_it_refuses_a_huge_password_at_once(self, client) -> None:
        began = time.perf_counter()
        response = sign_up(client, "alice@example.com", "x" * 900_000)
        assert response.status_code in {400, 413}
        assert time.perf_counter() - began < 1.0

    @pytest.mark.parametrize("name", ["is_staff", "role", "is_superuser", "email"])
    def test_it_refuses_fields_that_nobody_asked_for(self, client, name: str) -> None:
        response = sign_up(client, "alice@example.com", **{name: "true"})
        assert response.status_code == 400
        assert not User.objects.exists()

    def test_it_refuses_a_wrong_code_and_counts(self, client) -> None:
        sign_up(client, "alice@example.com")
        for _ in range(5):
            assert client.post(CONFIRM_MAIL, {"code": "000000x"}).status_code == 400
        assert client.post(CONFIRM_MAIL, {"code": code_in(mail.outbox[0].body)}).status_code == 429
        assert not is_in(client)

    def test_it_refuses_a_code_of_another_session(self, client) -> None:
        sign_up(client, "alice@example.com")
        thief = Client()
        sign_up(thief, "mallory@example.com")
        assert thief.post(CONFIRM_MAIL, {"code": code_in(mail.outbox[0].body)}).status_code == 400
        assert not is_in(thief)

    @pytest.mark.parametrize(
        "spelling",
        [
            "alice@example.com",
            "ALICE@Example.COM",
            " alice@example.com ",
            "ａlice@example.com",
            "alice@ｅxample.com",
        ],
    )
    def test_a_taken_address_gets_the_same_answer_and_no_second_account(self, client, spelling: str) -> None:
        open_account(login="alice@example.com", password=PASSWORD, now=NOW)
        fresh = sign_up(client, "new@example.com")
        other = Client()
        taken = sign_up(other, spelling)
        assert (taken.status_code, taken.url) == (fresh.status_code, fresh.url)
        one, two = client.get(fresh.url), other.get(taken.url)
        strip = re.compile(rb"csrfmiddlewaretoken.*?>|nonce=\S+|new@example.com|alice@example.com|ID:?\s*\S+")
        assert strip.sub(b"", one.content) == strip.sub(b"", two.content)
        assert User.objects.filter(email="alice@example.com").count() == 1
        assert User.objects.count() == 2
        assert "already" in mail.outbox[1].body.lower()
        assert not re.search(r"\b\d{7}\b", mail.outbox[1].body)

    def test_it_opens_an_account_by_mail_code(self, client) -> None:
        response = sign_up(client, " Alice@Example.com")
        assert response.url == CONFIRM_MAIL
        assert not is_in(client)
        response = client.post(CONFIRM_MAIL, {"code": code_in(mail.outbox[0].body)})
        assert response.status_code == 302
        assert is_in(client)
        user = User.objects.get()
        assert (user.email, user.is_staff, user.language) == ("alice@example.com", False, "en")
        assert user.password.startswith("argon2$argon2id$")
        assert EmailAddress.objects.get().verified
        assert Borrower.objects.get(user=user).kind == "PERSON"

    @pytest.mark.parametrize("typed", ["13800138000", "+86 138 0013 8000", "138-0013-8000"])
    def test_it_opens_an_account_by_text_message(self, client, typed: str) -> None:
        response = sign_up(client, typed)
        assert response.url == CONFIRM_PHONE, response.content
        assert sms.outbox[0].phone == "+8613800138000"
        assert client.post(CONFIRM_PHONE, {"code": code_in(sms.outbox[0].text)}).status_code == 302
        assert is_in(client)
        user = User.objects.get()
        assert user.email is None
        assert user.phone == "+8613800138000"
        assert user.phone_verified_at
        client.logout()
        log_in(client, "138 0013 8000")
        assert is_in(client)

    @pytest.mark.parametrize(
        ("login", "page"), [("alice@example.com", CONFIRM_MAIL), ("13800138000", CONFIRM_PHONE)]
    )
    def test_a_mail_server_or_vendor_that_is_away_is_no_error_page(
        self, client, settings, login: str, page: str
    ) -> None:
        settings.EMAIL_BACKEND = "tests.accounts.test_notices.Broken"
        settings.SMS_BACKEND = "tests.accounts.test_notices.BrokenSms"
        response = sign_up(client, login)
        assert (response.status_code, response.url) == (302, page)

    def test_a_taken_number_gets_the_same_answer(self, client) -> None:
        open_account(login="13800138000", password=PASSWORD, now=NOW)
        response = sign_up(client, "+8613800138000")
        assert response.url == CONFIRM_PHONE
        assert client.get(CONFIRM_PHONE).status_code == 200
        assert User.objects.count() == 1
        assert not re.search(r"\b\d{7}\b", sms.outbox[0].text)
        assert client.post(CONFIRM_PHONE, {"code": "000000"}).status_code == 400

    @pytest.mark.parametrize("password", ["correct horse 马 battery 🐎 staple", "x y" * 66])
    def test_long_passwords_with_spaces_and_emoji_work(self, client, password: str) -> None:
        sign_up(client, "alice@example.com", password)
        client.post(CONFIRM_MAIL, {"code": code_in(mail.outbox[0].body)})
        client.logout()
        log_in(client, "alice@example.com", password)
        assert is_in(client)


@pytest.mark.django_db
class TestLoggingIn:
    @pytest.fixture(autouse=True)
    def alice(self) -> User:
        self.user = open_account(login="alice@example.com", password=PASSWORD, now=NOW)
        return self.user

    def test_an_unknown_login_and_a_wrong_password_read_alike(self, client) -> None:
        answers = [
            log_in(client, login, "wrong password 1")
            for login in ("alice@example.com", "nobody@example.com", "13800138000", "x")
        ]
        assert {response.status_code for response in answers} == {400}
        assert len({str(response.context["form"].errors) for response in answers}) == 1
        assert "The login or the password is wrong." in errors(answers[0])

    def test_the_sixth_guess_is_not_judged(self, client) -> None:
        for _ in range(5):
            assert log_in(client, "alice@example.com", "wrong password 1").status_code == 400
        refused = log_in(client, "ALICE@example.com")
        assert refused.status_code == 429
        assert refused["Retry-After"] == "900"
        assert not is_in(client)

    def test_guesses_are_counted_for_numbers_one_by_one(self, client) -> None:
        for number in range(8):
            assert log_in(client, f"138001380{number:02d}", "wrong password 1").status_code == 400

    def test_a_stranger_cannot_lock_the_owner_out(self) -> None:
        home = Client()
        log_in(home, "alice@example.com")
        assert is_in(home)
        home.post("/accounts/logout/")
        stranger = Client()
        for _ in range(7):
            log_in(stranger, "alice@example.com", "wrong password 1")
        assert log_in(stranger, "alice@example.com").status_code == 429
        assert log_in(home, "alice@example.com").status_code == 302
        assert is_in(home)

    def test_a_device_known_for_one_login_helps_nobody_elses(self) -> None:
        open_account(login="mallory@example.com", password=PASSWORD, now=NOW)
        mallory = Client()
        log_in(mallory, "mallory@example.com")
        mallory.post("/accounts/logout/")
        for _ in range(5):
            log_in(mallory, "alice@example.com", "wrong password 1")
        assert log_in(mallory, "alice@example.com").status_code == 429

    def test_a_forged_device_cookie_helps_nobody(self, client) -> None:
        client.cookies["known-device"] = "forged:value:here"
        for _ in range(5):
            log_in(client, "alice@example.com", "wrong password 1")
        assert log_in(client, "alice@example.com").status_code == 429

    def test_right_log_ins_do_not_use_up_tries(self, client) -> None:
        for _ in range(8):
            assert log_in(client, "alice@example.com").status_code == 302
            client.post("/accounts/logout/")

    @pytest.mark.parametrize(
        "target", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
    )
    def test_it_never_leads_elsewhere(self, client, target: str) -> None:
        response = client.post(LOG_IN, {"login": "alice@example.com", "password": PASSWORD, "next": target})
        assert response.status_code == 302
        assert response.url.startswith("/")
        assert "evil" not in response.url

    def test_it_refuses_a_missing_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        assert log_in(client, "alice@example.com").status_code == 403

    def test_it_refuses_a_foreign_host(self, client) -> None:
        assert client.get(LOG_IN, headers={"host": "evil.example"}).status_code == 400

    def test_an_inactive_user_does_not_get_in(self, client) -> None:
        User.objects.update(is_active=False)
        log_in(client, "alice@example.com")
        assert not is_in(client)

    def test_the_session_changes_at_log_in(self, client) -> None:
        client.get(LOG_IN)
        session = client.session
        session["planted"] = "1"
        session.save()
        before = session.session_key
        client.cookies["sessionid"] = before
        log_in(client, "alice@example.com")
        assert client.session.session_key != before

    def test_other_sessions_end_when_the_password_changes(self, client) -> None:
        other = Client()
        log_in(client, "alice@example.com")
        log_in(other, "alice@example.com")
        self.user.set_password("another lantern over water")
        self.user.save()
        assert "/login/" in other.get("/accounts/email/").url

    @pytest.mark.parametrize(
        ("is_staff", "left", "value"),
        [
            (False, "seen", 31 * 60),
            (True, "seen", 16 * 60),
            (False, "began", 12 * 3600 + 1),
            (True, "began", 8 * 3600 + 1),
        ],
    )
    def test_a_session_left_alone_or_grown_old_ends(
        self, client, is_staff: bool, left: str, value: int
    ) -> None:
        User.objects.update(is_staff=is_staff)
        client.force_login(self.user)
        session = client.session
        session["began"] = session["seen"] = int(time.time())
        session.save()
        client.get("/accounts/email/")
        assert is_in(client)
        session = client.session
        session[left] = int(time.time()) - value
        session.save()
        client.get("/accounts/email/")
        assert not is_in(client)

    def test_a_code_by_mail_is_another_way_in(self, client) -> None:
        response = client.post("/accounts/login/code/", {"login": "alice@example.com"})
        assert response.status_code == 302, response.content
        assert client.post(response.url, {"code": code_in(mail.outbox[-1].body)}).status_code == 302
        assert is_in(client)

    @pytest.mark.parametrize(
        ("ask", "login"),
        [
            ("/accounts/login/code/", "alice@example.com"),
            (SIGN_UP, "new@example.com"),
            (SIGN_UP, "13800138000"),
        ],
    )
    @pytest.mark.parametrize(("seconds", "opens"), [(590, True), (610, False)])
    def test_a_code_lives_ten_minutes(
        self, client, monkeypatch, ask: str, login: str, seconds: int, opens: bool
    ) -> None:
        page = client.post(ask, {"login": login, "password1": PASSWORD}).url
        sent = mail.outbox[-1].body if "@" in login else sms.outbox[-1].text
        assert 'autocomplete="one-time-code"' in (form := client.get(page).content.decode())
        assert 'inputmode="numeric"' in form
        began = time.time()
        monkeypatch.setattr(time, "time", lambda: began + seconds)
        client.post(page, {"code": code_in(sent)})
        assert is_in(client) == opens

    def test_a_code_has_the_twenty_bits_that_are_asked(self) -> None:
        codes = [AccountAdapter().generate_login_code() for _ in range(400)]
        assert {len(code) for code in codes} == {7}, "zeros in front are kept"
        assert 10 ** len(codes[0]) > 2**20

    def test_in_the_sandbox_a_message_is_shown_where_the_portal_runs(self, client, settings, capfd) -> None:
        settings.SMS_BACKEND = sms.CONSOLE
        sign_up(client, "13800138001")
        client.post(CONFIRM_PHONE, {"code": code_in(capfd.readouterr().err)})
        assert is_in(client)

    def test_asking_for_a_code_tells_nobody_who_has_an_account(self, client) -> None:
        known = client.post("/accounts/login/code/", {"login": "alice@example.com"})
        unknown = Client().post("/accounts/login/code/", {"login": "nobody@example.com"})
        assert (known.status_code, known.url) == (unknown.status_code, unknown.url)

    def test_it_takes_as_long_for_an_unknown_login(self, monkeypatch) -> None:
        """Compare medians with a margin that the noise of this machine cannot reach but one skipped hash would."""
        monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 102_400)
        monkeypatch.setattr(Argon2PasswordHasher, "time_cost", 4)
        self.user.set_password(PASSWORD)
        self.user.save()

        def median(login: str) -> float:
            times = []
            for _ in range(7):
                cache.clear()
                client = Client()
                began = time.perf_counter()
                log_in(client, login, "wrong password 1")
                times.append(time.perf_counter() - began)
            return statistics.median(times)

        known, unknown = median("alice@example.com"), median("nobody@example.com")
        assert 0.6 < known / unknown < 1.67


@pytest.mark.django_db
class TestStaff:
    def test_a_short_password_is_too_short_for_staff(self) -> None:
        from accounts.operations import UnableToOpenAccount

        with pytest.raises(UnableToOpenAccount):
            open_account(login="bob@example.com", password="lantern 1", now=NOW, is_staff=True)

    @pytest.mark.parametrize("path", ["/", "/desk/", "/accounts/email/", "/accounts/password/change/"])
    def test_without_a_second_factor_they_go_nowhere(self, client, path: str) -> None:
        client.force_login(UserFactory(is_staff=True))
        response = client.get(path)
        assert response.status_code == 302
        assert response.url == "/accounts/2fa/totp/activate/"

    def test_the_api_tells_them_why(self, client) -> None:
        client.force_login(UserFactory(is_staff=True))
        response = client.get("/api/v1/anything/")
        assert response.status_code == 403
        assert response.json()["code"] == "second_factor_required"

    def test_the_desk_has_no_door_of_its_own(self, client) -> None:
        response = client.get("/desk/")
        response = client.get(response.url)
        assert response.status_code == 302
        assert response.url.startswith(LOG_IN)

    def test_the_password_alone_does_not_let_them_in(self, client) -> None:
        bob = open_account(login="bob@example.com", password=PASSWORD, now=NOW, is_staff=True)
        enrol_totp(user=bob, secret=TOTP_SECRET)
        response = log_in(client, "bob@example.com")
        assert response.url == "/accounts/2fa/authenticate/"
        assert not is_in(client)
        assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 400
        assert not is_in(client)

    def test_a_code_by_mail_does_not_replace_the_second_factor(self, client) -> None:
        bob = open_account(login="bob@example.com", password=PASSWORD, now=NOW, is_staff=True)
        enrol_totp(user=bob, secret=TOTP_SECRET)
        response = client.post("/accounts/login/code/", {"login": "bob@example.com"})
        response = client.post(response.url, {"code": code_in(mail.outbox[-1].body)})
        assert response.url == "/accounts/2fa/authenticate/"
        assert not is_in(client)

    def test_the_code_of_the_moment_lets_them_in_once(self, client, capsys) -> None:
        from django.core.management import call_command

        bob = open_account(login="bob@example.com", password=PASSWORD, now=NOW, is_staff=True)
        assert "secret=" + TOTP_SECRET in enrol_totp(user=bob, secret=TOTP_SECRET)
        call_command("totp", "bob@example.com")
        code = capsys.readouterr().out.split()[0]
        log_in(client, "bob@example.com")
        client.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(client)
        again = Client()
        log_in(again, "bob@example.com")
        again.post("/accounts/2fa/authenticate/", {"code": code})
        assert not is_in(again)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run(self, work, count: int = 20) -> list:
        barrier, results = threading.Barrier(count, timeout=30), []

        def one(number: int) -> None:
            try:
                results.append(work(number, barrier))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == count
        return results

    def test_twenty_threads_with_one_code_get_one_session(self, client) -> None:
        sign_up(client, "alice@example.com")
        code, session = code_in(mail.outbox[0].body), client.session.session_key

        def confirm(number: int, barrier: threading.Barrier):
            mine = Client(raise_request_exception=True)
            mine.cookies["sessionid"] = session
            barrier.wait()
            response = mine.post(CONFIRM_MAIL, {"code": code})
            return response.status_code, mine.cookies["sessionid"].value != session and is_in(mine)

        results = self.run(confirm)
        assert sum(got_in for _, got_in in results) == 1, results
        assert {status for status, _ in results} <= {302, 400, 429}

    def test_a_hundred_wrong_codes_at_once_are_judged_five_times(self, client) -> None:
        sign_up(client, "alice@example.com")
        session = client.session.session_key

        def guess(number: int, barrier: threading.Barrier) -> list[int]:
            mine = Client()
            mine.cookies["sessionid"] = session
            barrier.wait()
            return [mine.post(CONFIRM_MAIL, {"code": f"{number}{turn}xx"}).status_code for turn in range(5)]

        statuses = [status for rows in self.run(guess) for status in rows]
        assert len(statuses) == 100
        assert statuses.count(400) <= 5
        assert statuses.count(429) >= 95

    def test_a_hundred_wrong_passwords_at_once_are_judged_five_times(self) -> None:
        open_account(login="alice@example.com", password=PASSWORD, now=NOW)

        def guess(number: int, barrier: threading.Barrier) -> list[int]:
            mine = Client()
            barrier.wait()
            return [
                log_in(mine, "alice@example.com", f"wrong password {turn}").status_code for turn in range(5)
            ]

        statuses = [status for rows in self.run(guess) for status in rows]
        assert statuses.count(400) == 5
        assert statuses.count(429) == 95

    def test_one_address_in_twenty_spellings_at_once_is_one_account(self) -> None:
        spellings = [
            "alice@example.com",
            "ALICE@example.com",
            "Alice@Example.Com",
            "ａlice@example.com",
            " alice@EXAMPLE.com ",
        ]

        def join(number: int, barrier: threading.Barrier):
            mine = Client()
            barrier.wait()
            response = sign_up(mine, spellings[number % 5])
            return response.status_code, response.get("Location")

        results = self.run(join)
        assert User.objects.count() == 1
        assert Borrower.objects.count() == 1
        assert {status for status, _ in results} <= {302, 429}, results
        assert {place for status, place in results if status == 302} == {CONFIRM_MAIL}
