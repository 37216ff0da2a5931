"""Fields that take one type and no other: a number is no text and a flag is no number.

Each refusal has a code of the house, not the framework's, and says what to send instead.
"""

from __future__ import annotations

import unicodedata
import uuid
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.domain.dates import parse_date
from accounts.pages import sentence
from regimes.errors import Refusal

MOST_TEXT = 500
WORDS = {
    "required": _("This field is missing."),
    "null": _("This field cannot be null."),
}


class Strict(serializers.Field):
    """What the fields share: `required` when missing, `type_invalid` for another type, `null` included."""

    wanted: type = str
    wrong_type = _("Send a text in quotation marks.")

    def __init__(self, **kwargs: Any) -> None:
        words = {**WORDS, **(kwargs.pop("error_messages", None) or {})}
        super().__init__(error_messages=words, **kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        if data is None and not self.allow_null:
            self.refuse_type()
        return super().validate_empty_values(data)

    def refuse_type(self) -> None:
        raise serializers.ValidationError(self.wrong_type, code="type_invalid")

    def to_internal_value(self, data: Any) -> Any:
        if type(data) is not self.wanted:
            self.refuse_type()
        return self.judge(data)

    def judge(self, data: Any) -> Any:
        return data

    def ask(self, judge: Any, data: Any) -> Any:
        """Let the domain judge a value, and say its refusal at this field."""
        try:
            return judge(data)
        except Refusal as refusal:
            raise serializers.ValidationError(sentence(refusal), code=refusal.code) from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.STR)
class TextField(Strict):
    """A text, kept as typed. What it may say is for the operation to judge."""

    def __init__(self, *, most: int = MOST_TEXT, blank: bool = False, **kwargs: Any) -> None:
        self.most, self.blank = most, blank
        super().__init__(**kwargs)

    def judge(self, data: str) -> str:
        if not data.strip() and not self.blank:
            raise serializers.ValidationError(_("This field is empty."), code="required")
        if len(data) > self.most:
            words = _("Use at most %(limit)s characters.") % {"limit": self.most}
            raise serializers.ValidationError(words, code="too_long")
        if any(unicodedata.category(mark) in ("Cc", "Cs") and mark not in "\n\t" for mark in data):
            raise serializers.ValidationError(_("Remove the hidden character."), code="control_character")
        return data


@extend_schema_field(OpenApiTypes.UUID)
class RefField(Strict):
    """The reference of an object. One that is no reference belongs to nothing, and is answered so."""

    def judge(self, data: str) -> uuid.UUID | str:
        try:
            return uuid.UUID(data)
        except ValueError:
            return ""

    def to_representation(self, value: Any) -> str:
        return str(value)


@extend_schema_field(OpenApiTypes.DATE)
class DateField(Strict):
    """A day as YYYY-MM-DD."""

    def judge(self, data: str) -> date:
        found: date = self.ask(parse_date, data)
        return found

    def to_representation(self, value: date) -> str:
        return value.isoformat()


@extend_schema_field(OpenApiTypes.INT)
class CountField(Strict):
    """A whole number; text, a flag and 1.5 are none."""

    wanted = int
    wrong_type = _("Send a whole number, without quotation marks.")


@extend_schema_field(OpenApiTypes.BOOL)
class FlagField(Strict):
    """true or false."""

    wanted = bool
    wrong_type = _("Send true or false, without quotation marks.")


class MoneyField(serializers.DecimalField):
    """Money in an answer: a text with two places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=16, decimal_places=2, coerce_to_string=True, **kwargs)


class RateField(serializers.DecimalField):
    """An annual rate in an answer, as a fraction: 0.180000 is 18 %."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=6, coerce_to_string=True, **kwargs)
