"""The operator's page: how the nights, payouts, messages and notices run, what is stuck, and trying again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Notice
from accounts.operations import write_audit
from credit.models import NightRun, NightShard
from credit.tasks import run_end_of_day
from ledger import queries as ledger_queries
from lendportal import health
from lendportal.desk.keyset import read_key
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from loans import operations
from loans.models import Collection, GatewayMessage, Payout, Transfer
from loans.tasks import sweep_collections, sweep_payouts, sweep_transfers, sweep_webhooks, wake_transfer
from loans.views.wake import wake
from merchants.models import Settlement
from merchants.operations import retry_settlement
from regimes.errors import Refusal
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
    pk = read_key(request.POST.get("id", "")) or 0
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
        case "transfer":
            operations.hurry_movement(Transfer, pk=pk, now=now)
            sweep_transfers.delay()
        case "settlement":
            return _retry_settlement(request, pk)
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


def _retry_settlement(request: HttpRequest, pk: int) -> HttpResponse:
    """Order a shop's payment again that the bank refused; it goes to the account that the shop has today."""
    if not request.user.has_perm("merchants.retry_settlement"):  # type: ignore[union-attr]
        raise PermissionDenied
    if not Settlement.objects.filter(pk=pk).exists():
        raise Http404
    try:
        row = retry_settlement(settlement_id=pk, actor=request.user, as_of=ledger_queries.business_date())  # type: ignore[arg-type]
    except Refusal as refusal:
        messages.error(request, refusal_text(refusal))
        return redirect("admin:running")
    transaction.on_commit(lambda: wake(wake_transfer, row.transfer_id))
    messages.success(request, _("The payment is ordered again, to the account that the shop has today."))
    return redirect("admin:running")


def _stuck(model: type[Payout] | type[Collection] | type[Transfer], now: datetime) -> list[Any]:
    waits = Q(status__in=["PENDING", "CLAIMED", "SENT"], created_at__lt=now - STUCK_AFTER)
    rows = model.objects.filter(waits | Q(status__in=["UNKNOWN", "PARKED"]))
    if model is not Transfer:
        rows = rows.select_related("loan__borrower")  # type: ignore[misc]
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
        "transfers": _stuck(Transfer, now),
        "refused": Settlement.objects.filter(transfer__status="REFUSED")
        .select_related("merchant", "transfer")
        .order_by("pk")[:SHOWN],
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
