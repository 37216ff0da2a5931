"""Rules of passwords: long enough for what they open, and not the first that a guesser tries. No rules of composition."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

BORROWER_LENGTH = 8
STAFF_LENGTH = 12
OWN_NAMES = ("lendportal",)


def _easy() -> ValidationError:
    return ValidationError(_("This password is easy to guess. Choose another."), code="password_common")


class LengthValidator:
    """Ask for 8 characters, and for 12 where the password opens the officers' desk."""

    def validate(self, password: str, user: Any = None) -> None:
        least = STAFF_LENGTH if getattr(user, "is_staff", False) else BORROWER_LENGTH
        if len(password) < least:
            raise ValidationError(
                _("Use at least %(least)s characters.") % {"least": least}, code="password_too_short"
            )

    def get_help_text(self) -> str:
        return _("Use at least %(least)s characters. A phrase of several words is good.") % {
            "least": BORROWER_LENGTH
        }


class EasyToGuessValidator:
    """Refuse common passwords, the own login and the name of the portal, with or without decoration."""

    def __init__(self) -> None:
        self._common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        plain = unicodedata.normalize("NFKC", password).casefold().strip()
        core = plain.strip("0123456789!@#$%^&*()-_=+.,?~ ")
        if plain in self._common or len(set(plain)) < 3:
            raise _easy()
        if core and (core in self._common or core in OWN_NAMES) and len(plain) - len(core) <= 4:
            raise _easy()
        if any(
            plain == own or (len(own) >= 4 and own in plain and len(plain) - len(own) <= 4)
            for own in _own(user)
        ):
            raise _easy()

    def get_help_text(self) -> str:
        return _("Do not use your e-mail address, your number, or a password that many people use.")


def _own(user: Any) -> list[str]:
    email = (getattr(user, "email", None) or "").casefold()
    phone = (getattr(user, "phone", None) or "").lstrip("+")
    words = [email, email.partition("@")[0], phone, phone[2:] if phone.startswith("86") else ""]
    return [word for word in words if word]
