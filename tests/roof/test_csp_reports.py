"""What browsers tell of the content policy reaches the log, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

pytestmark = pytest.mark.django_db


def send(body: Any) -> tuple[int, list[Any]]:
    raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
    with capture_logs() as lines:
        answer = Client().post("/csp-report/", data=raw, content_type="application/csp-report")
    return answer.status_code, [line for line in lines if line["event"] == "csp_violation"]


def report(**values: str) -> dict[str, Any]:
    return {"csp-report": {"effective-directive": "script-src", "blocked-uri": "https://evil.example/x.js?s=1",
                           "document-uri": "https://portal.example/home/?token=canary", **values}}  # fmt: skip


def test_every_page_names_the_address() -> None:
    assert "report-uri /csp-report/" in Client().get("/").headers["Content-Security-Policy"]


def test_a_report_is_one_line_without_what_may_be_secret() -> None:
    status, lines = send(report())
    assert status == 204
    assert [(line["directive"], line["blocked"], line["page"]) for line in lines] == [
        ("script-src", "https://evil.example/x.js", "https://portal.example/home/")
    ]
    assert "canary" not in json.dumps(lines)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"csp-report": 1}',
        b"\xff\xfe",
        {"csp-report": None},
        report(**{"blocked-uri": "x" * 9000}),
    ],
)
def test_what_is_no_report_is_dropped(body: Any) -> None:
    assert send(body) == (204, [])


def test_a_page_that_tells_a_thousand_times_is_heard_twenty() -> None:
    heard = sum(len(send(report())[1]) for _ in range(25))
    assert heard == 20


def test_a_newline_forges_no_line() -> None:
    _, lines = send(report(**{"blocked-uri": "data\nINFO all is well", "effective-directive": "a\r\nb"}))
    assert len(lines) == 1


def test_nobody_reads_there() -> None:
    assert Client().get("/csp-report/").status_code == 405
