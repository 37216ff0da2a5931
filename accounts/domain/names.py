"""Names of people and businesses, as their documents write them."""

from __future__ import annotations

import unicodedata

from regimes.errors import N_, InvalidInput

MAX_LENGTH = 100
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MARKS_IN_NAMES = frozenset(" '’ʼ-‐·•.")  # the middle dot joins the parts of Uyghur and Tibetan names
MARKS_IN_BUSINESS_NAMES = MARKS_IN_NAMES | frozenset('()（）&,，、/+@#"“”')


class UnableToReadName(InvalidInput):
    """Refuse a name that no document would carry."""


def refuse_hidden(text: str, *, field: str) -> None:
    """Refuse characters that cannot be seen: they turn one name into another on the screen."""
    if any(unicodedata.category(character) in HIDDEN for character in text):
        raise UnableToReadName(
            "control_character", N_("Remove hidden characters from the name."), field=field
        )


def _clean(raw: str, *, field: str, required: str) -> str:
    refuse_hidden(raw, field=field)
    name = unicodedata.normalize("NFC", raw).strip()
    if not name:
        raise UnableToReadName("required", required, field=field)
    if len(name) > MAX_LENGTH:
        raise UnableToReadName(
            "too_long", N_("Use at most %(limit)s characters."), field=field, params={"limit": MAX_LENGTH}
        )
    return name


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _is_ideograph(character: str) -> bool:
    return unicodedata.category(character) == "Lo" and unicodedata.name(character, "").startswith(
        ("CJK UNIFIED IDEOGRAPH", "HANGUL SYLLABLE")
    )


def parse_full_name(raw: str, *, field: str = "full_name") -> str:
    """Return a person's name as typed, trimmed, or refuse it with the rule."""
    name = _clean(raw, field=field, required=N_("Enter your full name as on your document."))
    if not all(_is_letter(character) or character in MARKS_IN_NAMES for character in name):
        raise UnableToReadName(
            "name_invalid", N_("Use only the letters of your document in the name."), field=field
        )
    letters = [character for character in name if _is_letter(character)]
    if len(letters) < 2 and not any(map(_is_ideograph, letters)):
        raise UnableToReadName("too_short", N_("Enter your full name, at least two letters."), field=field)
    return name


def parse_legal_name(raw: str, *, field: str = "legal_name") -> str:
    """Return a business's registered name, or refuse it with the rule."""
    name = _clean(raw, field=field, required=N_("Enter the registered name of the business."))
    allowed = all(
        _is_letter(character) or character.isdecimal() or character in MARKS_IN_BUSINESS_NAMES
        for character in name
    )
    if not allowed or sum(map(_is_letter, name)) < 2:
        raise UnableToReadName(
            "name_invalid", N_("Enter the name as it is on the business licence."), field=field
        )
    return name


def same_name(one: str, other: str) -> bool:
    """Tell whether two spellings are one name: case, width and spacing aside."""

    def fold(name: str) -> str:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())

    return fold(one) == fold(other)


def mask_name(name: str) -> str:
    """Show the first letter of each part and nothing else."""
    if any(map(_is_ideograph, name)):
        return name[:1] + "*" * min(len(name) - 1, 2)
    return " ".join(f"{part[:1]}***" for part in name.split()[:2])
