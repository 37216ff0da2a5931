"""A plan for a loan that got hard to pay: measures that become the loan's own events.

A plan is a short list of measures, each one of the events that the engine knows already. So what is offered can be
folded before anybody agrees to it, and what is agreed is history like everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from ledger.domain.money import ZERO, is_money
from loans.domain.engine import append_event, check_history, fold
from loans.domain.events import EventKind, LoanEvent
from loans.domain.state import LoanState
from loans.domain.terms import LoanTerms
from regimes.errors import N_, InvalidInput, Refusal


class HardshipStatus(StrEnum):
    """Name where a request stands."""

    OPEN = "OPEN"  # waits for an officer
    OFFERED = "OFFERED"  # waits for the borrower
    ACCEPTED = "ACCEPTED"  # the plan was carried out
    REFUSED = "REFUSED"  # by the lender, with the reason
    WITHDRAWN = "WITHDRAWN"  # by the borrower


class PlanStatus(StrEnum):
    """Name where an offered plan stands."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"  # by the borrower
    REPLACED = "REPLACED"  # by a later plan, or by a refusal


# a request -> where it may go; the last three are the end
MOVES: Final[Mapping[HardshipStatus, frozenset[HardshipStatus]]] = {
    HardshipStatus.OPEN: frozenset(
        {HardshipStatus.OFFERED, HardshipStatus.REFUSED, HardshipStatus.WITHDRAWN}
    ),
    HardshipStatus.OFFERED: frozenset(
        {
            HardshipStatus.OPEN,
            HardshipStatus.OFFERED,
            HardshipStatus.ACCEPTED,
            HardshipStatus.REFUSED,
            HardshipStatus.WITHDRAWN,
        }
    ),
    HardshipStatus.ACCEPTED: frozenset(),
    HardshipStatus.REFUSED: frozenset(),
    HardshipStatus.WITHDRAWN: frozenset(),
}
WAITING: Final = (HardshipStatus.OPEN, HardshipStatus.OFFERED)

MOST_PAUSE_DAYS: Final = 184  # half a year; longer is a new look at the borrower, not a pause
MOST_INSTALMENTS: Final = 60
MOST_MEASURES: Final = 4


class UnableToMoveHardship(Refusal):
    """Refuse a step that a request in its state does not allow."""


class UnableToPlan(InvalidInput):
    """Refuse a measure that is not one, or that the loan cannot take."""


class Measure(StrEnum):
    """Name what a plan may do to a loan."""

    PAUSE = "PAUSE"  # until: neither penalty nor days past due
    EXTENSION = "EXTENSION"  # extra_instalments
    RESCHEDULE = "RESCHEDULE"  # instalment_count, first_due_date: what is not due yet
    RE_AGE = "RE_AGE"  # the same with what is overdue
    WAIVE_PENALTY = "WAIVE_PENALTY"  # amount, or everything that is owed that day
    LOWER_RATE = "LOWER_RATE"  # annual_rate, below the present one


FIELDS: Final[Mapping[Measure, frozenset[str]]] = {
    Measure.PAUSE: frozenset({"until"}),
    Measure.EXTENSION: frozenset({"extra_instalments"}),
    Measure.RESCHEDULE: frozenset({"instalment_count", "first_due_date"}),
    Measure.RE_AGE: frozenset({"instalment_count", "first_due_date"}),
    Measure.WAIVE_PENALTY: frozenset({"amount"}),
    Measure.LOWER_RATE: frozenset({"annual_rate"}),
}
_SPREADS: Final = frozenset({Measure.EXTENSION, Measure.RESCHEDULE, Measure.RE_AGE})


def check_move(before: HardshipStatus, after: HardshipStatus) -> HardshipStatus:
    """Return the new state, or refuse the step."""
    if after not in MOVES[before]:
        raise UnableToMoveHardship(
            "hardship_state",
            N_("This is not possible in the request's present state. Reload the page to see it."),
        )
    return after


def check_measures(written: Sequence[Mapping[str, Any]], *, as_of: date) -> list[dict[str, Any]]:
    """Return measures as JSON-safe values in the order in which they are carried out.

    Each is `{"kind": ..., ...}` with the fields of `FIELDS`; amounts and rates are written as text. Raises
    UnableToPlan with the field at fault.
    """
    if not written:
        raise UnableToPlan("measures_missing", N_("Choose what the plan does."), field="measures")
    if len(written) > MOST_MEASURES:
        raise UnableToPlan(
            "measures_too_many",
            N_("A plan has at most %(maximum)s measures."),
            field="measures",
            params={"maximum": MOST_MEASURES},
        )
    checked = [_check_measure(item, as_of=as_of) for item in written]
    kinds = [Measure(item["kind"]) for item in checked]
    if len(set(kinds)) < len(kinds) or len(_SPREADS & set(kinds)) > 1:
        raise UnableToPlan(
            "measures_conflict", N_("Each measure once, and one way of spreading the debt."), field="measures"
        )
    order = list(Measure)
    rank = {Measure.WAIVE_PENALTY: -1}
    return sorted(
        checked, key=lambda item: rank.get(Measure(item["kind"]), order.index(Measure(item["kind"])))
    )


def _check_measure(item: Mapping[str, Any], *, as_of: date) -> dict[str, Any]:
    kind = next((known for known in Measure if known == item.get("kind")), None)
    if kind is None:
        raise UnableToPlan("measure_unknown", N_("Choose a measure from the list."), field="measures")
    given = {name for name, value in item.items() if name != "kind" and value not in (None, "")}
    optional = {"amount"} if kind is Measure.WAIVE_PENALTY else set()
    for name in sorted(FIELDS[kind] - optional - given):
        raise UnableToPlan("required", N_("This field is required."), field=name)
    for name in sorted(given - FIELDS[kind]):
        raise UnableToPlan(
            "unknown_field", N_("The measure does not take “%(name)s”."), field=name, params={"name": name}
        )
    found: dict[str, Any] = {"kind": kind.value}
    for name in sorted(given):
        found[name] = _READERS[name](item[name], name, as_of)
    return found


