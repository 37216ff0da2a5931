"""Figures of money for whoever watches, and errors reported without what belongs to a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from lendportal import metrics, sentry
from tests.loans import factories

TOKEN = "watching-token-0123456789"


@pytest.fixture
def figures(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics, "FRESH_SECONDS", -1.0)

    def read() -> dict[tuple[str, str], float]:
        answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        found = {}
        for family in text_string_to_metric_families(answer.content.decode()):
            for sample in family.samples:
                found[sample.name, next(iter(sample.labels.values()), "")] = sample.value
        return found

    return read


def test_it_refuses_whoever_has_no_token(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    for given in ("", "Bearer ", f"Bearer {TOKEN}x", TOKEN[:-1]):
        assert Client().get("/metrics", headers={"Authorization": given}).status_code == 404


def test_money_is_told(figures: Any) -> None:
    factories.confirm(factories.open_loan())
    factories.open_loan()
    found = figures()
    assert found["lendportal_exposure", "ACTIVE"] == 1200.0
    assert found["lendportal_movements_open", "payout_pending"] == 1.0
    assert found["lendportal_movement_oldest_seconds", "payout"] >= 0
    assert found["lendportal_figures_failed", ""] == 0


def test_a_figure_that_cannot_be_asked_is_counted_and_the_rest_stays(
    figures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.confirm(factories.open_loan())
    broken = ("lendportal_broken", "Nothing", "", "SELECT '', 1 / 0")
    monkeypatch.setattr(metrics, "FIGURES", (broken, *metrics.FIGURES))
    found = figures()
    assert found["lendportal_figures_failed", ""] == 1
    assert found["lendportal_business_date_age_days", ""] >= 0


def test_nothing_personal_is_reported() -> None:
    event = {
        "message": "王小明 wang@example.com called from 13812345678",
        "user": {"id": 7},
        "server_name": "host",
        "request": {
            "url": "https://x/loans",
            "data": "password=1",
            "cookies": {"a": 1},
            "headers": {"Cookie": "a"},
        },
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "stacktrace": {"frames": [{"function": "f", "vars": {"id_number": "1"}}]},
                }
            ]
        },
        "extra": {"id_number": "11010519900517001X"},
    }
    told = sentry.scrub(event)
    text = repr(told)
    for canary in ("wang@example.com", "13812345678", "password=1", "11010519900517001X", "Cookie", "host"):
        assert canary not in text
    assert "vars" not in text
    assert told["request"] == {"url": "https://x/loans"}


def test_without_an_address_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sentry.set_up(dsn="", environment="test") is False
