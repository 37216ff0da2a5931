"""After the faults: wait for quiet, ask again what had no answer, then hold four books against each other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients import send, with_database
from tests.chaos.journal import Journal, Request
from tests.chaos.people import People
from tests.chaos.plant import Plant
from tests.chaos.shops import callers

WAITING = ("PENDING", "CLAIMED", "SENT", "UNKNOWN")
SHOP_KINDS = ("order", "agree", "capture", "refund", "void")


@dataclass
class Verdict:
    """What was found; every list should be empty."""

    quiet_after: float = -1.0
    stuck: dict[str, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # promised, and not there
    doubled: list[str] = field(default_factory=list)  # one request, two effects
    unasked: list[str] = field(default_factory=list)  # an effect that nobody asked for
    unpaid: list[str] = field(default_factory=list)  # promised, and the money neither went nor was refused
    refused_but_done: list[str] = field(default_factory=list)
    over_limit: list[str] = field(default_factory=list)
    bank: list[str] = field(default_factory=list)
    books: list[str] = field(default_factory=list)

    @property
    def breaches(self) -> int:
        lists = (self.unanswered, self.lost, self.doubled, self.unasked, self.unpaid, self.refused_but_done)
        return sum(len(row) for row in (*lists, self.over_limit, self.bank, self.books)) + len(self.stuck)


def open_work() -> dict[str, int]:
    """Count what is still under way."""
    from django.db import connection

    from loans.models import Collection, GatewayMessage, Payout, Transfer

    found = {
        "payouts": Payout.objects.filter(status__in=WAITING).count(),
        "collections": Collection.objects.filter(status__in=WAITING).count(),
        "transfers": Transfer.objects.filter(status__in=WAITING).count(),
        "messages": GatewayMessage.objects.filter(state="STORED").count(),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sandbox_bank.movement WHERE status = 'ACCEPTED'")
        found["bank_orders"] = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM sandbox_bank.outbox WHERE status = 'WAITING'")
        found["bank_messages"] = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM credit_nightrun WHERE status = 'RUNNING'")
        found["nights"] = int(cursor.fetchone()[0])
    return {name: count for name, count in found.items() if count}


def ask_again(plant: Plant, people: People, journal: Journal, *, seconds: float) -> list[Request]:
    """Send every request without a final answer again under its key, as a careful client would."""
    who = callers(people)
    deadline = time.monotonic() + seconds
    while True:
        waiting = [row for row in list(journal.requests.values()) if row.open]
        if not waiting or time.monotonic() > deadline:
            return waiting
        for request in waiting:
            journal.before(request)
            status, word, _ = send(plant.web_port, who[request.who], request)
            journal.after(request, status, word)
            if status == 429:
                time.sleep(1.0)
        time.sleep(0.3)


def wait_for_quiet(
    plant: Plant, journal: Journal, *, since: float, seconds: float
) -> tuple[float, dict[str, int]]:
    """Wait until nothing is under way; give the seconds that it took, and what was left when it did not."""
    left: dict[str, int] = {}
    while time.monotonic() - since < seconds:
        left = with_database(open_work)
        if not left:
            return round(time.monotonic() - since, 1), {}
        journal.note("waiting", **left)
        if "nights" in left:
            finish_nights(plant)
        time.sleep(0.5)
    return -1.0, left


def finish_nights(plant: Plant) -> None:
    """Go on with a night whose worker died, as beat does every ten minutes after midnight."""
    from credit.models import NightRun

    run = with_database(lambda: NightRun.objects.exclude(status="DONE").order_by("business_date").first())
    if run is not None:
        plant.manage("end_of_day", "--date", run.business_date.isoformat())


def compare(plant: Plant, journal: Journal, verdict: Verdict) -> None:
    """Hold the clients' journal against the database, the database against the bank, and both against the ledger."""
    with_database(lambda: _clients_and_rows(journal, verdict))
    with_database(lambda: _shop_and_rows(journal, verdict))
    told = plant.manage("reconcile_bank", "--json")
    if told.returncode != 0:
        verdict.bank.append((told.stdout + told.stderr).strip()[-3000:])
    told = plant.manage("check_books", "--strict")
    if told.returncode != 0:
        wrong = [line for line in told.stdout.splitlines() if " holds " not in line]
        verdict.books.append("\n".join([*wrong, told.stderr.strip()])[-4000:])
    told = plant.manage("verify_audit")
    if told.returncode != 0:
        verdict.books.append("audit: " + (told.stdout + told.stderr).strip()[-1000:])


