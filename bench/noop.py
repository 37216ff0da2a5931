"""A task that does nothing: what a task costs at the least. Loaded by the worker of `bench_rates` alone."""

from __future__ import annotations

from typing import Any

from celery import shared_task


@shared_task(name="bench.noop", ignore_result=True)
def noop(_row_id: int = 0, **kwargs: Any) -> None:
    """Do nothing."""
