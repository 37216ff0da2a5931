"""Fixtures of loans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.loans.bank import API_KEY, SECRET, BankProcess


@pytest.fixture(scope="module")
def bank_process(django_db_setup: Any, django_db_blocker: Any) -> Iterator[BankProcess]:
    """The bank, for all tests of a module."""
    with django_db_blocker.unblock():
        bank = BankProcess()
    yield bank
    bank.stop()


@pytest.fixture
def bank(bank_process: BankProcess, transactional_db: None, settings: Any) -> BankProcess:
    """The bank with an empty book, and the portal's settings pointed at it."""
    settings.GATEWAY_URL = bank_process.url
    settings.GATEWAY_API_KEY = API_KEY
    settings.GATEWAY_SECRETS = [SECRET]
    settings.GATEWAY_TIMEOUT = 1
    bank_process.reset()
    return bank_process
