"""Give and withdraw agreement to a use of data: rows are added and ended, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.domain.consents import TEXTS
from accounts.models import Borrower, Consent, User
from accounts.operations.audit import write_audit
from regimes.errors import N_, InvalidInput, Refusal


class UnableToGiveConsent(Refusal):
    """Refuse an agreement to words that are not the ones in force."""


class UnableToReadPurpose(InvalidInput):
    """Refuse a use of data that is not on the list, or is not this borrower's."""


def give_consent(
    *, borrower: Borrower, purpose: str, text_version: str, actor: User | None, now: datetime
) -> Consent:
    """Record that a borrower agreed to one purpose in the words of one version.

    The same version again returns the row there is; another version ends the old row and adds a new one.
    """
    text = TEXTS.get(purpose)
    if text is None:
        raise UnableToReadPurpose("purpose_unknown", N_("This purpose is not on the list."), field="purpose")
    if text.business_only and borrower.kind != Borrower.Kind.BUSINESS:
        raise UnableToReadPurpose("purpose_unknown", N_("This purpose is for businesses."), field="purpose")
    if text_version != text.version:
        raise UnableToGiveConsent(
            "terms_outdated", N_("The text changed meanwhile. Please read it again."), field="text_version"
        )
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        active = Consent.objects.filter(borrower=borrower, purpose=purpose, withdrawn_at=None).first()
        if active and active.text_version == text_version:
            return active
        if active:
            _end(active, now=now)
        consent = Consent.objects.create(
            borrower=borrower, purpose=purpose, text_version=text_version, given_by=actor, given_at=now
        )
        write_audit(
            actor=actor,
            action="consent.given",
            object_type="Borrower",
            object_ref=borrower.ref,
            after={"purpose": purpose, "text_version": text_version},
        )
    return consent


def give_consents(
    *, borrower: Borrower, purposes: Iterable[str], actor: User | None, now: datetime
) -> list[Consent]:
    """Record agreement to several purposes in the words in force, all or none."""
    with transaction.atomic():
        return [
            give_consent(
                borrower=borrower,
                purpose=purpose,
                text_version=TEXTS[purpose].version if purpose in TEXTS else "",
                actor=actor,
                now=now,
            )
            for purpose in purposes
        ]


def withdraw_consent(
    *, borrower: Borrower, purpose: str, actor: User | None, now: datetime
) -> Consent | None:
    """End an agreement; its data is not used from this moment on. Returns None where there was none."""
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        active = Consent.objects.filter(borrower=borrower, purpose=purpose, withdrawn_at=None).first()
        if active is None:
            return None
        _end(active, now=now)
        write_audit(
            actor=actor,
            action="consent.withdrawn",
            object_type="Borrower",
            object_ref=borrower.ref,
            before={"purpose": purpose, "text_version": active.text_version},
        )
    return active


def _end(consent: Consent, *, now: datetime) -> None:
    consent.withdrawn_at = max(now, consent.given_at)
    consent.save(update_fields=["withdrawn_at"])
