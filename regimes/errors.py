"""Refusals: anticipated errors with a stable code and a sentence for the person who meets them.

Every room raises subclasses of `Refusal` beside the function that refuses. One module of the roof
(`lendportal/errors.py`) turns them into HTTP; nothing below knows of status codes beyond the hint here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


def N_(message: str) -> str:  # noqa: N802  the gettext world's name for it
    """Mark a message for extraction without translating it."""
    return message


class Refusal(Exception):
    """Say no to a request, with a stable code, the field at fault, the rule and the way on.

    `message` is an English message id with `%(name)s` placeholders filled from `params`; the interface
    translates it. `str()` gives the English sentence.
    """

    http_status: ClassVar[int] = 409

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.message = message
        self.field = field
        self.params: dict[str, Any] = dict(params or {})
        super().__init__(code, message)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class InvalidInput(Refusal):
    """Refuse a value that breaks the rule of its field."""

    http_status: ClassVar[int] = 400


class NotFound(Refusal):
    """Refuse an object that is missing or not the asker's: the two look alike."""

    http_status: ClassVar[int] = 404
