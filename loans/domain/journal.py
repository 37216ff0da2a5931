"""The postings that a loan's history implies, and the difference between two histories.

Legs are a pure function of terms and events, so after a backdated event the ledger posts what changed and
nothing else. Accrued interest and penalty are one cumulated leg each: end of day posts them day by day for
a whole product, and a changed history posts only the change of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from ledger.domain.money import EXACT, ZERO
from loans.domain.book import Book, Effect, Part
from loans.domain.engine import known_events, run
from loans.domain.events import THROUGH_MERCHANT, EventKind, LoanEvent
from loans.domain.rows import F, I, N, P
from loans.domain.snapshot import penalty_earned, terms_fees_earned
from loans.domain.state import JournalLeg
from loans.domain.terms import LoanTerms


class AccountRole(StrEnum):
    """Name what an account is for; the chart of the ledger says which account that is."""

    LOAN_PRINCIPAL = "LOAN_PRINCIPAL"
    INTEREST_RECEIVABLE = "INTEREST_RECEIVABLE"
    FEE_RECEIVABLE = "FEE_RECEIVABLE"
    PENALTY_RECEIVABLE = "PENALTY_RECEIVABLE"
    CASH_IN_TRANSIT = "CASH_IN_TRANSIT"
    BORROWER_CREDIT = "BORROWER_CREDIT"
    MERCHANT_PAYABLE = "MERCHANT_PAYABLE"
    INTEREST_INCOME = "INTEREST_INCOME"
    FEE_INCOME = "FEE_INCOME"
    PENALTY_INCOME = "PENALTY_INCOME"
    WAIVER_EXPENSE = "WAIVER_EXPENSE"
    WRITE_OFF_LOSS = "WRITE_OFF_LOSS"
    RECOVERY_INCOME = "RECOVERY_INCOME"


ACCRUAL_KEY: Final = "accrual"
_RECEIVABLE: Final = {
    P: ("principal", AccountRole.LOAN_PRINCIPAL),
    I: ("interest", AccountRole.INTEREST_RECEIVABLE),
    F: ("fee", AccountRole.FEE_RECEIVABLE),
    N: ("penalty", AccountRole.PENALTY_RECEIVABLE),
}
# +1: the event's amount comes in as cash, -1: it goes out.
_CASH: Final[dict[str, int]] = {
    EventKind.REPAYMENT: 1,
    EventKind.PURCHASE_RETURN: 1,
    EventKind.RECOVERY: 1,
    EventKind.PAYOUT: -1,
    EventKind.REFUND: -1,
    EventKind.CHARGE_BACK: -1,
}


class _Entry:
    """Collect the legs of one event; a positive amount is a debit."""

    def __init__(self, key: str, day: date) -> None:
        self.key, self.day = key, day
        self.legs: dict[tuple[str, AccountRole], Decimal] = {}

    def add(self, leg: str, role: AccountRole, amount: Decimal) -> None:
        self.legs[leg, role] = self.legs.get((leg, role), ZERO) + amount

    def receivables(self, parts: Iterable[Part], sign: int) -> None:
        for _, component, amount in parts:
            leg, role = _RECEIVABLE[component]
            self.add(leg, role, sign * amount)

    def close(self) -> Iterator[JournalLeg]:
        assert not sum(self.legs.values(), ZERO), f"{self.key}: debits and credits differ"
        for (leg, role), amount in self.legs.items():
            if amount:
                yield _leg(self.key, leg, role, amount, self.day)


def _leg(key: str, leg: str, role: str, amount: Decimal, day: date) -> JournalLeg:
    return JournalLeg(
        event_key=key,
        leg=leg,
        account_role=role,
        debit=max(amount, ZERO),
        credit=max(-amount, ZERO),
        value_date=day,
    )


def legs_of(effect: Effect) -> Iterator[JournalLeg]:
    """Return the legs of one event."""
    entry = _Entry(effect.key, effect.value_date)
    cash = _CASH.get(effect.kind, 0) * effect.amount
    if effect.kind == EventKind.PAYOUT:
        entry.add("principal", AccountRole.LOAN_PRINCIPAL, effect.amount)
        entry.add("fee_income", AccountRole.FEE_INCOME, -effect.fee_kept)
        cash += effect.fee_kept
    elif effect.kind == EventKind.WITHDRAWAL:
        entry.add("fee_income", AccountRole.FEE_INCOME, effect.fee_kept)
    elif effect.kind == EventKind.RECOVERY:
        entry.add("recovery", AccountRole.RECOVERY_INCOME, -effect.amount)
    through_merchant = effect.through == THROUGH_MERCHANT
    entry.add("cash", AccountRole.MERCHANT_PAYABLE if through_merchant else AccountRole.CASH_IN_TRANSIT, cash)
    entry.add("credit", AccountRole.BORROWER_CREDIT, -effect.credit)
    entry.receivables(effect.parts, -1)
    entry.receivables(effect.forgiven, -1)
    entry.receivables(effect.lost, -1)
    entry.add("waiver", AccountRole.WAIVER_EXPENSE, sum((p.amount for p in effect.forgiven), ZERO))
    entry.add("loss", AccountRole.WRITE_OFF_LOSS, sum((p.amount for p in effect.lost), ZERO))
    fee, penalty = effect.charged
    entry.add("charge_fee", AccountRole.FEE_RECEIVABLE, fee)
    entry.add("charge_fee_income", AccountRole.FEE_INCOME, -fee)
    entry.add("charge_penalty", AccountRole.PENALTY_RECEIVABLE, penalty)
    entry.add("charge_penalty_income", AccountRole.PENALTY_INCOME, -penalty)
    return entry.close()


def accrual_legs(book: Book, day: date) -> Iterator[JournalLeg]:
    """Return what was earned through a day, cumulated, by component."""
    entry = _Entry(ACCRUAL_KEY, day)
    interest = book.interest_closed + book.earned(day)
    penalty = penalty_earned(book, day)
    fees = terms_fees_earned(book, day)
    entry.add("interest", AccountRole.INTEREST_RECEIVABLE, interest)
    entry.add("interest_income", AccountRole.INTEREST_INCOME, -interest)
    entry.add("penalty", AccountRole.PENALTY_RECEIVABLE, penalty)
    entry.add("penalty_income", AccountRole.PENALTY_INCOME, -penalty)
    entry.add("fee", AccountRole.FEE_RECEIVABLE, fees)
    entry.add("fee_income", AccountRole.FEE_INCOME, -fees)
    return entry.close()


def journal_legs(
    terms: LoanTerms,
    events: Iterable[LoanEvent],
    *,
    value_date: date,
    known_at_sequence: int | None = None,
    with_accrual: bool = True,
) -> tuple[JournalLeg, ...]:
    """Return every leg that the history implies through a day. Debits equal credits in each event."""
    with localcontext(EXACT):
        standing = known_events(events, known_at_sequence=known_at_sequence)
        book = run(terms, standing, value_date=value_date)
        legs = [leg for effect in book.effects for leg in legs_of(effect)]
        if with_accrual and book.disbursed:
            legs.extend(accrual_legs(book, value_date))
        return tuple(legs)


def posting_difference(before: Iterable[JournalLeg], after: Iterable[JournalLeg]) -> tuple[JournalLeg, ...]:
    """Return the legs to post so that a ledger that holds `before` holds `after`.

    A reversed event posts the mirror of its legs; an event whose allocation changed posts the change.
    """
    change: dict[tuple[str, str, str], Decimal] = {}
    days: dict[tuple[str, str, str], date] = {}
    for sign, legs in ((-1, before), (1, after)):
        for leg in legs:
            key = (leg.event_key, leg.leg, leg.account_role)
            change[key] = change.get(key, ZERO) + sign * (leg.debit - leg.credit)
            days[key] = leg.value_date
    return tuple(_leg(key[0], key[1], key[2], amount, days[key]) for key, amount in change.items() if amount)
