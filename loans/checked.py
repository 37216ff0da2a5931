"""The acts of this room that need two people: events of a loan that no borrower and no bank brought about.

Each is one event of the engine. The second person sees the loan folded without it and with it, so what is shown is what the
event does, to the cent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts import proposal_kinds
from accounts.operations import write_audit
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from ledger.domain.money import ZERO, format_amount, parse_amount
from loans.domain.casework import DEFAULT, read_strategy
from loans.domain.engine import append_event, fold
from loans.domain.events import EventKind, LoanEvent
from loans.domain.hardship import PlanPreview, check_measures, plan_events, preview_plan
from loans.domain.state import LoanState
from loans.models import CollectionStrategy, Loan, LoanEventRow
from loans.operations import servicing
from loans.operations.events import lock_loan, read_events, write_event
from loans.operations.payouts import start_refund
from regimes.errors import N_, InvalidInput

VERBS: Mapping[str, Callable[..., LoanEventRow]] = {
    EventKind.FEE: servicing.charge_fee,
    EventKind.WAIVER: servicing.waive,
    EventKind.RATE_CHANGE: servicing.change_rate,
    EventKind.WRITE_OFF: servicing.write_off,
    EventKind.RECOVERY: servicing.record_recovery,
}
RATE = re.compile(r"0?\.\d{1,6}|0|1(\.0{1,6})?")


def loan_by_ref(ref: object) -> Loan:
    """Return a loan by its reference, or refuse."""
    return find_by_ref(Loan.objects.select_related("borrower"), ref, field="loan_ref")


def _amount(value: object) -> str:
    return str(parse_amount(str(value)))


def _rate(value: object) -> str:
    text = str(value)
    if not RATE.fullmatch(text):
        raise InvalidInput("rate_invalid", N_("Enter a rate such as 0.12 for 12 %."), field="annual_rate")
    return f"{Decimal(text):f}"


def _one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if str(value) not in allowed:
            raise InvalidInput("choice_invalid", N_("Choose one from the list."))
        return str(value)

    return read


def _event(payload: Mapping[str, Any], *, value_date: date, reference: str) -> LoanEvent:
    data = {name: value for name, value in payload.items() if name not in ("loan_ref", "event", "amount")}
    return LoanEvent(
        kind=EventKind(payload["event"]),
        value_date=value_date,
        ref=reference,
        sequence=0,
        recorded_date=value_date,
        amount=Decimal(payload["amount"]) if "amount" in payload else ZERO,
        data=data,
    )


def _subject(payload: Mapping[str, Any]) -> Subject:
    loan = loan_by_ref(payload["loan_ref"])
    label = f"{loan.borrower.display_name} · {format_amount(loan.principal, currency=loan.currency)} · {loan.start_date.isoformat()}"
    return Subject("loans.Loan", str(loan.ref), label, frozenset({loan.borrower_id}))


def folded(*, loan: Loan, event: LoanEvent, as_of: date) -> tuple[LoanState, LoanState]:
    """Return a loan on a day without an event and with it, or raise the engine's refusal."""
    events = read_events(loan_id=loan.pk)
    longer = append_event(loan.agreed, events, LoanEvent(event.kind, event.value_date, event.ref, len(events) + 1, as_of, event.amount, event.data))  # fmt: skip
    return fold(loan.agreed, events, value_date=as_of), fold(loan.agreed, longer, value_date=as_of)


def _check(payload: Mapping[str, Any], act: Act) -> None:
    loan = loan_by_ref(payload["loan_ref"])
    folded(loan=loan, event=_event(payload, value_date=act.as_of, reference=act.reference), as_of=act.as_of)


def _diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    loan = loan_by_ref(payload["loan_ref"])
    before, after = folded(
        loan=loan, event=_event(payload, value_date=as_of, reference="preview"), as_of=as_of
    )
    return state_changes(before, after, currency=loan.currency)


