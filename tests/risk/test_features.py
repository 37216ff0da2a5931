"""Roll-ups and features by hand, alone and in crowds, with and without consent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest

from risk.domain.events import SHANGHAI, Category, EventKind, EvidenceEvent, columns_of
from risk.domain.facts import ConductFacts, Consents, Sufficiency, sufficiency
from risk.domain.features import compute
from risk.domain.registry import FACTOR_BY_CODE, FEATURE_NAMES, FEATURES, PROTECTED
from risk.domain.rollup import COLUMN, MONTHS_BACK, WIDTH, month_number, roll_up, windows


def event(
    day: str, amount: str, kind=EventKind.PAYMENT, category=Category.EVERYDAY, hour=12, **more
) -> EvidenceEvent:
    moment = datetime.fromisoformat(f"{day}T{hour:02d}:00").replace(tzinfo=SHANGHAI)
    return EvidenceEvent(1, moment, moment, kind, Decimal(amount), category=category, **more)


MONTH = [
    event("2026-03-01", "8000.00", category=Category.SALARY, balance=Decimal("9000.00")),
    event("2026-03-02", "-100.10", balance=Decimal("8899.90"), counterparty="shop"),
    event("2026-03-02", "-50.05", hour=2, category=Category.GAMBLING, balance=Decimal("8849.85")),
    event("2026-03-05", "300.00", kind=EventKind.BILL_DUE),
    event("2026-03-06", "300.00", kind=EventKind.BILL_LATE),
    event(
        "2026-03-20", "-9000.00", category=Category.HOUSING, balance=Decimal("-150.15"), counterparty="shop"
    ),
    event("2026-03-25", "200.00", category=Category.TRANSFER, balance=Decimal("49.85"), counterparty="aunt"),
    event("2026-03-31", "0", kind=EventKind.ENQUIRY),
]


def vector(events, as_of=date(2026, 4, 15), **consents):
    conduct = ConductFacts.of(subject_ids=[1], segment=[0])
    months = windows(roll_up(columns_of(events)), subjects=np.array([1]), as_of=as_of)
    return compute(months=months, conduct=conduct, consents=Consents.of(1, **consents), as_of=as_of)


def test_a_month_rolled_up_by_hand():
    found = roll_up(columns_of(MONTH))
    assert found.subject.tolist() == [1]
    assert found.month.tolist() == [month_number(date(2026, 3, 1))]
    row = {name: found.values[0, place] for name, place in COLUMN.items()}
    assert row["income_amount"] == 8000.0
    assert row["spend_amount"] == 9150.15
    assert row["night_spend_amount"] == row["spend_gambling"] == 50.05
    assert (row["bill_due_count"], row["bill_late_count"], row["enquiries"]) == (1, 1, 1)
    assert (row["balance_min"], row["balance_end"], row["overdrawn_count"]) == (-150.15, 49.85, 1)
    assert row["transfer_in_amount"] == 200.0
    assert row["counterparties"] == 2
    assert row["coverage_days"] == 31


def test_midnight_is_shanghais():
    found = roll_up(columns_of([event("2026-03-01", "-1.00", hour=0), event("2026-02-28", "-2.00", hour=23)]))
    assert found.month.tolist() == [month_number(date(2026, 2, 1)), month_number(date(2026, 3, 1))]


def test_the_order_of_events_changes_no_byte():
    rng = np.random.default_rng(1)
    events = columns_of(MONTH)
    distinct = events.take(np.unique(events.occurred, return_index=True)[1])
    shuffled = distinct.take(rng.permutation(len(distinct)))
    assert roll_up(distinct).values.tobytes() == roll_up(shuffled).values.tobytes()


def test_without_consent_a_feature_is_missing():
    assert np.isnan(vector(MONTH).column("income_mean_6m")[0])
    agreed = vector(MONTH, BANK=True)
    assert agreed.column("income_mean_6m")[0] == 8000.0
    assert np.isnan(agreed.column("gambling_share_6m")[0])
    assert np.isnan(agreed.column("bill_late_share_12m")[0])
    both = vector(MONTH, SPENDING=True, BILLS=True)
    assert both.column("bill_late_share_12m")[0] == 1.0
    assert both.column("gambling_share_6m")[0] == pytest.approx(50.05 / 9150.15)
    assert np.isnan(both.column("income_mean_6m")[0])


def test_the_month_that_is_not_over_does_not_count():
    later = [*MONTH, event("2026-04-03", "99999.00", category=Category.SALARY)]
    assert vector(MONTH, BANK=True).digest() == vector(later, BANK=True).digest()


def test_a_borrower_alone_has_the_bytes_of_one_among_many(sample):
    from risk.synthetic.evidence import all_events
    from risk.synthetic.lending import draw_conduct
    from risk.synthetic.matrix import all_consents
    from risk.synthetic.population import World, draw_people

    people = draw_people(World(size=203, seed=9))
    rollups, conduct = roll_up(all_events(people)), draw_conduct(people)
    months = windows(rollups, subjects=people.subject, as_of=people.application)
    day = date(2022, 1, 1)
    crowd = compute(months=months, conduct=conduct, consents=all_consents(203), as_of=day)
    for row in (0, 1, 57, 202):
        one = slice(row, row + 1)
        own = ConductFacts(*(getattr(conduct, name)[one] for name in ConductFacts.__slots__))
        alone = compute(months=months[one], conduct=own, consents=all_consents(1), as_of=day)
        assert alone.values.tobytes() == crowd.values[one].tobytes()


def test_nothing_known_is_no_evidence():
    assert sufficiency(vector([], BANK=True)).tolist() == [Sufficiency.NO_EVIDENCE]


def test_every_feature_has_a_range_a_factor_and_a_sentence():
    assert len(set(FEATURE_NAMES)) == len(FEATURES)
    for feature in FEATURES:
        assert feature.low < feature.high
        assert feature.factor in FACTOR_BY_CODE
        assert feature.sentence
        assert not set(feature.name.split("_")) & set(PROTECTED) or feature.name == "account_age_months"
        if feature.actionable:
            assert feature.sign
            assert FACTOR_BY_CODE[feature.factor].way_on


def test_feature_matrix_reads_what_the_store_keeps(db):
    from risk import queries
    from risk.domain.rollup import ROLLUP_NAMES, month_start
    from risk.models import MonthlyRollup

    found = roll_up(columns_of(MONTH))
    MonthlyRollup.objects.create(
        subject_id=1,
        month=month_start(int(found.month[0])),
        **{name: float(found.values[0, place]) for name, place in COLUMN.items() if name in ROLLUP_NAMES},
    )
    conduct = ConductFacts.of(subject_ids=[1, 2], segment=[0, 0])
    consents = Consents.of(2, BANK=True, SPENDING=True, BILLS=True)
    facts = queries.feature_matrix(as_of=date(2026, 4, 15), conduct=conduct, consents=consents)
    pure = vector(MONTH, BANK=True, SPENDING=True, BILLS=True)
    assert facts.values[0].tobytes() == pure.values[0].tobytes()
    assert sufficiency(facts)[1] == Sufficiency.NO_EVIDENCE


def test_the_whole_record_counts_its_first_days() -> None:
    """The lowest balance stands in a first month of three days, which the features of 6 months pass over."""
    values = np.full((1, MONTHS_BACK, WIDTH), np.nan)
    for month, (days, came, went, balances) in enumerate(
        [(30, 3_000.0, 1_000.0, (900.0, 1_000.0, 1_100.0)), (3, 100.0, 0.0, (100.0, 100.0, 100.0))]
    ):
        values[0, month] = 0.0
        for name, value in zip(
            (
                "coverage_days",
                "income_amount",
                "transfer_out_amount",
                "balance_min",
                "balance_mean",
                "balance_end",
            ),
            (days, came, went, *balances),
            strict=True,
        ):
            values[0, month, COLUMN[name]] = value
    facts = compute(
        months=values,
        conduct=ConductFacts.of(subject_ids=[1], segment=[0]),
        consents=Consents.of(1, BANK=True),
        as_of=date(2026, 4, 15),
    )
    found = {name: float(facts.column(name)[0]) for name in FEATURE_NAMES if name.endswith("_24m")}
    assert facts.column("balance_min_6m")[0] == 900.0
    assert found["balance_min_24m"] == 100.0
    assert found["inflow_24m"] == pytest.approx(3_100 / 33 * 30.4375)
    assert found["outflow_to_inflow_24m"] == pytest.approx(1_000 / 3_100)
    assert found["balance_mean_24m"] == pytest.approx(550.0)
    assert found["balance_spread_24m"] == pytest.approx(np.std([900, 1_000, 1_100, 100, 100, 100]))
    assert found["buffer_days_24m"] == pytest.approx(30 * 550 / (1_000 / 33 * 30.4375))
