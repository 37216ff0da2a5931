"""The operator's page: how the nights, payouts, messages and notices run, what is stuck, and trying again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Notice
from accounts.operations import write_audit
from credit.models import NightRun, NightShard
from credit.tasks import run_end_of_day
from ledger import queries as ledger_queries
from lendportal import health
from lendportal.desk.views import _page
from loans import operations
from loans.models import Collection, GatewayMessage, Payout
from loans.tasks import sweep_collections, sweep_payouts, sweep_webhooks
from risk.models import EvidenceSource

STUCK_AFTER = timedelta(minutes=10)
SHOWN = 50


def running(request: HttpRequest) -> HttpResponse:
    """Show how everything runs; a button tries again what failed."""
    now = timezone.now()
    if request.method == "POST":
        if not request.user.has_perm("credit.run_operations"):  # type: ignore[union-attr]
            raise PermissionDenied
        return _act(request, now)
    return _page(request, "admin/running.html", title=_("Operations"), today=ledger_queries.business_date(), **_picture(now))  # fmt: skip


def _act(request: HttpRequest, now: datetime) -> HttpResponse:
    """Wake a worker for what is stuck. Nothing is decided here: the worker asks by reference before it tries again."""
    act = request.POST.get("act", "")
    number = request.POST.get("id", "")
    pk = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    match act:
        case "night":
            run_end_of_day.delay()
        case "payout" | "collection":
            if act == "payout":
                operations.hurry_movement(Payout, pk=pk, now=now)
                sweep_payouts.delay()
            else:
                operations.hurry_movement(Collection, pk=pk, now=now)
                sweep_collections.delay()
        case "message":
            operations.unpark_message(message_id=pk)
            sweep_webhooks.delay()
        case _:
            messages.error(request, _("Choose what to try again."))
            return _page(request, "admin/running.html", 400, title=_("Operations"), today=ledger_queries.business_date(), **_picture(now))  # fmt: skip
    with transaction.atomic():
        write_audit(actor=request.user, action="operations.retry", object_type=act, object_ref=pk)  # type: ignore[arg-type]
    messages.success(request, _("A worker was woken. This page shows what came of it."))
    return redirect("admin:running")


def _stuck(model: type[Payout] | type[Collection], now: datetime) -> list[Any]:
    waits = Q(status__in=["PENDING", "CLAIMED", "SENT"], created_at__lt=now - STUCK_AFTER)
    rows = model.objects.filter(waits | Q(status__in=["UNKNOWN", "PARKED"])).select_related("loan__borrower")
    return list(rows.order_by("created_at", "pk")[:SHOWN])


def _picture(now: datetime) -> dict[str, Any]:
    runs = list(NightRun.objects.order_by("-business_date")[:7])
    shards = NightShard.objects.filter(run__in=runs[:1]).values("step", "status").annotate(n=Count("id"))
    steps: dict[str, dict[str, int]] = {}
    for row in shards:
        steps.setdefault(row["step"], {})[row["status"]] = row["n"]
    names = dict(NightShard._meta.get_field("step").choices or [])
    failed = NightShard.objects.filter(status="PARKED").select_related("run").order_by("-id")[:SHOWN]
    notices = Notice.objects.exclude(status="SENT").values("status").annotate(n=Count("id"), oldest=Min("created_at"))  # fmt: skip
    inbox = GatewayMessage.objects.values("state").annotate(n=Count("id"))
    feeds = EvidenceSource.objects.values("kind", "status").annotate(n=Count("id")).order_by("kind", "status")
    return {
        "runs": runs,
        "steps": [
            (names.get(step, step), sum(counts.values()), counts.get("DONE", 0), counts.get("PARKED", 0))
            for step, counts in steps.items()
        ],
        "failed": failed,
        "payouts": _stuck(Payout, now),
        "collections": _stuck(Collection, now),
        "parked": GatewayMessage.objects.filter(state="PARKED").order_by("received_at", "pk")[:SHOWN],
        "outbox": [(dict(Notice.Status.choices)[row["status"]], row["n"], row["oldest"]) for row in notices],
        "inbox": [(dict(GatewayMessage.State.choices)[row["state"]], row["n"]) for row in inbox],
        "feeds": [(row["kind"], row["status"], row["n"]) for row in feeds],
        "health": _health(),
    }


def _health() -> list[tuple[str, bool]]:
    found = []
    for name, check in ((_("Database"), health._database), (_("Cache"), health._cache)):
        try:
            check()
        except Exception:  # every failure is an answer here
            found.append((name, False))
        else:
            found.append((name, True))
    return found