def state_changes(before: LoanState, after: LoanState, *, currency: str) -> list[Change]:
    """Say in words what differs between two states of one loan."""

    def figures(state: LoanState) -> list[tuple[str, str]]:
        def money(value: Decimal) -> str:
            return format_amount(value, currency=currency)

        left = [row for row in state.instalments if row.outstanding.total > 0]
        return [
            (N_("Status"), state.status.value),
            (N_("Principal outstanding"), money(state.principal_outstanding)),
            (N_("Due and unpaid"), money(state.due.total)),
            (N_("Still to pay if every instalment is paid on its day"), money(sum((row.outstanding.total for row in left), ZERO))),
            (N_("Days past due"), str(state.days_past_due)),
            (N_("Annual rate"), f"{state.annual_rate * 100:f}".rstrip("0").rstrip(".") + "%"),
            (N_("Instalments to come"), str(len(left))),
            (N_("Next due date"), state.next_due_date.isoformat() if state.next_due_date else ""),
            (N_("Next instalment"), money(state.next_due.total)),
            (N_("Last due date"), state.maturity_date.isoformat() if state.maturity_date else ""),
            (N_("Credit of the borrower"), money(state.credit)),
            (N_("Waived so far"), money(state.waived.total)),
            (N_("Written off"), money(state.written_off.total)),
            (N_("Fees charged"), money(state.fees_charged)),
            (N_("Recovered after the write-off"), money(state.recovered)),
            (N_("Refunded"), money(state.refunded)),
        ]  # fmt: skip

    return [
        Change(name, was, becomes)
        for (name, was), (_name, becomes) in zip(figures(before), figures(after), strict=True)
        if was != becomes
    ]


