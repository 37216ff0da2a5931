"""Fold frozen terms and dated events into the state of a loan as of a day, as known on a day.

The fold is a pure function: the same terms and events give the same state, whenever and however often it
is asked. A backdated event is put in its place in the order and everything is folded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext

from ledger.domain.money import EXACT, ZERO
from loans.domain.book import Book, Effect
from loans.domain.changes import HANDLERS, charge_back, check_amount, refuse
from loans.domain.events import RANK, EventKind, LoanEvent, UnableToRecordEvent
from loans.domain.rows import F, I, N, P
from loans.domain.snapshot import pending_state, take_snapshot
from loans.domain.state import (
    Accrual,
    Allocation,
    Amounts,
    InstalmentState,
    JournalLeg,
    LoanState,
    LoanStatus,
    PayoffQuote,
)
from loans.domain.terms import LoanTerms
from regimes.errors import N_

__all__ = [
    "Accrual",
    "Allocation",
    "Amounts",
    "InstalmentState",
    "JournalLeg",
    "LoanState",
    "LoanStatus",
    "PayoffQuote",
    "accrual",
    "append_event",
    "check_history",
    "fold",
    "payoff_quote",
    "run",
]


def known_events(
    events: Iterable[LoanEvent],
    *,
    known_at_sequence: int | None = None,
    knowledge_date: date | None = None,
) -> list[LoanEvent]:
    """Return the events that were known then, in the one order, without those known to be reversed."""
    known = [
        event
        for event in events
        if (known_at_sequence is None or event.sequence <= known_at_sequence)
        and (knowledge_date is None or event.recorded_date <= knowledge_date)
    ]
    by_ref: dict[str, LoanEvent] = {}
    for event in known:
        if event.ref in by_ref:
            refuse("reference_reused", N_("The reference %(ref)s was used before."), event)
        by_ref[event.ref] = event
    reversed_refs: set[str] = set()
    for event in known:
        if event.kind is EventKind.REVERSAL:
            check_reversal(event, by_ref, reversed_refs)
            reversed_refs.add(str(event.data["reverses"]))
    standing = [
        event for event in known if event.kind is not EventKind.REVERSAL and event.ref not in reversed_refs
    ]
    standing.sort(key=lambda event: (event.value_date, RANK[event.kind], event.sequence))
    return standing


def check_reversal(event: LoanEvent, by_ref: dict[str, LoanEvent], reversed_refs: set[str]) -> None:
    """Refuse the reversal of what is unknown, reversed, or itself a reversal."""
    target = by_ref.get(str(event.data.get("reverses")))
    if target is None:
        refuse("reversal_of_unknown", N_("There is no event with the reference to reverse."), event)
    elif target.kind is EventKind.REVERSAL:
        refuse("reversal_of_reversal", N_("A reversal cannot be reversed. Record it again."), event)
    elif target.ref in reversed_refs:
        refuse("already_reversed", N_("The event was reversed before."), event)


def run(terms: LoanTerms, standing: Sequence[LoanEvent], *, value_date: date) -> Book:
    """Move a book through the events up to a day. For the engine's own modules."""
    book = Book(terms)
    by_ref: dict[str, Effect] = {}
    taken_back: dict[str, Decimal] = {}
    for event in standing:
        if event.value_date > value_date:
            break
        check_amount(event, terms.currency)
        effect = Effect(event.ref, event.kind, event.value_date, event.amount)
        effect.through = str(event.data.get("through", ""))
        if not book.disbursed and event.kind is not EventKind.PAYOUT:
            check_before_payout(book, event, standing)
            continue
        book.advance(event.value_date)
        if event.kind is EventKind.CHARGE_BACK:
            ref = str(event.data.get("repayment"))
            if ref not in by_ref or by_ref[ref].kind != EventKind.REPAYMENT:
                refuse("charge_back_of_unknown", N_("There is no such repayment."), event)
            taken = taken_back.get(ref, ZERO)
            charge_back(book, event, effect, by_ref[ref], taken)
            taken_back[ref] = taken + event.amount
        else:
            HANDLERS[event.kind](book, event, effect)
        book.rebase(event.value_date)
        note_closing(book, event.value_date)
        book.effects.append(effect)
        by_ref[event.ref] = effect
    book.advance(value_date)
    return book


