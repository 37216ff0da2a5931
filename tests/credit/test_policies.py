"""Policy versions: two people, an immutable document, one in force."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from credit import operations
from credit.domain.policy import UnableToReadPolicy
from credit.models import Policy
from tests.credit.domain.test_policy import changed
from tests.factories import NOW, UserFactory

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def people(db: None) -> tuple[Any, Any]:
    return UserFactory(is_staff=True), UserFactory(is_staff=True)


def proposed(maker: Any) -> Policy:
    draft = operations.draft_policy(
        document=changed("cut_offs.approve_below", "0.07"), note="stricter", actor=maker
    )
    return operations.propose_policy(policy_id=draft.pk, actor=maker, now=NOW)


def test_it_refuses_a_document_that_breaks_the_schema(people: tuple[Any, Any]) -> None:
    with pytest.raises(UnableToReadPolicy):
        operations.draft_policy(document=changed("grades.4.annual_rate", "0.36"), note="", actor=people[0])
    assert Policy.objects.count() == 1


def test_it_refuses_to_activate_the_own_proposal(people: tuple[Any, Any]) -> None:
    policy = proposed(people[0])
    with pytest.raises(operations.UnableToActOnOwn) as caught:
        operations.activate_policy(policy_id=policy.pk, actor=people[0], now=NOW)
    assert (caught.value.code, caught.value.http_status) == ("own_item", 403)
    with pytest.raises(DatabaseError), transaction.atomic():
        Policy.objects.filter(pk=policy.pk).update(activated_by=people[0])


def test_it_refuses_to_activate_a_draft_or_a_version_twice(people: tuple[Any, Any]) -> None:
    draft = operations.draft_policy(document=changed("offer_days", 7), note="", actor=people[0])
    with pytest.raises(operations.UnableToChangePolicy):
        operations.activate_policy(policy_id=draft.pk, actor=people[1], now=NOW)
    policy = proposed(people[0])
    operations.activate_policy(policy_id=policy.pk, actor=people[1], now=NOW)
    with pytest.raises(operations.UnableToChangePolicy):
        operations.activate_policy(policy_id=policy.pk, actor=people[1], now=NOW)


def test_a_document_never_changes(people: tuple[Any, Any]) -> None:
    policy = proposed(people[0])
    for update in ({"document": changed("offer_days", 7)}, {"version": 99}, {"document_sha256": "0" * 64}):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Policy.objects.filter(pk=policy.pk).update(**update)
    with pytest.raises(DatabaseError, match="is kept"), transaction.atomic():
        policy.delete()


def test_one_version_is_in_force(people: tuple[Any, Any]) -> None:
    policy = proposed(people[0])
    operations.activate_policy(policy_id=policy.pk, actor=people[1], now=NOW)
    assert list(Policy.objects.order_by("version").values_list("version", "state")) == [
        (1, "RETIRED"),
        (2, "ACTIVE"),
    ]
