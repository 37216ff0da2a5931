"""Setting aside for losses: the rules by hand, the statement against the rules, the ledger against the lines."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from ledger.models import Journal
from ledger.operations import advance_business_date
from ledger.queries import balance
from loans import operations
from loans.domain.engine import fold
from loans.domain.events import EventKind
from loans.domain.provisions import (
    DEFAULT_RULES,
    Band,
    Exposure,
    Method,
    ProvisionRules,
    default_over,
    months_between,
    provide,
)
from loans.models import Loan, ProvisionLine, ProvisionRun
from loans.operations.events import read_events
from loans.operations.provisions import exposure_of
from loans.reports import last_provision_date, provision_movement, provisions_on, rules_in_force
from regimes.errors import Refusal
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START
from tests.loans.test_night import WAYS, night

D = Decimal
GOOD = Band("A", 0, D("0.01"), 1, D("0.02"), D("0.6"))
WATCH = Band("B", 31, D("0.02"), 2, D("0.4"), D("0.6"))


class TestRules:
    @pytest.mark.parametrize(
        ("bands", "code"),
        [
            ((), "provision_bands_invalid"),
            ((replace(GOOD, from_days=1), WATCH), "provision_bands_invalid"),
            ((GOOD, replace(WATCH, from_days=0)), "provision_bands_invalid"),
            ((GOOD,), "provision_stages_invalid"),
            ((replace(GOOD, stage=2), replace(WATCH, stage=1)), "provision_stages_invalid"),
            ((GOOD, replace(WATCH, rate=D("1.01"))), "provision_rate_invalid"),
            ((GOOD, replace(WATCH, loss_rate=D("NaN"))), "provision_rate_invalid"),
            ((GOOD, replace(WATCH, default_rate=D("-0.1"))), "provision_rate_invalid"),
            ((GOOD, replace(WATCH, default_rate=D("0.0000001"))), "provision_rate_invalid"),
            ((GOOD, WATCH, Band("C", 91, D("0.25"), 3, D("0.9"), D("0.6"))), "provision_default_invalid"),
        ],
    )
    def test_it_refuses_a_table_that_is_none(self, bands: tuple[Band, ...], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            ProvisionRules("x", Method.HIGHER, bands)
        assert refused.value.code == code

    # the worked table of docs/algorithms/provisions.md
    @pytest.mark.parametrize(
        ("exposure", "band", "stage", "by_days", "expected", "amount"),
        [
            (Exposure(D("1000.00"), 0, 12), "CURRENT", 1, "10.00", "12.00", "12.00"),
            (Exposure(D("1000.00"), 0, 3), "CURRENT", 1, "10.00", "3.02", "10.00"),
            (Exposure(D("1000.00"), 0, 24), "CURRENT", 1, "10.00", "12.00", "12.00"),
            (Exposure(D("1000.00"), 5, 12), "DPD_1_30", 1, "20.00", "72.00", "72.00"),
            (Exposure(D("1000.00"), 45, 6), "DPD_31_60", 2, "20.00", "135.24", "135.24"),
            (Exposure(D("1000.00"), 45, 24), "DPD_31_60", 2, "20.00", "384.00", "384.00"),
            (Exposure(D("1000.00"), 90, 1), "DPD_61_90", 2, "20.00", "50.26", "50.26"),
            (Exposure(D("1000.00"), 91, 6), "DPD_91_270", 3, "250.00", "650.00", "650.00"),
            (Exposure(D("1000.00"), 271, 1), "DPD_271_360", 3, "500.00", "800.00", "800.00"),
            (Exposure(D("1000.00"), 361, 1), "DPD_361_PLUS", 3, "1000.00", "1000.00", "1000.00"),
            (Exposure(D("1000.00"), 0, 12, is_forborne=True), "CURRENT", 2, "10.00", "240.00", "240.00"),
            (Exposure(D("1000.00"), 0, 12, default_rate=D("0.05")), "CURRENT", 1, "10.00", "30.00", "30.00"),
            (
                Exposure(D("1000.00"), 45, 12, default_rate=D("0.05")),
                "DPD_31_60",
                2,
                "20.00",
                "240.00",
                "240.00",
            ),
            (
                Exposure(D("1000.00"), 45, 12, default_rate=D("0.70")),
                "DPD_31_60",
                2,
                "20.00",
                "420.00",
                "420.00",
            ),
            (
                Exposure(D("1000.00"), 200, 12, default_rate=D("0.01")),
                "DPD_91_270",
                3,
                "250.00",
                "650.00",
                "650.00",
            ),
            (Exposure(D("0.01"), 0, 12), "CURRENT", 1, "0.00", "0.00", "0.00"),
        ],
    )
    def test_worked_by_hand(
        self, exposure: Exposure, band: str, stage: int, by_days: str, expected: str, amount: str
    ) -> None:
        found = provide(DEFAULT_RULES, exposure)
        assert (found.band, found.stage) == (band, stage)
        assert (found.by_days, found.expected, found.amount) == (D(by_days), D(expected), D(amount))
        for method, wanted in ((Method.BY_DAYS, by_days), (Method.EXPECTED_LOSS, expected)):
            assert provide(replace(DEFAULT_RULES, method=method), exposure).amount == D(wanted)

    def test_hazards_add_up(self) -> None:
        assert default_over(D("0.36"), 12) == D("0.360000")
        assert default_over(D("0.36"), 6) == D("0.200000"), "0.8 survive half a year, 0.64 a year"
        assert default_over(D("0.36"), 24) == D("0.590400")
        assert (default_over(D(0), 7), default_over(D(1), 7)) == (0, 1)

    def test_begun_months(self) -> None:
        assert months_between(date(2026, 3, 2), date(2026, 3, 2)) == 1
        assert months_between(date(2026, 3, 2), date(2026, 4, 2)) == 1
        assert months_between(date(2026, 3, 2), date(2026, 4, 3)) == 2
        assert months_between(date(2026, 3, 2), date(2025, 1, 1)) == 1
        assert months_between(date(2026, 1, 31), date(2027, 1, 30)) == 12

    def test_rules_are_read_back(self) -> None:
        assert ProvisionRules.from_dict(DEFAULT_RULES.to_dict()) == DEFAULT_RULES


def by_hand(loan: Loan, day: date, **extra: Any) -> tuple[Any, ...] | None:
    """Fold one loan and apply the rules: what the statement must say."""
    events = [event for event in read_events(loan_id=loan.pk) if event.recorded_date <= day]
    state = fold(loan.agreed, events, value_date=day)
    if state.status.value not in Loan.LIVE or state.maturity_date is None:
        return None
    exposure = Exposure(
        exposure_of(state), state.days_past_due, months_between(day, state.maturity_date), **extra
    )
    found = provide(DEFAULT_RULES, exposure)
    return (
        exposure.amount, exposure.days_past_due, found.band, found.stage, found.default_rate, found.by_days,
        found.expected, found.amount,
    )  # fmt: skip


def standing(loan: Loan) -> tuple[Any, ...]:
    line = ProvisionLine.objects.filter(loan=loan).order_by("-pk").first()
    assert line is not None
    return (
        line.exposure, line.days_past_due, line.band, line.stage, line.default_rate, line.by_days, line.expected,
        line.amount,
    )  # fmt: skip


@pytest.mark.django_db
class TestPosting:
    def test_it_refuses_a_day_that_has_not_come(self) -> None:
        factories.active_loan()
        with pytest.raises(Refusal) as refused:
            operations.post_provisions(as_of=START + timedelta(days=1))
        assert refused.value.code == "provision_day_not_over"

    def test_it_refuses_a_day_before_the_last_run(self) -> None:
        factories.active_loan()
        advance_business_date(to=START + timedelta(days=5))
        operations.post_provisions(as_of=START + timedelta(days=5))
        with pytest.raises(Refusal) as refused:
            operations.post_provisions(as_of=START + timedelta(days=4))
        assert refused.value.code == "provision_day_passed"

    @pytest.mark.parametrize("rate", ["-0.01", "1.01", "NaN"])
    def test_it_refuses_a_probability_that_is_none(self, rate: str) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            operations.post_provisions(as_of=START, default_rates={loan.pk: D(rate)})
        assert refused.value.code == "default_rate_invalid"
        assert not ProvisionRun.objects.exists()

    def test_it_refuses_a_closed_period_and_writes_nothing(self) -> None:
        from ledger.operations import close_period

        factories.active_loan()
        advance_business_date(to=START + timedelta(days=2))
        close_period(through=START)
        with pytest.raises(Refusal) as refused:
            operations.post_provisions(as_of=START)
        assert refused.value.code == "period_closed"
        assert not ProvisionLine.objects.exists()

    def test_history_is_not_changed(self) -> None:
        factories.active_loan()
        operations.post_provisions(as_of=START)
        for change in (
            lambda: ProvisionLine.objects.update(amount=0),
            lambda: ProvisionRun.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()

    def test_every_kind_of_loan_equals_the_rules_applied_to_its_fold(self) -> None:
        """Loans of every way, some paid on, some late, through four months and several runs."""
        account = BankAccountFactory()
        loans = [factories.active_loan(account=account, **way) for way in WAYS for _ in range(2)]
        chance = random.Random(11)
        for index in range(130):
            day = START + timedelta(days=index)
            for loan in loans[::2]:
                if chance.random() < 0.02:
                    loan.refresh_from_db()
                    if loan.is_live:
                        factories.repay(loan, chance.choice(["20.00", "110.02", "333.33"]), on=day)
            if index in (0, 20, 45, 75, 100, 129):
                night_of(day)
                operations.post_provisions(as_of=day)
                for loan in loans:
                    wanted = by_hand(loan, day)
                    if wanted is None:
                        assert standing(loan)[0] == 0
                    else:
                        assert standing(loan) == wanted, (index, loan.agreed)
                assert breaches() == {}
            advance_business_date(to=day + timedelta(days=1))
        assert {row.stage for row in provisions_on(as_of=START + timedelta(days=129))} == {1, 2, 3}

    def test_a_run_of_a_day_that_has_passed_sees_what_was_known_then(self) -> None:
        loans = [factories.active_loan() for _ in range(4)]
        day = START + timedelta(days=20)
        advance_business_date(to=day + timedelta(days=3))
        factories.repay(loans[0], "500.00", on=day - timedelta(days=3), as_of=day + timedelta(days=1))
        factories.repay(loans[1], "1300.00", on=day + timedelta(days=1))
        late = factories.active_loan(as_of=day + timedelta(days=2))
        operations.post_provisions(as_of=day)
        for loan in loans:
            assert standing(loan) == by_hand(loan, day)
        assert len({standing(loan) for loan in loans}) == 1, "nobody had paid by then"
        assert not ProvisionLine.objects.filter(loan=late).exists()

    def test_only_the_difference_is_posted_and_a_second_run_changes_nothing(self) -> None:
        loan = factories.active_loan()
        first = operations.post_provisions(as_of=START)
        assert first.growth == {("EQUAL_INSTALMENT", "CNY"): D("14.40")}, "1,200.00 x 2 % x 0.6 beats 1 %"
        assert balance(role="PROVISION_ALLOWANCE") == D("-14.40")
        assert operations.post_provisions(as_of=START).run is None
        assert Journal.objects.filter(kind="PROVISION").count() == 1
        factories.repay(loan, "600.00", on=START)
        again = operations.post_provisions(as_of=START)
        assert again.growth == {("EQUAL_INSTALMENT", "CNY"): D("-7.20")}
        assert balance(role="PROVISION_EXPENSE") == D("7.20")
        assert ProvisionLine.objects.count() == 2
        assert last_provision_date() == START
        assert rules_in_force() == DEFAULT_RULES

    def test_other_rules_post_what_they_change(self) -> None:
        factories.active_loan()
        operations.post_provisions(as_of=START)
        by_days = replace(DEFAULT_RULES, method=Method.BY_DAYS, version="2")
        assert operations.post_provisions(as_of=START, rules=by_days).growth == {
            ("EQUAL_INSTALMENT", "CNY"): D("-2.40")
        }
        assert rules_in_force() == by_days

    def test_a_changed_agreement_and_an_assessed_borrower(self) -> None:
        paused, assessed, plain = (factories.active_loan() for _ in range(3))
        event = factories.event(EventKind.PAUSE, on=START, until=(START + timedelta(days=9)).isoformat())
        operations.add_event(loan_id=paused.pk, event=event, as_of=START)
        operations.post_provisions(as_of=START, default_rates={assessed.pk: D("0.05")})
        paused.refresh_from_db()
        assert standing(paused) == by_hand(paused, START, is_forborne=True)
        assert standing(paused)[3] == 2
        assert standing(assessed) == by_hand(assessed, START, default_rate=D("0.05"))
        assert standing(plain) == by_hand(plain, START)
        day = START + timedelta(days=90)
        advance_business_date(to=day)
        operations.post_provisions(as_of=day)
        assert standing(paused) == by_hand(paused, day), "ninety days later it is judged by its days alone"

    def test_a_planted_error_is_found(self, capsys: Any) -> None:
        factories.active_loan()
        operations.post_provisions(as_of=START)
        assert breaches() == {}
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE loans_provisionline SET amount = amount + 0.01")
            cursor.execute("SET LOCAL session_replication_role = origin")
        with pytest.raises(CommandError):
            call_command("check_books")
        assert "I25    BROKEN" in capsys.readouterr().out


def night_of(day: date) -> None:
    operations.age_loans(as_of=day)
    operations.accrue(as_of=day)


@pytest.mark.django_db
def test_the_movement_adds_up_from_opening_to_closing() -> None:
    account = BankAccountFactory()
    loans = [factories.active_loan(account=account) for _ in range(6)]
    first, last = START + timedelta(days=35), START + timedelta(days=80)
    day = START
    while day < last:
        if day == first:
            operations.post_provisions(as_of=first)
        night(day)
        day += timedelta(days=1)
        if day == START + timedelta(days=36):
            factories.repay(loans[0], "1300.00", on=day)  # paid off, with a credit
            factories.repay(loans[1], "110.07", on=day)  # catches up
            operations.add_event(
                loan_id=loans[2].pk, event=factories.event(EventKind.WRITE_OFF, on=day), as_of=day, actor=None
            )
        if day == START + timedelta(days=40):
            loans.append(factories.active_loan(account=account, as_of=day))
    operations.age_loans(as_of=last)
    operations.post_provisions(as_of=last)
    rows = provision_movement(from_date=first, to_date=last)
    for row in rows:
        moved = row.opened + row.moved_in + row.moved_out + row.remeasured + row.released + row.written_off
        assert row.opening + moved == row.closing, row
    for field, day in (("opening", first), ("closing", last)):
        assert sum(getattr(row, field) for row in rows) == sum(row.amount for row in provisions_on(as_of=day))
        assert sum(getattr(row, field) for row in rows) == -balance(role="PROVISION_ALLOWANCE", as_of=day)
    total = {
        field: sum(getattr(row, field) for row in rows) for field in ("opened", "released", "written_off")
    }
    assert sum(row.moved_in + row.moved_out for row in rows) == 0
    assert total["opened"] > 0
    assert total["released"] < 0
    assert total["written_off"] < 0
    assert sum(row.moved_in for row in rows) > 0
    for row in provision_movement(from_date=first, to_date=first):
        assert (row.opening, row.opened, row.remeasured) == (row.closing, 0, 0), "nothing moved within a day"
    with pytest.raises(Refusal):
        provision_movement(from_date=last, to_date=first)
    assert breaches() == {}
