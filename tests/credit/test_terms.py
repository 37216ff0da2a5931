"""The end of a line's term, the notice before a cut, and records that grew old."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Notice
from accounts.operations import give_consents, withdraw_consent
from credit import operations, queries
from credit.domain.line import UnableToDrawDown
from credit.models import CreditLine, LimitChange, LineLook
from tests.credit.factories import make_line
from tests.credit.test_draw_down import draw
from tests.credit.test_rounds import with_records
from tests.factories import AS_OF, NOW, UserFactory

pytestmark = pytest.mark.usefixtures("books")
END = AS_OF + timedelta(days=30)


def ending(**values: Any) -> CreditLine:
    line = make_line(limit=1_000, **values)
    CreditLine.objects.filter(pk=line.pk).update(valid_until=END)
    line.refresh_from_db()
    return line


def directions(line: CreditLine) -> list[tuple[str, str]]:
    rows = LimitChange.objects.filter(line=line).exclude(direction="OPEN").order_by("pk")
    return list(rows.values_list("direction", "trigger"))


# ---- the term -------------------------------------------------------------------------------------------------------


def test_a_line_whose_borrower_keeps_to_what_was_agreed_goes_on_and_hears_so_a_month_ahead() -> None:
    line = ending()
    assert not operations.renew_or_close_lines(as_of=AS_OF - timedelta(days=1)), "the month has not begun"
    assert operations.renew_or_close_lines(as_of=AS_OF) == {"RENEW": 1}
    line.refresh_from_db()
    assert line.valid_until > END + timedelta(days=300)
    assert directions(line) == [("RENEW", "RENEWAL")]
    notice = Notice.objects.get(kind="limit_renew")
    assert line.valid_until.isoformat() in notice.params["why"]
    assert not operations.renew_or_close_lines(as_of=AS_OF)
    assert not operations.prove_books()


def test_what_stands_in_the_way_is_told_a_month_ahead_and_the_line_closes_on_its_last_day() -> None:
    line = ending()
    operations.freeze_line(line_id=line.pk, reason="", actor=None, as_of=AS_OF, by_borrower=True)
    assert operations.renew_or_close_lines(as_of=AS_OF) == {"TOLD": 1}
    assert operations.renew_or_close_lines(as_of=AS_OF + timedelta(days=1)) == {"WAITS": 1}
    told = Notice.objects.get(kind="line_ends")
    assert told.params["date"] == END.isoformat()
    assert operations.renew_or_close_lines(as_of=END) == {"CLOSE": 1}
    line.refresh_from_db()
    assert line.status == "CLOSED"
    assert directions(line)[-2:] == [("KEEP", "RENEWAL"), ("CLOSE", "RENEWAL")]
    closed = LimitChange.objects.get(line=line, direction="CLOSE")
    assert [item["code"] for item in closed.reasons] == ["line_expired", "asked_to_freeze"]
    with pytest.raises(UnableToDrawDown) as refused:
        draw(line, idempotency_key="after")
    assert refused.value.code == "line_closed"
    assert not operations.prove_books()


def test_what_stood_in_the_way_may_go_until_the_last_day() -> None:
    line = ending()
    withdraw_consent(borrower=line.borrower, purpose="CREDIT_DECISION", actor=None, now=NOW)
    assert operations.renew_or_close_lines(as_of=AS_OF) == {"TOLD": 1}
    change = LimitChange.objects.get(line=line, trigger="RENEWAL")
    assert [item["code"] for item in change.recourse] == ["give_consent"]
    give_consents(borrower=line.borrower, purposes=["CREDIT_DECISION"], actor=None, now=NOW)
    assert operations.renew_or_close_lines(as_of=END) == {"RENEW": 1}


def test_what_is_owed_on_a_closed_line_is_repaid_as_agreed() -> None:
    line = ending()
    drawn = draw(line, idempotency_key="before")
    operations.freeze_line(line_id=line.pk, reason="x", actor=None, as_of=AS_OF)
    operations.renew_or_close_lines(as_of=END)
    line.refresh_from_db()
    drawn.loan.refresh_from_db()
    assert (line.status, drawn.loan.status) == ("CLOSED", "PENDING")
    assert queries.debt_of_line(line_id=line.pk).exposure == drawn.amount


def test_a_draw_and_a_decision_keep_what_they_do_to_the_months(model: None) -> None:
    from credit.models import Decision
    from tests.credit.test_applications import apply, person

    first = draw(make_line(limit=1_000), amount=Decimal(600), instalment_count=3, idempotency_key="one")
    kept = first.affordability
    assert kept is not None
    assert (kept["before"], kept["monthly_income"], kept["share_after"]) == ("0.00", None, None)
    assert Decimal(200) < Decimal(kept["after"]) < Decimal(220)
    line = with_records(1, "steady", limit=200_000)  # a cut leaves an assessment, which shows the income
    operations.run_monthly_round(as_of=LATER)
    seen = draw(
        line, amount=Decimal(1_200), instalment_count=3, idempotency_key="two", as_of=LATER
    ).affordability
    assert seen is not None
    assert Decimal(seen["share_after"]) == round(Decimal(seen["after"]) / Decimal(seen["monthly_income"]), 4)
    decision = Decision.objects.get(application=apply(person()))
    asked = decision.inputs["affordability"]
    assert decision.limit > 0
    monthly = (Decimal(asked["after"]) - Decimal(asked["before"])) * 12
    assert decision.limit < monthly < decision.limit * Decimal("1.2")
    assert Decimal(asked["share_after"]) <= Decimal("0.5"), (
        "the policy's bound holds for the limit that was given"
    )


# ---- notice of a cut ------------------------------------------------------------------------------------------------
LATER = date(2026, 4, 28)


@pytest.fixture
def abroad(settings: Any) -> None:
    settings.REGIME = "us"


def test_where_the_regime_asks_for_notice_a_cut_is_in_force_on_its_day_and_not_before(
    model: None, abroad: None
) -> None:
    line = with_records(1, "steady", limit=200_000)
    operations.run_monthly_round(as_of=LATER)
    line.refresh_from_db()
    assert (line.limit, line.announced_date) == (200_000, LATER + timedelta(days=45))
    coming = line.announced_limit
    assert coming is not None
    assert coming == 160_000, "at most a fifth a month"
    change = LimitChange.objects.get(line=line, trigger="MONTHLY")
    assert (change.direction, change.old_limit, change.new_limit) == ("ANNOUNCE", 200_000, 200_000)
    assert change.inputs["announced"] == {
        "limit": f"{coming:.2f}", "date": line.announced_date.isoformat(),
    }  # fmt: skip
    told = Notice.objects.get(kind="limit_announce").params
    assert (told["announced_limit"], told["announced_date"]) == (f"{coming:.2f}", "2026-06-12")
    # draws between follow the old limit
    between = draw(line, amount=Decimal(45_000), instalment_count=12, idempotency_key="between")
    assert between.limit_at_draw == 200_000
    assert operations.carry_out_cuts(as_of=date(2026, 6, 11)) == 0
    assert operations.carry_out_cuts(as_of=date(2026, 6, 12)) == 1
    assert operations.carry_out_cuts(as_of=date(2026, 6, 12)) == 0
    line.refresh_from_db()
    assert (line.limit, line.announced_limit, line.announced_date) == (coming, None, None)
    cut = LimitChange.objects.get(line=line, trigger="NOTICE_END")
    assert (cut.direction, cut.effective_date, cut.reasons) == ("DOWN", date(2026, 6, 12), change.reasons)
    assert cut.assessment_id == change.assessment_id
    assert not operations.prove_books()


def test_an_announced_cut_stands_as_it_was_told_and_is_withdrawn_when_records_are_better(
    model: None, abroad: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = with_records(1, "steady", limit=200_000)
    operations.run_monthly_round(as_of=LATER)
    line.refresh_from_db()
    first = (line.announced_limit, line.announced_date)
    operations.run_monthly_round(as_of=date(2026, 5, 28))
    line.refresh_from_db()
    assert (line.announced_limit, line.announced_date) == first, "a second look moves nothing that was told"
    assert LineLook.objects.get(line_id=line.pk, period=date(2026, 5, 1)).code == 17
    # as if the income had come back: the announced limit stands, so nothing has to fall
    CreditLine.objects.filter(pk=line.pk).update(limit=1_000, announced_limit=900)
    operations.run_monthly_round(as_of=date(2026, 6, 28))
    line.refresh_from_db()
    assert (line.announced_limit, line.announced_date) == (None, None)
    assert directions(line)[-1] == ("WITHDRAW", "MONTHLY")
    assert Notice.objects.filter(kind="limit_withdraw").count() == 1


def test_looking_one_by_one_announces_the_same(model: None, abroad: None) -> None:
    line = with_records(1, "steady", limit=200_000)
    with transaction.atomic():
        operations.reevaluate_lines(line_ids=[line.pk], as_of=LATER)
        line.refresh_from_db()
        one = (line.limit, line.announced_limit, line.announced_date)
        transaction.set_rollback(True)
    operations.run_monthly_round(as_of=LATER)
    line.refresh_from_db()
    assert (line.limit, line.announced_limit, line.announced_date) == one


def test_a_person_who_decides_meanwhile_ends_the_announcement() -> None:
    line = make_line(limit=1_000)
    CreditLine.objects.filter(pk=line.pk).update(announced_limit=800, announced_date=END)
    operations.change_limit(
        line_id=line.pk, limit=Decimal(1_000), reason="seen", actor=UserFactory(is_staff=True), as_of=AS_OF
    )
    line.refresh_from_db()
    assert (line.announced_limit, line.announced_date) == (None, None)


# ---- records that grew old ------------------------------------------------------------------------------------------


def test_records_that_grew_old_are_answered_once_and_told(model: None) -> None:
    line = with_records(1, "steady", limit=1_000)
    fresh = operations.reevaluate_changed_lines(as_of=LATER, stale=True)
    assert not LimitChange.objects.filter(trigger="STALE_FEED").exists(), fresh
    old = date(2026, 8, 3)  # the newest whole month is March or April
    assert operations.reevaluate_changed_lines(as_of=old).looked_at == 0, "asked by the night alone"
    operations.reevaluate_changed_lines(as_of=old, stale=True)
    change = LimitChange.objects.get(line=line, trigger="STALE_FEED")
    assert (change.direction, change.new_limit) == ("KEEP", 1_000)
    assert change.reasons[0]["code"] == "evidence_stale"
    assert change.recourse[0]["code"] == "connect_fresh"
    assert Notice.objects.filter(kind="limit_keep", borrower_id=line.borrower_id).count() == 1
    operations.reevaluate_changed_lines(as_of=old + timedelta(days=1), stale=True)
    assert LimitChange.objects.filter(trigger="STALE_FEED").count() == 1
