"""Numbers of identity documents, of businesses and of bank accounts: format, check digit, what they tell."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from regimes.errors import N_, InvalidInput

_PRC_ID = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_PASSPORT = re.compile(r"(?=.*[0-9])[A-Z0-9]{6,9}", re.ASCII)
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{8,30}", re.ASCII)
_WEIGHTS = tuple(2**power % 11 for power in range(17, 0, -1))
# holders of residence permits for people of Hong Kong, Macao and Taiwan: no county follows
_PERMIT_REGIONS = frozenset({"81", "82", "83"})


class UnableToReadNumber(InvalidInput):
    """Refuse a number whose format or check digit is wrong."""


@dataclass(frozen=True)
class DocumentNumber:
    """A number in the form in which it is stored, and what it tells of its holder."""

    number: str = field(repr=False)
    birth_date: date | None
    region_code: str

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _compact(raw: str) -> str:
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", raw)).upper()


def parse_prc_id(raw: str, *, field: str = "number") -> DocumentNumber:
    """Read an 18-digit resident identity number: format, check digit, birth date, region."""
    number = _compact(raw)
    if not number:
        raise UnableToReadNumber("required", N_("Enter your identity number."), field=field)
    if not _PRC_ID.fullmatch(number):
        raise UnableToReadNumber(
            "id_format", N_("Enter the 18 characters of your resident identity card."), field=field
        )
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    if number[17] != "10X98765432"[total % 11]:
        raise UnableToReadNumber(
            "id_checksum", N_("This identity number has a typing mistake. Check each digit."), field=field
        )
    return DocumentNumber(
        number=number, birth_date=_birth_date_in(number, field), region_code=_region_in(number, field)
    )


def _birth_date_in(number: str, field: str) -> date:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise UnableToReadNumber(
            "id_birth_date",
            N_("The date of birth in this identity number is not in the calendar."),
            field=field,
        ) from None


def _region_in(number: str, field: str) -> str:
    if number[:2] not in _PERMIT_REGIONS:
        try:
            ric.get_birth_place(number)
        except ValidationError:
            raise UnableToReadNumber(
                "id_region",
                N_("The region in this identity number is not known. Check the first six digits."),
                field=field,
            ) from None
    return number[:6]


def parse_passport(raw: str, *, field: str = "number") -> DocumentNumber:
    """Read a passport number: six to nine letters and digits."""
    number = _compact(raw)
    if not number:
        raise UnableToReadNumber("required", N_("Enter your passport number."), field=field)
    if not _PASSPORT.fullmatch(number):
        raise UnableToReadNumber(
            "passport_format",
            N_("Enter the passport number as printed: six to nine letters and digits."),
            field=field,
        )
    return DocumentNumber(number=number, birth_date=None, region_code="")


def parse_document(*, document: str, raw: str, field: str = "number") -> DocumentNumber:
    """Read the number of a document of either kind."""
    if document == "PRC_ID":
        return parse_prc_id(raw, field=field)
    if document == "PASSPORT":
        return parse_passport(raw, field=field)
    raise UnableToReadNumber("document_unknown", N_("Choose identity card or passport."), field="document")


def parse_uscc(raw: str, *, field: str = "uscc") -> str:
    """Read a unified social credit code of 18 characters with its check character."""
    code = _compact(raw)
    if not code:
        raise UnableToReadNumber("required", N_("Enter the unified social credit code."), field=field)
    if not _USCC.fullmatch(code):
        raise UnableToReadNumber(
            "uscc_format",
            N_(
                "Enter the 18 characters of the unified social credit code, without the letters I, O, S, V, Z."
            ),
            field=field,
        )
    try:
        return str(uscc.validate(code))
    except ValidationError:
        raise UnableToReadNumber(
            "uscc_checksum",
            N_("This code has a typing mistake. Check it against the business licence."),
            field=field,
        ) from None


def parse_account_number(raw: str, *, field: str = "number") -> str:
    """Read a bank account number; bank cards carry a check digit, company accounts do not."""
    number = _compact(raw)
    if not _ACCOUNT.fullmatch(number):
        raise UnableToReadNumber(
            "account_format", N_("Enter the account number: 8 to 30 digits."), field=field
        )
    if number.startswith("62") and len(number) in range(16, 20) and not _luhn(number):
        raise UnableToReadNumber(
            "account_checksum", N_("This card number has a typing mistake. Check each digit."), field=field
        )
    return number


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
