"""Bad terms and impossible events: each a named refusal, nothing folded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from loans.domain.engine import append_event, fold
from loans.domain.events import EventKind, LoanEvent, UnableToReadEvent, UnableToRecordEvent
from loans.domain.quote_lines import answer_lines
from loans.domain.terms import LoanTerms, RepaymentMethod, UnableToAgreeTerms
from loans.domain.validation import validate_terms

START = date(2026, 1, 15)
TERMS = LoanTerms(
    Decimal("1000.00"), Decimal("0.18"), RepaymentMethod.EQUAL_INSTALMENT, 12, START, cooling_off_days=14
)


def event(
    kind: EventKind, day: date, amount: str = "0", ref: str = "e1", sequence: int = 1, **data: Any
) -> LoanEvent:
    return LoanEvent(kind, day, ref, sequence, day, Decimal(amount), data)


PAYOUT = event(EventKind.PAYOUT, START, "1000.00", "payout", 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"principal": Decimal(0)}, "principal_not_positive"),
        ({"principal": Decimal(-1)}, "principal_not_positive"),
        ({"principal": Decimal("NaN")}, "amount_invalid"),
        ({"principal": Decimal("Infinity")}, "amount_invalid"),
        ({"principal": Decimal("1.005")}, "amount_invalid"),
        ({"principal": Decimal(10**15)}, "amount_invalid"),
        ({"principal": Decimal("0.5"), "currency": "JPY"}, "amount_invalid"),
        ({"currency": "XXX"}, "currency_unknown"),
        ({"instalment_count": 0}, "term_out_of_range"),
        ({"instalment_count": 601}, "term_out_of_range"),
        ({"annual_rate": Decimal(-1)}, "rate_invalid"),
        ({"annual_rate": Decimal("NaN")}, "rate_invalid"),
        ({"annual_rate": Decimal("0.24000001")}, "rate_over_cap"),
        ({"penalty_rate": Decimal("-0.1")}, "rate_invalid"),
        ({"first_due_date": date(2026, 1, 14)}, "dates_in_wrong_order"),
        ({"due_day": 32}, "due_day_invalid"),
        ({"grace_days": -1}, "grace_days_invalid"),
        ({"principal_grace_periods": 12}, "grace_too_long"),
        ({"rounding": "ROUND_FLOOR"}, "rounding_invalid"),
        (
            {"custom_due_dates": (date(2026, 3, 1), date(2026, 2, 1)), "instalment_count": 2},
            "dates_in_wrong_order",
        ),
        ({"repayment_method": RepaymentMethod.STEP}, "steps_invalid"),
        ({"repayment_method": RepaymentMethod.CUSTOM}, "custom_principals_invalid"),
    ],
)
def test_it_refuses_bad_terms(change: dict[str, Any], code: str) -> None:
    with pytest.raises(UnableToAgreeTerms) as refused:
        validate_terms(replace(TERMS, **change), maximum_annual_rate=Decimal("0.24"))
    assert refused.value.code == code
    assert refused.value.field


def test_the_edges_of_the_rate_are_agreed() -> None:
    for rate in ("0", "0.24"):
        validate_terms(replace(TERMS, annual_rate=Decimal(rate)), maximum_annual_rate=Decimal("0.24"))
    validate_terms(replace(TERMS, instalment_count=600))


@pytest.mark.parametrize(
    ("history", "new", "code"),
    [
        ([], event(EventKind.REPAYMENT, START, "5.00"), "loan_not_paid_out"),
        ([PAYOUT], event(EventKind.REPAYMENT, date(2026, 1, 14), "5.00"), "event_before_payout"),
        ([PAYOUT], event(EventKind.REPAYMENT, START, "0"), "amount_invalid"),
        ([PAYOUT], event(EventKind.REPAYMENT, START, "-5"), "amount_invalid"),
        ([PAYOUT], event(EventKind.REPAYMENT, START, "NaN"), "amount_invalid"),
        ([PAYOUT], event(EventKind.REPAYMENT, START, "1.005"), "amount_invalid"),
        ([PAYOUT], event(EventKind.PAYOUT, START, "0.01"), "payout_exceeds_principal"),
        ([], event(EventKind.PAYOUT, date(2026, 2, 16), "5.00"), "payout_after_due_date"),
        ([PAYOUT], event(EventKind.REFUND, START, "5.00"), "refund_exceeds_credit"),
        ([PAYOUT], event(EventKind.REVERSAL, START, reverses="nothing"), "reversal_of_unknown"),
        ([PAYOUT], event(EventKind.WAIVER, START, "5.00", component="penalty"), "waiver_exceeds_due"),
        ([PAYOUT], event(EventKind.WAIVER, START, "5.00", component="principal"), "waiver_of_principal"),
        ([PAYOUT], event(EventKind.RECOVERY, START, "5.00"), "loan_not_written_off"),
        ([PAYOUT], event(EventKind.WITHDRAWAL, date(2026, 1, 30)), "cooling_off_over"),
        ([PAYOUT], event(EventKind.CHARGE_BACK, START, "5.00", repayment="x"), "charge_back_of_unknown"),
        ([PAYOUT], event(EventKind.PAUSE, START, until="2026-01-15"), "dates_in_wrong_order"),
        ([PAYOUT], event(EventKind.RATE_CHANGE, START, annual_rate="-1"), "rate_invalid"),
        ([PAYOUT], event(EventKind.PAYOUT, START, "1000.00", "payout", 2, other=1), "reference_reused"),
    ],
)
def test_it_refuses_impossible_events(history: list[LoanEvent], new: LoanEvent, code: str) -> None:
    if history and new.ref != "payout":
        new = replace(new, sequence=2)
    with pytest.raises(UnableToRecordEvent) as refused:
        append_event(TERMS, history, new)
    assert refused.value.code == code


def test_the_same_reference_again_changes_nothing() -> None:
    paid = event(EventKind.REPAYMENT, START, "5.00", "bank-1", 2)
    once = append_event(TERMS, [PAYOUT], paid)
    assert append_event(TERMS, once, replace(paid, sequence=3)) == once
    with pytest.raises(UnableToRecordEvent) as refused:
        append_event(TERMS, once, replace(paid, amount=Decimal("6.00")))
    assert refused.value.code == "reference_reused"


@pytest.mark.parametrize("parts", [["100.01"], ["60.00", "40.01"], ["100.00", "0.01"]])
def test_no_more_is_charged_back_than_was_paid(parts: list[str]) -> None:
    day = date(2026, 3, 20)  # an instalment and more has fallen due, so all of it paid what was owed
    story = append_event(TERMS, [PAYOUT], event(EventKind.REPAYMENT, day, "100.00", "r", 2))
    *before, last = [
        event(EventKind.CHARGE_BACK, day, amount, f"c{number}", number, repayment="r")
        for number, amount in enumerate(parts, start=3)
    ]
    for each in before:
        story = append_event(TERMS, story, each)
    with pytest.raises(UnableToRecordEvent) as refused:
        append_event(TERMS, story, last)
    assert refused.value.code == "charge_back_exceeds_payment"


def test_it_refuses_to_write_off_a_loan_that_owes_nothing() -> None:
    story = append_event(TERMS, [PAYOUT], event(EventKind.REPAYMENT, START, "1000.00", "r", 2))
    assert fold(TERMS, story, value_date=START).status == "CLOSED"
    with pytest.raises(UnableToRecordEvent) as refused:
        append_event(TERMS, story, event(EventKind.WRITE_OFF, date(2026, 2, 1), "0", "w", 3))
    assert refused.value.code == "nothing_to_write_off"


def test_a_payment_learned_after_a_write_off_is_taken_although_it_leaves_nothing_to_write_off() -> None:
    story = append_event(TERMS, [PAYOUT], event(EventKind.WRITE_OFF, date(2026, 2, 1), "0", "w", 2))
    story = append_event(TERMS, story, event(EventKind.REPAYMENT, START, "1000.00", "r", 3))
    state = fold(TERMS, story, value_date=date(2026, 2, 1))
    assert (state.paid.principal, state.written_off.total) == (Decimal("1000.00"), 0)


def test_it_refuses_a_repayment_after_the_write_off_and_a_second_write_off() -> None:
    story = append_event(TERMS, [PAYOUT], event(EventKind.WRITE_OFF, date(2026, 9, 1), "0", "w", 2))
    for kind, amount in ((EventKind.REPAYMENT, "5.00"), (EventKind.WRITE_OFF, "0")):
        with pytest.raises(UnableToRecordEvent) as refused:
            append_event(TERMS, story, event(kind, date(2026, 9, 2), amount, "x", 3))
        assert refused.value.code == "loan_written_off"
    recovered = append_event(TERMS, story, event(EventKind.RECOVERY, date(2026, 9, 2), "5.00", "x", 3))
    assert fold(TERMS, recovered, value_date=date(2026, 9, 2)).recovered == 5


def test_written_forms_are_read_back() -> None:
    assert LoanTerms.from_dict(json.loads(json.dumps(TERMS.to_dict()))) == TERMS
    assert LoanEvent.from_dict(json.loads(json.dumps(PAYOUT.to_dict()))) == PAYOUT
    with pytest.raises(UnableToAgreeTerms) as refused:
        LoanTerms.from_dict({**TERMS.to_dict(), "score": 1})
    assert refused.value.code == "unknown_field"
    with pytest.raises(UnableToReadEvent):
        LoanEvent.from_dict({**PAYOUT.to_dict(), "kind": "GIFT"})


def line(**change: Any) -> str:
    terms = {
        "principal": "1000.00",
        "annual_rate": "0.18",
        "repayment_method": "EQUAL_INSTALMENT",
        "instalment_count": 3,
        "start_date": "2026-01-31",
    }
    return json.dumps({"terms": {**terms, **change}})


def test_a_bad_line_gets_one_error_and_the_rest_go_on() -> None:
    lines = [
        line(),
        "{",
        line(principal="NaN"),
        line(principal=1e5),
        line(principal="３００"),
        line(start_date="2026-02-30"),
        line(instalment_count=601),
        line(instalment_count=True),
        line(annual_rate="-1"),
        line(score=5),
        "[]",
        '{"terms": {"principal": NaN}}',
        "",
        line(repayment_method="FLEXIBLE"),
    ]
    answers = [json.loads(text) for text in answer_lines(lines)]
    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert codes == [
        None,
        "json_invalid",
        "amount_invalid",
        "amount_invalid",
        "amount_invalid",
        "date_invalid",
        "term_out_of_range",
        "instalment_count_invalid",
        "rate_invalid",
        "unknown_field",
        "not_an_object",
        "json_invalid",
        None,
    ]
    assert answers[1]["line"] == 2
    assert answers[0]["totals"]["principal"] == "1000.00"
    assert answers[0]["payoff"] is None
    assert set(answers[0]["annual_rates"]) == {"nominal", "pboc_irr", "us_apr", "eu_aprc"}


def test_an_event_before_the_payout_is_refused_in_a_line() -> None:
    request = json.loads(line())
    request["events"] = [{"kind": "REPAYMENT", "value_date": "2026-03-01", "amount": "5.00"}]
    assert json.loads(next(answer_lines([json.dumps(request)])))["error"]["code"] == "loan_not_paid_out"
