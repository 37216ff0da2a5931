"""Take the bank's file in: whole or not at all, once."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from ledger.domain.csv_rows import UnableToReadFile, csv_rows
from loans.models import BankFile, BankFileLine
from regimes.errors import N_, Refusal

COLUMNS = ("date", "reference", "amount", "text")
MOST_ROWS = 200_000
AMOUNT = re.compile(r"-?(0|[1-9]\d{0,12})\.\d{2}")


class FileKnown(Refusal):
    """Refuse a file that was imported before."""


def import_bank_file(*, name: str, content: bytes, actor: User) -> BankFile:
    """Read and keep a file with the columns date, reference, amount and text; refused with the line at fault."""
    digest = hashlib.sha256(content).hexdigest()
    known = BankFile.objects.filter(sha256=digest).first()
    if known is not None:
        raise FileKnown(
            "file_known",
            N_("This file was imported on %(date)s."),
            field="file",
            params={"date": known.created_at.date().isoformat()},
        )
    lines = [
        BankFileLine(
            number=line,
            booked_date=_day(line, cells["date"]),
            reference=_reference(line, cells["reference"]),
            amount=_amount(line, cells["amount"]),
            text=cells["text"][:200],
        )
        for line, cells in csv_rows(content, columns=COLUMNS, most_rows=MOST_ROWS)
    ]
    if not lines:
        raise UnableToReadFile("file_empty", N_("The file is empty."), field="file")
    days = [line.booked_date for line in lines]
    with transaction.atomic():
        file = BankFile(
            name=name[:120],
            sha256=digest,
            from_date=min(days),
            to_date=max(days),
            rows=len(lines),
            actor=actor,
        )
        file.save(force_insert=True)
        for line in lines:
            line.file = file
        BankFileLine.objects.bulk_create(lines, batch_size=2000)
        write_audit(
            actor=actor,
            action="bank_file.imported",
            object_type="loans.BankFile",
            object_ref=file.ref,
            after={"rows": len(lines), "sha256": digest},
        )
    return file


def _at(line: int, code: str, message: str) -> UnableToReadFile:
    return UnableToReadFile(code, message, field="file", params={"line": line})


def _day(line: int, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not date(2000, 1, 1) <= found <= date(2199, 12, 31):
        raise _at(line, "date_invalid", N_("Line %(line)s: write the date as YYYY-MM-DD."))
    return found


def _amount(line: int, text: str) -> Decimal:
    if not AMOUNT.fullmatch(text) or Decimal(text) == 0:
        raise _at(
            line,
            "amount_invalid",
            N_("Line %(line)s: write the amount as 1500.00, or -1500.00 for money out."),
        )
    return Decimal(text)


def _reference(line: int, text: str) -> str:
    if not 1 <= len(text) <= 64:
        raise _at(line, "reference_invalid", N_("Line %(line)s: a reference has 1 to 64 characters."))
    return text
