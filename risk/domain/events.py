"""Evidence events: the one dated form that parsers and the synthetic population both produce.

An event is something that happened to a subject's money: a payment, a bill that fell due, an invoice, an
enquiry by another lender. `occurred_at` is when it was true, `known_at` when we learned it. A fact that is
settled later (a bill paid late) is two events, so that no event ever carries news from its own future.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bytes = NDArray[np.int8]
Flags = NDArray[np.bool_]

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Months and nights are counted on the borrower's wall clock; China has kept no summer time since 1991."""


class EventKind(IntEnum):
    """What happened. `amount` is signed as said here."""

    PAYMENT = 1  # money moved on an account: > 0 in, < 0 out; `balance` after it when the source tells
    BILL_DUE = 2  # a bill fell due: amount > 0
    BILL_LATE = 3  # the same bill was still unpaid the day after: amount > 0, dated due + 1 day
    SALE = 4  # sales invoice: > 0; a red-letter (return) invoice < 0
    PURCHASE = 5  # purchase invoice: > 0; red-letter < 0
    SALE_VOID = 6  # a sales invoice was voided: amount > 0
    ENQUIRY = 7  # another lender asked about the subject: amount 0
    BALANCE = 8  # an observed balance without a movement (wealth fund, month-end): amount 0


class Category(IntEnum):
    """What a payment was for; assigned by the source or by the text classifier."""

    UNKNOWN = 0
    SALARY = 1
    OTHER_INCOME = 2
    EVERYDAY = 3
    DINING = 4
    MEDICAL = 5
    EDUCATION = 6
    ELECTRONICS = 7
    TRAVEL = 8
    HOUSING = 9
    UTILITIES = 10
    ENTERTAINMENT = 11
    GAMBLING = 12
    CASH = 13
    TRANSFER = 14  # between people
    OWN_TRANSFER = 15  # between the subject's own accounts and wealth funds: neither income nor spending
    LOAN = 16  # other lenders: > 0 drawn, < 0 repaid
    REFUND = 17
    FEES = 18
    TRADE = 19  # business receipts and supplier payments on an account
    PENALTY = 20  # overdraft interest, late charges
    INSURANCE = 21


class Source(IntEnum):
    """Where an event came from; each is one consent."""

    UNKNOWN = 0
    SYNTHETIC = 1
    ALIPAY = 2
    WECHAT = 3
    BANK_CSV = 4
    OFX = 5
    CAMT053 = 6
    INVOICE_LIST = 7
    PLATFORM_API = 8
    BUREAU = 9
    SANDBOX = 10


@dataclass(frozen=True, slots=True)
class EvidenceEvent:
    """Hold one event as a parser yields it.

    `subject` is the borrower's number; the caller may leave 0 while parsing and fill it when storing.
    """

    subject: int
    occurred_at: datetime
    known_at: datetime
    kind: EventKind
    amount: Decimal
    balance: Decimal | None = None
    counterparty: str = ""
    memo: str = ""
    category: Category = Category.UNKNOWN
    source: Source = Source.UNKNOWN


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Hold n events in columns, for set-wise work.

    Moments are minutes since 1970-01-01 00:00 UTC; amounts are whole cents, so that sums do not depend on
    their order. `balance` is NaN (in yuan) where the source does not tell. `counterparty` is a stable
    64-bit number of the name, 0 when unknown.
    """

    subject: Integers
    occurred: Integers
    known: Integers
    kind: Bytes
    category: Bytes
    cents: Integers
    balance: Floats
    counterparty: Integers

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, chosen: Integers | Flags) -> EventColumns:
        """Select rows by index or mask."""
        return EventColumns(
            self.subject[chosen],
            self.occurred[chosen],
            self.known[chosen],
            self.kind[chosen],
            self.category[chosen],
            self.cents[chosen],
            self.balance[chosen],
            self.counterparty[chosen],
        )

    def before(self, moment: datetime) -> EventColumns:
        """Keep what had happened and was known before a moment."""
        cut = minutes(moment)
        return self.take((self.occurred < cut) & (self.known < cut))


def minutes(moment: datetime) -> int:
    """Count whole minutes since the epoch.

    >>> minutes(datetime(1970, 1, 1, 8, 1, tzinfo=SHANGHAI))
    1
    """
    assert moment.tzinfo is not None, "a naive moment means two different minutes"
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 60)


def counterparty_number(name: str) -> int:
    """Give a name its stable number; nothing can be read back from it.

    >>> counterparty_number("")
    0
    """
    name = name.strip()
    if not name:
        return 0
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def columns_of(events: Iterable[EvidenceEvent]) -> EventColumns:
    """Turn parsed events into columns."""
    rows = list(events)
    return EventColumns(
        subject=np.array([e.subject for e in rows], dtype=np.int64),
        occurred=np.array([minutes(e.occurred_at) for e in rows], dtype=np.int64),
        known=np.array([minutes(e.known_at) for e in rows], dtype=np.int64),
        kind=np.array([e.kind for e in rows], dtype=np.int8),
        category=np.array([e.category for e in rows], dtype=np.int8),
        cents=np.array([int((e.amount * 100).to_integral_value()) for e in rows], dtype=np.int64),
        balance=np.array([np.nan if e.balance is None else float(e.balance) for e in rows], dtype=np.float64),
        counterparty=np.array([counterparty_number(e.counterparty) for e in rows], dtype=np.int64),
    )


def concatenate(parts: list[EventColumns]) -> EventColumns:
    """Join columns end to end."""
    names = EventColumns.__slots__
    return EventColumns(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
