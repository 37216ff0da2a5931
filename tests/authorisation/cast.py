"""Everybody who may come to a door, logged in, and an object of each kind behind it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import operations as accounts
from accounts.models import BankAccount, Borrower, BusinessMember, Notice, Proposal, TemporaryRole, User
from credit import operations as credit
from credit.models import Application, CreditLine, Decision, Drawdown, ImportBatch, LimitChange, ReviewRequest
from ledger.operations import open_books
from ledger.queries import books_are_open
from lendportal.desk.policy import BREAK_GLASS, STAFF
from loans.models import BankFile, Collection, HardshipPlan, HardshipRequest, Loan
from loans.operations import offer_hardship_plan, request_hardship, start_collection
from tests.api.conftest import Scene, build_scene
from tests.factories import AS_OF, NOW, UserFactory
from tests.world import TOTP_SECRET, build_world


@dataclass
class Cast:
    """Clients by name; the staff by role, `nobody` without one, and the people on the other side."""

    scene: Scene
    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    # owner's name -> room's name of an object -> its reference; "unknown" owns nothing
    objects: dict[str, dict[str, str]] = field(default_factory=dict)


def build_cast() -> Cast:
    """Build it once: about two hundred statements; every check afterwards only reads, or is taken back."""
    scene = build_scene(build_world())
    if not books_are_open():
        open_books(first_date=AS_OF)
    cast = Cast(scene)
    for role in STAFF:
        cast.users[role] = _staff(role)
    cast.users["no role"] = _staff(None)
    cast.users[BREAK_GLASS] = _in_emergency(cast)
    world = scene.world
    cast.users |= {"alice": world.alice, "dora": world.dora, "fay": world.fay, "vic": world.vic, "charlie": world.charlie}  # fmt: skip
    for name, user in cast.users.items():
        client = Client(raise_request_exception=False)
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        cast.clients[name] = client
    cast.clients["anonymous"] = Client(raise_request_exception=False)
    ImportBatch.objects.create(name="a", sha256="0" * 64, made_by=cast.users["Finance"])
    BankFile.objects.create(name="a.csv", sha256="0" * 64, from_date=AS_OF, to_date=AS_OF, rows=0, actor=cast.users["Finance"])  # fmt: skip
    cast.objects = {
        "alice": _objects(scene.line, scene.drawdown, scene.loan, world.alice, world.alice_account),
        "shop": _objects(
            scene.shop_line, scene.shop_drawdown, scene.shop_loan, world.dora, world.shop_account
        ),
        "unknown": {},
    }
    cast.objects["unknown"] = {name: str(uuid.uuid4()) for name in cast.objects["alice"]}
    return cast


def _staff(role: str | None) -> User:
    user = UserFactory(is_staff=True)
    accounts.enrol_totp(user=user, secret=TOTP_SECRET)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def _in_emergency(cast: Cast) -> User:
    """Somebody to whom two people gave emergency access, now."""
    from django.utils import timezone

    user = _staff(None)
    now = timezone.now()
    payload = {"user_ref": str(user.ref), "minutes": 240}
    proposal = accounts.propose(
        kind="break_glass", payload=payload, maker=cast.users["Finance"], reason="down", as_of=AS_OF, now=now
    )
    TemporaryRole.objects.create(
        user=user, role=BREAK_GLASS, proposal=proposal, starts_at=now, ends_at=proposal.expires_at - (proposal.expires_at - now) * 5 // 6
    )  # fmt: skip
    return user


def _objects(
    line: CreditLine, drawdown: Drawdown, loan: Loan, user: User, account: BankAccount
) -> dict[str, str]:
    application = Application.objects.get(lines=line)
    borrower = line.borrower
    decision = Decision.objects.create(
        application=application, number=1, is_final=True, outcome="APPROVE", limit=line.limit, annual_rate=line.annual_rate,
        reasons=[], inputs={}, policy=application.policy, decided_by=UserFactory(is_staff=True), note="seen",
        decided_date=AS_OF, decided_at=NOW,
    )  # fmt: skip
    change = LimitChange.objects.filter(line=line).latest("pk")
    review = credit.request_review(
        borrower=borrower, actor=user, as_of=AS_OF, limit_change=change, text="why"
    )
    hardship = request_hardship(loan_id=loan.pk, **_hardship(user))
    plan = offer_hardship_plan(
        request_id=hardship.pk, measures=[{"kind": "EXTENSION", "extra_instalments": 2}],
        actor=UserFactory(is_staff=True), as_of=AS_OF,
    )  # fmt: skip
    payment = start_collection(
        loan_id=loan.pk, amount=Decimal("10.00"), choice=None, idempotency_key=uuid.uuid4().hex,
        bank_account_id=account.pk, actor=user, as_of=AS_OF,
    )  # fmt: skip
    notice = Notice.objects.filter(borrower=borrower).order_by("pk").first()
    member = BusinessMember.objects.filter(business=borrower).order_by("pk").last()
    found: dict[str, Any] = {
        "borrower": borrower.ref, "application": application.ref, "decision": decision.ref, "change": change.ref,
        "line": line.ref, "drawdown": drawdown.ref, "loan": loan.ref, "payment": payment.ref, "review": review.ref,
        "hardship": hardship.ref, "plan": plan.ref, "account": account.ref,
        "notice": notice.ref if notice else uuid.uuid4(), "member": member.ref if member else uuid.uuid4(),
    }  # fmt: skip
    return {name: str(ref) for name, ref in found.items()}


def _hardship(user: User) -> dict[str, Any]:
    import inspect

    given = {"reason": "LOST_INCOME", "wish": "PAUSE", "actor": user, "as_of": AS_OF, "text": "lost my job"}
    names = inspect.signature(request_hardship).parameters
    from loans.models import HardshipRequest as Request

    for name in ("reason", "wish"):
        choices = [value for value, _label in (Request._meta.get_field(name).choices or [])]
        if choices:
            given[name] = choices[0]
    return {name: value for name, value in given.items() if name in names}


@dataclass(frozen=True)
class Address:
    """One address of the portal, as the resolver has it."""

    name: str
    pattern: str
    callback: Any


def addresses() -> list[Address]:
    """List every address with a name and a view of the portal, the desk's tables included."""
    return list(_walk(get_resolver().url_patterns))


def _walk(patterns: Any, prefix: str = "", space: str = "") -> Iterator[Address]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, path, entry.namespace or space)
        elif isinstance(entry, URLPattern):
            yield Address(f"{space}:{entry.name}" if space else str(entry.name), path, entry.callback)


def newest(model: type[models.Model]) -> models.Model | None:
    return model._default_manager.order_by("-pk").first()


__all__ = ["Address", "Borrower", "Cast", "Collection", "HardshipPlan", "HardshipRequest", "Proposal", "ReviewRequest", "addresses", "build_cast", "newest"]  # fmt: skip
