"""What needs two people: who may propose and approve, what is signed, and what happens when things changed meanwhile."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction

from accounts import operations
from accounts.models import AuditEntry, Proposal, User
from accounts.operations.proposals import canonical
from accounts.proposal_kinds import kind_of
from regimes.errors import Refusal
from tests.factories import AS_OF, NOW, UserFactory

pytestmark = pytest.mark.django_db


def people() -> tuple[User, User, User]:
    """Two administrators and a member of staff without a role."""
    role = Group.objects.get(name="Administrator")
    maker, checker, third = (UserFactory(is_staff=True) for _ in range(3))
    for administrator in (maker, checker):
        administrator.groups.add(role)
    return maker, checker, third


def proposed(
    maker: User, third: User, *, role: str = "Auditor", as_of: date = AS_OF, **more: Any
) -> Proposal:
    payload = {"user_ref": str(third.ref), "role": role, "is_granted": True}
    given = {"kind": "role_grant", "payload": payload, "reason": "starts on Monday", "now": NOW, **more}
    return operations.propose(maker=maker, as_of=as_of, **given)


def seen(proposal: Proposal, as_of: date = AS_OF) -> str:
    import json

    changes = list(kind_of(proposal.kind).diff(json.loads(proposal.payload), as_of))
    return operations.seen_digest(payload_sha256=proposal.payload_sha256, changes=changes)


def approved(maker: User, checker: User, third: User, *, as_of: date = AS_OF) -> Proposal:
    proposal = proposed(maker, third, as_of=as_of)
    return operations.approve(
        proposal_id=proposal.pk, seen=seen(proposal, as_of), checker=checker, as_of=as_of, now=NOW
    )


def refused(code: str, proposal: Proposal, checker: User, **more: Any) -> None:
    given = {"seen": seen(proposal), "as_of": AS_OF, "now": NOW, **more}
    with pytest.raises(Refusal) as no:
        operations.approve(proposal_id=proposal.pk, checker=checker, **given)
    assert no.value.code == code
    proposal.refresh_from_db()
    assert proposal.status == "OPEN"


def test_it_refuses_to_propose_without_role_reason_or_sense() -> None:
    maker, _checker, third = people()
    for code, change in (
        ("role_missing", {"maker": third}),
        ("required", {"reason": " "}),
        ("too_long", {"reason": "x" * 2001}),
        ("proposal_kind_unknown", {"kind": "rob_bank"}),
        ("unknown_field", {"payload": {"user_ref": str(third.ref), "role": "Auditor", "is_granted": True, "is_superuser": True}}),
        ("required", {"payload": {"user_ref": str(third.ref), "is_granted": True}}),
        ("role_unknown", {"payload": {"user_ref": str(third.ref), "role": "King", "is_granted": True}}),
        ("role_as_is", {"payload": {"user_ref": str(third.ref), "role": "Auditor", "is_granted": False}}),
        ("own_item", {"payload": {"user_ref": str(maker.ref), "role": "Auditor", "is_granted": True}}),
    ):  # fmt: skip
        with pytest.raises(Refusal) as no:
            operations.propose(**{"kind": "role_grant", "maker": maker, "reason": "because", "as_of": AS_OF, "now": NOW,
                                  "payload": {"user_ref": str(third.ref), "role": "Auditor", "is_granted": True}, **change})  # fmt: skip
        assert no.value.code == code, change
    assert not Proposal.objects.exists()


def test_it_refuses_the_same_twice() -> None:
    maker, checker, third = people()
    proposed(maker, third)
    with pytest.raises(Refusal) as no:
        proposed(checker, third)
    assert no.value.code == "already_proposed"


def test_it_refuses_the_maker_a_stranger_and_the_person_concerned() -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    refused("own_proposal", proposal, maker)
    refused("role_missing", proposal, UserFactory(is_staff=True))
    about_checker = proposed(maker, checker)
    refused("own_item", about_checker, checker)


def test_it_refuses_after_24_hours_and_ends_it() -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    late = NOW + timedelta(hours=24)
    refused("proposal_expired", proposal, checker, now=late)
    assert operations.expire_proposals(now=late - timedelta(seconds=1)) == 0
    assert operations.expire_proposals(now=late) == 1
    assert operations.expire_proposals(now=late) == 0
    proposal.refresh_from_db()
    assert proposal.status == "EXPIRED"
    assert proposed(maker, third, now=late).status == "OPEN"


def test_it_refuses_when_the_maker_lost_the_role_or_things_changed() -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    before = seen(proposal)
    third.groups.add(Group.objects.get(name="Finance"))
    refused("changed_meanwhile", proposal, checker, seen=before)
    maker.groups.clear()
    refused("maker_lost_role", proposal, checker)
    operations.decline(proposal_id=proposal.pk, checker=checker, note="who asked left", now=NOW)
    third.groups.add(Group.objects.get(name="Auditor"))


def test_it_asks_the_rules_again_when_it_executes() -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    third.is_active = False
    third.save(update_fields=["is_active"])
    refused("not_staff", proposal, checker)


def test_it_executes_exactly_what_was_signed_once() -> None:
    maker, checker, third = people()
    proposal = approved(maker, checker, third)
    assert list(third.groups.values_list("name", flat=True)) == ["Auditor"]
    assert proposal.executed_sha256 == proposal.payload_sha256
    assert proposal.changes == [{"field": "Roles", "before": "", "after": "Auditor"}]
    trail = AuditEntry.objects.filter(object_ref=str(proposal.ref)).order_by("id")
    assert [(row.action, row.actor_id) for row in trail] == [
        ("proposal.made", maker.pk),
        ("proposal.executed", checker.pk),
    ]
    with pytest.raises(Refusal) as no:
        operations.approve(proposal_id=proposal.pk, seen="", checker=checker, as_of=AS_OF, now=NOW)
    assert no.value.code == "proposal_decided"


def test_a_payload_that_was_changed_behind_our_back_is_not_executed() -> None:
    """Somebody with the database in hand changes what the checker is shown, and the database's own guards are off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_proposal DROP CONSTRAINT proposal_hash_of_payload")
    maker, checker, third = people()
    proposal = proposed(maker, third)
    changed = canonical({"user_ref": str(third.ref), "role": "Finance", "is_granted": True})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE accounts_proposal SET payload = %s WHERE id = %s", [changed, proposal.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    proposal.refresh_from_db()
    refused("payload_changed", proposal, checker)
    assert not third.groups.exists()