def _execute(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    loan = loan_by_ref(payload["loan_ref"])
    if payload["event"] == EventKind.REFUND:  # money goes out: booked and ordered in one
        payout = start_refund(
            loan_id=loan.pk,
            amount=Decimal(payload["amount"]),
            reference=act.reference,
            as_of=act.as_of,
            actor=act.actor,
        )
        return {"payout": str(payout.ref)}
    fields = {name: value for name, value in payload.items() if name not in ("loan_ref", "event")}
    fields |= {name: Decimal(fields[name]) for name in ("amount", "annual_rate") if name in fields}
    row = VERBS[payload["event"]](
        loan_id=loan.pk,
        reference=act.reference,
        as_of=act.as_of,
        reason=" ".join(act.reason.split())[: servicing.LONGEST_REASON],
        actor=act.actor,
        **fields,
    )
    return {"sequence": row.sequence}


def _kind(
    name: str,
    title: str,
    *,
    event: EventKind,
    required: Mapping[str, Callable[[object], Any]],
) -> ProposalKind:
    def read(payload: Mapping[str, Any]) -> dict[str, Any]:
        found = read_fields(payload, required=("loan_ref", *required))
        result: dict[str, Any] = {"loan_ref": str(loan_by_ref(found["loan_ref"]).ref), "event": event.value}
        result |= {field: reader(found[field]) for field, reader in required.items()}
        return result

    return ProposalKind(
        name=name, title=title, read=read, subject=_subject, check=_check, diff=_diff, execute=_execute
    )


# ---- plans: several events at once, as hardship plans are ------------------------------------------------------------
def _read_plan(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("loan_ref", "measures"))
    loan = loan_by_ref(found["loan_ref"])
    if not isinstance(found["measures"], list):
        raise InvalidInput("invalid", N_("Choose what the plan does."), field="measures")
    # days are compared with the business date again when it is checked
    measures = check_measures(found["measures"], as_of=loan.start_date)
    return {"loan_ref": str(loan.ref), "measures": measures}


def _preview(payload: Mapping[str, Any], as_of: date) -> tuple[Loan, PlanPreview]:
    loan = loan_by_ref(payload["loan_ref"])
    measures = check_measures(payload["measures"], as_of=as_of)
    events = read_events(loan_id=loan.pk)
    return loan, preview_plan(measures, terms=loan.agreed, events=events, value_date=as_of)


def _check_plan(payload: Mapping[str, Any], act: Act) -> None:
    _preview(payload, act.as_of)


def _plan_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    loan, preview = _preview(payload, as_of)
    return state_changes(preview.before, preview.after, currency=loan.currency)


def _execute_plan(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    loan = lock_loan(loan_id=loan_by_ref(payload["loan_ref"]).pk)
    added = plan_events(
        check_measures(payload["measures"], as_of=act.as_of),
        terms=loan.agreed,
        events=read_events(loan_id=loan.pk),
        value_date=act.as_of,
        ref=f"plan:{act.reference}",
    )
    rows = [write_event(loan=loan, event=event, as_of=act.as_of, actor=act.actor) for event in added]
    write_audit(
        actor=act.actor,
        action="loan.plan",
        object_type="loans.Loan",
        object_ref=loan.ref,
        after={"events": [row.kind for row in rows]},
        reason=act.reason,
    )
    return {"events": [row.kind for row in rows]}


PLAN = ProposalKind(
    name="loan_plan",
    title=N_("Change the plan of a loan"),
    read=_read_plan,
    subject=_subject,
    check=_check_plan,
    diff=_plan_diff,
    execute=_execute_plan,
)


# ---- how cases are worked --------------------------------------------------------------------------------------------
def _read_strategy(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("document",))
    if not isinstance(found["document"], dict):
        raise InvalidInput("invalid", N_("Enter the steps of every bucket as JSON."), field="document")
    read_strategy(found["document"])
    return {"document": found["document"]}


def _strategy_now() -> tuple[int, Mapping[str, Any]]:
    row = CollectionStrategy.objects.order_by("-version").first()
    return (row.version, row.document) if row is not None else (0, DEFAULT)


def _strategy_subject(payload: Mapping[str, Any]) -> Subject:
    version, _document = _strategy_now()
    return Subject("loans.CollectionStrategy", str(version + 1), f"v{version + 1}")


def _check_strategy(payload: Mapping[str, Any], act: Act) -> None:
    read_strategy(payload["document"])


def _strategy_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    _version, document = _strategy_now()
    return [
        Change(bucket, json.dumps(document.get(bucket)), json.dumps(payload["document"].get(bucket)))
        for bucket in payload["document"]
        if document.get(bucket) != payload["document"].get(bucket)
    ]


def _execute_strategy(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    version, _document = _strategy_now()
    CollectionStrategy.objects.create(version=version + 1, document=payload["document"], actor=act.actor)
    return {"version": version + 1}


STRATEGY = ProposalKind(
    name="collection_strategy",
    title=N_("Change how overdue loans are worked"),
    read=_read_strategy,
    subject=_strategy_subject,
    check=_check_strategy,
    diff=_strategy_diff,
    execute=_execute_strategy,
)
KINDS = (
    STRATEGY,
    _kind("recovery", N_("Book money on a loan that was written off"), event=EventKind.RECOVERY, required={"amount": _amount}),
    _kind("loan_rate", N_("Change the rate of a loan"), event=EventKind.RATE_CHANGE, required={"annual_rate": _rate}),
    _kind("loan_fee", N_("Charge a fee"), event=EventKind.FEE, required={"amount": _amount, "component": _one_of("fee", "penalty")}),
    _kind("waiver", N_("Waive part of what is owed"), event=EventKind.WAIVER, required={"amount": _amount, "component": _one_of("penalty", "interest", "fee")}),
    _kind("write_off", N_("Write a loan off"), event=EventKind.WRITE_OFF, required={}),
    _kind("refund", N_("Pay a borrower's credit back"), event=EventKind.REFUND, required={"amount": _amount}),
    PLAN,
)  # fmt: skip


def register() -> None:
    """Offer the acts of this room."""
    from loans import checked_suspense  # built upon the acts above

    for kind in (*KINDS, *checked_suspense.KINDS):
        proposal_kinds.register(kind)
