"""Wake-ups for credit: each fixes the date, makes one call, and may run twice."""

from __future__ import annotations

import os
import socket
import time
from datetime import date, timedelta

from celery import shared_task
from django.utils import timezone

from credit import operations
from credit.operations.import_batches import work_batches
from credit.operations.portfolio import compute_report
from credit.rights.purge import purge_kept
from ledger import queries as ledger_queries

WORK_FOR_SECONDS = 30.0
"""Under the soft time limit: what is left is done by the next message."""


def worker_name() -> str:
    """Name this process in the night's books."""
    return f"{socket.gethostname()}:{os.getpid()}"


def last_day_to_close() -> date:
    """Give the newest day that is over on the wall clock."""
    return timezone.localdate() - timedelta(days=1)  # noqa: TID251  whether the day is over is asked of the wall clock


@shared_task(name="credit.tasks.run_end_of_day", ignore_result=True)
def run_end_of_day() -> str:
    """Close the days that are over; go on in another message when the time of this one is up."""
    began = time.monotonic()
    try:
        report = operations.run_end_of_day(
            as_of=last_day_to_close(),
            now=timezone.now(),
            worker=worker_name(),
            should_stop=lambda: time.monotonic() - began > WORK_FOR_SECONDS,
        )
    except ledger_queries.BooksNotOpen:
        return "BOOKS_NOT_OPEN"
    if report.status == "RUNNING" and not report.waiting_for:
        run_end_of_day.delay()
    return report.status


@shared_task(name="credit.tasks.send_reminders", ignore_result=True)
def send_reminders() -> int:
    """Write the reminders of the business date that are not written yet."""
    try:
        return operations.send_reminders(as_of=ledger_queries.business_date(), now=timezone.now())
    except ledger_queries.BooksNotOpen:
        return 0


@shared_task(name="credit.tasks.reevaluate_changed_lines", ignore_result=True)
def reevaluate_changed_lines() -> int:
    """Look at lines whose borrower withdrew a consent, brought newer records or paid a loan off."""
    try:
        return operations.reevaluate_changed_lines(as_of=ledger_queries.business_date()).looked_at
    except ledger_queries.BooksNotOpen:
        return 0


@shared_task(name="credit.tasks.reevaluate_due_lines", ignore_result=True)
def reevaluate_due_lines() -> int:
    """Look at lines whose turn it is and that the night did not reach."""
    try:
        return operations.reevaluate_due_lines(as_of=ledger_queries.business_date()).looked_at
    except ledger_queries.BooksNotOpen:
        return 0


@shared_task(name="credit.tasks.run_experiments", ignore_result=True, soft_time_limit=840, time_limit=900)
def run_experiments() -> int:
    """Run the laboratory's waiting experiments, and end the trial whose rule has spoken."""
    try:
        operations.stop_decided_trials(as_of=ledger_queries.business_date())
    except ledger_queries.BooksNotOpen:
        return 0
    return operations.run_waiting_experiments(now=timezone.now(), most=1)


@shared_task(name="credit.tasks.purge_kept", ignore_result=True)
def purge_erased() -> int:
    """End what the law made us keep of erased people, once its years are over."""
    try:
        return purge_kept(as_of=ledger_queries.business_date(), now=timezone.now())
    except ledger_queries.BooksNotOpen:
        return 0


@shared_task(name="credit.tasks.work_imports", ignore_result=True, soft_time_limit=1740, time_limit=1800)
def work_imports() -> int:
    """Try books that were brought, and import those that two people let in."""
    try:
        return work_batches(as_of=ledger_queries.business_date(), now=timezone.now())
    except ledger_queries.BooksNotOpen:
        return 0


@shared_task(name="credit.tasks.compute_portfolio_report")
def compute_portfolio_report(*, report_id: int) -> None:
    """Compute a report that a page claimed."""
    compute_report(report_id=report_id, now=timezone.now())
