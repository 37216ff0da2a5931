"""The doors for machines."""

import pytest


@pytest.mark.servers
@pytest.mark.django_db
def test_it_is_ready_when_database_and_cache_answer(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()
    assert {name: row["ok"] for name, row in answer.json()["checks"].items()} == {
        "database": True,
        "cache": True,
        "migrations": True,
    }


def test_it_is_alive_without_a_database(client):
    assert client.get("/livez").json() == {"status": "ok"}


def test_a_probe_needs_no_host_name(client):
    assert client.get("/livez", headers={"host": "10.1.2.3"}).status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
