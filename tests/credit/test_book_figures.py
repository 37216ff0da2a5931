"""What the book tells the model's monitoring, and the transfers graph that nobody enters without agreeing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.test import override_settings

from credit.facts import collect
from credit.models import Decision, Drawdown
from credit.watching import desk_figures, matured_outcomes
from loans.models import Instalment
from risk.graph import MOST_SHARED, neighbours_late_share
from risk.models import EvidenceRow, EvidenceSource, MonthlyRollup
from tests.credit.factories import make_person
from tests.credit.test_applications import apply, person
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF, NOW, ConsentFactory
from tests.loans.factories import confirm

pytestmark = pytest.mark.usefixtures("books")


def test_nothing_is_told_of_an_empty_book():
    assert matured_outcomes(as_of=AS_OF) == {}
    figures = desk_figures(as_of=AS_OF)
    assert (figures["vintages"], figures["groups"], figures["feeds"]) == ([], [], [])
    assert figures["overrides"]["decided"] == 0


def test_it_counts_decisions_groups_and_records(model):
    apply(person())
    figures = desk_figures(as_of=AS_OF)
    final = Decision.objects.filter(is_final=True).count()
    assert figures["overrides"]["decided"] == final
    assert sum(row[2] for row in figures["groups"] if row[0] == "segment") == final
    [[kind, borrowers, age, stale]] = figures["feeds"]
    assert (kind, borrowers, stale) == ("SANDBOX", 1, 0)
    assert 0 <= age < 32


def shares(pk, *, until):
    [row] = [row for row in desk_figures(as_of=until)["vintages"] if row[1]]
    return row[2:]


def test_a_line_is_bad_once_ninety_days_late_within_a_year(model):
    borrower = person()
    application = apply(borrower)
    decision = application.decisions.get()
    line = borrower.lines.get()
    later = AS_OF + timedelta(days=365)
    assert matured_outcomes(as_of=later) == {}  # never drawn on: nothing could go wrong
    confirm(draw(line).loan, as_of=AS_OF)
    assert matured_outcomes(as_of=later - timedelta(days=1)) == {}
    first = Instalment.objects.order_by("due_date", "pk").first()
    assert matured_outcomes(as_of=later) == {decision.assessment_id: True}
    Instalment.objects.update(paid_date=first.due_date + timedelta(days=89), outstanding=0)
    Instalment.objects.exclude(pk=first.pk).delete()
    assert matured_outcomes(as_of=later) == {decision.assessment_id: False}
    assert shares(line.pk, until=AS_OF + timedelta(days=100)) == [0.0, None, None, None]
    assert Drawdown.objects.count() == 1


def transfer(borrower, partner, *, when, known=None):
    source, _ = EvidenceSource.objects.get_or_create(
        borrower=borrower,
        kind="ALIPAY",
        file_sha256=f"{borrower.pk}",
        defaults={"as_of": AS_OF, "known_at": NOW},
    )
    order = EvidenceRow.objects.count()
    EvidenceRow.objects.create(
        subject_id=borrower.pk, source=source, origin=2, kind=1, category=14, occurred_at=when, known_at=known or when,
        line=order, rank=0, amount=Decimal(-100), counterparty=partner, identity=order.to_bytes(16), content=bytes(16),
    )  # fmt: skip


def bills(borrower, *, month, due, late):
    MonthlyRollup.objects.create(
        subject_id=borrower.pk, month=month, bill_due_count=due, bill_late_count=late, coverage_days=30
    )


@pytest.fixture
def circle():
    """Five who move money with one person; one of them agreed to nothing, one knows another person."""
    when = datetime.combine(AS_OF.replace(day=1) - timedelta(days=40), datetime.min.time(), tzinfo=UTC)
    month = (AS_OF.replace(day=1) - timedelta(days=1)).replace(day=1)
    people = [make_person() for _ in range(5)]
    for at, borrower in enumerate(people):
        transfer(borrower, 77 if at < 4 else 78, when=when)
        bills(borrower, month=month, due=10, late=at * 2)
        if at != 3:
            ConsentFactory(borrower=borrower, purpose="SOCIAL")
    return people


def test_neighbours_are_those_who_agreed_and_share_a_partner(circle):
    ids = [borrower.pk for borrower in circle]
    found = neighbours_late_share(subject_ids=ids, as_of=AS_OF)
    assert np.allclose(found[:3], [0.3, 0.2, 0.1])
    assert np.isnan(found[3:]).all()


def test_what_everybody_knows_ties_nobody_and_the_future_is_not_read(circle):
    first = circle[0]
    ids = [first.pk]
    before = neighbours_late_share(subject_ids=ids, as_of=AS_OF)
    late = datetime.combine(AS_OF, datetime.min.time(), tzinfo=UTC)
    transfer(first, 78, when=late)
    transfer(first, 78, when=late - timedelta(days=60), known=late)
    assert neighbours_late_share(subject_ids=ids, as_of=AS_OF) == before
    for _ in range(MOST_SHARED):
        stranger = make_person()
        ConsentFactory(borrower=stranger, purpose="SOCIAL")
        transfer(stranger, 77, when=late - timedelta(days=60))
    assert np.isnan(neighbours_late_share(subject_ids=ids, as_of=AS_OF)).all()


def test_it_is_off_unless_switched_on_and_agreed(circle):
    ids = [borrower.pk for borrower in circle]
    assert np.isnan(collect(borrower_ids=ids, as_of=AS_OF).facts.column("neighbours_late_share")).all()
    with override_settings(TRANSFERS_GRAPH=True):
        column = collect(borrower_ids=ids, as_of=AS_OF).facts.column("neighbours_late_share")
    assert np.allclose(column[:3], [0.3, 0.2, 0.1])
    assert np.isnan(column[3:]).all()
