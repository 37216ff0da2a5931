"""The doors for machines."""

import pytest


@pytest.mark.django_db
def test_it_is_ready_when_database_and_cache_answer(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()
    assert {name: row["ok"] for name, row in answer.json()["checks"].items()} == {
        "database": True,
        "cache": True,
        "migrations": True,
    }
    assert answer["X-Request-ID"]


def test_it_is_alive_without_a_database(client):
    assert client.get("/livez").json() == {"status": "ok"}
