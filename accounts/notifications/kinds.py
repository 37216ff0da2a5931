"""The registry of notices: for each kind, what is said. Rooms register theirs from `AppConfig.ready`.

    from accounts.notifications.kinds import register_kind
    register_kind("instalment_due", subject=N_("..."), body=N_("... %(amount)s ..."), contact=True)

Texts are message ids with `%(name)s` placeholders; params are plain JSON values that the sender has formatted, or ISO
dates. They never hold names, identity numbers or whole account numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import translation

from accounts.templatetags.portal import day

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_DAY, _AMOUNT = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"-?\d{4,}\.\d{2}")


@dataclass(frozen=True)
class Kind:
    """What is said for one kind of notice, and when it may be said."""

    name: str
    subject: str
    body: str
    sms: str
    urgent: bool  # safety of the account: at any hour
    contact: bool  # counts as contact about a debt: so many a day and no more
    required: bool  # the law wants it said: never left out, only put off to the next allowed hour
    still_true: (
        Callable[[Mapping[str, Any]], bool] | None
    )  # asked before it is sent, hours after it was written
    needs: frozenset[str]


@dataclass(frozen=True)
class Message:
    """A notice in one language."""

    subject: str
    body: str
    sms: str


_KINDS: dict[str, Kind] = {}


def register_kind(
    name: str,
    *,
    subject: str,
    body: str,
    sms: str | None = None,
    urgent: bool = False,
    contact: bool = False,
    required: bool = False,
    still_true: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Kind:
    """Register a kind; the same again is fine, another text under the same name is not.

    `still_true` is asked with the notice's params when it is about to go out; what is no longer true is dropped.
    """
    short = sms or body
    needs = frozenset(_PLACEHOLDER.findall(subject + body + short))
    kind = Kind(
        name=name,
        subject=subject,
        body=body,
        sms=short,
        urgent=urgent,
        contact=contact,
        required=required,
        still_true=still_true,
        needs=needs,
    )
    assert _KINDS.setdefault(name, kind) == kind, f"notice kind {name} is registered twice"
    return kind


def kind_of(name: str) -> Kind:
    """Return a registered kind, or raise LookupError: an unknown kind is a programmer's error."""
    try:
        return _KINDS[name]
    except KeyError:
        raise LookupError(f"no notice kind {name!r} is registered") from None


def names_of(*, urgent: bool | None = None, contact: bool | None = None) -> list[str]:
    """Return the names of the kinds with these marks."""
    return [
        kind.name
        for kind in _KINDS.values()
        if (urgent is None or kind.urgent == urgent) and (contact is None or kind.contact == contact)
    ]


def check_params(name: str, params: Mapping[str, Any]) -> None:
    """Raise when a text could not be filled in: at queueing, not in the night when it is sent."""
    missing = kind_of(name).needs - set(params)
    if missing:
        raise LookupError(f"notice kind {name!r} needs {', '.join(sorted(missing))}")


def _written(value: str) -> str:
    """Write a day and an amount as a reader of the language in force expects them."""
    if _DAY.fullmatch(value):
        return day(date.fromisoformat(value))
    return f"{Decimal(value):,}" if _AMOUNT.fullmatch(value) else value


def render(*, kind: str, params: Mapping[str, Any], language: str) -> Message:
    """Write a notice in the borrower's language."""
    found = kind_of(kind)
    with translation.override(language):
        values = {name: _written(str(value)) for name, value in params.items()}
        return Message(
            subject=translation.gettext(found.subject) % values,
            body=translation.gettext(found.body) % values,
            sms=translation.gettext(found.sms) % values,
        )
