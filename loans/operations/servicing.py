"""What an officer does to a running loan: one verb a function, each one event.

Every verb takes the caller's `reference`: the same reference with the same content gives the first record, with other
content it is refused. `value_date` is when it is true (the business date `as_of` when left out); `reason` is kept with the
event. With an `actor` the act is in the audit trail, in the same transaction. Who may do what, and whether a second
person agrees, is decided above.

Refusals come from the engine and name the field: amount_invalid, rate_invalid, instalments_invalid, dates_in_wrong_order,
waiver_exceeds_due, waiver_of_principal, charge_back_of_unknown, charge_back_exceeds_payment, refund_exceeds_credit,
cooling_off_over, extension_after_maturity, loan_written_off, loan_not_written_off, nothing_to_write_off,
loan_not_paid_out, reference_reused; and from the dates: value_date_future, value_date_in_closed_period.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NotRequired, TypedDict, Unpack

from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from ledger.domain.money import ZERO
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import Component, Frequency, RepaymentMethod
from loans.models import Loan, LoanEventRow
from loans.operations.events import UnableToRecord, lock_loan, write_event
from regimes.errors import N_, InvalidInput

LONGEST_REASON = 200
LONGEST_REFERENCE = 64


class UnableToService(InvalidInput):
    """Refuse a request whose fields do not make an event."""


class Circumstances(TypedDict):
    """Say of an act when it is true and is learned, why, and who did it."""

    reference: str
    as_of: date
    value_date: NotRequired[date | None]
    reason: NotRequired[str]
    actor: NotRequired[User | None]


def charge_fee(
    *,
    loan_id: int,
    amount: Decimal,
    component: str = Component.FEE.value,
    due_date: date | None = None,
    **when: Unpack[Circumstances],
) -> LoanEventRow:
    """Charge a fee, or a fixed penalty (`component="penalty"`), due on a date of its own."""
    _check_choice(component, (Component.FEE.value, Component.PENALTY.value), "component")
    due = due_date or when.get("value_date") or when["as_of"]
    data = {"component": component, "due_date": due.isoformat()}
    return _record(EventKind.FEE, loan_id, amount, data, **when)


def waive(*, loan_id: int, amount: Decimal, component: str, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Forgive part of the fees, the penalty or the interest that is owed. Principal is written off, not waived."""
    _check_choice(component, [part.value for part in Component], "component")
    return _record(EventKind.WAIVER, loan_id, amount, {"component": component}, **when)


