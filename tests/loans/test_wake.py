"""Nudges that come together are one message, and none is lost or said twice."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from loans import tasks
from loans.operations import UnableToOrder
from loans.views import wake


class Broker:
    """Take messages as a task would send them."""

    name = "loans.tasks.wake_payouts"

    def __init__(self) -> None:
        self.sent: list[list[int]] = []

    def apply_async(self, *, args: list[Any], retry: bool) -> None:
        self.sent.append(args[0])


def wait(condition: Any) -> None:
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


def test_what_comes_together_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "GATHER_SECONDS", 0.3)
    broker = Broker()
    for number in range(5):
        wake.wake_soon(broker, number)
    assert broker.sent == [], "who asks does not wait for it"
    wait(lambda: broker.sent)
    assert broker.sent == [[0, 1, 2, 3, 4]]
    wake.wake_soon(broker, 5)
    wait(lambda: len(broker.sent) == 2)
    assert broker.sent[1] == [5], "the next moment has a message of its own"


def test_threads_lose_none_and_say_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "GATHER_SECONDS", 0.002)
    broker = Broker()

    def ask(first: int) -> None:
        for number in range(first, first + 100):
            wake.wake_soon(broker, number)

    crowd = [threading.Thread(target=ask, args=[100 * place]) for place in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    wait(lambda: sum(map(len, broker.sent)) == 800)
    assert sorted(row for rows in broker.sent for row in rows) == list(range(800))


def test_without_a_broker_nobody_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(Broker):
        def apply_async(self, *, args: list[Any], retry: bool) -> None:
            self.sent.append(args[0])
            raise OperationalError

    monkeypatch.setattr(wake, "GATHER_SECONDS", 0.0)
    broker = Away()
    wake.wake_soon(broker, 1)
    wait(lambda: broker.sent)
    wake.wake_soon(broker, 2)
    wait(lambda: len(broker.sent) == 2)
    assert broker.sent == [[1], [2]]


@pytest.mark.django_db
def test_one_bad_row_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def send(*, payout_id: int, **_: Any) -> None:
        if payout_id == 2:
            raise UnableToOrder("no", "No.")
        sent.append(payout_id)

    monkeypatch.setattr(tasks.operations, "send_payout", send)
    monkeypatch.setattr(tasks, "business_date", lambda: None)
    tasks.wake_payouts([1, 2, 3])
    assert sent == [1, 3]
