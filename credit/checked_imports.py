"""A book is let in by two people: the second sees how much of what would come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from credit.models import ImportBatch
from credit.operations.import_batches import approve_batch, refuse_unready
from ledger.domain.money import format_amount
from regimes.errors import N_


def _batch(payload: Mapping[str, Any]) -> ImportBatch:
    return find_by_ref(ImportBatch.objects.all(), payload["batch_ref"], field="batch_ref")


def _read(payload: Mapping[str, Any]) -> dict[str, Any]:
    batch = _batch(read_fields(payload, required=("batch_ref",), optional=("sha256",)))
    # the files are not in the payload but their hash is: what comes in is those files or nothing
    return {"batch_ref": str(batch.ref), "sha256": batch.sha256}


def _subject(payload: Mapping[str, Any]) -> Subject:
    batch = _batch(payload)
    return Subject("credit.ImportBatch", str(batch.ref), batch.name)


def _check(payload: Mapping[str, Any], act: Act) -> None:
    refuse_unready(batch=_batch(payload), sha256=payload["sha256"])


def _diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    figures = _batch(payload).figures
    names = {
        "customers": N_("Customers"),
        "lines": N_("Lines"),
        "loans": N_("Loans"),
        "payments": N_("Payments"),
    }
    owed = format_amount(Decimal(figures.get("principal_outstanding", "0")))
    counts = [Change(words, "", f"+{figures.get(name, 0)}") for name, words in names.items()]
    return [*counts, Change(N_("Principal outstanding"), "", f"+{owed}")]


def _execute(payload: Mapping[str, Any], act: Act) -> None:
    approve_batch(batch_id=_batch(payload).pk, sha256=payload["sha256"], actor=act.actor)


IMPORT = ProposalKind(
    name="bulk_import", title=N_("Let a book in"), read=_read, subject=_subject, check=_check, diff=_diff, execute=_execute
)  # fmt: skip
