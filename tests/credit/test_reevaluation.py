"""Re-evaluate lines: each at most once a month and cause, explained, and never on missing evidence upwards."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Consent, Notice
from credit import operations
from credit.models import CreditLine, LimitChange
from credit.operations import reevaluation
from loans import operations as loan_operations
from loans.models import Loan
from tests.credit.factories import make_line
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF

pytestmark = pytest.mark.usefixtures("books")
LATER = date(2026, 4, 20)


def overdue(line: CreditLine, days: int) -> None:
    """Make a paid-out draw of the line late, as the night's ageing would leave it."""
    drawdown = draw(line)
    loan_operations.confirm_payout(
        payout_id=drawdown.loan.payout.pk,
        provider_reference=f"p{drawdown.pk}",
        amount=drawdown.amount,
        currency="CNY",
        as_of=AS_OF,
        now=drawdown.created_at,
    )
    due = drawdown.loan.instalments.order_by("due_date").first().due_date
    loan_operations.age_loans(as_of=due + timedelta(days=days))
    assert Loan.objects.get(pk=drawdown.loan_id).days_past_due == days


def test_without_a_model_nothing_moves_and_the_borrower_reads_why() -> None:
    line = make_line()
    report = operations.reevaluate_lines(line_ids=[line.pk], as_of=LATER)
    change = LimitChange.objects.order_by("-pk")[0]
    assert (report.looked_at, change.direction, change.new_limit) == (1, "KEEP", 1000)
    assert change.reasons[0]["code"] == "model_unavailable"
    assert change.recourse
    assert change.next_review_date.month == 5
    assert change.assessment is not None
    assert change.assessment.outcome == "UNSCORED"
    assert not Notice.objects.filter(kind="limit_keep").exists()


def test_a_second_run_in_the_month_changes_nothing() -> None:
    lines = [make_line().pk for _ in range(3)]
    first = operations.reevaluate_lines(line_ids=lines, as_of=LATER, chunk=2)
    again = operations.reevaluate_lines(line_ids=lines, as_of=LATER + timedelta(1), chunk=2)
    assert (first.looked_at, first.skipped, again.looked_at, again.skipped) == (3, 0, 0, 3)
    assert LimitChange.objects.filter(trigger="MONTHLY").count() == 3
    next_month = operations.reevaluate_lines(line_ids=lines, as_of=date(2026, 5, 20))
    assert next_month.looked_at == 3


def test_killed_half_way_the_next_run_does_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [make_line().pk for _ in range(5)]
    written: list[int] = []
    real = reevaluation.write_changes

    def die_in_the_second(of: list[CreditLine], changes: list[LimitChange]) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(len(changes))
        real(of, changes)

    monkeypatch.setattr(reevaluation, "write_changes", die_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        operations.reevaluate_lines(line_ids=lines, as_of=LATER, chunk=2)
    monkeypatch.setattr(reevaluation, "write_changes", real)
    report = operations.reevaluate_lines(line_ids=lines, as_of=LATER, chunk=2)
    assert (report.looked_at, report.skipped) == (3, 2)
    assert set(LimitChange.objects.filter(trigger="MONTHLY").values_list("line_id", flat=True)) == set(lines)


def test_only_lines_whose_turn_it_is_are_due() -> None:
    line, closed = make_line(), make_line(status="CLOSED")
    assert operations.due_line_ids(as_of=line.next_review_date - timedelta(1)) == []
    day = max(line.next_review_date, closed.next_review_date)
    assert operations.due_line_ids(as_of=day) == [line.pk]


@pytest.mark.parametrize(("days", "status"), [(3, "ACTIVE"), (4, "FROZEN")])
def test_a_delay_freezes_from_the_fourth_day(days: int, status: str) -> None:
    line = make_line()
    overdue(line, days)
    operations.reevaluate_due_lines(as_of=date(2026, 4, 2) + timedelta(days=days))
    line.refresh_from_db()
    assert line.status == status


def test_a_paid_up_line_opens_the_same_night_and_both_are_told() -> None:
    line = make_line()
    overdue(line, 5)
    day = date(2026, 4, 7)
    operations.reevaluate_due_lines(as_of=day)
    line.refresh_from_db()
    assert (line.status, line.freeze_reason, line.limit) == ("FROZEN", "OVERDUE", 1000)
    told = Notice.objects.get(kind="limit_freeze")
    assert "5 days overdue" in told.params["why"]
    assert "CNY" in told.params["way_on"]
    Loan.objects.update(days_past_due=0, status="ACTIVE")
    operations.reevaluate_due_lines(as_of=day + timedelta(1))
    line.refresh_from_db()
    assert (line.status, line.freeze_reason) == ("ACTIVE", "")
    assert Notice.objects.filter(kind="limit_unfreeze").count() == 1
    directions = list(
        LimitChange.objects.filter(line=line).order_by("pk").values_list("direction", flat=True)
    )
    assert [name for name in directions if name != "KEEP"] == ["OPEN", "FREEZE", "UNFREEZE"]


def test_a_freeze_of_the_borrower_is_left_alone() -> None:
    line = make_line()
    operations.freeze_line(line_id=line.pk, reason="", actor=None, as_of=AS_OF, by_borrower=True)
    operations.reevaluate_lines(line_ids=[line.pk], as_of=LATER)
    line.refresh_from_db()
    assert (line.status, line.freeze_reason) == ("FROZEN", "BORROWER")


def test_without_agreement_the_limit_stays_and_the_way_on_is_named() -> None:
    line = make_line()
    Consent.objects.update(withdrawn_at=line.created_at)
    operations.reevaluate_lines(line_ids=[line.pk], as_of=LATER)
    change = LimitChange.objects.order_by("-pk")[0]
    assert (change.reasons[0]["code"], change.recourse[0]["code"]) == ("consent_withdrawn", "give_consent")


def test_every_change_reads_as_a_sentence_in_both_languages() -> None:
    from credit.domain.reasons import RECOURSES, SENTENCES
    from credit.notices import sentences

    for catalogue in (SENTENCES, RECOURSES):
        for code, message in catalogue.items():
            params: dict[str, Any] = dict.fromkeys(_names(message), "7")
            told = {
                language: sentences([{"message": message, "params": params}], language=language)
                for language in ("en", "zh-hans")
            }
            assert told["en"] != told["zh-hans"], code
            assert all("%(" not in text and text for text in told.values())


def _names(message: str) -> list[str]:
    import re

    return re.findall(r"%\((\w+)\)s", message)


def test_limits_written_are_decimals_of_the_verdict() -> None:
    line = make_line(limit=Decimal(50))
    operations.reevaluate_lines(line_ids=[line.pk], as_of=LATER)
    line.refresh_from_db()
    assert line.limit == Decimal("50.00")
    assert line.next_review_date.month == 5
