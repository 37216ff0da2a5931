"""People: who may owe, in which language they are spoken to, and whether they may act."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.domain.contact import parse_login
from accounts.models import Borrower, User
from accounts.models.user import Language
from accounts.operations.audit import write_audit
from regimes.errors import N_, InvalidInput, Refusal


class UnableToOpenAccount(Refusal):
    """Refuse an account whose login is taken or whose password is too easy."""


class UnableToSetLanguage(InvalidInput):
    """Refuse a language that the portal does not speak."""


def open_account(
    *,
    login: str,
    password: str,
    now: datetime,
    is_staff: bool = False,
    is_superuser: bool = False,
    language: str = Language.CHINESE,
) -> User:
    """Open an account whose login is known to be its owner's: staff, and people of the sandbox. Others sign up."""
    kind, contact = parse_login(login)
    user = User(language=language, is_staff=is_staff, is_superuser=is_superuser)
    if kind == "email":
        user.email = contact
    else:
        user.set_phone(contact)
        user.phone_verified_at = now
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UnableToOpenAccount(
            "password_weak", N_("This password is too short or easy to guess."), field="password"
        ) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            if kind == "email":
                EmailAddress.objects.create(user=user, email=contact, verified=True, primary=True)
            write_audit(
                actor=None,
                action="account.opened",
                object_type="User",
                object_ref=user.ref,
                after={"is_staff": is_staff, "is_superuser": is_superuser},
            )
    except IntegrityError:
        raise UnableToOpenAccount("login_taken", N_("This login is taken."), field="login") from None
    return user


def ensure_person(*, user: User) -> Borrower:
    """Return the borrower that a user is, making it at the first call."""
    found = Borrower.objects.filter(user=user).first()
    if found:
        return found
    with transaction.atomic():
        borrower, created = Borrower.objects.get_or_create(
            user=user,
            defaults={
                "kind": Borrower.Kind.PERSON,
                "display_name": user.masked_login[:120],
                "language": user.language,
            },
        )
        if created:
            write_audit(
                actor=user,
                action="borrower.created",
                object_type="Borrower",
                object_ref=borrower.ref,
                after={"kind": borrower.kind},
            )
    return borrower


def remember_acting(*, user: User, borrower: Borrower) -> None:
    """Lead a person back to this borrower at the next log-in, on whatever device."""
    if user.acting_id != borrower.pk:
        User.objects.filter(pk=user.pk).update(acting=borrower)
        user.acting = borrower


def set_language(*, user: User, language: str) -> User:
    """Speak to a person in this language from now on, on pages and in notices."""
    if language not in Language.values:
        raise UnableToSetLanguage("language_unknown", N_("Choose Chinese or English."), field="language")
    with transaction.atomic():
        user.language = language
        user.save(update_fields=["language"])
        Borrower.objects.filter(user=user).update(language=language)
    return user


def set_borrower_status(*, borrower: Borrower, status: str, reason: str, actor: User) -> Borrower:
    """Block a borrower or let one act again; says why in the trail."""
    assert status in {Borrower.Status.ACTIVE, Borrower.Status.BLOCKED}
    with transaction.atomic():
        locked = Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        if locked.status != status:
            before = locked.status
            locked.status = status
            locked.save(update_fields=["status"])
            write_audit(
                actor=actor,
                action="borrower.status",
                object_type="Borrower",
                object_ref=locked.ref,
                before={"status": before},
                after={"status": status},
                reason=reason,
            )
    return locked