def _whole(value: Any, name: str, as_of: date) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_INSTALMENTS:
        raise UnableToPlan(
            "instalments_invalid",
            N_("The number of instalments is from 1 to %(maximum)s."),
            field=name,
            params={"maximum": MOST_INSTALMENTS},
        )
    return number


def _day(value: Any, name: str, as_of: date) -> str:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise UnableToPlan("date_invalid", N_("Use YYYY-MM-DD."), field=name) from None
    if not as_of < day <= as_of + timedelta(days=MOST_PAUSE_DAYS):
        raise UnableToPlan(
            "date_out_of_range",
            N_("Choose a day after today and within %(days)s days."),
            field=name,
            params={"days": MOST_PAUSE_DAYS},
        )
    return day.isoformat()


def _decimal(value: Any, name: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise UnableToPlan("number_invalid", N_("Enter a number such as 12.5."), field=name)
    return number


def _amount(value: Any, name: str, as_of: date) -> str:
    amount = _decimal(value, name)
    if not is_money(amount) or not ZERO < amount < 10**12:
        raise UnableToPlan("amount_invalid", N_("Enter an amount such as 1500.00."), field=name)
    return f"{amount:.2f}"


def _rate(value: Any, name: str, as_of: date) -> str:
    rate = _decimal(value, name)
    if rate > 1:
        raise UnableToPlan("rate_invalid", N_("The annual rate is out of range."), field=name)
    return str(rate)


_READERS: Final[Mapping[str, Any]] = {
    "until": _day,
    "first_due_date": _day,
    "extra_instalments": _whole,
    "instalment_count": _whole,
    "amount": _amount,
    "annual_rate": _rate,
}


def plan_events(
    measures: Sequence[Mapping[str, Any]],
    *,
    terms: LoanTerms,
    events: Sequence[LoanEvent],
    value_date: date,
    ref: str,
) -> list[LoanEvent]:
    """Turn checked measures into events of one day; the whole history with them must make sense.

    A waiver without an amount takes the penalty that is owed that day, and falls away when none is. Raises
    UnableToPlan or the engine's refusal.
    """
    state = fold(terms, events, value_date=value_date)
    found: list[LoanEvent] = []
    for item in measures:
        made = _event(item, state=state, value_date=value_date, ref=f"{ref}:{len(found)}")
        if made is not None:
            found.append(replace(made, sequence=len(events) + len(found) + 1))
    if not found:
        raise UnableToPlan("plan_changes_nothing", N_("This plan would change nothing."), field="measures")
    check_history(terms, (*events, *found))
    return found


def _event(item: Mapping[str, Any], *, state: LoanState, value_date: date, ref: str) -> LoanEvent | None:
    kind, amount = Measure(item["kind"]), ZERO
    data = {name: value for name, value in item.items() if name not in ("kind", "amount")}
    event_kind = EventKind.WAIVER if kind is Measure.WAIVE_PENALTY else None
    if kind is Measure.WAIVE_PENALTY:
        owed = state.due.penalty
        amount = min(owed, Decimal(item["amount"])) if "amount" in item else owed
        data = {"component": "penalty"}
        if not amount:
            return None
    if kind is Measure.LOWER_RATE:
        event_kind = EventKind.RATE_CHANGE
        if Decimal(item["annual_rate"]) >= state.annual_rate:
            raise UnableToPlan(
                "rate_not_lower", N_("The new rate must be below the present one."), field="annual_rate"
            )
    return LoanEvent(
        kind=event_kind or EventKind(kind.value),
        value_date=value_date,
        ref=ref,
        sequence=0,
        recorded_date=value_date,
        amount=amount,
        data=data,
    )


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """Show a loan on a day without and with a plan."""

    before: LoanState
    after: LoanState

    @property
    def left_before(self) -> Decimal:
        """Return what is still to pay if every instalment is paid on its day."""
        return sum((row.outstanding.total for row in self.before.instalments), ZERO)

    @property
    def left_after(self) -> Decimal:
        return sum((row.outstanding.total for row in self.after.instalments), ZERO)

    @property
    def cost(self) -> Decimal:
        """Return how much more (or less, below zero) is paid in all because of the plan."""
        return self.left_after - self.left_before

    @property
    def saved(self) -> Decimal:
        """Return how much less is paid in all."""
        return -self.cost


def preview_plan(
    measures: Sequence[Mapping[str, Any]], *, terms: LoanTerms, events: Sequence[LoanEvent], value_date: date
) -> PlanPreview:
    """Fold the loan without and with a plan. Raises what `plan_events` raises."""
    added = plan_events(measures, terms=terms, events=events, value_date=value_date, ref="preview")
    longer = tuple(events)
    for event in added:
        longer = append_event(terms, longer, event)
    return PlanPreview(
        before=fold(terms, events, value_date=value_date), after=fold(terms, longer, value_date=value_date)
    )


def last_day_to_accept(measures: Sequence[Mapping[str, Any]], *, wanted: date) -> date:
    """Return until when a plan can be accepted: as wanted, but before the first day that it names."""
    named = [
        date.fromisoformat(item[name])
        for item in measures
        for name in ("until", "first_due_date")
        if name in item
    ]
    return min([wanted, *(day - timedelta(days=1) for day in named)])
