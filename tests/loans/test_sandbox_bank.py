"""The bank by itself, and the whole way between the two processes' databases and back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest

from tests.loans.bank import API_KEY, ROOT, SECRET, BankProcess, dsn, free_port


def order(**changes: Any) -> dict[str, Any]:
    return {
        "reference": str(uuid.uuid4()), "amount": "10.00", "currency": "CNY", "account_number": "6222020000001234",
        "holder_name": "A", "bank_name": "B", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount": "10"}, 400),
        ({"amount": "-1.00"}, 400),
        ({"amount": "0.00"}, 400),
        ({"amount": 10}, 400),
        ({"amount": "NaN"}, 400),
        ({"currency": "cny"}, 400),
        ({"account_number": "12"}, 400),
        ({"reference": "x"}, 400),
    ],
)
def test_it_refuses_orders_that_cannot_be_read(
    bank: BankProcess, changes: dict[str, Any], status: int
) -> None:
    assert bank.ask("POST", "/transfers", order(**changes))[0] == status
    assert bank.movements() == []


def test_it_refuses_strangers_and_unknown_paths(bank: BankProcess) -> None:
    assert bank.ask("GET", "/book", key="wrong")[0] == 401
    assert bank.ask("GET", "/nowhere")[0] == 404
    assert bank.ask("GET", f"/transfers/{uuid.uuid4()}")[0] == 404
    assert bank.ask("POST", "/behaviour", {"on": "moon", "do": "shine"})[0] == 400


def test_one_reference_is_one_movement(bank: BankProcess) -> None:
    wanted = order()
    first, second = bank.ask("POST", "/transfers", wanted), bank.ask("POST", "/transfers", wanted)
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["provider_reference"] == second[1]["provider_reference"]
    assert bank.ask("POST", "/transfers", {**wanted, "amount": "11.00"})[0] == 422
    assert bank.ask("POST", "/debits", wanted)[0] == 422
    time.sleep(0.4)
    book = bank.ask("GET", "/book")[1]
    assert (len(book["movements"]), book["balance"]) == (1, "-10.00")


@pytest.mark.slow
def test_the_command_serves_the_bank(transactional_db: None) -> None:
    port = free_port()
    environment = {
        **os.environ, "BANK_DATABASE_URL": dsn(), "BANK_API_KEY": API_KEY, "BANK_WEBHOOK_SECRET": SECRET,
        "BANK_WEBHOOK_URL": "http://127.0.0.1:9/",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox_bank", "--port", str(port)], cwd=ROOT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    bank = BankProcess.__new__(BankProcess)
    bank.port, bank.process = port, process
    try:
        bank.wait()
        assert bank.ask("POST", "/transfers", order())[0] == 201
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
