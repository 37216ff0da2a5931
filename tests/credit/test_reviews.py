"""A person looks again: what the answer promises is done, and never by whoever decided first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from credit import operations
from credit.models import Application, CreditLine, Decision, LimitChange, ReviewRequest
from credit.operations.lines import UnableToActOnOwn
from tests.credit.factories import engine_inputs, make_line
from tests.factories import AS_OF, NOW, UserFactory

pytestmark = pytest.mark.usefixtures("books")


def cut(line: CreditLine, officer: object) -> ReviewRequest:
    operations.change_limit(
        line_id=line.pk, limit=Decimal(500), reason="income fell", actor=officer, as_of=AS_OF
    )
    change = LimitChange.objects.get(line=line, direction="DOWN")
    return operations.request_review(
        borrower=line.borrower, limit_change=change, actor=None, as_of=AS_OF, text="Why?"
    )


def answer(request: ReviewRequest, officer: object, *, is_changed: bool) -> ReviewRequest:
    return operations.answer_review(
        request_id=request.pk, is_changed=is_changed, answer="You are right", actor=officer, as_of=AS_OF
    )


def test_it_refuses_whoever_decided_first() -> None:
    officer = UserFactory(is_staff=True)
    asked = cut(make_line(), officer)
    with pytest.raises(UnableToActOnOwn):
        answer(asked, officer, is_changed=True)
    asked.refresh_from_db()
    assert asked.status == "OPEN"


@pytest.mark.parametrize(("is_changed", "limit"), [(True, 1_000), (False, 500)])
def test_an_answer_that_changes_puts_the_limit_back(is_changed: bool, limit: int) -> None:
    line = make_line(limit=1_000)
    asked = answer(cut(line, UserFactory(is_staff=True)), UserFactory(is_staff=True), is_changed=is_changed)
    line.refresh_from_db()
    assert (line.limit, asked.status) == (limit, "CHANGED" if is_changed else "UPHELD")
    assert not operations.prove_books()


def test_an_answer_that_changes_lifts_a_freeze() -> None:
    line = make_line()
    operations.freeze_line(line_id=line.pk, reason="odd", actor=UserFactory(is_staff=True), as_of=AS_OF)
    change = LimitChange.objects.get(direction="FREEZE")
    asked = operations.request_review(borrower=line.borrower, limit_change=change, actor=None, as_of=AS_OF)
    answer(asked, UserFactory(is_staff=True), is_changed=True)
    line.refresh_from_db()
    assert line.status == "ACTIVE"


def test_an_answer_that_changes_a_decline_puts_the_application_before_an_officer_again() -> None:
    line = make_line(status="CLOSED")
    old = line.application
    Application.objects.filter(pk=old.pk).update(status="DECLINED")
    declined = Decision.objects.create(
        application=old, number=1, is_final=True, outcome="DECLINE", policy=old.policy, inputs=engine_inputs(), decided_date=AS_OF,
        decided_at=NOW, reasons=[{"code": "risk_too_high", "message": "…", "params": {}}],
    )  # fmt: skip
    asked = operations.request_review(borrower=line.borrower, decision=declined, actor=None, as_of=AS_OF)
    officer = UserFactory(is_staff=True)
    answer(asked, officer, is_changed=True)
    again = Application.objects.get(borrower=line.borrower, status="REFERRED")
    decided = operations.decide_by_officer(
        application_id=again.pk, outcome="APPROVE", limit=Decimal(600), annual_rate=None, note="seen",
        actor=officer, as_of=AS_OF, now=NOW,
    )  # fmt: skip
    assert decided.limit == 600
    assert not operations.prove_books()
