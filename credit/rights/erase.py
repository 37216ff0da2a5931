"""Erase a borrower: all that no law makes us keep, at once; the rest out of sight, and the sums of the books the same."""

from __future__ import annotations

import secrets
import uuid
from datetime import date, datetime
from decimal import Decimal

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Count, Q, Sum

from accounts.crypto import destroy_keys, holder_of
from accounts.crypto.person import BOOKS, IDENTITY, LOGIN, WISH
from accounts.models import (
    BankAccount,
    Borrower,
    BusinessLicence,
    BusinessMember,
    BusinessProfile,
    Consent,
    ContactPreference,
    Identity,
    LegalHold,
    Notice,
    User,
)
from accounts.operations import write_audit
from credit.domain.erasure import Standing, UnableToErase, blocks
from credit.models import (
    Application,
    CreditLine,
    Invoice,
    InvoiceAdvance,
    LineFacts,
    Passport,
    PassportLink,
    PurposeEvidence,
    ReviewRequest,
)
from credit.operations.lines import close_line
from loans.models import CalendarFeed, Collection, Loan, Payout
from regimes.errors import N_, InvalidInput
from risk.evidence.operations import forget_evidence
from risk.operations import forget_assessments

GONE = "—"


def standing_of(*, borrower: Borrower) -> Standing:
    """Say what a borrower still has with us."""
    loans = Loan.objects.filter(borrower=borrower).aggregate(
        owed=Sum("credit_balance"),
        open=Count("pk", filter=Q(status__in=["PENDING", "ACTIVE", "OVERDUE"])),
        lost=Count("pk", filter=Q(status="WRITTEN_OFF")),
    )
    under_way = Payout.objects.filter(
        loan__borrower=borrower, status__in=["PENDING", "CLAIMED", "SENT", "UNKNOWN"]
    )
    pulls = Collection.objects.filter(
        loan__borrower=borrower, status__in=["PENDING", "CLAIMED", "SENT", "UNKNOWN"]
    )
    return Standing(
        open_loans=loans["open"],
        lost_loans=loans["lost"],
        under_way=under_way.count() + pulls.count(),
        owed_to_borrower=loans["owed"] or Decimal(0),
        waiting_applications=Application.objects.filter(
            borrower=borrower, status__in=["SUBMITTED", "REFERRED"]
        ).count(),
        legal_hold=LegalHold.objects.filter(borrower=borrower, lifted_at=None).exists(),
        last_owner_of=_last_owner_of(borrower),
    )


def _last_owner_of(borrower: Borrower) -> int:
    if borrower.user_id is None:
        return 0
    owners = BusinessMember.objects.filter(role=BusinessMember.Role.OWNER, is_active=True).exclude(
        business__status=Borrower.Status.ERASED
    )
    mine = set(owners.filter(user_id=borrower.user_id).values_list("business_id", flat=True))
    shared = set(
        owners.filter(business_id__in=mine)
        .exclude(user_id=borrower.user_id)
        .values_list("business_id", flat=True)
    )
    return len(mine - shared)


def ever_borrowed(*, borrower: Borrower) -> bool:
    """Tell whether money ever went to a borrower."""
    return Loan.objects.filter(borrower=borrower).exclude(status__in=["PENDING", "CANCELLED"]).exists()


def erase_borrower(*, borrower: Borrower, actor: User, as_of: date, now: datetime) -> Borrower:
    """Erase what may go. Refuses with the first thing that stands against it; asking again after is harmless."""
    with transaction.atomic():
        locked = Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        if locked.status == Borrower.Status.ERASED:
            return locked
        for line in CreditLine.objects.filter(borrower=locked).exclude(status="CLOSED").order_by("pk"):
            CreditLine.objects.select_for_update(of=("self",)).get(pk=line.pk)  # no draw slips in between
        against = blocks(standing_of(borrower=locked))
        if against:
            raise UnableToErase(against[0].code, against[0].message, params=against[0].params)
        keeps = ever_borrowed(borrower=locked)
        for line in CreditLine.objects.filter(borrower=locked).exclude(status="CLOSED").order_by("pk"):
            close_line(line_id=line.pk, actor=actor, as_of=as_of, reason="erasure")
        forget_evidence(borrower_id=locked.pk)
        LineFacts.objects.filter(line__borrower=locked).delete()
        papers = PurposeEvidence.objects.filter(line__borrower=locked)
        # what shows the purpose of a loan is kept, sealed, as long as the loan's records are
        (papers.filter(drawdown=None) if keeps else papers).delete()
        forget_invoices(locked, keeps=keeps)
        _forget_messages(locked, now)
        forget_documents(locked, now, keeps=keeps)
        if locked.user_id is not None:
            user = User.objects.select_for_update(of=("self",)).get(pk=locked.user_id)
            _forget_login(user)
            destroy_keys(holders=[holder_of(ref=user.ref, shelf=LOGIN)], now=now)
        shelves = (WISH,) if keeps else (WISH, IDENTITY, BOOKS)
        destroy_keys(holders=[holder_of(ref=locked.ref, shelf=shelf) for shelf in shelves], now=now)
        BusinessMember.objects.filter(business=locked).update(is_active=False)
        locked.display_name, locked.status = GONE, Borrower.Status.ERASED
        locked.save(update_fields=["display_name", "status"])
        write_audit(
            actor=actor,
            action="borrower.erased",
            object_type="Borrower",
            object_ref=locked.ref,
            after={"kept_by_law": keeps},
        )
        if not keeps:  # no loan came of it, so nothing has to be answered for
            forget_decisions(locked)
    return locked


