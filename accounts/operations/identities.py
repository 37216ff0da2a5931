"""Record who a borrower is, and what the check said."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from accounts.domain.dates import check_birth_date
from accounts.domain.documents import DocumentNumber, parse_document
from accounts.domain.names import mask_name, parse_full_name, same_name
from accounts.identity.base import IdentityClaim, IdentityOutcome, identity_provider
from accounts.models import AuditEntry, Borrower, Identity, User
from accounts.operations.audit import write_audit
from accounts.operations.notices import queue_notice
from accounts.quiet import log_failure
from accounts.regime import current_regime
from regimes.errors import N_, InvalidInput, Refusal

log = logging.getLogger(__name__)
TRIES_A_DAY = 5


class UnableToRecordIdentity(Refusal):
    """Refuse an identity that cannot be taken as it is."""


class IncompleteIdentity(InvalidInput):
    """Refuse a value that is missing or contradicts another."""


class TooManyIdentityTries(Refusal):
    """Refuse more guesses at identity numbers than a person needs."""

    http_status = 429


def record_identity(
    *,
    borrower: Borrower,
    document: str,
    full_name: str,
    number: str,
    birth_date: date | None,
    actor: User | None,
    as_of: date,
    now: datetime,
) -> Identity:
    """Take a document, have it checked, and return the identity with what is known now.

    The same document again returns the same row. Another document after approval, and a number that is somebody
    else's, are refused; the second in words that do not tell whether the number is known.
    """
    if borrower.kind != Borrower.Kind.PERSON:
        raise UnableToRecordIdentity("not_a_person", N_("Only a person has an identity document."))
    name = parse_full_name(full_name)
    parsed = parse_document(document=document, raw=number)
    born = birth_date_of(parsed=parsed, given=birth_date)
    check_birth_date(birth_date=born, as_of=as_of, minimum_age=current_regime().minimum_age)
    identity, is_new = _write(
        borrower=borrower, document=document, name=name, parsed=parsed, born=born, actor=actor, now=now
    )
    if not is_new and identity.status != Identity.Status.PENDING:
        return identity
    outcome = ask_provider(identity=identity)
    if outcome.status == Identity.Status.PENDING:
        return identity
    return _apply(identity_id=identity.pk, outcome=outcome, actor=None, now=now)


def birth_date_of(*, parsed: DocumentNumber, given: date | None) -> date:
    """Return the date of birth by the number, or as given where the number says none; refuse two that differ."""
    if parsed.birth_date is None:
        if given is None:
            raise IncompleteIdentity("required", N_("Enter your date of birth."), field="birth_date")
        return given
    if given is not None and given != parsed.birth_date:
        raise IncompleteIdentity(
            "birth_date_mismatch",
            N_("The date of birth differs from the one in the identity number."),
            field="birth_date",
        )
    return parsed.birth_date


def unverifiable() -> UnableToRecordIdentity:
    """Return the refusal that does not tell whether a number is known."""
    return UnableToRecordIdentity("identity_unverifiable", N_("We could not verify this. Contact us."))


def _write(
    *,
    borrower: Borrower,
    document: str,
    name: str,
    parsed: DocumentNumber,
    born: date,
    actor: User | None,
    now: datetime,
) -> tuple[Identity, bool]:
    """Write the claim as PENDING, or return the one that says the same."""
    index = Identity.index_of(document=document, number=parsed.number)
    taken = False
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        identity = Identity.objects.filter(borrower=borrower).first()
        if identity and identity.status != Identity.Status.REJECTED:
            if identity.number_index == index and same_name(identity.full_name, name):
                return identity, False
            if identity.status == Identity.Status.VERIFIED:
                raise UnableToRecordIdentity(
                    "already_verified", N_("Already verified. To change it, ask support.")
                )
        _refuse_guessing(borrower=borrower, now=now)
        identity = identity or Identity(borrower=borrower)
        fill_identity(identity, document=document, name=name, parsed=parsed, born=born, index=index, now=now)
        try:
            with transaction.atomic():
                identity.save()
        except IntegrityError:
            taken = True
        write_audit(
            actor=actor,
            action="identity.refused" if taken else "identity.submitted",
            object_type="Borrower",
            object_ref=borrower.ref,
            after={"document": document},
        )
    if taken:
        raise unverifiable()
    return identity, True


def fill_identity(
    identity: Identity,
    *,
    document: str,
    name: str,
    parsed: DocumentNumber,
    born: date,
    index: str,
    now: datetime,
) -> None:
    """Write a claim onto a row that is not saved here."""
    identity.document, identity.full_name, identity.number = document, name, parsed.number
    identity.number_index, identity.number_last4 = index, parsed.last4
    identity.birth_date, identity.region_code = born, parsed.region_code
    identity.status, identity.reason = Identity.Status.PENDING, ""
    identity.provider, identity.provider_reference = identity_provider().name, ""
    identity.submitted_at, identity.checked_at = now, None


def _refuse_guessing(*, borrower: Borrower, now: datetime) -> None:
    tries = AuditEntry.objects.filter(
        object_type="Borrower",
        object_ref=str(borrower.ref),
        action__in=["identity.submitted", "identity.refused"],
        at__gt=now - timedelta(days=1),
    ).count()
    if tries >= TRIES_A_DAY:
        raise TooManyIdentityTries(
            "too_many_tries", N_("Too many tries today. Try again tomorrow, or contact us.")
        )


def ask_provider(*, identity: Identity) -> IdentityOutcome:
    """Ask outside any lock; a provider that fails leaves the claim pending for a person."""
    provider = identity_provider()
    claim = IdentityClaim(
        reference=str(identity.ref),
        document=identity.document,
        full_name=identity.full_name,
        number=identity.number,
        birth_date=identity.birth_date,
    )
    try:
        return provider.check(claim=claim)
    except (
        Exception
    ) as error:  # a vendor's client may raise anything; the claim stays pending and is not lost
        log_failure(log, f"identity provider {provider.name} failed", subject=identity.ref, error=error)
        return IdentityOutcome(status="PENDING")


def _apply(*, identity_id: int, outcome: IdentityOutcome, actor: User | None, now: datetime) -> Identity:
    with transaction.atomic():
        identity = (
            Identity.objects.select_for_update(of=("self",)).select_related("borrower").get(pk=identity_id)
        )
        if identity.status != Identity.Status.PENDING:
            return identity
        identity.status, identity.reason = outcome.status, outcome.reason
        identity.provider_reference, identity.checked_at = outcome.reference, now
        identity.save(update_fields=["status", "reason", "provider_reference", "checked_at"])
        if identity.status == Identity.Status.VERIFIED:
            identity.borrower.display_name = mask_name(identity.full_name)
            identity.borrower.save(update_fields=["display_name"])
        write_audit(
            actor=actor,
            action="identity.checked",
            object_type="Borrower",
            object_ref=identity.borrower.ref,
            before={"status": "PENDING"},
            after={"status": identity.status, "provider": identity.provider},
            reason=outcome.reason,
        )
        queue_notice(
            borrower_id=identity.borrower_id,
            kind="identity_checked" if identity.status == Identity.Status.VERIFIED else "identity_refused",
            dedup_key=f"identity:{identity.ref}:{now.isoformat()}",
            params={},
            channels=("IN_APP", "EMAIL"),
        )
    return identity


def decide_identity(*, identity_id: int, accept: bool, reason: str, actor: User, now: datetime) -> Identity:
    """Record what a member of staff saw on the document; only a pending identity can be decided."""
    if not actor.is_staff:
        raise UnableToRecordIdentity("permission_denied", N_("Only staff can decide an identity check."))
    if not accept and not reason.strip():
        raise IncompleteIdentity("required", N_("Say why the document is not accepted."), field="reason")
    identity = Identity.objects.select_related("borrower").get(pk=identity_id)
    if identity.borrower.user_id == actor.pk:
        raise UnableToRecordIdentity("own_item", N_("You cannot decide about yourself. Ask a colleague."))
    if identity.status != Identity.Status.PENDING:
        raise UnableToRecordIdentity("already_decided", N_("This identity check is decided already."))
    outcome = IdentityOutcome(status="VERIFIED" if accept else "REJECTED", reason=reason.strip()[:64])
    return _apply(identity_id=identity_id, outcome=outcome, actor=actor, now=now)
