"""Take people over from another system: a table is one statement for a whole batch, and every refusal is told at its row.

Nobody is written to: who has been a customer for years is not told that the identity was checked just now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts.crypto import keys_ready
from accounts.domain.contact import parse_email
from accounts.domain.dates import check_birth_date
from accounts.domain.documents import parse_document
from accounts.domain.names import mask_name, parse_full_name
from accounts.models import Borrower, Identity, User
from accounts.operations.audit import AuditDraft, write_audits
from accounts.operations.identities import ask_provider, birth_date_of, fill_identity, unverifiable
from accounts.operations.people import UnableToOpenAccount
from accounts.regime import current_regime
from regimes.errors import N_, Refusal


@dataclass(frozen=True, slots=True)
class PersonToImport:
    """One person as the other system knew them."""

    email: str
    full_name: str
    document: str
    number: str
    birth_date: date | None


def import_people(
    *, people: Mapping[str, PersonToImport], actor: User, as_of: date, now: datetime
) -> tuple[dict[str, Borrower], dict[str, Refusal]]:
    """Write people with their identities in the caller's transaction; return borrowers and refusals by the given keys."""
    refused: dict[str, Refusal] = {}
    wanted: dict[str, tuple[User, Identity]] = {}
    for key, person in people.items():
        try:
            wanted[key] = _read(person, as_of=as_of, now=now)
        except Refusal as refusal:
            refused[key] = refusal
    _refuse_taken(wanted, refused)
    if not wanted:
        return {}, refused
    with transaction.atomic():
        _write(wanted, actor=actor, now=now)
    return {key: identity.borrower for key, (_user, identity) in wanted.items()}, refused


def _read(person: PersonToImport, *, as_of: date, now: datetime) -> tuple[User, Identity]:
    user = User(email=parse_email(person.email))
    user.set_password(None)
    name = parse_full_name(person.full_name)
    parsed = parse_document(document=person.document, raw=person.number)
    born = birth_date_of(parsed=parsed, given=person.birth_date)
    check_birth_date(birth_date=born, as_of=as_of, minimum_age=current_regime().minimum_age)
    index = Identity.index_of(document=person.document, number=parsed.number)
    identity = Identity()
    fill_identity(identity, document=person.document, name=name, parsed=parsed, born=born, index=index, now=now)  # fmt: skip
    return user, identity


def _refuse_taken(wanted: dict[str, tuple[User, Identity]], refused: dict[str, Refusal]) -> None:
    """Refuse log-ins and numbers that are somebody's already, here or further up in the file."""
    emails = [user.email for user, _identity in wanted.values()]
    logins = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    indexes = [identity.number_index for _user, identity in wanted.values()]
    held = Identity.objects.filter(number_index__in=indexes).exclude(status=Identity.Status.REJECTED)
    numbers = set(held.values_list("number_index", flat=True))
    for key, (user, identity) in list(wanted.items()):
        if user.email in logins:
            refused[key] = UnableToOpenAccount("login_taken", N_("This login is taken."))
        elif identity.number_index in numbers:
            refused[key] = unverifiable()
        else:
            logins.add(user.email)
            numbers.add(identity.number_index)
            continue
        del wanted[key]


def _write(wanted: Mapping[str, tuple[User, Identity]], *, actor: User, now: datetime) -> None:
    users, identities = [user for user, _ in wanted.values()], [identity for _, identity in wanted.values()]
    audits: list[AuditDraft] = []
    User.objects.bulk_create(users)
    for user, identity in wanted.values():
        identity.borrower = Borrower(
            user=user, kind=Borrower.Kind.PERSON, display_name=user.masked_login[:120], language=user.language
        )
        outcome = ask_provider(identity=identity)
        audits.append(_audit(None, identity, "identity.submitted", {"document": identity.document}))
        if outcome.status != Identity.Status.PENDING:
            identity.status, identity.reason = outcome.status, outcome.reason
            identity.provider_reference, identity.checked_at = outcome.reference, now
            said = {"status": identity.status, "provider": identity.provider}
            audits.append(_audit({"status": "PENDING"}, identity, "identity.checked", said, outcome.reason))
        if identity.status == Identity.Status.VERIFIED:
            identity.borrower.display_name = mask_name(identity.full_name)
    Borrower.objects.bulk_create([identity.borrower for identity in identities])
    for identity in identities:
        identity.borrower_id = identity.borrower.pk
    with keys_ready(holders=[identity.key_holder for identity in identities]):
        Identity.objects.bulk_create(identities)
    write_audits(drafts=[dataclasses.replace(draft, actor=actor) for draft in audits])


def _audit(
    before: dict[str, str] | None, identity: Identity, action: str, after: dict[str, str], reason: str = ""
) -> AuditDraft:
    return AuditDraft(
        action=action, object_type="Borrower", object_ref=identity.borrower.ref, before=before, after=after, reason=reason
    )  # fmt: skip
