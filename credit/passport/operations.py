"""Issue, share and revoke passports; and look one up for a stranger."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.crypto import blind_index
from accounts.models import Borrower, User
from accounts.operations import queue_notice, write_audit
from credit.domain.passport import (
    VERSION,
    fingerprint,
    is_genuine,
    level_of,
    new_code,
    parse_sections,
    seal,
)
from credit.models import Passport, PassportFile, PassportLink
from credit.passport.facts import collect_sections, conduct_of
from regimes.errors import N_, InvalidInput, NotFound, Refusal

MOST_A_DAY = 10


class UnableToIssue(Refusal):
    """Refuse to sign or share."""


def issue_passport(
    *, borrower: Borrower, sections: Collection[str], actor: User, as_of: date, now: datetime
) -> Passport:
    """Sign a report of what its owner releases, and of nothing else."""
    released = parse_sections(sections)
    if settings.PASSPORT_KEY is None:
        raise UnableToIssue("passport_off", N_("This portal signs no passports. Ask its operator."))
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        today = Passport.objects.filter(borrower=borrower, issued_at__gt=now - timedelta(days=1))
        if today.count() >= MOST_A_DAY:
            raise UnableToIssue("too_many_tries", N_("Enough passports for today. Try again tomorrow."))
        level = level_of(conduct_of(borrower_id=borrower.pk, as_of=as_of))
        valid_until = as_of + timedelta(days=level.valid_days)
        code = new_code()
        body = {
            "version": str(VERSION),
            "issuer": settings.PUBLIC_URL,
            "code": code,
            "issued_at": now.isoformat(timespec="seconds"),
            "as_of": as_of.isoformat(),
            "valid_until": valid_until.isoformat(),
            "currency": "CNY",
            "sections": collect_sections(borrower=borrower, sections=released, as_of=as_of),
        }
        passport = Passport.objects.create(
            borrower=borrower,
            code=code,
            document=seal(body, seed=settings.PASSPORT_KEY),
            fingerprint=fingerprint(body),
            sections=list(released),
            level=level.number,
            issued_by=actor,
            issued_at=now,
            issued_date=as_of,
            valid_until=valid_until,
        )
        _tell(passport, actor, "passport.issued", after={"sections": list(released)})
        queue_notice(
            borrower_id=borrower.pk,
            kind="passport_issued",
            dedup_key=f"passport:{passport.ref}",
            params={"until": passport.valid_until.isoformat()},
        )
    return passport


def share_passport(
    *, passport: Passport, days: int, label: str, actor: User, as_of: date, now: datetime
) -> tuple[PassportLink, str]:
    """Make a link that opens the passport for so many days; give it with its token, which is not kept."""
    level = level_of(conduct_of(borrower_id=passport.borrower_id, as_of=as_of))
    if not 1 <= days <= level.link_days:
        raise InvalidInput(
            "days_out_of_range",
            N_("At your level a link lives from 1 to %(most)s days."),
            field="days",
            params={"most": level.link_days},
        )
    if len(label) > 80:
        raise InvalidInput("too_long", N_("Use at most 80 characters."), field="label")
    with transaction.atomic():
        locked = Passport.objects.select_for_update(of=("self",)).get(pk=passport.pk)
        _refuse_dead(locked, as_of)
        if locked.links.filter(revoked_at=None, expires_at__gt=now).count() >= level.links:
            raise UnableToIssue("too_many_links", N_("Too many links are open. Close one first."))
        token = secrets.token_urlsafe(32)
        link = PassportLink.objects.create(
            passport=locked,
            label=label.strip(),
            mark=_mark(token),
            expires_at=now + timedelta(days=days),
            made_by=actor,
            made_at=now,
        )
        _tell(locked, actor, "passport.shared", after={"link": str(link.ref), "days": days})
    return link, token


def revoke_passport(*, passport: Passport, actor: User, now: datetime) -> Passport:
    """End a passport and every link to it; who verifies it from now on reads that it was revoked."""
    with transaction.atomic():
        locked = Passport.objects.select_for_update(of=("self",)).get(pk=passport.pk)
        if locked.revoked_at is None:
            locked.revoked_at = now
            locked.save(update_fields=["revoked_at"])
            locked.links.filter(revoked_at=None).update(revoked_at=now)
            _tell(locked, actor, "passport.revoked")
    return locked


def close_link(*, passport: Passport, link_ref: object, actor: User, now: datetime) -> None:
    """End one link."""
    with transaction.atomic():
        changed = passport.links.filter(ref=str(link_ref), revoked_at=None).update(revoked_at=now)
        if changed:
            _tell(passport, actor, "passport.link_closed", after={"link": str(link_ref)})


def remember_file(*, passport: Passport, content: bytes) -> None:
    """Keep the hash of a file that is handed out."""
    digest = hashlib.sha256(content).hexdigest()
    PassportFile.objects.bulk_create([PassportFile(passport=passport, sha256=digest)], ignore_conflicts=True)


def open_link(*, token: str, as_of: date, now: datetime) -> Passport:
    """Give the passport that a link opens now, and count the opening; every dead link gets the same answer."""
    link = PassportLink.objects.select_related("passport").filter(mark=_mark(token)).first()
    dead = link is None or link.revoked_at is not None or link.expires_at <= now
    if link is None or dead or link.passport.revoked_at is not None or link.passport.valid_until < as_of:
        raise NotFound("link_dead", N_("This link no longer opens anything. Ask who sent it for a new one."))
    PassportLink.objects.filter(pk=link.pk).update(opened_count=F("opened_count") + 1, last_opened_at=now)
    return link.passport


class Verdict(StrEnum):
    """Say what verification found."""

    VALID = "VALID"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    FORGED = "FORGED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Verification:
    """Hold a verdict, the passport that was found, and whether a PDF is one that was handed out."""

    verdict: Verdict
    passport: Passport | None = None
    file_unchanged: bool | None = None


def verify_code(*, code: str, as_of: date) -> Verification:
    """Look a code up; the signature is checked again, so that a row changed behind the portal's back is found."""
    passport = Passport.objects.filter(code=code).first()
    if passport is None:
        return Verification(Verdict.UNKNOWN)
    if not is_genuine(passport.document, keys=settings.PASSPORT_PUBLIC_KEYS):
        return Verification(Verdict.FORGED)
    return Verification(_state(passport, as_of), passport)


