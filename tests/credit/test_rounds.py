"""The monthly round: set-wise, once a month, explained, and equal to looking at each line by itself."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from credit import operations, queries
from credit.models import CreditLine, LimitChange, LineFacts, LineLook
from credit.operations import rounds
from credit.operations.binary import copy_out, layout
from tests.credit.factories import make_line
from tests.factories import AS_OF, NOW

pytestmark = pytest.mark.usefixtures("books")
LATER = date(2026, 4, 28)


def with_records(order: int, persona: str, **values: Any) -> CreditLine:
    from credit.demo.people import name_of, settle_in
    from risk.operations import connect_sandbox_person
    from tests.factories import UserFactory

    user = UserFactory(email=f"round{order}@example.com")
    borrower = settle_in(user=user, name=name_of(order), order=order, as_of=AS_OF, now=NOW)
    connect_sandbox_person(borrower_id=borrower.pk, persona=persona, seed=order, as_of=LATER, now=NOW)
    return make_line(borrower=borrower, **values)


@pytest.fixture
def book(model: None) -> list[CreditLine]:
    """Lines that a look raises, cuts, freezes and keeps."""
    return [
        with_records(number, persona, limit=limit)
        for number, (persona, limit) in enumerate(
            [("steady", 1_000), ("steady", 200_000), ("risky", 60_000), ("tight", 120_000), ("tight", 300)]
        )
    ]


def test_it_looks_at_nothing_without_a_model_and_the_lines_stay_due() -> None:
    lines = [make_line() for _ in range(2)]
    report = operations.run_monthly_round(as_of=LATER)
    moved = LimitChange.objects.filter(trigger="MONTHLY").count()
    assert (report.looked_at, LineLook.objects.count(), moved) == (0, 0, 0)
    assert operations.due_line_ids(as_of=LATER) == [line.pk for line in lines]


def test_it_looks_at_each_line_once_a_month_and_tells_why(book: list[CreditLine]) -> None:
    report = operations.run_monthly_round(as_of=LATER)
    assert report.looked_at == len(book)
    assert LineLook.objects.filter(period=date(2026, 4, 1)).count() == len(book)
    moved = list(LimitChange.objects.filter(trigger="MONTHLY"))
    assert moved, report
    for change in moved:
        assert change.reasons
        assert change.recourse
        assert change.assessment is not None
        assert change.assessment.model is not None
        assert change.policy is not None
        change.line.refresh_from_db()
        assert change.line.limit == change.new_limit
        if change.direction == "DOWN":
            assert change.new_limit >= change.old_limit * Decimal("0.8") - 100
    assert operations.run_monthly_round(as_of=LATER + timedelta(1)).looked_at == 0
    assert operations.reevaluate_lines(line_ids=[line.pk for line in book], as_of=LATER).looked_at == 0
    assert not operations.prove_books()
    may = operations.run_monthly_round(as_of=date(2026, 5, 28))
    assert may.looked_at == len(book)


def test_it_does_what_looking_at_each_line_by_itself_does(book: list[CreditLine]) -> None:
    from django.db import transaction

    def outcome() -> dict[int, dict[str, Any]]:
        rows = LimitChange.objects.filter(trigger="MONTHLY").exclude(direction="KEEP")
        return {row.line_id: written(row) for row in rows.select_related("line", "assessment")}

    with transaction.atomic():
        operations.reevaluate_lines(line_ids=[line.pk for line in book], as_of=LATER)
        one_by_one = outcome()
        transaction.set_rollback(True)
    operations.run_monthly_round(as_of=LATER)
    assert outcome() == one_by_one
    assert {"DOWN"} <= {change["direction"] for change in one_by_one.values()}


def written(change: LimitChange) -> dict[str, Any]:
    """Everything that a move leaves: the event, the line, the assessment and the notice."""
    from accounts.models import Notice

    same = [
        "direction",
        "old_limit",
        "new_limit",
        "old_annual_rate",
        "new_annual_rate",
        "reasons",
        "recourse",
        "inputs",
        "policy_id",
        "period",
        "effective_date",
        "next_review_date",
        "note",
    ]
    line, assessment = change.line, change.assessment
    assert assessment is not None
    notice = Notice.objects.get(dedup_key=f"limit-change:{change.ref}")
    fell = change.direction in ("DOWN", "FREEZE")
    return {name: getattr(change, name) for name in same} | {
        "line": (line.limit, line.held_back, line.status, line.freeze_reason, line.last_raised_date, line.last_cut_date,
                 line.next_review_date),
        "assessment": (assessment.subject_id, assessment.as_of, assessment.purpose, assessment.outcome, assessment.pd,
                       assessment.score, assessment.lgd, assessment.model_id, bytes(assessment.facts),
                       assessment.reasons if fell else None),  # a rise is not explained by factors
        "notice": (notice.kind, notice.borrower_id, notice.language, notice.params),
    }  # fmt: skip


def test_broken_off_half_way_it_goes_on_where_it_was(
    book: list[CreditLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = rounds._write_looks, list[int]()

    def die(*arguments: Any) -> None:
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(len(arguments[2]))
        real(*arguments)

    monkeypatch.setattr(rounds, "_write_looks", die)
    with pytest.raises(KeyboardInterrupt):
        operations.run_monthly_round(as_of=LATER, block=2)
    monkeypatch.setattr(rounds, "_write_looks", real)
    done = LineLook.objects.count()
    assert 0 < done < len(book)
    assert operations.run_monthly_round(as_of=LATER, block=2).looked_at == len(book) - done
    assert LineLook.objects.count() == len(book)
    assert LimitChange.objects.filter(trigger="MONTHLY").count() <= len(book)


def test_the_borrower_reads_why_a_limit_was_kept_and_when_the_next_look_is(book: list[CreditLine]) -> None:
    operations.run_monthly_round(as_of=LATER)
    kept = [look.line_id for look in LineLook.objects.exclude(code=16)]
    assert kept
    [look] = queries.looks_of(line_id=kept[0], as_of=LATER)
    assert look.as_of == LATER
    assert look.reasons[0]["message"]
    line = CreditLine.objects.get(pk=kept[0])
    following = queries.next_look_date(line=line, as_of=LATER)
    assert (following.year, following.month) == (2026, 5)


def test_facts_are_kept_current_and_of_one_width(book: list[CreditLine]) -> None:
    operations.run_monthly_round(as_of=LATER)
    facts = LineFacts.objects.get(line=book[0])
    assert facts.as_of == LATER
    assert len(bytes(facts.vector)) == 57 * 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM credit_linefacts")
        assert cursor.fetchone() == (len(book),)


def test_copying_out_refuses_a_null() -> None:
    shape = layout(("a", ">i8"), ("b", ">i8"))
    assert copy_out("SELECT 1::bigint, 2::bigint", shape)["b"].tolist() == [2]
    with pytest.raises(AssertionError):
        copy_out("SELECT 1::bigint, NULL::bigint", shape)


def test_the_way_back_of_a_cut_was_scored_again(book: list[CreditLine]) -> None:
    import numpy as np

    from risk import queries as risk_queries

    operations.run_monthly_round(as_of=LATER)
    for change in LimitChange.objects.filter(trigger="MONTHLY", direction__in=["DOWN", "FREEZE"]):
        steps = queries.way_back(change=change)
        bound = change.inputs["restoring_pd"]
        if not steps:
            continue
        assert change.assessment is not None
        assert change.assessment.model is not None
        vector = risk_queries.facts_of(assessment=change.assessment).copy()
        for step in risk_queries.recourse_for(assessment=change.assessment, threshold=float(bound)):
            vector[risk_queries_place(step.feature)] = step.wanted
        model = risk_queries.loaded_model(version=change.assessment.model)
        pd = model.score(vector[None, :], np.array([change.assessment.segment], dtype=np.int8)).pd[0]
        assert pd <= float(bound)


def test_the_drift_of_the_month_is_seen_though_a_look_leaves_no_assessment(book: list[CreditLine]) -> None:
    from credit.watching import looked_vectors
    from risk.models import Assessment
    from risk.operations import monitor

    assert looked_vectors(as_of=LATER) is None
    operations.run_monthly_round(as_of=LATER)
    assessed = Assessment.objects.filter(outcome="SCORED").count()
    moved = LineLook.objects.filter(code=16).count()
    scored = LineLook.objects.exclude(pd=float("nan")).count()
    looked = looked_vectors(as_of=LATER)
    assert looked is not None
    assert len(looked[1]) == scored - moved > 0
    run = monitor(as_of=LATER, looked=looked)
    assert run is not None
    assert (run.report["rows"], run.report["looked"]) == (assessed, scored - moved)
    assert sum(count for _, count in run.report["scores"]) == assessed + scored - moved
    assert looked_vectors(as_of=LATER + timedelta(days=28)) is None, "a month later they are no news"


def risk_queries_place(feature: str) -> int:
    from risk.domain.registry import FEATURE_AT

    return FEATURE_AT[feature]
