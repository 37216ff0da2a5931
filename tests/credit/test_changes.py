"""A withdrawn consent, newer records and a loan paid off are each answered by one look at the line."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import Consent
from credit import operations
from credit.models import CreditLine, LimitChange, LookCause
from credit.operations import reevaluation
from loans.models import Loan
from risk.models import EvidenceSource
from tests.credit.factories import make_line
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF, NOW, ConsentFactory

LATER = date(2026, 4, 20)
OTHER_CAUSES = {"CONSENT_WITHDRAWN", "FRESH_EVIDENCE", "PAID_OFF"}


def withdraw(line: CreditLine, purpose: str = "CREDIT_DECISION", *, seconds: int = 60) -> None:
    Consent.objects.filter(borrower=line.borrower, purpose=purpose).update(
        withdrawn_at=line.created_at + timedelta(seconds=seconds)
    )


def bring_evidence(line: CreditLine, **values: Any) -> EvidenceSource:
    return EvidenceSource.objects.create(
        **{
            "borrower": line.borrower,
            "kind": "ALIPAY",
            "file_sha256": f"{EvidenceSource.objects.count():064}",
            "new_rows": 12,
            "as_of": AS_OF,
            "known_at": NOW,
            "created_at": line.created_at + timedelta(seconds=60),
            **values,
        }
    )


def pay_off(line: CreditLine) -> None:
    loan_id = draw(line).loan_id
    Loan.objects.filter(pk=loan_id).update(status="CLOSED", principal_outstanding=0, closed_date=LATER)


def happen(cause: str, line: CreditLine) -> None:
    {"CONSENT_WITHDRAWN": withdraw, "FRESH_EVIDENCE": bring_evidence, "PAID_OFF": pay_off}[cause](line)


def looks(line: CreditLine) -> list[str]:
    rows = LimitChange.objects.filter(line=line).exclude(direction="OPEN").order_by("pk")
    return list(rows.values_list("trigger", flat=True))


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("cause", sorted(OTHER_CAUSES))
def test_what_happened_is_looked_at_once(cause: str) -> None:
    line, other = make_line(), make_line()
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 0
    happen(cause, line)
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 1
    for day in (LATER, LATER + timedelta(1)):
        assert operations.reevaluate_changed_lines(as_of=day).looked_at == 0
    assert (looks(line), looks(other)) == ([cause], [])
    assert LimitChange.objects.get(line=line, trigger=cause).reasons


@pytest.mark.usefixtures("books")
def test_two_happenings_of_a_day_are_one_look_and_a_later_one_waits_for_the_day_after() -> None:
    line = make_line()
    bring_evidence(line)
    bring_evidence(line)
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 1
    bring_evidence(line)
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 0
    assert operations.reevaluate_changed_lines(as_of=LATER + timedelta(1)).looked_at == 1
    assert looks(line) == ["FRESH_EVIDENCE"] * 2
    assert LookCause.objects.filter(line=line).count() == 3


@pytest.mark.usefixtures("books")
def test_what_the_decision_knew_and_what_does_not_count_is_passed_over() -> None:
    early, marketing, empty, closed = make_line(), make_line(), make_line(), make_line(status="CLOSED")
    withdraw(early, seconds=-60)
    bring_evidence(early, created_at=early.created_at - timedelta(seconds=60))
    ConsentFactory(borrower=marketing.borrower, purpose="MARKETING")
    withdraw(marketing, "MARKETING")
    bring_evidence(empty, new_rows=0)
    bring_evidence(empty, status="IGNORED")
    withdraw(closed)
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 0
    assert not LookCause.objects.exists()


@pytest.mark.usefixtures("books")
def test_every_line_is_reached_in_chunks_and_by_the_night() -> None:
    lines = [make_line() for _ in range(5)]
    for line in lines:
        withdraw(line)
    first = operations.reevaluate_changed_lines(
        as_of=LATER, first_id=lines[0].pk, last_id=lines[2].pk, chunk=2
    )
    assert first.looked_at == 3
    assert operations.reevaluate_changed_lines(as_of=LATER, chunk=2).looked_at == 2
    bring_evidence(lines[0])
    report = operations.run_end_of_day(as_of=AS_OF, now=NOW)
    assert report.status == "DONE", report.problem
    assert looks(lines[0])[-1] == "FRESH_EVIDENCE"


@pytest.mark.usefixtures("books")
def test_killed_before_the_end_it_is_answered_by_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line()
    withdraw(line)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(reevaluation, "write_changes", die)
        with pytest.raises(KeyboardInterrupt):
            operations.reevaluate_changed_lines(as_of=LATER)
    assert not LookCause.objects.exists()
    assert operations.reevaluate_changed_lines(as_of=LATER).looked_at == 1


@pytest.mark.django_db(transaction=True)
def test_four_sweepers_at_once_look_once(transactional_db: None) -> None:
    from tests.credit.factories import bring_first_versions

    bring_first_versions()
    lines = [make_line(limit=Decimal(1_000)) for _ in range(6)]
    for line in lines:
        pay_off(line)
        withdraw(line)
    found: list[int] = []
    start = threading.Barrier(4)

    def sweep() -> None:
        try:
            start.wait()
            found.append(operations.reevaluate_changed_lines(as_of=LATER, chunk=2).looked_at)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 12
    assert len(found) == 4
    assert all(sorted(looks(line)) == ["CONSENT_WITHDRAWN", "PAID_OFF"] for line in lines)
