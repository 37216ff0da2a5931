"""What borrowers decide themselves, temporary increases, suspension, and the group's room."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEntry, BusinessMember, Notice
from credit import operations, queries
from credit.domain.limit_in_force import LimitParts, UnableToSetLimit
from credit.domain.line import UnableToDrawDown, UnableToMoveLine
from credit.models import CreditLine, LimitChange
from credit.operations import reevaluation
from regimes.errors import Refusal
from tests.credit.factories import make_line, make_person
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF, BusinessFactory, UserFactory

pytestmark = pytest.mark.usefixtures("books")
FESTIVAL = AS_OF + timedelta(20)


def told(line: CreditLine) -> list[tuple[str, Decimal]]:
    rows = LimitChange.objects.filter(line=line).order_by("pk")
    return [(row.direction, row.new_limit) for row in rows]


def cap(line: CreditLine, amount: int | None) -> CreditLine:
    return operations.set_own_cap(
        line_id=line.pk, cap=None if amount is None else Decimal(amount), actor=None, as_of=AS_OF
    )


def raise_for_a_time(line: CreditLine, extra: int = 400, days: int = 20) -> CreditLine:
    return operations.grant_temporary_limit(
        line_id=line.pk, extra=Decimal(extra), until=AS_OF + timedelta(days), reason="Spring Festival",
        actor=UserFactory(is_staff=True), as_of=AS_OF,
    )  # fmt: skip


@pytest.mark.parametrize("amount", [0, 49, 150, 1_001])
def test_it_refuses_a_cap_that_is_no_limit(amount: int) -> None:
    with pytest.raises(UnableToSetLimit):
        cap(make_line(), amount)


def test_an_own_cap_lowers_the_limit_at_once_and_lifting_it_gives_everything_back() -> None:
    line = cap(make_line(limit=1_000), 300)
    assert (line.limit, line.held_back, line.parts.granted) == (300, 700, 1_000)
    with pytest.raises(UnableToDrawDown) as refused:
        draw(line, amount=Decimal(400))
    assert refused.value.code == "limit_exceeded"
    line = cap(line, None)
    assert (line.limit, line.held_back, line.own_cap) == (1_000, 0, None)
    assert told(line) == [("OPEN", 1_000), ("DOWN", 300), ("UP", 1_000)]
    assert not operations.prove_books()


def test_the_engine_never_raises_over_an_own_cap_and_cuts_what_was_granted() -> None:
    from credit.domain.policy import read_policy
    from credit.domain.reevaluation import Direction, Verdict

    line = cap(make_line(limit=1_000), 300)
    rules = read_policy(queries.active_policy().document, ceiling=queries.ceiling_now())
    assert rules
    verdict = Verdict(
        Direction.DOWN, Decimal(800), (reason_of("risk_higher"),), (reason_of("risk_good"),), AS_OF
    )
    view = _view_of(line)
    change = reevaluation.apply_verdict(
        line, verdict, view, reevaluation.Assessed(_none(), None), queries.active_policy(),
        reevaluation.Trigger.MONTHLY, AS_OF,
    )  # fmt: skip
    assert (change.direction, line.limit, line.held_back) == ("KEEP", 300, 500)
    assert change.inputs["granted"] == ["1000.00", "800"]


def reason_of(code: str):
    from credit.domain.reasons import reason

    return reason(code)


def _none():
    from credit.domain.decision import Scored

    return Scored(None, "model_unavailable")


def _view_of(line: CreditLine) -> reevaluation.LineView:
    return reevaluation.LineView(
        status=line.status, freeze_reason="", limit=line.parts.granted, as_of=AS_OF, last_raised_on=None,
        last_cut_on=None, changed_this_period=False, days_past_due=0, overdue_amount=Decimal(0), on_time_streak=0,
        utilisation=Decimal(0), consent_given=True, pd=None, problem="", score_reasons=(), target=Decimal(0),
        target_reasons=(), own_cap=line.own_cap,
    )  # fmt: skip


@pytest.mark.parametrize(("extra", "days"), [(0, 20), (150, 20), (600, 20), (-100, 20), (400, 0), (400, 63)])
def test_it_refuses_a_temporary_increase_that_is_no_increase_too_much_or_too_long(
    extra: int, days: int
) -> None:
    with pytest.raises(UnableToSetLimit):
        raise_for_a_time(make_line(limit=1_000), extra, days)


def test_a_temporary_increase_ends_by_itself_in_the_night_of_its_last_day() -> None:
    line = raise_for_a_time(make_line(limit=1_000))
    assert (line.limit, line.temporary_extra, line.parts.granted) == (1_400, 400, 1_000)
    draw(line, amount=Decimal(1_400))
    assert operations.end_temporary_limits(as_of=FESTIVAL - timedelta(1)) == 0
    assert operations.end_temporary_limits(as_of=FESTIVAL) == 1
    assert operations.end_temporary_limits(as_of=FESTIVAL) == 0
    line.refresh_from_db()
    assert (line.limit, line.temporary_extra, line.temporary_until) == (1_000, 0, None)
    assert told(line) == [("OPEN", 1_000), ("UP", 1_400), ("DOWN", 1_000)]
    assert Notice.objects.filter(kind="limit_down").count() == 1
    assert not operations.prove_books()


def test_an_own_cap_and_a_temporary_increase_live_together() -> None:
    line = raise_for_a_time(cap(make_line(limit=1_000), 1_200))
    assert (line.limit, line.held_back) == (1_200, 200)
    operations.end_temporary_limits(as_of=FESTIVAL)
    line.refresh_from_db()
    assert (line.limit, line.held_back, line.parts) == (
        1_000,
        0,
        LimitParts(Decimal(1_000), own_cap=Decimal(1_200)),
    )
    with pytest.raises(UnableToSetLimit) as refused:
        raise_for_a_time(cap(line, 900))
    assert refused.value.code == "own_cap_binds"


def test_an_officer_gives_nobody_more_than_the_group_may_have() -> None:
    person = make_person()
    shop = BusinessFactory(owner=person.user)
    assert BusinessMember.objects.filter(business=shop, role="OWNER", user=person.user).exists()
    make_line(borrower=shop, family="BUSINESS", limit=299_000)
    line = make_line(borrower=person, limit=1_000)
    assert queries.group_exposure(borrower_id=person.pk) == 300_000
    officer = UserFactory(is_staff=True)
    with pytest.raises(Refusal) as refused:
        operations.change_limit(line_id=line.pk, limit=Decimal(1_100), reason="x", actor=officer, as_of=AS_OF)
    assert refused.value.code == "group_limit"
    with pytest.raises(UnableToSetLimit):
        raise_for_a_time(line, extra=100)


def test_a_self_exclusion_stops_draws_and_applications_and_nobody_ends_it_early() -> None:
    line = make_line()
    until = AS_OF + timedelta(40)
    with pytest.raises(UnableToSetLimit):
        operations.exclude_self(borrower=line.borrower, until=AS_OF + timedelta(29), actor=None, as_of=AS_OF)
    operations.exclude_self(borrower=line.borrower, until=until, actor=None, as_of=AS_OF)
    again = operations.exclude_self(
        borrower=line.borrower, until=AS_OF + timedelta(31), actor=None, as_of=AS_OF
    )
    assert again.until_date == until, "asking again makes it no shorter"
    line.refresh_from_db()
    assert (line.status, line.freeze_reason, line.suspended_until) == ("SUSPENDED", "EXCLUDED", until)
    with pytest.raises(UnableToDrawDown) as draw_refused:
        draw(line)
    assert draw_refused.value.code == "line_suspended"
    with pytest.raises(Refusal) as refused:
        operations.submit_application(
            borrower=line.borrower, product_code="everyday", requested_amount=Decimal(1_000), purpose="DAILY_GOODS",
            actor=None, as_of=AS_OF, now=line.created_at,
        )  # fmt: skip
    assert refused.value.code in ("self_excluded", "step_missing")
    officer = UserFactory(is_staff=True)
    with pytest.raises(UnableToMoveLine):
        operations.resume_line(line_id=line.pk, reason="please", actor=officer, as_of=until)
    with pytest.raises(Refusal) as early:
        operations.end_self_exclusion(borrower=line.borrower, actor=None, as_of=until - timedelta(1))
    assert early.value.code == "exclusion_not_over"
    operations.end_self_exclusion(borrower=line.borrower, actor=None, as_of=until)
    line.refresh_from_db()
    assert (line.status, line.freeze_reason) == ("ACTIVE", "")
    assert [name for name, _ in told(line)] == ["OPEN", "SUSPEND", "RESUME"]
    assert queries.standing_of(borrower=line.borrower).excluded_until is None
    assert not operations.prove_books()


def test_a_suspended_line_is_not_looked_at_and_only_an_officer_resumes_it() -> None:
    line, officer = make_line(), UserFactory(is_staff=True)
    operations.suspend_line(line_id=line.pk, reason="inquiry", actor=officer, as_of=AS_OF)
    report = operations.reevaluate_lines(line_ids=[line.pk], as_of=AS_OF + timedelta(60))
    assert report.looked_at == 0
    with pytest.raises(UnableToMoveLine):
        operations.unfreeze_line(line_id=line.pk, actor=None, as_of=AS_OF, by_borrower=True)
    operations.resume_line(line_id=line.pk, reason="cleared", actor=officer, as_of=AS_OF)
    line.refresh_from_db()
    assert line.status == "ACTIVE"
    assert AuditEntry.objects.filter(action="line.resume").exists()
