"""The desk's pages for acts of two people."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import operations as account_operations
from accounts.models import Proposal, User
from accounts.proposal_kinds import kinds
from ledger import operations as ledger_operations
from lendportal.desk.policy import CHECKED
from lendportal.desk.proposal_forms import FORMS
from tests.factories import UserFactory
from tests.world import TOTP_SECRET, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def desks(world: World) -> tuple[Client, Client, User]:
    """Bob and Erin, administrators, and a newcomer."""
    ledger_operations.open_books(first_date=world.as_of)
    clients = []
    for user in (world.bob, world.erin):
        user.groups.add(Group.objects.get(name="Administrator"))
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        clients.append(client)
    return clients[0], clients[1], UserFactory(is_staff=True)


def _propose(client: Client, newcomer: User, **form: str) -> Proposal:
    url = reverse("admin:propose", args=["role_grant"])
    given = {"user_ref": str(newcomer.ref), "role": "Auditor", "is_granted": "yes", "reason": "new", **form}
    assert client.get(url).status_code == 200
    assert client.post(url, given).status_code == 302
    return Proposal.objects.latest("pk")


def _decide(client: Client, proposal: Proposal, decision: str, note: str = "", seen: str = "") -> int:
    url = reverse("admin:proposal", args=[proposal.ref])
    found = re.search(r'name="seen" value="(\w+)"', client.get(url).content.decode())
    form = {"decision": decision, "note": note, "seen": seen or (found[1] if found else "")}
    return client.post(url, form).status_code


def test_every_kind_has_two_roles_and_a_form() -> None:
    assert {kind.name for kind in kinds()} == set(CHECKED)
    assert {kind.name for kind in kinds()} == set(FORMS)
    assert all(who.makers and who.checkers for who in CHECKED.values())


def test_it_refuses_strangers_to_the_kind(world: World, desks: tuple[Client, Client, User]) -> None:
    bob, _erin, newcomer = desks
    proposal = _propose(bob, newcomer)
    account_operations.enrol_totp(user=newcomer, secret=TOTP_SECRET)
    stranger = Client()
    stranger.force_login(newcomer)
    for name, arguments in (("proposals", []), ("proposal", [proposal.ref]), ("propose", ["role_grant"])):
        assert stranger.get(reverse(f"admin:{name}", args=arguments)).status_code == 403
    assert bob.get(reverse("admin:propose", args=["nothing"])).status_code == 404


def test_it_refuses_the_maker_and_an_old_page(desks: tuple[Client, Client, User]) -> None:
    bob, erin, newcomer = desks
    proposal = _propose(bob, newcomer)
    assert _decide(bob, proposal, "approve") == 403
    assert _decide(erin, proposal, "approve", seen="0" * 64) == 409
    assert _decide(erin, proposal, "decline") == 400
    assert _decide(erin, proposal, "dance") == 409
    assert Proposal.objects.get().status == "OPEN"
    assert not newcomer.groups.exists()


def test_two_people_give_a_role(desks: tuple[Client, Client, User]) -> None:
    bob, erin, newcomer = desks
    proposal = _propose(bob, newcomer)
    page = erin.get(reverse("admin:proposal", args=[proposal.ref])).content.decode()
    assert "Auditor" in page
    assert proposal.payload_sha256 in page
    assert str(proposal.ref) in erin.get(reverse("admin:proposals")).content.decode()
    assert _decide(erin, proposal, "approve", note="met her") == 302
    assert newcomer.groups.get().name == "Auditor"
    assert "Approved and done" in erin.get(reverse("admin:proposal", args=[proposal.ref])).content.decode()


def test_a_maker_withdraws(desks: tuple[Client, Client, User]) -> None:
    bob, _erin, newcomer = desks
    proposal = _propose(bob, newcomer)
    assert _decide(bob, proposal, "withdraw") == 302
    assert Proposal.objects.get().status == "WITHDRAWN"