def verify_document(*, document: Mapping[str, Any], content: bytes, as_of: date) -> Verification:
    """Verify a file: its signature first, then whether it was revoked or ran out."""
    if not is_genuine(document, keys=settings.PASSPORT_PUBLIC_KEYS):
        return Verification(Verdict.FORGED)
    passport = Passport.objects.filter(fingerprint=fingerprint(document["passport"])).first()
    if passport is None:  # signed by us, and not in our books: a restored backup, or a stolen key
        return Verification(Verdict.UNKNOWN)
    unchanged = None
    if content.startswith(b"%PDF-"):
        unchanged = passport.files.filter(sha256=hashlib.sha256(content).hexdigest()).exists()
    return Verification(_state(passport, as_of), passport, unchanged)


def _state(passport: Passport, as_of: date) -> Verdict:
    if passport.revoked_at is not None:
        return Verdict.REVOKED
    return Verdict.EXPIRED if passport.valid_until < as_of else Verdict.VALID


def _refuse_dead(passport: Passport, as_of: date) -> None:
    if passport.revoked_at is not None or passport.valid_until < as_of:
        raise UnableToIssue("passport_over", N_("This passport is over. Make a new one."))


def _mark(token: str) -> str:
    return blind_index(purpose="passport_link", value=token)


def _tell(passport: Passport, actor: User, action: str, after: dict[str, Any] | None = None) -> None:
    write_audit(
        actor=actor, action=action, object_type="credit.Passport", object_ref=passport.ref, after=after
    )
