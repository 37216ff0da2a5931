"""E-mail addresses and mobile numbers: one canonical form each, and a masked one to show."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from regimes.errors import N_, InvalidInput

EMAIL_MAX_LENGTH = 254
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,64}@[^\s@]{1,253}")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_PHONE_RAW = re.compile(r"\+?[0-9][0-9 ()\-]{4,24}", re.ASCII)


class UnableToReadContact(InvalidInput):
    """Refuse an e-mail address or a phone number that cannot be one."""


def canonical_email(raw: str) -> str:
    """Fold an address to the one form that is stored: NFKC, trimmed, lower case."""
    return unicodedata.normalize("NFKC", raw).strip().lower()


def parse_email(raw: str, *, field: str = "email") -> str:
    """Return the canonical address, or refuse what is none."""
    if not raw or not raw.strip():
        raise UnableToReadContact("required", N_("Enter your e-mail address."), field=field)
    if len(raw) > EMAIL_MAX_LENGTH:
        raise UnableToReadContact("too_long", N_("Use at most 254 characters."), field=field)
    address = canonical_email(raw)
    if not _is_address(address) or any(character in raw for character in "\r\n\x00"):
        raise UnableToReadContact(
            "email_invalid", N_("Enter an e-mail address such as name@example.com."), field=field
        )
    return address


def _is_address(address: str) -> bool:
    if not _ADDRESS.fullmatch(address) or any(unicodedata.category(c) in {"Cc", "Cf"} for c in address):
        return False
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if local.startswith(".") or local.endswith(".") or ".." in local or len(labels) < 2:
        return False
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def canonical_phone(raw: str, *, region: str = "CN") -> str:
    """Return a number in E.164 (`+8613800138000`), or raise ValueError."""
    text = raw.strip()
    if not _PHONE_RAW.fullmatch(text):
        raise ValueError("not a phone number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a phone number") from error
    if not phonenumbers.is_valid_number(number):
        raise ValueError("not a phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_phone(raw: str, *, field: str = "phone", region: str = "CN") -> str:
    """Return the canonical mobile number, or refuse what cannot receive a text message."""
    try:
        canonical = canonical_phone(raw, region=region)
    except ValueError:
        raise _not_a_phone(field) from None
    kind = phonenumbers.number_type(phonenumbers.parse(canonical))
    mobile = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if kind not in mobile:
        raise _not_a_phone(field)
    return canonical


def _not_a_phone(field: str) -> UnableToReadContact:
    return UnableToReadContact(
        "phone_invalid", N_("Enter the number with country code, for example +86 138 0013 8000."), field=field
    )


def parse_login(raw: str, *, field: str = "login") -> tuple[str, str]:
    """Return `("email", address)` or `("phone", number)` from the one field of sign-up and log-in."""
    if not raw or not raw.strip():
        raise UnableToReadContact("required", N_("Enter your e-mail address or mobile number."), field=field)
    if "@" in unicodedata.normalize("NFKC", raw) or not re.search(r"[0-9]", raw):
        return "email", parse_email(raw, field=field)
    return "phone", parse_phone(raw, field=field)


def mask_email(address: str) -> str:
    """Show enough of an address for its owner to know it."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain}"


def mask_phone(phone: str) -> str:
    """Show the first and the last digits of a number."""
    return f"{phone[:6]}****{phone[-4:]}" if len(phone) > 10 else f"***{phone[-2:]}"