def _clients_and_rows(journal: Journal, verdict: Verdict) -> None:
    from credit.models import Drawdown
    from loans.models import Collection

    draws: dict[str, list[Any]] = {}
    by_hand = Drawdown.objects.filter(
        capture=None
    )  # what a shop captured is compared with the shop's own journal
    for draw in by_hand.select_related("loan").prefetch_related("loan__payouts"):
        draws.setdefault(draw.idempotency_key, []).append(draw)
    pays: dict[str, list[Any]] = {}
    for row in Collection.objects.all():
        pays.setdefault(row.idempotency_key, []).append(row)
    for request in journal.requests.values():
        if request.kind in SHOP_KINDS:
            continue
        rows = (draws if request.kind == "draw" else pays).pop(request.key, [])
        refs = {word for _, status, word in request.replies if status in (200, 201)}
        if len(rows) > 1 or len(refs) > 1:
            verdict.doubled.append(f"{request.kind} {request.key}: {len(rows)} rows, {len(refs)} promises")
        if request.accepted and not rows:
            verdict.lost.append(f"{request.kind} {request.key}: {request.accepted}")
        if request.refused and rows:
            verdict.refused_but_done.append(f"{request.kind} {request.key}: {request.replies}")
        for row in rows:
            if refs and str(row.ref) not in refs:
                verdict.doubled.append(f"{request.kind} {request.key}: {row.ref} is not what was promised")
            if f"{row.amount:.2f}" != request.body["amount"]:
                verdict.lost.append(f"{request.kind} {request.key}: another amount")
            movement = row.loan.payout if request.kind == "draw" else row
            if movement.status not in ("CONFIRMED", "REFUSED"):
                verdict.unpaid.append(f"{request.kind} {request.key}: {movement.status}")
    verdict.unasked += [f"draw {key}" for key in draws]
    verdict.unasked += [f"repayment {key}" for key in pays if not key.startswith("auto:")]
    _limits(verdict)


def _shop_and_rows(journal: Journal, verdict: Verdict) -> None:
    """Hold what the shop and its buyers asked for against orders, captures and refunds."""
    from merchants.models import Capture, Checkout, Refund

    orders = {row.order_id: row for row in Checkout.objects.all()}
    by_ref = {str(row.ref): row for row in orders.values()}
    moves: dict[str, dict[str, list[Any]]] = {"capture": {}, "refund": {}}
    for kind, model in (("capture", Capture), ("refund", Refund)):
        for move in model._default_manager.all():
            moves[kind].setdefault(move.reference, []).append(move)
    asked_for, agreed = set(), set()
    for request in journal.requests.values():
        refs = {word for _, status, word in request.replies if status in (200, 201)}
        if len(refs) > 1:
            verdict.doubled.append(f"{request.kind} {request.key}: {len(refs)} promises")
        if request.kind == "order":
            asked_for.add(request.body["order_id"])
            if request.accepted and request.body["order_id"] not in orders:
                verdict.lost.append(f"order {request.key}: {request.accepted}")
        elif request.kind in moves:
            _one_move(request, moves[request.kind].pop(request.key, []), verdict)
        elif request.kind in ("agree", "void"):
            order = by_ref.get(request.path.split("/")[2])
            agreed.add(order.pk if order else 0)
            if request.kind == "agree" and request.accepted and (order is None or order.hold_id is None):
                verdict.lost.append(f"agree {request.key}: nothing is held")
            if request.kind == "void" and request.accepted and order is not None and order.money.left:
                verdict.lost.append(f"void {request.key}: {order.money.left} is still held")
    verdict.unasked += [f"order {name}" for name in orders.keys() - asked_for]
    verdict.unasked += [
        f"hold of order {row.pk}" for row in orders.values() if row.hold_id and row.pk not in agreed
    ]
    verdict.unasked += [f"{kind} {key}" for kind, left in moves.items() for key in left]


def _one_move(request: Request, rows: list[Any], verdict: Verdict) -> None:
    """Compare one capture or refund with what was promised."""
    name = f"{request.kind} {request.key}"
    if len(rows) > 1:
        verdict.doubled.append(f"{name}: {len(rows)} rows")
    if request.accepted and request.accepted not in {str(row.ref) for row in rows}:
        verdict.lost.append(f"{name}: {request.accepted}")
    if request.refused and rows:
        verdict.refused_but_done.append(f"{name}: {request.replies}")
    for row in rows:
        if "amount" in request.body and f"{row.amount:.2f}" != request.body["amount"]:
            verdict.lost.append(f"{name}: another amount")


def _limits(verdict: Verdict) -> None:
    """Walk each line's draws and limits in the order of their writing, with what each draw still owed.

    What a shop captures was held before, within the limit of then: a capture is honoured after a cut, and the books prove holds.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT d.line_id, d.id, d.amount, d.limit_at_draw, d.exposure_before FROM credit_drawdown d
               WHERE d.hold_id IS NULL AND d.exposure_before + d.amount > d.limit_at_draw"""
        )
        verdict.over_limit += [str(row) for row in cursor.fetchall()]
        cursor.execute(
            """SELECT c.id, c."limit", sum(CASE l.status WHEN 'PENDING' THEN d.amount ELSE l.principal_outstanding END)
               FROM credit_creditline c JOIN credit_drawdown d ON d.line_id = c.id JOIN loans_loan l ON l.id = d.loan_id
               WHERE l.status IN ('PENDING', 'ACTIVE', 'OVERDUE') GROUP BY 1, 2
               HAVING sum(CASE l.status WHEN 'PENDING' THEN d.amount ELSE l.principal_outstanding END) >
                   (SELECT max(new_limit) FROM credit_limitchange h WHERE h.line_id = c.id)"""
        )
        verdict.over_limit += [f"line {row[0]}: owes {row[2]} of {row[1]}" for row in cursor.fetchall()]
