"""Ask the evidence for sales invoices: which there are, which are unpaid, and which one carries a number."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Final

from risk.domain.events import SHANGHAI, EventKind
from risk.domain.receivables import Paid, Receivable, Sale, match
from risk.evidence.invoices import TAKEN_BACK
from risk.evidence.operations import counterparty_key
from risk.evidence.reading import digest, party_number
from risk.models import EvidenceKind, EvidenceRow, EvidenceStatus

LISTED_DAYS: Final = (
    400  # a payment of last year settles an invoice of last year, and no newer one of the same amount
)


def invoice_identity(*, code: str, number: str) -> bytes:
    """Give what the evidence remembers of an invoice's number; an upload and an owner who types it make the same."""
    return digest(f"{EvidenceKind.INVOICES_SALES.value}||S|{code}|{number}")


def customer_number(name: str) -> int:
    """Give the number of a customer's name in this installation."""
    return party_number(name, counterparty_key())


def receivables(*, borrower_id: int, as_of: date) -> list[Receivable]:
    """List the sales invoices of a business that came in files, with what became of each, oldest first."""
    since = datetime.combine(as_of - timedelta(days=LISTED_DAYS), time(0), SHANGHAI)
    until = datetime.combine(as_of + timedelta(days=1), time(0), SHANGHAI)
    rows = (
        EvidenceRow.objects.filter(
            subject_id=borrower_id,
            superseded_at=None,
            occurred_at__gte=since,
            occurred_at__lt=until,
            kind__in=[int(EventKind.SALE), int(EventKind.PAYMENT)],
        )
        .exclude(source__status=EvidenceStatus.IGNORED)
        .values_list("identity", "occurred_at", "kind", "amount", "counterparty", "memo", "source__kind")
    )
    sales, payments = [], []
    for identity, moment, kind, amount, customer, memo, told_by in rows:
        day = moment.astimezone(SHANGHAI).date()
        if kind == EventKind.SALE:
            if told_by == EvidenceKind.INVOICES_SALES:
                tail = memo.removesuffix(TAKEN_BACK)
                sales.append(Sale(bytes(identity), day, amount, customer, tail, tail != memo))
        elif amount > 0 and customer:
            payments.append(Paid(day, amount, customer))
    return match(sales, payments)


def voided(*, borrower_id: int, identities: Collection[bytes]) -> frozenset[bytes]:
    """Give those of some invoices that the records call void; nothing is asked for none."""
    if not identities:
        return frozenset()
    rows = EvidenceRow.objects.filter(
        subject_id=borrower_id,
        identity__in=list(identities),
        superseded_at=None,
        kind=int(EventKind.SALE_VOID),
    )
    return frozenset(bytes(identity) for identity in rows.values_list("identity", flat=True))
