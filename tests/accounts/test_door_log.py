"""What happens at a door is in the log, without anything that opens it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from accounts.operations import open_account
from tests.factories import NOW, StaffFactory

PASSWORD = "a lantern on the wall"
LOGIN = "alice@example.com"

pytestmark = pytest.mark.django_db


def lines(work: Any) -> list[dict[str, Any]]:
    with capture_logs() as caught:
        work()
    wanted = {"log_in", "log_out", "log_in_refused", "password_changed", "access_refused", "factor_added"}
    return [line for line in caught if line["event"] in wanted]


def log_in(client: Client, password: str = PASSWORD) -> Any:
    return client.post("/accounts/login/", {"login": LOGIN, "password": password})


def test_in_out_and_a_wrong_password() -> None:
    alice = open_account(login=LOGIN, password=PASSWORD, now=NOW)
    client = Client()
    refused = lines(lambda: log_in(client, "not this one"))
    assert [line["event"] for line in refused] == ["log_in_refused"]
    assert len(refused[0]["login"]) == 16
    came = lines(lambda: log_in(client))
    assert [(line["event"], line["user_id"], line["by"]) for line in came] == [
        ("log_in", alice.pk, ["password"])
    ]
    went = lines(lambda: client.post("/accounts/logout/"))
    assert [(line["event"], line["user_id"]) for line in went] == [("log_out", alice.pk)]
    everything = json.dumps([*refused, *came, *went], default=str)
    assert LOGIN not in everything
    assert "not this one" not in everything


def test_the_next_person_at_the_machine_finds_nothing() -> None:
    open_account(login=LOGIN, password=PASSWORD, now=NOW)
    client = Client()
    assert "Clear-Site-Data" not in log_in(client).headers
    assert "Clear-Site-Data" not in client.post("/i18n/setlang/", {"language": "en"}).headers
    assert client.post("/accounts/logout/").headers["Clear-Site-Data"] == '"cache", "storage"'


def test_a_page_that_a_role_does_not_open(settings: Any) -> None:
    settings.STAFF_MFA_REQUIRED = False
    clerk = StaffFactory(is_superuser=False)
    client = Client()
    client.force_login(clerk)
    refused = lines(lambda: client.get("/desk/portfolio/"))
    assert [(line["user_id"], line["path"]) for line in refused] == [(clerk.pk, "/desk/portfolio/")]


def test_a_new_password() -> None:
    alice = open_account(login=LOGIN, password=PASSWORD, now=NOW)
    client = Client()
    log_in(client)
    fresh = "another lantern on the wall"
    changed = lines(
        lambda: client.post(
            "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
        )
    )
    assert ("password_changed", alice.pk) in [(line["event"], line["user_id"]) for line in changed]
    assert fresh not in json.dumps(changed, default=str)
