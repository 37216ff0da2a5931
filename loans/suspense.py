"""Money in suspense: what waits, and what the books hold of it. Questions only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Exists, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from ledger.domain.money import ZERO
from ledger.queries import balance
from loans.domain.events import EventKind
from loans.models import LoanEventRow, SuspenseItem, SuspenseMatch

_MONEY: DecimalField[Decimal, Decimal] = DecimalField(max_digits=16, decimal_places=2)


@dataclass(frozen=True, slots=True)
class Held:
    """What the suspense account holds, and how much of it is known by its movement."""

    booked: Decimal
    items: Decimal

    @property
    def by_hand(self) -> Decimal:
        return self.booked - self.items


def matches() -> QuerySet[Any]:
    """Return every part that left suspense with `is_restored`: whether its payment was taken back."""
    reversals = LoanEventRow.objects.filter(loan=OuterRef("loan"), kind=EventKind.REVERSAL.value)
    reversal = reversals.alias(reverses=KT("data__reverses")).filter(reverses=OuterRef("event__reference"))
    return SuspenseMatch.objects.annotate(is_restored=Exists(reversal))


def items() -> QuerySet[Any]:
    """Return every item with `left`, what has not found its place yet."""
    spent = (
        matches()
        .filter(item=OuterRef("pk"), is_restored=False)
        .values("item")
        .annotate(n=Sum("amount"))
        .values("n")
    )
    return SuspenseItem.objects.annotate(
        left=F("amount") - Coalesce(Subquery(spent), ZERO, output_field=_MONEY)
    )  # fmt: skip


def left_of(item: SuspenseItem) -> Decimal:
    """Return what is left of one item."""
    spent = matches().filter(item=item, is_restored=False).aggregate(n=Sum("amount"))["n"]
    return item.amount - (spent or ZERO)


def held() -> Held:
    """Compare the account with its items; entries by hand are the difference."""
    known = items().aggregate(n=Sum("left"))["n"] or ZERO
    return Held(booked=balance(role="SUSPENSE"), items=known)
