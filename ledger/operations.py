"""Every write of the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction

from ledger.domain.chart import BY_ROLE, Role
from ledger.domain.journal import (
    Direction,
    JournalDraft,
    PostingLine,
    UnableToPost,
    check_draft,
    digest,
)
from ledger.models import BookDate, Journal, Posting
from regimes.errors import N_, Refusal

MANY_POSTINGS = 500  # from here on they are streamed

__all__ = [
    "PostingLine",
    "UnableToChangeBusinessDate",
    "UnableToPost",
    "advance_business_date",
    "close_period",
    "open_books",
    "post_journal",
    "post_journals",
    "reverse_journal",
    "roll_up",
]


class UnableToChangeBusinessDate(Refusal):
    """Refuse to move the business date or the closing of a period."""


def post_journal(
    *,
    source: str,
    leg: str,
    kind: str,
    value_date: date,
    booked_date: date,
    postings: Sequence[PostingLine],
    currency: str = "CNY",
    description: str = "",
    reverses: Journal | None = None,
) -> Journal:
    """Write one journal. The same content under the same (source, leg) gives the first; other content is refused."""
    draft = JournalDraft(
        source=source,
        leg=leg,
        kind=kind,
        value_date=value_date,
        booked_date=booked_date,
        postings=tuple(postings),
        currency=currency,
        description=description,
        reverses_id=reverses.pk if reverses is not None else None,
    )
    return post_journals(drafts=[draft])[0]


def post_journals(*, drafts: Sequence[JournalDraft]) -> list[Journal]:
    """Write many journals in two statements, whole or not at all; repeats are recognised one by one."""
    books = BookDate.objects.filter(pk=1).first()
    for draft in drafts:
        check_draft(draft)
        _refuse_closed(draft, books)
    rows = [_row(draft) for draft in drafts]
    with transaction.atomic():
        # A conflict waits for whoever writes the same key, then does nothing: a race has one winner.
        Journal.objects.bulk_create(rows, ignore_conflicts=True)
        found = _written([row.ref for row in rows])
        fresh = [(draft, row) for draft, row in zip(drafts, rows, strict=True) if row.ref in found]
        postings = [_posting(found[row.ref], line) for draft, row in fresh for line in draft.postings]
        _write_postings(postings)
    return [_journal(draft, row, found) for draft, row in zip(drafts, rows, strict=True)]


def _write_postings(postings: Sequence[Posting]) -> None:
    """Insert a few, stream many: an INSERT of thousands of rows is mostly the writing of its own text."""
    if len(postings) < MANY_POSTINGS:
        Posting.objects.bulk_create(postings)
        return
    columns = ("journal_id", "account_id", "direction", "amount", "loan_id", "borrower_id", "portfolio")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {Posting._meta.db_table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for posting in postings:
            copy.write_row([getattr(posting, name) for name in columns])


def _row(draft: JournalDraft) -> Journal:
    return Journal(
        source=draft.source,
        leg=draft.leg,
        kind=draft.kind,
        currency=draft.currency,
        value_date=draft.value_date,
        booked_date=draft.booked_date,
        description=draft.description,
        reverses_id=draft.reverses_id,
        digest=digest(draft),
    )


def _written(refs: Sequence[Any]) -> dict[Any, Journal]:
    return {journal.ref: journal for journal in Journal.objects.filter(ref__in=refs)}


def _posting(journal: Journal, line: PostingLine) -> Posting:
    return Posting(
        journal_id=journal.pk,
        account_id=BY_ROLE[Role(line.role)].account_id,
        direction=str(line.direction),
        amount=line.amount,
        loan_id=line.loan_id,
        borrower_id=line.borrower_id,
        portfolio=line.portfolio,
    )


def _journal(draft: JournalDraft, row: Journal, found: dict[Any, Journal]) -> Journal:
    if row.ref in found:
        return found[row.ref]
    first = Journal.objects.filter(source=draft.source, leg=draft.leg).first()
    if first is None:
        raise UnableToPost(
            "journal_reversed_twice", N_("The journal was reversed before."), params={"source": draft.source}
        )
    if first.digest != row.digest:
        raise UnableToPost(
            "journal_source_reused",
            N_("%(source)s was posted before with another content."),
            params={"source": f"{draft.source}/{draft.leg}"},
        )
    return first


def _refuse_closed(draft: JournalDraft, books: BookDate | None) -> None:
    """Say in words what the trigger would say; the trigger also catches a period that closes meanwhile."""
    if books is None:
        raise UnableToPost("books_not_open", N_("The books are not open yet."))
    closed = books.closed_through
    if draft.booked_date < books.first_date or (closed is not None and draft.booked_date <= closed):
        raise UnableToPost(
            "period_closed",
            N_("The books are closed for %(date)s. Book it in an open period."),
            field="booked_date",
            params={"date": draft.booked_date.isoformat()},
        )


def reverse_journal(*, journal: Journal, booked_date: date, reason: str) -> Journal:
    """Write the opposite of a journal, once."""
    mirrored = {"D": Direction.CREDIT, "C": Direction.DEBIT}
    lines = [
        PostingLine(
            role=posting.account.role,
            direction=mirrored[posting.direction],
            amount=posting.amount,
            loan_id=posting.loan_id,
            borrower_id=posting.borrower_id,
            portfolio=posting.portfolio,
        )
        for posting in journal.postings.select_related("account").order_by("pk")
    ]
    return post_journal(
        source=journal.source,
        leg=f"reverse:{journal.leg}"[:40],
        kind="REVERSAL",
        value_date=journal.value_date,
        booked_date=booked_date,
        postings=lines,
        currency=journal.currency,
        description=reason,
        reverses=journal,
    )


def open_books(*, first_date: date) -> BookDate:
    """Open the books on a day; opening them again changes nothing."""
    books, _ = BookDate.objects.get_or_create(
        pk=1, defaults={"first_date": first_date, "business_date": first_date}
    )
    return books


def advance_business_date(*, to: date, actor: Any = None) -> BookDate:
    """Move the business date forward. The caller has worked every night before the new date."""
    with transaction.atomic():
        books = _locked_books()
        if to < books.business_date:
            raise UnableToChangeBusinessDate(
                "business_date_backwards",
                N_("The business date is %(date)s and does not move backwards."),
                field="to",
                params={"date": books.business_date.isoformat()},
            )
        books.business_date = to
        books.save(update_fields=["business_date"])
    return books


def close_period(*, through: date, actor: Any = None) -> BookDate:
    """Close the books through a day, for good, with the sums of its days written."""
    with transaction.atomic():
        books = _locked_books()
        if through >= books.business_date:
            raise UnableToChangeBusinessDate(
                "period_not_over",
                N_("Only days before the business date %(date)s can be closed."),
                field="through",
                params={"date": books.business_date.isoformat()},
            )
        if books.closed_through is not None and through <= books.closed_through:
            return books
        # wait for journals under way, so that none slips into a day that is summed and closed
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ledger_journal IN SHARE MODE")
        roll_up(through=through)
        books.closed_through = through
        books.save(update_fields=["closed_through"])
    return books


def _locked_books() -> BookDate:
    books = BookDate.objects.select_for_update().filter(pk=1).first()
    if books is None:
        raise UnableToChangeBusinessDate("books_not_open", N_("The books are not open yet."))
    return books


ROLL_UP = """
INSERT INTO ledger_dailybalance AS b (account_id, booked_date, currency, debit, credit)
SELECT p.account_id, j.booked_date, j.currency,
       coalesce(sum(p.amount) FILTER (WHERE p.direction = 'D'), 0),
       coalesce(sum(p.amount) FILTER (WHERE p.direction = 'C'), 0)
FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id
WHERE j.booked_date > coalesce((SELECT closed_through FROM ledger_bookdate), '-infinity') AND j.booked_date <= %s
GROUP BY 1, 2, 3
ON CONFLICT (account_id, booked_date, currency) DO UPDATE SET debit = excluded.debit, credit = excluded.credit
WHERE (b.debit, b.credit) IS DISTINCT FROM (excluded.debit, excluded.credit)
"""


def roll_up(*, through: date) -> int:
    """Sum the postings of each open day through a date; a second run changes nothing. Return the rows changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ROLL_UP, [through])
        return int(cursor.rowcount)