def check_before_payout(book: Book, event: LoanEvent, standing: Sequence[LoanEvent]) -> None:
    """Let a loan be withdrawn before any money moved; refuse everything else."""
    is_paid_out = any(other.kind is EventKind.PAYOUT for other in standing)
    if event.kind is EventKind.WITHDRAWAL and not is_paid_out:
        book.cancelled = True
        return
    if is_paid_out:
        refuse("event_before_payout", N_("The event is dated before the payout."), event)
    refuse("loan_not_paid_out", N_("The loan was never paid out."), event)


def note_closing(book: Book, day: date) -> None:
    """Remember since when nothing is owed."""
    if book.running or book.arrears:
        book.closed_date = None
    elif book.is_settled(day):
        book.closed_date = book.closed_date or day
    else:
        book.closed_date = None


def fold(
    terms: LoanTerms,
    events: Iterable[LoanEvent],
    *,
    value_date: date,
    known_at_sequence: int | None = None,
    knowledge_date: date | None = None,
) -> LoanState:
    """Return the loan as of a value date, as it was known at a sequence or on a day (default: all)."""
    with localcontext(EXACT):
        listed = list(events)
        standing = known_events(listed, known_at_sequence=known_at_sequence, knowledge_date=knowledge_date)
        book = run(terms, standing, value_date=value_date)
        sequence = max(
            (e.sequence for e in listed if known_at_sequence is None or e.sequence <= known_at_sequence),
            default=0,
        )
        if not book.disbursed:
            return pending_state(terms, value_date, sequence, cancelled=book.cancelled)
        return take_snapshot(book, value_date, sequence)


def payoff_quote(terms: LoanTerms, events: Iterable[LoanEvent], *, value_date: date) -> PayoffQuote:
    """Return every component of what closes the loan on a day. Paying `total` that day closes it."""
    with localcontext(EXACT):
        book = run(terms, known_events(events), value_date=value_date)
        owed = book.payoff(value_date) if book.disbursed and not book.written_off else [ZERO] * 4
        gross = sum(owed, ZERO)
        credit = min(book.credit, gross)
        return PayoffQuote(
            value_date=value_date,
            principal=owed[P],
            interest=owed[I],
            fee=owed[F],
            penalty=owed[N],
            credit=credit,
            total=gross - credit,
        )


def accrual(terms: LoanTerms, events: Iterable[LoanEvent], *, date: date) -> Accrual:
    """Return the interest and penalty earned from the payout through a date, cumulated."""
    state = fold(terms, events, value_date=date)
    return Accrual(date, state.interest_earned, state.penalty_earned)


def append_event(terms: LoanTerms, events: Sequence[LoanEvent], new: LoanEvent) -> tuple[LoanEvent, ...]:
    """Add an event if the whole history still makes sense with it, or refuse it.

    The same reference with the same content changes nothing; with other content it is refused.
    """
    for event in events:
        if event.ref == new.ref:
            same = (event.kind, event.value_date, event.amount, dict(event.data))
            if same == (new.kind, new.value_date, new.amount, dict(new.data)):
                return tuple(events)
            raise UnableToRecordEvent(
                "reference_reused",
                N_("The reference %(ref)s was used before with another content."),
                field="ref",
                params={"ref": new.ref},
            )
    longer = (*events, new)
    check_history(terms, longer)
    if new.kind is EventKind.WRITE_OFF:
        check_owed(terms, events, new)
    return longer


def check_owed(terms: LoanTerms, events: Sequence[LoanEvent], new: LoanEvent) -> None:
    """Refuse to write off what owes nothing. A payment learned later may still leave nothing to write off."""
    with localcontext(EXACT):
        if run(terms, known_events(events), value_date=new.value_date).is_settled(new.value_date):
            refuse("nothing_to_write_off", N_("Nothing is owed, so there is nothing to write off."), new)


def check_history(terms: LoanTerms, events: Sequence[LoanEvent]) -> None:
    """Refuse a history that cannot have happened, with the code of the event at fault."""
    if events:
        with localcontext(EXACT):
            last = max(event.value_date for event in events)
            run(terms, known_events(events), value_date=last)
