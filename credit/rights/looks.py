"""Who of the staff looked at a borrower's data: read from the audit trail, which nobody can change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditEntry, BankAccount, Borrower, Identity
from credit.models import Application, CreditLine, Drawdown, ReviewRequest
from loans.models import Loan

VIEWED = "person.viewed"
NEWEST = 200


@dataclass(frozen=True, slots=True)
class Look:
    """Show one look: when, in which capacity, at what. Not who by name: the portal answers for its staff."""

    at: datetime
    role: str
    what: str


def looks_at(*, borrower: Borrower) -> list[Look]:
    """List the newest looks at anything that belongs to a borrower."""
    tables = (
        Identity.objects.filter(borrower=borrower),
        BankAccount.objects.filter(borrower=borrower),
        Application.objects.filter(borrower=borrower),
        CreditLine.objects.filter(borrower=borrower),
        ReviewRequest.objects.filter(borrower=borrower),
        Drawdown.objects.filter(line__borrower=borrower),
        Loan.objects.filter(borrower=borrower),
    )
    first, *others = (rows.values_list("ref", flat=True) for rows in tables)
    refs = [str(borrower.ref), *map(str, first.union(*others, all=True))]  # one statement for all tables
    found = AuditEntry.objects.filter(action=VIEWED, object_ref__in=refs).order_by("-pk")[:NEWEST]
    return [Look(row.at, row.actor_role, row.object_type.rpartition(".")[2].lower()) for row in found]
