"""A JSON parser for doors where money enters: what is not plainly one thing is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.utils.mediatypes import _MediaType

MOST_BYTES = 2 * 1024 * 1024  # read and refused as JSON up to here, cut off unread beyond
MOST_TEXT = 64 * 1024
GREATEST_EXPONENT = 30
DEEPEST = 32


class BodyTooLarge(APIException):
    """Refuse a body before reading it whole."""

    status_code = 413
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Read JSON without NaN, without a key twice, not too deep, not too big; numbers with a point become Decimal."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        charset = _MediaType(media_type or "").params.get("charset", "utf-8")
        if charset.strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type or "")
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise BodyTooLarge()
        return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Parse one JSON document strictly, or raise `ParseError` that says why."""
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_decimal
        )
    except UnicodeDecodeError:
        raise ParseError(_("The JSON is not UTF-8.")) from None
    except RecursionError:
        raise ParseError(_("The JSON is nested too deeply.")) from None
    except ValueError as error:
        if isinstance(error, _Refused):
            raise ParseError(str(error)) from None
        raise ParseError(_("The body is not valid JSON.")) from None
    _no_deeper(document)
    return document


class _Refused(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(_("The JSON has the key “%(key)s” twice.") % {"key": key[:50]})
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise _Refused(_("%(name)s is not a number here.") % {"name": name})


def _decimal(digits: str) -> Decimal:
    if len(digits) > 64:
        raise _Refused(_("A number in the JSON is too long."))
    number = Decimal(digits)
    if abs(number.adjusted()) > GREATEST_EXPONENT:
        raise _Refused(_("A number in the JSON is too long."))
    return number


def _no_deeper(document: Any) -> None:
    layer = [document]
    for _depth in range(DEEPEST):
        _plain(layer)
        layer = [
            inner
            for value in layer
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not layer:
            return
    raise ParseError(_("The JSON is nested too deeply."))


def _plain(layer: list[Any]) -> None:
    """Refuse texts that no database keeps: half a character, NUL, or a megabyte of anything."""
    for value in layer:
        for text in value if isinstance(value, dict) else [value]:
            if isinstance(text, str):
                if len(text) > MOST_TEXT:
                    raise ParseError(_("A text in the JSON is too long."))
                if "\x00" in text or not _has_whole_characters(text):
                    raise ParseError(_("A text in the JSON has a character that does not exist."))


def _has_whole_characters(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
