"""End what the law made us keep of erased people once its years are over: documents and what was said in hardship."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from accounts.models import AuditEntry, BankAccount, Borrower, BusinessProfile, Identity, LegalHold
from accounts.operations import write_audit
from credit.domain.erasure import IDENTITY_YEARS
from credit.rights.erase import GONE, forget_documents
from loans.models import HardshipPaper, HardshipRequest, Loan


def years_before(day: date, years: int) -> date:
    """Return the same day some years earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def purge_kept(*, as_of: date, now: datetime, most: int = 200) -> int:
    """Forget the documents of whoever was erased, and paid the last loan off, so long ago; tell of how many people.

    A legal hold stands against it. Each person is a transaction of its own, and a person is purged once.
    """
    until = years_before(as_of, IDENTITY_YEARS)
    ids = list(_over(until).order_by("pk").values_list("pk", flat=True)[:most])
    return sum(_purge(pk, until, now) for pk in ids)


def _over(until: date) -> QuerySet[Borrower]:
    mine = {"borrower": OuterRef("pk")}
    erased = AuditEntry.objects.filter(
        action="borrower.erased", object_type="Borrower", object_ref=Cast(OuterRef("ref"), CharField()), at__date__lte=until
    )  # fmt: skip
    later = Loan.objects.filter(**mine).filter(Q(closed_date__gt=until) | Q(closed_date=None)).exclude(status="CANCELLED")  # fmt: skip
    kept = (
        Q(Exists(Identity.objects.filter(**mine).exclude(number_last4="----")))
        | Q(Exists(BankAccount.objects.filter(**mine).exclude(number_last4="----")))
        | Q(Exists(BusinessProfile.objects.filter(**mine).exclude(legal_name=GONE)))
    )
    return Borrower.objects.filter(
        kept, Exists(erased), ~Exists(later), ~Exists(LegalHold.objects.filter(lifted_at=None, **mine)), status=Borrower.Status.ERASED
    )  # fmt: skip


def _purge(borrower_id: int, until: date, now: datetime) -> bool:
    with transaction.atomic():
        borrower = Borrower.objects.select_for_update(of=("self",)).get(pk=borrower_id)
        if not _over(until).filter(pk=borrower_id).exists():  # a hold may have come meanwhile
            return False
        forget_documents(borrower, now, keeps=False)
        HardshipPaper.objects.filter(request__loan__borrower=borrower).delete()
        for request in HardshipRequest.objects.filter(loan__borrower=borrower):
            request.text = ""
            request.save(update_fields=["text"])
        write_audit(actor=None, action="borrower.purged", object_type="Borrower", object_ref=borrower.ref, after={"years": IDENTITY_YEARS})  # fmt: skip
    return True
