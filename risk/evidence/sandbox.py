"""Give a borrower of the sandbox the records of a ready-made person, drawn like the training population."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from django.db import transaction

from accounts.models import Borrower
from accounts.queries import active_consents
from regimes.errors import N_
from risk.domain.events import SHANGHAI, EventColumns, Source
from risk.domain.rollup import month_number
from risk.evidence import summing
from risk.evidence.operations import CONSENT_OF, find_borrower, lock_evidence
from risk.evidence.parsed import Summary
from risk.evidence.reading import digest
from risk.evidence.refusals import UnableToImportStatement, UnableToReadStatement
from risk.evidence.sources import finish_source, new_source
from risk.evidence.storing import store
from risk.models import EvidenceKind, EvidenceRow, EvidenceSource
from risk.synthetic.evidence import draw_evidence
from risk.synthetic.population import People, World, draw_people

WORLD_SIZE: Final = 400
DRAWN: Final = 100
# Which of the drawn people a persona is: whether a shop, and the share of them that is less likely to default.
PERSONAS: Final[dict[str, tuple[bool, float]]] = {
    "steady": (False, 0.08),
    "tight": (False, 0.75),
    "risky": (False, 0.99),
    "shop": (True, 0.15),
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def connect_sandbox_person(
    *, borrower_id: int, persona: str, as_of: date, now: datetime, seed: int | None = None
) -> EvidenceSource:
    """Connect two years of records of a ready-made person, in place of those connected before.

    The same borrower, persona and month give the same records; another `seed` gives another person.
    """
    if persona not in PERSONAS:
        raise UnableToReadStatement(
            "persona_unknown",
            N_("Choose one of these people: %(personas)s."),
            field="persona",
            params={"personas": ", ".join(PERSONAS)},
        )
    borrower = find_borrower(borrower_id)
    if not CONSENT_OF[EvidenceKind.SANDBOX] & active_consents(borrower_ids=[borrower_id]).get(
        borrower_id, frozenset()
    ):
        raise UnableToImportStatement(
            "consent_missing",
            N_("Agree to the use of this kind of data first, then upload the file again."),
            field="persona",
            params={"purposes": sorted(CONSENT_OF[EvidenceKind.SANDBOX])},
        )
    seed = borrower_id if seed is None else seed
    reference = f"{persona}|{seed}|{as_of.year}-{as_of.month}"
    events = records_of(persona, seed=seed, as_of=as_of)
    return _replace(borrower, reference, events, as_of, now)


def records_of(persona: str, *, seed: int, as_of: date) -> EventColumns:
    """Draw the records of a persona for the two years before the month of a date."""
    people = draw_people(
        World(size=WORLD_SIZE, seed=seed, first_application=month_number(as_of), application_months=1)
    )
    chosen = _choose(people, persona)
    drawn = next(draw_evidence(people, chunk=DRAWN))
    return drawn.take(drawn.subject == people.subject[chosen]).before(
        datetime.combine(as_of, time.min, SHANGHAI)
    )


def _choose(people: People, persona: str) -> int:
    is_business, share = PERSONAS[persona]
    able = np.flatnonzero((people.is_business == is_business) & ~people.fraud)
    able = able[able < DRAWN]
    ranked = able[np.argsort(people.eta[able], kind="stable")]
    return int(ranked[min(int(share * len(ranked)), len(ranked) - 1)])


def _replace(
    borrower: Borrower, reference: str, events: EventColumns, as_of: date, now: datetime
) -> EvidenceSource:
    sha256 = digest(f"SANDBOX|{reference}").hex() * 2
    with transaction.atomic():
        lock_evidence(borrower.pk)
        before = EvidenceSource.objects.filter(borrower=borrower, kind=EvidenceKind.SANDBOX)
        same = before.filter(file_sha256=sha256).first()
        if same is not None:
            return same
        EvidenceRow.objects.filter(source__in=before).delete()
        before.delete()
        days = (EPOCH + timedelta(minutes=int(m)) for m in (events.occurred.min(), events.occurred.max()))
        begin, end = (moment.astimezone(SHANGHAI).date() for moment in days)
        summary = Summary(source=Source.SANDBOX, begin=begin, end=end, rows=len(events))
        source = new_source(
            borrower, EvidenceKind.SANDBOX, sha256, "", summary, as_of, now, watch_copies=False
        )
        source.save()
        stored = store(
            source,
            _lines(events, sha256),
            origin=int(Source.SANDBOX),
            descending=False,
            overlap=None,
            now=now,
        )
        finish_source(source, stored)
        summing.refresh([borrower.pk])
    return source


def _lines(events: EventColumns, reference: str) -> Iterator[bytes]:
    """Write columns as COPY lines; the synthetic events have neither names nor memos."""
    columns = (
        events.occurred, events.known, events.kind, events.category, events.cents, events.balance, events.counterparty,
    )  # fmt: skip
    for line, told in enumerate(zip(*(column.tolist() for column in columns), strict=True), 1):
        occurred, known, kind, category, cents, balance, party = told
        moments = [(EPOCH + timedelta(minutes=minute)).isoformat() for minute in (occurred, known)]
        sign = "-" if cents < 0 else ""
        yield "\t".join(
            (
                str(kind), str(category), "0", *moments, str(line),
                f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}",
                "\\N" if balance != balance else f"{balance:.2f}",
                str(party), "",
                "\\\\x" + digest(f"{reference}|{line}").hex(),
                "\\\\x" + digest(f"{told}").hex(),
            )
        ).encode() + b"\n"  # fmt: skip
