"""The figures that tell whether money moves as it should, for Prometheus: asked of the database, a few seconds old at most.

Process figures (memory, CPU) come from prometheus-client itself. What is here is the same in every process, so it does not
matter which web worker answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import structlog
from django.db import DatabaseError, connection, transaction
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)
FRESH_SECONDS = 10.0

# name, what it says, label, statement giving (label, value)
FIGURES: tuple[tuple[str, str, str, str], ...] = (
    (
        "lendportal_exposure",
        "Outstanding principal of live loans",
        "status",
        "SELECT status, sum(principal_outstanding) FROM loans_loan WHERE status IN ('ACTIVE', 'OVERDUE') GROUP BY 1",
    ),
    (
        "lendportal_limits",
        "Sum of the limits of lines that can be drawn on",
        "status",
        "SELECT status, sum(\"limit\") FROM credit_creditline WHERE status IN ('ACTIVE', 'FROZEN') GROUP BY 1",
    ),
    (
        "lendportal_movements_open",
        "Payouts and collections that have not ended",
        "state",
        """SELECT 'payout_' || lower(status), count(*) FROM loans_payout
            WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN', 'PARKED') GROUP BY 1
           UNION ALL SELECT 'collection_' || lower(status), count(*) FROM loans_collection
            WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN', 'PARKED') GROUP BY 1""",
    ),
    (
        "lendportal_movement_oldest_seconds",
        "Age of the oldest movement that has not ended",
        "kind",
        """SELECT 'payout', extract(epoch FROM clock_timestamp() - min(created_at)) FROM loans_payout
            WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN')
           UNION ALL SELECT 'collection', extract(epoch FROM clock_timestamp() - min(created_at)) FROM loans_collection
            WHERE status IN ('PENDING', 'CLAIMED', 'SENT', 'UNKNOWN')""",
    ),
    (
        "lendportal_messages_open",
        "Messages of the gateway that wait or are parked",
        "state",
        "SELECT lower(state), count(*) FROM loans_gatewaymessage WHERE state IN ('STORED', 'PARKED') GROUP BY 1",
    ),
    (
        "lendportal_notices_oldest_seconds",
        "Age of the oldest notice that is due and not sent",
        "",
        """SELECT '', extract(epoch FROM clock_timestamp() - min(send_after)) FROM accounts_notice
            WHERE status = 'PENDING' AND send_after <= now()""",
    ),
    (
        "lendportal_business_date_age_days",
        "Days by which the books' date is behind the calendar",
        "",
        "SELECT '', current_date - max(business_date) FROM ledger_bookdate",
    ),
    (
        "lendportal_nights_unfinished",
        "Ends of day that run or stopped",
        "status",
        "SELECT lower(status), count(*) FROM credit_nightrun WHERE status <> 'DONE' GROUP BY 1",
    ),
)


class MoneyCollector(Collector):
    """Ask the database when Prometheus asks, but not more often than each few seconds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked_at = -FRESH_SECONDS
        self.known: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Say nothing at registration: the database may not be there yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self.lock:
            if time.monotonic() - self.asked_at >= FRESH_SECONDS:
                self.known, self.asked_at = list(ask()), time.monotonic()
        yield from self.known


def ask() -> Iterator[Metric]:
    """Ask every figure; one that cannot be asked is missing, and counted."""
    failed = 0
    for name, text, label, statement in FIGURES:
        family = GaugeMetricFamily(name, text, labels=[label] if label else None)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
                for word, value in cursor.fetchall():
                    if value is not None:
                        family.add_metric([word] if label else [], float(value))
        except DatabaseError as error:
            failed += 1
            log.warning("figure_not_asked", figure=name, error=type(error).__name__)
            continue
        yield family
    yield GaugeMetricFamily("lendportal_figures_failed", "Figures that could not be asked", value=failed)


_registered = threading.Event()


def register() -> None:
    """Add the figures to the process's registry, once."""
    if not _registered.is_set():
        _registered.set()
        REGISTRY.register(MoneyCollector())
