"""Freeze, unfreeze, accept, change, close; and ask for a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from accounts.models import AuditEntry, BusinessMember, Notice
from credit import operations, queries
from credit.domain.line import UnableToMoveLine
from credit.models import CreditLine, LimitChange
from regimes.errors import Refusal
from tests.credit.factories import make_line, make_person
from tests.factories import AS_OF, BorrowerFactory, BusinessFactory, UserFactory

pytestmark = pytest.mark.usefixtures("books")


def test_a_borrower_lifts_only_the_own_freeze() -> None:
    line = make_line(status="FROZEN", freeze_reason="RISK")
    with pytest.raises(UnableToMoveLine) as caught:
        operations.unfreeze_line(line_id=line.pk, actor=line.borrower.user, as_of=AS_OF, by_borrower=True)
    assert caught.value.code == "freeze_not_yours"
    line.refresh_from_db()
    assert line.status == "FROZEN"


def test_freeze_and_unfreeze_leave_history_and_tell_the_borrower() -> None:
    line = make_line()
    user = line.borrower.user
    operations.freeze_line(line_id=line.pk, reason="", actor=user, as_of=AS_OF, by_borrower=True)
    operations.freeze_line(line_id=line.pk, reason="", actor=user, as_of=AS_OF, by_borrower=True)
    operations.unfreeze_line(line_id=line.pk, actor=user, as_of=AS_OF, by_borrower=True)
    told = list(LimitChange.objects.order_by("pk").values_list("direction", "trigger"))
    assert told == [("OPEN", "APPLICATION"), ("FREEZE", "BORROWER"), ("UNFREEZE", "BORROWER")]
    assert set(Notice.objects.values_list("kind", flat=True)) == {"limit_freeze", "limit_unfreeze"}
    assert operations.prove_books() == {}


def test_an_officers_freeze_overrides_the_borrowers() -> None:
    line = make_line()
    officer = UserFactory(is_staff=True)
    operations.freeze_line(
        line_id=line.pk, reason="", actor=line.borrower.user, as_of=AS_OF, by_borrower=True
    )
    operations.freeze_line(line_id=line.pk, reason="looks odd", actor=officer, as_of=AS_OF)
    line.refresh_from_db()
    assert (line.status, line.freeze_reason) == ("FROZEN", "OFFICER")


@pytest.mark.parametrize("limit", ["0", "49", "120", "300100", "-100"])
def test_it_refuses_a_limit_outside_the_range(limit: str) -> None:
    line, officer = make_line(), UserFactory(is_staff=True)
    with pytest.raises(operations.UnableToChangeLimit) as caught:
        operations.change_limit(
            line_id=line.pk, limit=Decimal(limit), reason="why", actor=officer, as_of=AS_OF
        )
    assert caught.value.code == "limit_invalid"


def test_it_refuses_a_change_without_a_reason() -> None:
    line, officer = make_line(), UserFactory(is_staff=True)
    with pytest.raises(operations.UnableToChangeLimit):
        operations.change_limit(line_id=line.pk, limit=Decimal(500), reason=" ", actor=officer, as_of=AS_OF)


@pytest.mark.parametrize("role", ["OWNER", "FINANCE", "VIEWER"])
def test_an_officer_does_not_act_on_the_own_business(role: str) -> None:
    officer = UserFactory(is_staff=True)
    shop = BusinessFactory()
    BusinessMember.objects.create(business=shop, user=officer, role=role)
    line = make_line(borrower=shop, family="BUSINESS")
    with pytest.raises(operations.UnableToActOnOwn) as caught:
        operations.change_limit(line_id=line.pk, limit=Decimal(500), reason="why", actor=officer, as_of=AS_OF)
    assert (caught.value.code, caught.value.http_status) == ("own_item", 403)


def test_an_officer_changes_a_limit_with_a_trace() -> None:
    line, officer = make_line(), UserFactory(is_staff=True)
    operations.change_limit(
        line_id=line.pk, limit=Decimal(800), reason="asked for less", actor=officer, as_of=AS_OF
    )
    change = queries.limit_history(line_id=line.pk)[0]
    assert (change.direction, change.old_limit, change.new_limit, change.actor) == (
        "DOWN",
        1000,
        800,
        officer,
    )
    assert AuditEntry.objects.get(action="line.change_limit").before == {"limit": "1000.00"}
    assert operations.prove_books() == {}


def test_an_offer_is_accepted_until_its_day() -> None:
    line = make_line(status="OFFERED", opened_date=None, offer_until=AS_OF)
    with pytest.raises(UnableToMoveLine) as caught:
        operations.accept_offer(line_id=line.pk, actor=None, as_of=AS_OF + timedelta(1))
    assert caught.value.code == "offer_expired"
    operations.accept_offer(line_id=line.pk, actor=None, as_of=AS_OF)
    line.refresh_from_db()
    assert (line.status, line.opened_date) == ("ACTIVE", AS_OF)
    with pytest.raises(UnableToMoveLine):
        operations.accept_offer(line_id=line.pk, actor=None, as_of=AS_OF)


def test_a_borrower_has_one_open_line_of_a_kind() -> None:
    line = make_line()
    with pytest.raises(DatabaseError), transaction.atomic():
        make_line(borrower=line.borrower)
    operations.close_line(line_id=line.pk, actor=None, as_of=AS_OF)
    make_line(borrower=line.borrower)


@pytest.mark.parametrize("table", ["credit_limitchange", "credit_decision", "credit_drawdown"])
def test_history_cannot_be_changed_even_by_sql(table: str) -> None:
    from django.db import connection

    make_line()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE '%%append_only'",
            [table],
        )
        assert cursor.fetchone() == (1,)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LimitChange.objects.update(note="x")


def test_a_person_is_asked_for_once_and_answers() -> None:
    line, officer = make_line(), UserFactory(is_staff=True)
    change = line.changes.get()
    asked = [
        operations.request_review(
            borrower=line.borrower, actor=line.borrower.user, as_of=AS_OF, limit_change=change
        )
        for _ in range(2)
    ]
    assert asked[0].pk == asked[1].pk
    assert asked[0].answer_by_date == AS_OF + timedelta(15)
    with pytest.raises(operations.UnableToAnswerReview):
        operations.answer_review(
            request_id=asked[0].pk, is_changed=False, answer="", actor=officer, as_of=AS_OF
        )
    done = operations.answer_review(
        request_id=asked[0].pk, is_changed=False, answer="The figures are right.", actor=officer, as_of=AS_OF
    )
    assert (done.status, done.answered_by) == ("UPHELD", officer)
    with pytest.raises(Refusal):
        operations.answer_review(
            request_id=asked[0].pk, is_changed=True, answer="again", actor=officer, as_of=AS_OF
        )
    assert Notice.objects.filter(kind="review_answered").count() == 1


def test_a_stranger_cannot_ask_about_anothers_line() -> None:
    line, stranger = make_line(), BorrowerFactory()
    with pytest.raises(Refusal) as caught:
        operations.request_review(
            borrower=stranger, actor=stranger.user, as_of=AS_OF, limit_change=line.changes.get()
        )
    assert caught.value.http_status == 404


def test_the_group_counts_a_person_and_the_owned_businesses() -> None:
    person = make_person()
    shop, other = BusinessFactory(owner=person.user), BusinessFactory(owner=UserFactory())
    BusinessMember.objects.create(business=other, user=person.user, role="FINANCE")
    groups = queries.group_of(borrower_ids=[person.pk, shop.pk, other.pk])
    assert groups[person.pk] == groups[shop.pk] == {person.pk, shop.pk}
    assert person.pk not in groups[other.pk]


def test_home_and_views_of_a_line() -> None:
    line = make_line()
    home = queries.home(borrower_id=line.borrower_id, as_of=AS_OF)
    assert [(view.line, view.available, view.exposure, view.can_draw) for view in home.lines] == [
        (line, 1000, 0, True)
    ]
    CreditLine.objects.update(limit=Decimal(50))
    assert queries.line_view(line=CreditLine.objects.get(), as_of=AS_OF + timedelta(400)).can_draw is False