def forget_decisions(borrower: Borrower) -> None:
    """Empty what decisions about a borrower were made from, and why; the trail must say before that they go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT credit_forget_decisions(%s)", [borrower.pk])
    forget_assessments(subject_id=borrower.pk)


def _forget_messages(borrower: Borrower, now: datetime) -> None:
    Notice.objects.filter(borrower=borrower, status__in=["PENDING", "CLAIMED"]).update(
        status=Notice.Status.DROPPED, claim=None, claimed_until=None
    )
    Notice.objects.filter(borrower=borrower).update(params={}, last_error="")
    ContactPreference.objects.filter(borrower=borrower).delete()
    Consent.objects.filter(borrower=borrower, withdrawn_at=None, given_at__lte=now).update(withdrawn_at=now)
    ReviewRequest.objects.filter(borrower=borrower).update(text="")
    for passport in Passport.objects.filter(borrower=borrower):
        passport.document, passport.fingerprint = {}, secrets.token_hex(32)
        passport.code = secrets.token_hex(6).upper()
        passport.revoked_at = passport.revoked_at or now
        passport.save(update_fields=["document", "fingerprint", "code", "revoked_at"])
    PassportLink.objects.filter(passport__borrower=borrower).update(label="", revoked_at=now)


def forget_documents(borrower: Borrower, now: datetime, *, keeps: bool) -> None:
    """Take documents away, or leave them sealed while the law wants them; licences go in any case."""
    BusinessLicence.objects.filter(business=borrower).delete()
    for feed in CalendarFeed.objects.filter(borrower=borrower).exclude(language=""):
        feed.token, feed.token_digest, feed.language = GONE, secrets.token_hex(32), ""
        feed.revoked_date = feed.revoked_date or now.date()
        feed.save(update_fields=["token", "token_digest", "language", "revoked_date"])
    BankAccount.objects.filter(borrower=borrower, removed_at=None).update(removed_at=now, is_default=False)
    if keeps:
        return
    for account in BankAccount.objects.filter(borrower=borrower):
        account.holder_name, account.number, account.bank_name = GONE, GONE, GONE
        account.number_index, account.number_last4 = secrets.token_hex(32), "----"
        account.save(update_fields=["holder_name", "number", "bank_name", "number_index", "number_last4"])
    for identity in Identity.objects.filter(borrower=borrower):
        identity.full_name, identity.number = GONE, GONE
        identity.number_index, identity.number_last4 = secrets.token_hex(32), "----"
        identity.birth_date, identity.region_code = date(1900, 1, 1), ""
        identity.save(
            update_fields=["full_name", "number", "number_index", "number_last4", "birth_date", "region_code"]
        )
    for profile in BusinessProfile.objects.filter(borrower=borrower):
        profile.legal_name, profile.uscc = GONE, uuid.uuid4().hex[:18].upper()
        profile.save(update_fields=["legal_name", "uscc"])


def _forget_login(user: User) -> None:
    """Take everything away by which somebody logs in; the row stays, so that the trail keeps its references."""
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    BusinessMember.objects.filter(user=user).update(is_active=False)
    user.set_phone(None)
    user.email, user.is_active, user.acting = None, False, None
    user.set_unusable_password()
    user.save(
        update_fields=[
            "phone", "phone_index", "phone_verified_at", "email", "is_active", "acting", "password",
        ]
    )  # fmt: skip
    end_sessions(user_id=user.pk)


def end_sessions(*, user_id: int, but: str = "") -> int:
    """End the sessions of a user, or all but one; give how many."""
    ended = 0
    for session in Session.objects.iterator(chunk_size=500):
        if session.session_key != but and str(session.get_decoded().get("_auth_user_id")) == str(user_id):
            session.delete()
            ended += 1
    return ended


def place_hold(*, borrower: Borrower, reason: str, actor: User, now: datetime) -> LegalHold:
    """Keep a borrower's data whatever is asked; one hold at a time."""
    if not reason.strip():
        raise InvalidInput("required", N_("Say why."), field="reason")
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        first = LegalHold.objects.filter(borrower=borrower, lifted_at=None).first()
        if first is not None:
            return first
        hold = LegalHold.objects.create(
            borrower=borrower, reason=reason.strip()[:200], placed_by=actor, placed_at=now
        )
        write_audit(
            actor=actor, action="hold.placed", object_type="Borrower", object_ref=borrower.ref, reason=reason
        )
    return hold


def lift_hold(*, hold: LegalHold, actor: User, now: datetime, reason: str = "") -> LegalHold:
    """End a hold."""
    with transaction.atomic():
        locked = LegalHold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
        if locked.lifted_at is None:
            locked.lifted_by, locked.lifted_at = actor, now
            locked.save(update_fields=["lifted_by", "lifted_at"])
            write_audit(
                actor=actor,
                action="hold.lifted",
                object_type="Borrower",
                object_ref=locked.borrower.ref,
                reason=reason,
            )
    return locked


def forget_invoices(borrower: Borrower, *, keeps: bool) -> None:
    """Forget the invoices that no loan needs; of the others, kept with the loan's records, number and name when `keeps` ends."""
    lent = InvoiceAdvance.objects.filter(invoice__business=borrower).values("invoice_id")
    Invoice.objects.filter(business=borrower).exclude(pk__in=lent).delete()
    if not keeps:
        for row in Invoice.objects.filter(business=borrower):
            row.number, row.customer_name, row.number_index = GONE, GONE, ""
            row.save(update_fields=["number", "customer_name", "number_index"])
