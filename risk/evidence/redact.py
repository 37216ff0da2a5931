"""Take out of a memo what identifies people; keep what tells the purpose."""

from __future__ import annotations

import re
from typing import Final

MEMO_LENGTH: Final = 60
MASK: Final = "***"
SUSPECT: Final = re.compile(r"[0-9@]")
EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
IDENTITY: Final = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")
LONG_NUMBER: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){10,29}(?![0-9])")
IBAN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def redact(memo: str) -> tuple[str, bool]:
    """Mask e-mail addresses and card, account, identity and phone numbers; tell whether any was there.

    >>> redact("还款 6222 0212 3456 7890 123")
    ('还款 ***', True)
    """
    if SUSPECT.search(memo) is None:
        return memo[:MEMO_LENGTH], False
    clean = EMAIL.sub(MASK, memo)
    clean = IDENTITY.sub(MASK, clean)
    clean = IBAN.sub(MASK, clean)
    clean = LONG_NUMBER.sub(MASK, clean)
    return clean[:MEMO_LENGTH], clean != memo


def export_cell(text: str) -> str:
    """Make a cell that a spreadsheet shows as text and never runs.

    >>> export_cell("=1+1")
    "'=1+1"
    """
    return "'" + text if text.startswith(FORMULA) else text
