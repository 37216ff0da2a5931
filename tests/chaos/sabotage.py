"""Guards that can be taken out, so that the harness is itself tried: without one of them a run must find breaches."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.apps import AppConfig


@dataclass(frozen=True)
class Sabotage:
    """What is taken out of the code of each process, and of the database."""

    patch: Callable[[], None]
    statements: tuple[str, ...] = ()


def _without_lock() -> None:
    from credit.models import CreditLine
    from credit.operations import lines

    def read_line(*, line_id: int) -> Any:
        return CreditLine.objects.select_related("borrower").get(pk=line_id)

    lines.lock_line = read_line  # type: ignore[assignment]


def _without_key() -> None:
    from credit.operations import drawdowns

    look = drawdowns.draw_gate
    drawdowns.draw_gate = lambda **asked: replace(look(**asked), drawn_before=None)  # type: ignore[assignment]

    class Forgetful:
        uuid5 = staticmethod(lambda *args: uuid.uuid4())

        def __getattr__(self, name: str) -> Any:
            return getattr(uuid, name)

    drawdowns.uuid = Forgetful()  # type: ignore[assignment]


def _without_sweeper() -> None:
    from loans import tasks

    tasks._sweep = lambda *args: 0  # type: ignore[assignment]


SABOTAGE = {
    "lock": Sabotage(_without_lock),
    "key": Sabotage(
        _without_key,
        (
            """DO $$ DECLARE found text; BEGIN
               FOR found IN SELECT conname FROM pg_constraint WHERE conrelid = 'credit_drawdown'::regclass AND contype = 'u'
                   AND pg_get_constraintdef(oid) LIKE '%idempotency_key%'
               LOOP EXECUTE format('ALTER TABLE credit_drawdown DROP CONSTRAINT %I', found); END LOOP; END $$""",
        ),
    ),
    "sweeper": Sabotage(_without_sweeper),
}


class SabotageConfig(AppConfig):
    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        SABOTAGE[os.environ["CHAOS_WITHOUT"]].patch()
