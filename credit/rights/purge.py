"""End what the law made us keep of erased people once its years are over, a rung at a time.

Five years: what decisions were made from, and consents. Ten: identity, accounts, hardship and what was written at calls. Thirty:
the papers that show what a loan was for. What stays is figures of the lender's book, of somebody who has no name in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from accounts.crypto import destroy_keys, holder_of
from accounts.crypto.person import BOOKS, IDENTITY
from accounts.models import (
    AuditEntry,
    BankAccount,
    Borrower,
    BusinessProfile,
    Call,
    Consent,
    Identity,
    LegalHold,
)
from accounts.operations import write_audit
from credit.domain.erasure import BOOKS_YEARS, DECISION_YEARS, IDENTITY_YEARS
from credit.models import Decision, Invoice, PurposeEvidence, ReviewRequest
from credit.rights.erase import GONE, forget_decisions, forget_documents, forget_invoices
from loans.models import HardshipPaper, HardshipRequest, Loan, Promise


def years_before(day: date, years: int) -> date:
    """Return the same day some years earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True, slots=True)
class Rung:
    """What ends after so many years: how to tell that some of it is left, and how it goes."""

    years: int
    left: Callable[[], Q]
    forget: Callable[[Borrower, datetime], None]


def _decisions_left() -> Q:
    decisions = Decision.objects.filter(application__borrower=OuterRef("pk")).exclude(inputs={})
    return Q(Exists(decisions)) | Q(Exists(Consent.objects.filter(borrower=OuterRef("pk"))))


def _forget_decisions(borrower: Borrower, now: datetime) -> None:
    forget_decisions(borrower)
    ReviewRequest.objects.filter(borrower=borrower).update(answer="")
    Consent.objects.filter(borrower=borrower).delete()


def _identity_left() -> Q:
    mine = {"borrower": OuterRef("pk")}
    return (
        Q(Exists(Identity.objects.filter(**mine).exclude(number_last4="----")))
        | Q(Exists(BankAccount.objects.filter(**mine).exclude(number_last4="----")))
        | Q(Exists(BusinessProfile.objects.filter(**mine).exclude(legal_name=GONE)))
    )


def _forget_identity(borrower: Borrower, now: datetime) -> None:
    forget_documents(borrower, now, keeps=False)
    HardshipPaper.objects.filter(request__loan__borrower=borrower).delete()
    for request in HardshipRequest.objects.filter(loan__borrower=borrower):
        request.text, request.answer = "", ""
        request.save(update_fields=["text", "answer"])
    Call.objects.filter(borrower=borrower).update(note="")
    Promise.objects.filter(loan__borrower=borrower).update(note="")
    destroy_keys(holders=[holder_of(ref=borrower.ref, shelf=IDENTITY)], now=now)


def _papers_left() -> Q:
    papers = PurposeEvidence.objects.filter(line__borrower=OuterRef("pk"))
    invoices = Invoice.objects.filter(business=OuterRef("pk")).exclude(number_index="")
    return Q(Exists(papers)) | Q(Exists(invoices))


def _forget_papers(borrower: Borrower, now: datetime) -> None:
    PurposeEvidence.objects.filter(line__borrower=borrower).delete()
    forget_invoices(borrower, keeps=False)
    destroy_keys(holders=[holder_of(ref=borrower.ref, shelf=BOOKS)], now=now)


RUNGS = (
    Rung(DECISION_YEARS, _decisions_left, _forget_decisions),
    Rung(IDENTITY_YEARS, _identity_left, _forget_identity),
    Rung(BOOKS_YEARS, _papers_left, _forget_papers),
)


def purge_kept(*, as_of: date, now: datetime, most: int = 200) -> int:
    """Forget what is over of whoever was erased, and paid the last loan off, so long ago; tell how many times.

    A legal hold stands against it. Each person and rung is a transaction of its own, and is worked once.
    """
    done = 0
    for rung in RUNGS:
        until = years_before(as_of, rung.years)
        ids = list(_over(rung, until).order_by("pk").values_list("pk", flat=True)[:most])
        done += sum(_purge(rung, pk, until, now) for pk in ids)
    return done


def _over(rung: Rung, until: date) -> QuerySet[Borrower]:
    mine = {"borrower": OuterRef("pk")}
    erased = AuditEntry.objects.filter(
        action="borrower.erased", object_type="Borrower", object_ref=Cast(OuterRef("ref"), CharField()), at__date__lte=until
    )  # fmt: skip
    later = Loan.objects.filter(**mine).filter(Q(closed_date__gt=until) | Q(closed_date=None)).exclude(status="CANCELLED")  # fmt: skip
    return Borrower.objects.filter(
        rung.left(), Exists(erased), ~Exists(later), ~Exists(LegalHold.objects.filter(lifted_at=None, **mine)), status=Borrower.Status.ERASED
    )  # fmt: skip


def _purge(rung: Rung, borrower_id: int, until: date, now: datetime) -> bool:
    with transaction.atomic():
        borrower = Borrower.objects.select_for_update(of=("self",)).get(pk=borrower_id)
        if not _over(rung, until).filter(pk=borrower_id).exists():  # a hold may have come meanwhile
            return False
        # the database lets history go only behind this line
        write_audit(actor=None, action="borrower.purged", object_type="Borrower", object_ref=borrower.ref, after={"years": rung.years})  # fmt: skip
        rung.forget(borrower, now)
    return True
