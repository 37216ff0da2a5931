"""The digest of an audit entry and the proof of a chain, independent of the database that wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FIRST = "0" * 64


@dataclass(frozen=True)
class Link:
    """One entry as text: `parts` are its fields in the order of the digest, after the previous hash."""

    entry_id: int
    shard: int
    sequence: int
    parts: tuple[str, ...]
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Breach:
    """The first thing wrong with a shard's chain."""

    shard: int
    sequence: int
    entry_id: int | None
    problem: str


def digest(*, prev_hash: str, parts: Iterable[str]) -> str:
    """Return SHA-256 over the parts, each with its length in bytes in front so that no two lists read alike."""
    framed = "|".join(f"{len(part.encode())}:{part}" for part in (prev_hash, *parts))
    return hashlib.sha256(framed.encode()).hexdigest()


def breaches(links: Iterable[Link], heads: dict[int, tuple[int, str]] | None = None) -> Iterator[Breach]:
    """Walk links ordered by shard and sequence; tell the first breach of each shard.

    `heads` are sequence and hash of the last entry that someone outside the database saw: they betray a cut tail.
    """
    known = heads or {}
    broken: set[int] = set()
    last: dict[int, tuple[int, str]] = {}
    seen: set[int] = set()
    for link in links:
        if link.shard in broken:
            continue
        sequence, prev_hash = last.get(link.shard, (0, FIRST))
        problem = _problem(link, sequence, prev_hash, known.get(link.shard))
        if problem:
            broken.add(link.shard)
            yield Breach(link.shard, link.sequence, link.entry_id, problem)
        last[link.shard] = (link.sequence, link.hash)
        seen.add(link.shard)
    for shard, (sequence, _) in sorted(known.items()):
        if shard not in broken and last.get(shard, (0, FIRST))[0] < sequence:
            yield Breach(shard, sequence, None, "entries are missing at the end")


def _problem(link: Link, sequence: int, prev_hash: str, head: tuple[int, str] | None) -> str | None:
    if link.sequence != sequence + 1:
        return f"entry {sequence + 1} is missing"
    if link.prev_hash != prev_hash:
        return "does not follow the entry before it"
    if link.hash != digest(prev_hash=link.prev_hash, parts=link.parts):
        return "was changed"
    if head and link.sequence == head[0] and link.hash != head[1]:
        return "is not the entry that was seen before"
    return None
