"""Bodies and query strings that take what is listed and nothing else."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.api.fields import RefField, TextField
from regimes.errors import N_, InvalidInput

S = TypeVar("S", bound=serializers.BaseSerializer[Any])


class UnableToReadQuery(InvalidInput):
    """Refuse a query string with a field that is unknown, repeated or wrong."""


class StrictSerializer(serializers.Serializer[Any]):
    """A body with its own fields and no others, so that nobody slips in `limit` or `is_staff`."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return False, data  # a body that is null is no object, and is answered so

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError({"": [ErrorDetail(_("Send a JSON object."), code="type_invalid")]})
        for name in data:
            if name not in self.fields:
                words = _("This address does not take the field “%(name)s”.") % {"name": str(name)[:40]}
                raise ValidationError({str(name)[:40]: [ErrorDetail(words, code="unknown_field")]})
        return super().to_internal_value(data)


class NoBody(StrictSerializer):
    """A body with nothing in it."""


class StrictQuery(StrictSerializer):
    """A query string: known names, each once."""


class NoQuery(StrictQuery):
    """A query string with nothing in it."""


class ListQuery(StrictQuery):
    """Which page of a list."""

    cursor = TextField(required=False, most=300, help_text="From `next` or `previous` of another page.")
    page_size = TextField(required=False, most=3, help_text="1 to 200 rows a page.")

    def validate_cursor(self, value: str) -> str:
        """Take what the paginator itself wrote, and nothing that it would stumble over."""
        try:
            place = parse_qsl(b64decode(value, validate=True).decode("ascii"), strict_parsing=True)
        except ValueError:
            place = []
        known = {"p": 18, "o": 4, "r": 1}
        if not place or any(not text.isdigit() or len(text) > known.get(name, 0) for name, text in place):
            raise ValidationError(_("Begin at the first page."), code="query_invalid")
        return value

    def validate_page_size(self, value: str) -> str:
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 200):
            raise ValidationError(_("Send a number from 1 to 200."), code="query_invalid")
        return value


class OwnListQuery(ListQuery):
    """Which page of a list, of one borrower or of all for whom the caller acts."""

    borrower = RefField(required=False, help_text="A reference from `/me`; without it, all of yours.")


class OneBorrowerQuery(StrictQuery):
    """Of whom."""

    borrower = RefField(help_text="A reference from `/me`.")


def read_query(kind: type[StrictSerializer], given: QueryDict) -> dict[str, Any]:
    """Read a query string, or refuse it by `query_invalid` with the field that is wrong."""
    for name, values in given.lists():
        if len(values) > 1:
            raise UnableToReadQuery(
                "query_invalid",
                N_("Send the query field “%(name)s” once."),
                field=name[:40],
                params={"name": name[:40]},
            )
    if kind is NoQuery and not given:
        return {}
    try:
        return read(kind, given.dict())
    except ValidationError as error:
        wrong: Any = error.detail  # a serializer's is a mapping
        name, details = next(iter(wrong.items()))
        raise UnableToReadQuery(
            "query_invalid",
            N_("The query field “%(name)s” is wrong. %(why)s"),
            field=name,
            params={"name": name, "why": str(details[0])},
        ) from None


@cache
def shape(kind: type[S]) -> S:
    """Give the one instance of a serializer that is asked for its fields alone.

    A serializer copies its fields for each instance, which costs more than reading a body with them. Reading and writing
    keep nothing on the instance, so that all threads use the same.
    """
    return kind()


def read(kind: type[StrictSerializer], given: Any) -> dict[str, Any]:
    """Read a document by a serializer, or refuse it with every field that is wrong."""
    return dict(shape(kind).run_validation(given))


def write(kind: type[serializers.Serializer[Any]], found: Any) -> dict[str, Any]:
    """Write an answer by a serializer."""
    return dict(shape(kind).to_representation(found))
