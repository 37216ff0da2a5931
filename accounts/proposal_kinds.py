"""Acts that need two people: upper floors register theirs here when their apps are ready, so nothing calls upstairs.

    register(ProposalKind(name="limit_change", title=N_("Change a limit"), read=..., subject=..., check=..., diff=..., execute=...))

The desk's table of roles gives `accounts.propose_<name>` and `accounts.approve_<name>` to roles. A maker calls
`operations.propose`; another person calls `operations.approve`, which checks again and runs `execute` with the very payload
whose hash was signed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from accounts.models import User
from regimes.errors import N_, InvalidInput, NotFound

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts and when. `actor` is the maker while it is proposed and the checker while it is executed."""

    actor: User
    maker: User
    as_of: date
    now: datetime
    reason: str
    reference: str  # of the proposal: unique, so an operation may use it as its key


@dataclass(frozen=True, slots=True)
class Subject:
    """What a proposal is about. `borrower_ids`: whose affairs it is, none of whom may make or check it."""

    object_type: str
    object_ref: str
    label: str
    borrower_ids: frozenset[int] = frozenset()
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of what the checker sees: a field in words, what it is now, what it will be."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ProposalKind:
    """How one kind of act is read, shown, checked and done.

    `read` brings a payload into its one form (plain JSON: strings, integers, booleans, lists, objects; amounts as strings)
    and refuses what does not belong. `check` raises a Refusal when the act is not possible now; it runs when proposed and
    again right before `execute`, in the same transaction. `diff` says in words what would change.
    """

    name: str
    title: str
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    subject: Callable[[Mapping[str, Any]], Subject]
    check: Callable[[Mapping[str, Any], Act], None]
    diff: Callable[[Mapping[str, Any], date], Sequence[Change]]
    execute: Callable[[Mapping[str, Any], Act], Mapping[str, Any] | None]

    @property
    def propose_permission(self) -> str:
        return f"accounts.propose_{self.name}"

    @property
    def approve_permission(self) -> str:
        return f"accounts.approve_{self.name}"


_KINDS: dict[str, ProposalKind] = {}


def register(kind: ProposalKind) -> None:
    """Add a kind; a second one of the same name is a mistake of the programmer."""
    held = _KINDS.get(kind.name)
    assert held is None or held == kind, f"two kinds of proposals are called {kind.name}"
    assert kind.name.isidentifier(), "the name becomes part of a permission"
    _KINDS[kind.name] = kind


def kinds() -> list[ProposalKind]:
    """List every kind, by name."""
    return [_KINDS[name] for name in sorted(_KINDS)]


def kind_of(name: str) -> ProposalKind:
    """Return a kind, or refuse."""
    if name not in _KINDS:
        raise NotFound("proposal_kind_unknown", N_("There is no such kind of proposal."))
    return _KINDS[name]


def read_fields(
    payload: Mapping[str, Any], *, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Refuse a payload with missing or unknown fields; return it as a plain dictionary."""
    for name in required:
        if payload.get(name) in (None, ""):
            raise InvalidInput("required", N_("This field is needed."), field=name)
    for name in payload:
        if name not in (*required, *optional):
            raise InvalidInput("unknown_field", N_("This field is not known here."), field=name)
    return dict(payload)


def find_by_ref(rows: QuerySet[Row], ref: object, *, field: str) -> Row:
    """Return the row with a reference that a payload names, or refuse with the payload's field."""
    try:
        found = rows.filter(ref=uuid.UUID(str(ref))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field=field)
    return found
