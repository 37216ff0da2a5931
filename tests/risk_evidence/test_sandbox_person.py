"""A ready-made person of the sandbox brings two years of records, the same ones each time."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from accounts.models import Borrower, Consent
from risk.domain.events import SHANGHAI, minutes
from risk.evidence.queries import period_covered
from risk.evidence.refusals import UnableToImportStatement, UnableToReadStatement
from risk.evidence.sandbox import PERSONAS, connect_sandbox_person, records_of
from risk.models import EvidenceRow, EvidenceSource, MonthlyRollup
from tests.risk_evidence.conftest import AS_OF, NOW


def test_it_refuses_an_unknown_person(alice: Borrower) -> None:
    with pytest.raises(UnableToReadStatement) as refused:
        connect_sandbox_person(borrower_id=alice.pk, persona="rich", as_of=AS_OF, now=NOW)
    assert refused.value.code == "persona_unknown"


def test_it_refuses_without_any_consent(alice: Borrower) -> None:
    Consent.objects.filter(borrower=alice).update(withdrawn_at=NOW)
    with pytest.raises(UnableToImportStatement) as refused:
        connect_sandbox_person(borrower_id=alice.pk, persona="steady", as_of=AS_OF, now=NOW)
    assert refused.value.code == "consent_missing"
    assert not EvidenceSource.objects.exists()


@pytest.mark.parametrize("persona", sorted(PERSONAS))
def test_it_connects_each_person_once(alice: Borrower, persona: str) -> None:
    # a seed: by its number in the database, a person may have missed a salary in the month that is looked at
    given = {"borrower_id": alice.pk, "persona": persona, "as_of": AS_OF, "now": NOW, "seed": 7}
    first, again = connect_sandbox_person(**given), connect_sandbox_person(**given)
    assert first == again
    assert first.new_rows == EvidenceRow.objects.count() > 200
    coverage = period_covered(borrower_id=alice.pk, as_of=AS_OF)
    assert (coverage.flagged, coverage.is_stale, coverage.kinds) == (False, False, ("SANDBOX",))
    months = MonthlyRollup.objects.filter(subject_id=alice.pk)
    assert 24 <= months.count() <= 25
    last = months.get(month=date(2026, 10, 1))
    assert (last.sales_amount > 0) == (persona == "shop")
    assert last.income_amount > 0 or last.trade_in_amount > 0 or last.sales_amount > 0


def test_another_person_replaces_the_first(alice: Borrower) -> None:
    connect_sandbox_person(borrower_id=alice.pk, persona="steady", as_of=AS_OF, now=NOW)
    second = connect_sandbox_person(borrower_id=alice.pk, persona="risky", as_of=AS_OF, now=NOW)
    assert EvidenceSource.objects.get() == second
    assert EvidenceRow.objects.count() == second.new_rows


def test_nothing_is_drawn_beyond_the_date() -> None:
    events = records_of("tight", seed=5, as_of=AS_OF)
    early = records_of("tight", seed=5, as_of=AS_OF)
    assert (events.occurred == early.occurred).all()
    midnight = minutes(datetime(2026, 11, 24, tzinfo=SHANGHAI))
    assert events.occurred.max() < midnight
    assert events.known.max() < midnight
    assert len(set(events.subject.tolist())) == 1
