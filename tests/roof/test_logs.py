"""Nothing that belongs to a person reaches a log."""

import io
import json
import logging

import pytest
import structlog

from lendportal.logs import redact, redact_text

CANARIES = [
    "11010519491231002X",
    "13800138000",
    "+86 138 0013 8000",
    "6222021234567890123",
    "li.lei@example.cn",
]


@pytest.mark.parametrize("canary", CANARIES)
def test_it_strikes_out_what_looks_like_a_person(canary):
    assert canary not in redact_text(f"paid by {canary}, thanks")


@pytest.mark.parametrize(
    "name", ["password", "id_number", "phone", "api_key", "Authorization", "account_number", "otp"]
)
def test_it_strikes_out_by_name_at_any_depth(name):
    assert "open sesame" not in json.dumps(redact({"a": [{name: "open sesame"}]}))


def test_it_keeps_what_the_officers_need():
    kept = {
        "loan_id": 42,
        "amount": "1234.56",
        "business_date": "2026-11-24",
        "ref": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }
    assert redact(kept) == kept


def test_it_hides_the_password_of_an_address():
    assert redact_text("postgres://lend:sesame@db/x") == "postgres://***@db/x"


def test_a_line_stays_a_line():
    root = logging.getLogger()
    handler = root.handlers[0] if root.handlers and hasattr(root.handlers[0], "setStream") else None
    formatter = next(
        h.formatter for h in root.handlers if h.formatter and "Processor" in type(h.formatter).__name__
    )
    stream = io.StringIO()
    own = logging.StreamHandler(stream)
    own.setFormatter(formatter)
    root.addHandler(own)
    try:
        structlog.get_logger("tests").warning("draw\r\nfake line", user_email="li.lei@example.cn")
    finally:
        root.removeHandler(own)
    assert handler is None or handler is not own
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["user_email"] == "***"
