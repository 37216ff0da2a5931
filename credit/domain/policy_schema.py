"""The JSON Schema of a policy document, made from the values that it is read into, so that the two cannot differ.

It says the shape: every field, no other, numbers written as text. What two fields together may be, and what the regime
allows, is `read_policy`'s to say. `docs/policy.schema.json` is what this gives; a test proves it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any, Final, get_args, get_origin, get_type_hints

from credit.domain.policy import SCHEMA, PolicyRules

NUMBER: Final = {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,9})?$", "maxLength": 20}
_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    Decimal: {"$ref": "#/$defs/number"},
    int: {"type": "integer", "minimum": 0, "maximum": 36_500},
    bool: {"type": "boolean"},
    str: {"type": "string", "maxLength": 200},
}


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Hold one field of the document: where it stands and what it is. `.` parts objects; grades are apart."""

    path: str
    kind: type
    is_optional: bool = False  # its whole object may be left out


def policy_schema() -> dict[str, Any]:
    """Give the schema, draft 2020-12."""
    body = _object(PolicyRules)
    body["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Credit policy",
        "$defs": {"number": {**NUMBER, "description": "A number written as text, such as 0.05."}},
        **body,
    }


def policy_fields() -> list[FieldPath]:
    """List the fields of a policy in their order, without the grades."""
    return list(_paths(PolicyRules, "", False))


def _paths(form: type, prefix: str, is_optional: bool) -> Iterator[FieldPath]:
    hints = get_type_hints(form)
    for field in fields(form):
        kind, missing = _whole(hints[field.name]), field.default is not MISSING
        if get_origin(kind) is tuple:
            continue
        if is_dataclass(kind):
            yield from _paths(typing.cast(type, kind), f"{prefix}{field.name}.", is_optional or missing)
        else:
            yield FieldPath(f"{prefix}{field.name}", kind, is_optional)


def _whole(kind: Any) -> Any:
    """Give the kind without its None."""
    if get_origin(kind) in (types.UnionType, typing.Union):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _object(form: type) -> dict[str, Any]:
    hints = get_type_hints(form)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields(form) if field.default is MISSING],
        "properties": {field.name: _kind(_whole(hints[field.name])) for field in fields(form)},
    }


def _kind(kind: Any) -> dict[str, Any]:
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if get_origin(kind) is tuple:
        return {"type": "array", "minItems": 1, "maxItems": 30, "items": _kind(get_args(kind)[0])}
    return _object(kind)
