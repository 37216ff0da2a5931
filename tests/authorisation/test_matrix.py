"""Every address x every verb x everybody: what the table allows is answered, and nothing else is.

The addresses come from the resolver and the expectations from `lendportal.desk.policy` and `lendportal.desk.routes`, so that
a new address without a row fails here, and so does a row that the code does not obey.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction

from accounts.models import Proposal
from accounts.proposal_kinds import kinds
from credit.models import ImportBatch
from lendportal.desk.policy import BREAK_GLASS, CHECKED, ROLES, STAFF, allows
from lendportal.desk.routes import BY_KIND, DESK, DJANGO, OUTSIDE, SIGN_IN, Door, Who
from lendportal.desk.routes import STAFF as ANY_STAFF
from loans.models import BankFile
from tests.authorisation.cast import Address, Cast, addresses, build_cast, newest

pytestmark = pytest.mark.django_db  # a savepoint within the cast of the module
READS, WRITES = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")
ROOMS = ("accounts", "credit", "ledger", "loans", "risk", "merchants")
STRANGERS = ("anonymous", "charlie", "no role")
# by default one of each kind of person comes to the doors that are not the desk's, and rare verbs are tried by strangers;
# DEEP=1 asks everybody everything (about 25,000 checks)
DEEP = os.environ.get("DEEP") == "1"
OUTSIDERS = ("alice", "dora", "fay", "vic", "charlie", "anonymous")
FEW = ("no role", "Administrator")
RARE = ("HEAD", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Check:
    """One question at one door."""

    who: str
    verb: str
    path: str
    allowed: (
        bool | None
    )  # None: the table says nothing of it (the object is not there, the address has no such verb)
    why: str
    may_be_missing: bool = False  # no such object in the cast, or an empty form that names none


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: Any) -> Iterator[Cast]:
    logging.disable(logging.CRITICAL)
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_cast()
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)


# ---- what the table says ---------------------------------------------------------------------------------------------
def _has(who: str, permission: str) -> bool:
    return who in ROLES and allows(who, permission)


def _may_kind(who: str, kind: str, writes: bool) -> bool:
    makes = _has(who, f"accounts.propose_{kind}")
    return makes if writes else makes


def desk_checks(cast: Cast) -> Iterator[Check]:
    prefix = "/" + settings.ADMIN_PATH
    mine = cast.objects["alice"]
    proposal = str(Proposal.objects.latest("pk").ref)
    fills = {
        "collection_case": mine["loan"], "hardship": mine["hardship"], "reveal": mine["borrower"], "hold": mine["borrower"],
        "import_batch": str(ImportBatch.objects.latest("pk").ref),
        "bank_file": str(BankFile.objects.latest("pk").ref),
        "review": mine["application"], "answer": mine["review"], "loan_statement": mine["loan"],
        "loan_as_known": mine["loan"], "loan_changes": mine["loan"], "freeze": mine["line"], "proposal": proposal,
    }  # fmt: skip
    for address in addresses():
        name = address.name.removeprefix("admin:")
        if not address.name.startswith("admin:") or name in DJANGO or name not in DESK:
            continue
        route = DESK[name]
        for kind in CHECKED if name == "propose" else [""]:
            path = "/" + address.pattern
            path = re.sub(r"<uuid:ref>", fills.get(name, mine.get(name.split("_")[0], mine["loan"])), path)
            path = (
                path.replace("<str:act>", "freeze")
                .replace("<int:sequence>", "1")
                .replace("<str:code>", "1001")
            )
            path = path.replace("<str:kind>", kind).replace("<slug:name>", "funnel")
            path = re.sub(r"\^\(\?P<app_label>[^)]*\)/\$", "credit/", path)
            path = re.sub(r"<int:[^>]*>", "1", path)
            if "<" in path or "(" in path:
                path = re.sub(r"<[^>]*>", mine["loan"], path)
            for who in cast.clients:
                for verb in (*READS, *WRITES):
                    if verb in RARE and not DEEP and (who not in STRANGERS or kind):
                        continue
                    rule = route.read if verb in READS else route.write
                    if rule is None:
                        yield Check(who, verb, path, False, name)
                    elif name == "app_list":
                        yield Check(
                            who, verb, path, who in ROLES, name
                        )  # a room is for whoever sees a table of it
                    elif rule == ANY_STAFF:
                        yield Check(who, verb, path, who in (*ROLES, "no role"), name)
                    elif rule == BY_KIND:
                        yield Check(who, verb, path, _by_kind(who, name, kind), f"{name} {kind}")
                    elif name in ("close_month", "queue") and verb in WRITES and _has(who, rule):
                        yield Check(
                            who, verb, path, None, name
                        )  # an empty form names no month and no case: not found
                    else:
                        missing = verb in WRITES or ("<" in address.pattern and name not in fills)
                        yield Check(who, verb, path, _has(who, rule), f"{name}: {rule}", missing)
    assert prefix != "/"


def _by_kind(who: str, name: str, kind: str) -> bool:
    if name == "propose":
        return _has(who, f"accounts.propose_{kind}")
    names = [kind] if kind else ["break_glass"] if name == "proposal" else list(CHECKED)
    return _has(who, "accounts.view_proposal") or any(
        _has(who, f"accounts.{verb}_{known}") for known in names for verb in ("propose", "approve")
    )


def table_checks(cast: Cast) -> Iterator[Check]:
    """Every table of the desk: read by whom the table says, written by nobody."""
    for model in admin.site._registry:
        meta = model._meta
        if meta.app_label not in ROOMS:
            continue
        base = f"/{settings.ADMIN_PATH}{meta.app_label}/{meta.model_name}/"
        row = newest(model)
        pages = [("", True), ("add/", False)]
        if row is not None:
            pages += [(f"{row.pk}/change/", True), (f"{row.pk}/delete/", False), (f"{row.pk}/history/", True)]
        for page, readable in pages:
            common = page == "" or page.endswith("change/")
            for who in cast.clients if DEEP or common else FEW:
                may = readable and _has(who, f"{meta.app_label}.view_{meta.model_name}")
                yield Check(who, "GET", base + page, may, f"view {meta.label}")
                if page and (DEEP or who in FEW):
                    yield Check(who, "POST", base + page, False, f"write {meta.label}")


MEMBERS = {
    "alice": {Who.VIEWER: ("alice",), Who.SPENDER: ("alice",), Who.OWNER: ("alice",)},
    "shop": {Who.VIEWER: ("dora", "fay", "vic"), Who.SPENDER: ("dora", "fay"), Who.OWNER: ("dora",)},
    "unknown": {Who.VIEWER: (), Who.SPENDER: (), Who.OWNER: ()},
}
FIRST_OF = {
    "applications": "application", "decisions": "decision", "lines": "line", "changes": "change", "limit-changes": "change",
    "drawdowns": "drawdown", "loans": "loan", "payments": "payment", "repayments": "payment", "hardship": "hardship",
    "plans": "plan", "businesses": "borrower", "for": "borrower",
}  # fmt: skip


def outside_checks(cast: Cast) -> Iterator[Check]:
    for address in addresses():
        door = OUTSIDE.get(address.name)
        if door is None or Who.MACHINE in (door.read, door.write):
            continue
        owners = ("alice", "shop", "unknown") if "<uuid" in address.pattern else ("",)
        for owner in owners:
            path = _filled(address, cast, owner)
            everybody = cast.clients if DEEP else OUTSIDERS if owner != "unknown" else ("alice", "charlie")
            for who in everybody:
                for verb in ("GET", *WRITES):
                    if verb in RARE and not DEEP and (who != "charlie" or owner == "unknown"):
                        continue
                    yield Check(who, verb, path, _outside(who, door, verb, owner, address), address.name)


def _outside(who: str, door: Door, verb: str, owner: str, address: Address) -> bool | None:
    rule = door.read if verb in READS else door.write
    if rule is None:
        # who may read a page gets it by any verb; nobody else gets anything
        may_read = (
            verb in WRITES
            and door.read is not None
            and _outside(who, door, "GET", owner, address) is not False
        )
        return None if may_read else False
    if rule is Who.ALL:
        return True if "<" not in address.pattern else None
    if rule is Who.PERSON or not owner:
        return None if who != "anonymous" else False
    if owner == "alice" and re.search(r"businesses/|/members|/licence|/business/", address.pattern):
        return None if who == "alice" else False  # a person is no business
    if owner and "source_ref" in address.pattern:
        return None if who in MEMBERS[owner][rule] else False
    if owner and not re.search(rf"^(api/v1/)?({'|'.join(FIRST_OF)})/<uuid:ref>", address.pattern):
        return None if who in MEMBERS[owner][rule] else False  # none of these objects is in the cast
    return who in MEMBERS[owner][rule]


def _filled(address: Address, cast: Cast, owner: str) -> str:
    path = "/" + address.pattern
    objects = cast.objects.get(owner, {})
    for part in path.removeprefix("/api/v1").split("/")[1:2]:
        name = FIRST_OF.get(part, "borrower")
        path = path.replace("<uuid:ref>", objects.get(name, ""))
    for name, value in (("member_ref", "member"), ("account_ref", "account"), ("source_ref", "notice")):
        path = path.replace(f"<uuid:{name}>", objects.get(value, ""))
    return (
        path.replace("<int:sequence>", "1")
        .replace("<slug:kind>", "BANK_CSV")
        .replace("<slug:code>", "first-loan")
    )


# ---- asking ----------------------------------------------------------------------------------------------------------
def ask(cast: Cast, check: Check) -> int:
    """Come to the door; whatever it does is taken back."""
    client = cast.clients[check.who]
    options: dict[str, Any] = {}
    if check.verb in WRITES:
        options = {"data": json.dumps({}), "content_type": "application/json"}
        if not check.path.startswith("/api/") and check.verb == "POST":
            options = {"data": {}}
    with transaction.atomic():
        answer = client.generic(check.verb, check.path, **_body(options, check))
        transaction.set_rollback(True)
    if answer.status_code == 302 and re.match(
        r"/(accounts/(login|2fa)|desk/login)", answer.get("Location", "")
    ):
        return 401
    return int(answer.status_code)


def _body(options: dict[str, Any], check: Check) -> dict[str, Any]:
    if not options:
        return {}
    if "content_type" in options:
        return {
            "data": options["data"],
            "content_type": "application/json",
            "headers": {"Idempotency-Key": "k" * 32},
        }
    return {"data": "", "content_type": "application/x-www-form-urlencoded"}


REFUSED = {401, 403, 404, 405}


def judge(check: Check, status: int) -> str | None:
    """Tell what is wrong with an answer, if anything is."""
    if status >= 500:
        return f"broke: {status}"
    if check.allowed is None:
        return None
    if check.allowed and status == 404 and check.may_be_missing:
        return None
    if check.allowed and status in REFUSED - ({405} if check.verb in WRITES else set()):
        return f"refused what the table allows: {status}"
    if check.allowed is False and status not in REFUSED:
        # a body that says nothing is refused as invalid before anybody looks whose object it is: nothing is told
        if status == 400 and "/api/" in check.path:
            return None
        return f"HOLE: allowed what the table refuses: {status}"
    return None


def run(cast: Cast, checks: Iterator[Check]) -> tuple[int, list[str]]:
    wrong: list[str] = []
    count = 0
    for check in checks:
        if count % 20 == 0:
            cache.clear()  # throttles are not the question here
        status = ask(cast, check)
        count += 1
        if count % 500 == 0 and DEEP:
            print(count, check.path, flush=True)
        problem = judge(check, status)
        if problem:
            wrong.append(f"{check.who} {check.verb} {check.path} ({check.why}): {problem}")
    return count, wrong


def test_every_address_has_a_row() -> None:
    missing = []
    for address in addresses():
        name = address.name.removeprefix("admin:")
        if address.name.startswith("admin:"):
            table = re.match(rf"{settings.ADMIN_PATH}({'|'.join(ROOMS)})/", address.pattern)
            if name not in DESK and name not in DJANGO and not table and "(?P<url>" not in address.pattern:
                missing.append(address.name)
        elif address.name not in OUTSIDE and not address.name.startswith(SIGN_IN):
            missing.append(address.name)
    assert not missing, "write who may come here into lendportal/desk/routes.py"
    known = {address.name.removeprefix("admin:") for address in addresses()} | {a.name for a in addresses()}
    assert not [name for name in (*DESK, *OUTSIDE) if name not in known], "rows without an address"


def test_every_table_of_the_desk_is_for_somebody() -> None:
    for model in admin.site._registry:
        meta = model._meta
        if meta.app_label in ROOMS:
            assert any(allows(role, f"{meta.app_label}.view_{meta.model_name}") for role in ROLES), meta.label


def test_the_auditor_reads_all_and_writes_nothing() -> None:
    for model in admin.site._registry:
        meta = model._meta
        if meta.app_label in ROOMS:
            assert allows("Auditor", f"{meta.app_label}.view_{meta.model_name}"), meta.label
    assert not [name for name, route in DESK.items() if route.write and not route.write.startswith("*") and allows("Auditor", route.write)]  # fmt: skip
    assert not [k for k, who in CHECKED.items() if "Auditor" in (*who.makers, *who.checkers)]


def test_nobody_decides_about_money_who_runs_the_place() -> None:
    for permission in ("ledger.close_period", "loans.post_provisions", "credit.decide_application", "credit.freeze_line", "loans.collect", "ledger.reconcile_bank"):  # fmt: skip
        assert not allows("Administrator", permission), permission
    money = ("waiver", "write_off", "refund", "manual_journal", "limit_change", "large_approval", "loan_fee", "loan_rate")  # fmt: skip
    assert not [k for k in money if "Administrator" in (*CHECKED[k].makers, *CHECKED[k].checkers)]
    assert {kind.name for kind in kinds()} == set(CHECKED)


def test_groups_are_what_the_table_says(cast: Cast) -> None:
    for role in (*STAFF, BREAK_GLASS):
        user = type(cast.users[role]).objects.get(pk=cast.users[role].pk)
        held = user.get_all_permissions()
        assert held, role
        wrong = [name for name in held if not allows(role, name)]
        assert not wrong, (role, wrong)


def test_the_whole_matrix(cast: Cast) -> None:
    told: Counter[str] = Counter()
    holes: list[str] = []
    for name, checks in (("desk", desk_checks(cast)), ("tables", table_checks(cast)), ("outside", outside_checks(cast))):  # fmt: skip
        count, wrong = run(cast, checks)
        told[name] += count
        holes += wrong
    print(f"{sum(told.values())} checks ({dict(told)}), {len(holes)} holes")
    assert not holes, "\n".join(holes)
    assert sum(told.values()) >= 3000