def test_only_the_maker_withdraws_and_only_another_declines() -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    for code, act in (
        ("not_your_proposal", lambda: operations.withdraw(proposal_id=proposal.pk, maker=checker, now=NOW)),
        ("own_proposal", lambda: operations.decline(proposal_id=proposal.pk, checker=maker, note="no", now=NOW)),
        ("required", lambda: operations.decline(proposal_id=proposal.pk, checker=checker, note="", now=NOW)),
    ):  # fmt: skip
        with pytest.raises(Refusal) as no:
            act()
        assert no.value.code == code
    operations.withdraw(proposal_id=proposal.pk, maker=maker, now=NOW)
    proposal.refresh_from_db()
    assert proposal.status == "WITHDRAWN"


@pytest.mark.parametrize(
    "change",
    ["payload = '{}'", "kind = 'x'", "expires_at = now() + interval '1 year'", "maker_id = checker_id",
     "status = 'EXECUTED'", "status = 'EXECUTED', checker_id = maker_id, decided_at = created_at, executed_sha256 = payload_sha256"],
)  # fmt: skip
def test_the_database_refuses_what_no_operation_does(change: str) -> None:
    maker, checker, third = people()
    proposal = proposed(maker, third)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_proposal SET {change} WHERE id = %s", [proposal.pk])
    operations.decline(proposal_id=proposal.pk, checker=checker, note="no", now=NOW)
    for hand in ("UPDATE accounts_proposal SET status = 'OPEN'", "DELETE FROM accounts_proposal"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(hand)


def test_a_payload_has_one_form() -> None:
    assert canonical({"b": "1.50", "a": [True, None, 3]}) == '{"a":[true,null,3],"b":"1.50"}'
    with pytest.raises(TypeError):
        canonical({"rate": 0.1})