def change_rate(*, loan_id: int, annual_rate: Decimal, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Let another rate run from a day on; the number of instalments stays."""
    return _record(EventKind.RATE_CHANGE, loan_id, ZERO, {"annual_rate": _rate(annual_rate)}, **when)


def reschedule(
    *,
    loan_id: int,
    instalment_count: int,
    first_due_date: date,
    annual_rate: Decimal | None = None,
    frequency: str | None = None,
    **when: Unpack[Circumstances],
) -> LoanEventRow:
    """Spread what is not due yet over new instalments; what is overdue stays overdue."""
    data = _spread(instalment_count, first_due_date, annual_rate, frequency)
    return _record(EventKind.RESCHEDULE, loan_id, ZERO, data, **when)


def re_age(
    *,
    loan_id: int,
    instalment_count: int,
    first_due_date: date,
    annual_rate: Decimal | None = None,
    frequency: str | None = None,
    **when: Unpack[Circumstances],
) -> LoanEventRow:
    """Spread the rest and the arrears over new instalments. No interest becomes principal."""
    data = _spread(instalment_count, first_due_date, annual_rate, frequency)
    return _record(EventKind.RE_AGE, loan_id, ZERO, data, **when)


def extend(*, loan_id: int, extra_instalments: int, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Add instalments to those that remain."""
    data = {"extra_instalments": _count(extra_instalments, "extra_instalments")}
    return _record(EventKind.EXTENSION, loan_id, ZERO, data, **when)


def pause(*, loan_id: int, until: date, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Stop penalty and days past due until a date (hardship). Interest of the contract runs on."""
    return _record(EventKind.PAUSE, loan_id, ZERO, {"until": until.isoformat()}, **when)


def report_sales(
    *, loan_id: int, amount: Decimal, period: str = "", source: str = "", **when: Unpack[Circumstances]
) -> LoanEventRow:
    """Report a shop's sales of the running period: its share is asked on the due date, up to the cap of a period.

    With a `period`, such as 2026-10, the amount is all of it and takes the place of what was reported for it before.
    """
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        if loan.repayment_method != RepaymentMethod.SALES_SHARE.value:
            raise UnableToRecord(
                "loan_not_by_sales", N_("This loan is not repaid by a share of sales."), field="loan"
            )
        told = {"period": period, "source": source}
        data = {name: value for name, value in told.items() if value}
        return _record(EventKind.SALES, loan_id, amount, data, **when)


def withdraw(*, loan_id: int, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Withdraw from a loan that was paid out, in its cooling-off period: what was paid out is due now, fees come back."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        if not loan.is_live and not loan.events.filter(reference=when["reference"]).exists():
            raise UnableToRecord(
                "loan_not_running", N_("The loan is not running, so it cannot be withdrawn from.")
            )
        return _record(EventKind.WITHDRAWAL, loan_id, ZERO, {}, **when)


def write_off(*, loan_id: int, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Give the whole debt up; the loan stops earning, and money that comes later is a recovery."""
    return _record(EventKind.WRITE_OFF, loan_id, ZERO, {}, **when)


def record_recovery(*, loan_id: int, amount: Decimal, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Record money that came in after the write-off."""
    return _record(EventKind.RECOVERY, loan_id, amount, {}, **when)


def charge_back(
    *, loan_id: int, repayment: str, amount: Decimal, **when: Unpack[Circumstances]
) -> LoanEventRow:
    """Record that the payer's bank took money of a repayment back; `repayment` is the repayment's reference."""
    data = {"repayment": _text(repayment, "repayment", LONGEST_REFERENCE)}
    return _record(EventKind.CHARGE_BACK, loan_id, amount, data, **when)


def record_refund(*, loan_id: int, amount: Decimal, **when: Unpack[Circumstances]) -> LoanEventRow:
    """Record that credit of the borrower was paid out by another way than the gateway (see `start_refund`)."""
    return _record(EventKind.REFUND, loan_id, amount, {}, **when)


def _record(
    kind: EventKind,
    loan_id: int,
    amount: Decimal,
    data: dict[str, Any],
    *,
    reference: str,
    as_of: date,
    value_date: date | None = None,
    reason: str = "",
    actor: User | None = None,
) -> LoanEventRow:
    if reason:
        data = {**data, "reason": _text(reason, "reason", LONGEST_REASON)}
    event = LoanEvent(
        kind=kind,
        value_date=value_date or as_of,
        ref=_text(reference, "reference", LONGEST_REFERENCE),
        sequence=0,
        recorded_date=as_of,
        amount=amount,
        data=data,
    )
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        known = loan.last_sequence
        before = _figures(loan)
        row = write_event(loan=loan, event=event, as_of=as_of, actor=actor)
        if actor is not None and row.sequence > known:
            after = {
                "event": row.sequence,
                "kind": kind.value,
                "amount": f"{amount:.2f}",
                **data,
                **_figures(loan),
            }
            after.pop("reason", None)
            write_audit(
                actor=actor, action=f"loan.{kind.value.lower()}", object_type="loans.Loan", object_ref=loan.ref,
                before=before, after=after, reason=reason,
            )  # fmt: skip
    return row


def _figures(loan: Loan) -> dict[str, str]:
    return {"status": str(loan.status), "principal_outstanding": f"{loan.principal_outstanding:.2f}"}


def _spread(
    instalment_count: int, first_due_date: date, annual_rate: Decimal | None, frequency: str | None
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "instalment_count": _count(instalment_count, "instalment_count"),
        "first_due_date": first_due_date.isoformat(),
    }
    if annual_rate is not None:
        data["annual_rate"] = _rate(annual_rate)
    if frequency is not None:
        _check_choice(
            frequency, [each.value for each in Frequency if each is not Frequency.CUSTOM], "frequency"
        )
        data["frequency"] = frequency
    return data


def _rate(rate: Decimal) -> str:
    if (
        not isinstance(rate, Decimal)
        or not rate.is_finite()
        or not ZERO <= rate <= 10
        or rate != round(rate, 6)
    ):
        raise UnableToService(
            "rate_invalid",
            N_("The rate is an annual fraction such as 0.18, with six places at most."),
            field="annual_rate",
        )
    return f"{rate:f}"


def _count(value: int, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 600:
        raise UnableToService(
            "instalments_invalid", N_("The number of instalments is from 1 to 600."), field=field
        )
    return value


def _text(value: str, field: str, most: int) -> str:
    if not value or len(value) > most or not value.isprintable():
        raise UnableToService(
            f"{field}_invalid",
            N_("Give a text of 1 to %(most)s characters."),
            field=field,
            params={"most": most},
        )
    return value


def _check_choice(value: str, choices: Any, field: str) -> None:
    if value not in choices:
        raise UnableToService(
            f"{field}_invalid",
            N_("Choose one of: %(choices)s."),
            field=field,
            params={"choices": ", ".join(choices)},
        )
