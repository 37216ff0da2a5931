"""A book from another system through the desk: brought, tried by a worker, let in by a second person, imported by a worker."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.operations import write_audit
from credit.imports.files import COLUMNS
from credit.models import ImportBatch
from credit.operations.imports import BookRefused, ImportReport, import_book
from regimes.errors import N_, InvalidInput, Refusal

log = logging.getLogger(__name__)
Status = ImportBatch.Status
MOST_BYTES = 32 * 1024 * 1024
MOST_TOLD = 1_000
KEPT = timedelta(days=7)  # files that nobody let in by then go
LOST_AFTER = timedelta(
    minutes=30
)  # a worker that did not end by then was killed: its transaction went with it


class UnableToBring(InvalidInput):
    """Refuse files that are no book."""


class UnableToImport(Refusal):
    """Refuse a step that the batch's state does not allow."""


def bring_book(*, name: str, files: Mapping[str, bytes], actor: User) -> ImportBatch:
    """Keep the files sealed until they are tried; at least the customers, and nothing that we do not know."""
    unknown = sorted(set(files) - set(COLUMNS))
    if unknown or not files.get("customers"):
        raise UnableToBring("files_missing", N_("Bring customers.csv, and what belongs to it."), field="customers")  # fmt: skip
    if sum(map(len, files.values())) > MOST_BYTES:
        raise UnableToBring("too_large", N_("The files are larger than 32 MB together. Use the command instead."), field="customers")  # fmt: skip
    text = json.dumps({key: base64.b64encode(files[key]).decode() for key in sorted(files)})
    with transaction.atomic():
        batch = ImportBatch(name=name.strip()[:80] or "import", sha256=hashlib.sha256(text.encode()).hexdigest(), files=text, made_by=actor)  # fmt: skip
        batch.save(force_insert=True)
        _audit(batch, actor, "import.brought")
    return batch


def approve_batch(*, batch_id: int, sha256: str, actor: User) -> ImportBatch:
    """Let a book in that was tried without a problem; a worker imports it."""
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
        refuse_unready(batch=batch, sha256=sha256)
        batch.status, batch.approved_by, batch.claimed_at = Status.APPROVED, actor, None
        batch.save(update_fields=["status", "approved_by", "claimed_at"])
        _audit(batch, actor, "import.approved")
    return batch


def refuse_unready(*, batch: ImportBatch, sha256: str) -> None:
    """Refuse what was not tried, was let in already, or is not what was proposed."""
    if batch.status != Status.READY:
        raise UnableToImport("import_state", N_("This book cannot be let in: it was not tried without problems, or it was let in already."))  # fmt: skip
    if batch.sha256 != sha256 or hashlib.sha256(batch.files.encode()).hexdigest() != sha256:
        raise UnableToImport("import_changed", N_("These are not the files that were proposed."))


def work_batches(*, as_of: date, now: datetime, most: int = 1) -> int:
    """Try what waits, import what was let in, and take up what a killed worker left; tell how many."""
    expire_batches(now=now)
    lost = Q(status__in=[Status.TRYING, Status.IMPORTING], claimed_at__lt=now - LOST_AFTER)
    waiting = ImportBatch.objects.filter(Q(status__in=[Status.WAITING, Status.APPROVED]) | lost)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:most])
    return sum(work_batch(batch_id=pk, as_of=as_of, now=now) is not None for pk in ids)


def work_batch(*, batch_id: int, as_of: date, now: datetime) -> ImportBatch | None:
    """Do the next step of one batch, once; None if somebody else does."""
    is_real = _claim(batch_id, now)
    if is_real is None:
        return None
    batch = ImportBatch.objects.select_related("made_by", "approved_by").get(pk=batch_id)
    files = {name: base64.b64decode(content) for name, content in json.loads(batch.files).items()}
    actor = batch.approved_by if is_real and batch.approved_by else batch.made_by
    try:
        # the import and the word that it is done are one transaction: a killed worker leaves neither
        with transaction.atomic():
            report = import_book(files=files, actor=actor, as_of=as_of, now=now, is_dry=not is_real)
            return _finish(batch, Status.DONE if is_real else Status.READY, now, report=report)
    except BookRefused as refusal:
        batch.problems = [
            {"file": row.file, "line": row.line, "code": row.code, "message": row.message, "params": {k: str(v) for k, v in row.params.items()}}
            for row in refusal.problems[:MOST_TOLD]
        ]  # fmt: skip
        batch.problem_count = len(refusal.problems)
        return _finish(batch, Status.FAILED if is_real else Status.PROBLEMS, now)
    except Exception:  # a file that breaks the reader must not break the sweep, and must say so
        log.exception("import.failed")
        return _finish(batch, Status.FAILED, now)


def _claim(batch_id: int, now: datetime) -> bool | None:
    """Take the next step; True: the import itself, False: the trial, None: nothing to do here."""
    rows = ImportBatch.objects.filter(pk=batch_id)
    late = now - LOST_AFTER
    for is_real, start, running in ((True, Status.APPROVED, Status.IMPORTING), (False, Status.WAITING, Status.TRYING)):  # fmt: skip
        free = rows.filter(Q(status=start) | Q(status=running, claimed_at__lt=late))
        if free.update(status=running, claimed_at=now):
            return is_real
    return None


def _finish(
    batch: ImportBatch, status: str, now: datetime, *, report: ImportReport | None = None
) -> ImportBatch:
    """Say how it went; files that are of no more use go."""
    with transaction.atomic():
        batch.status, batch.finished_at = status, now
        if report is not None:
            batch.figures = {
                "customers": report.customers, "lines": report.lines, "loans": report.loans, "payments": report.payments,
                "principal_outstanding": str(report.principal_outstanding),
            }  # fmt: skip
        if status != Status.READY:
            batch.files = ""
        batch.save(update_fields=["status", "finished_at", "figures", "problems", "problem_count", "files"])
        _audit(batch, None, f"import.{status.lower()}")
    return batch


def expire_batches(*, now: datetime) -> int:
    """Throw away the files that nobody let in."""
    late = list(
        ImportBatch.objects.filter(status=Status.READY, created_at__lt=now - KEPT).order_by("pk")[:100]
    )
    for batch in late:
        _finish(batch, Status.EXPIRED, now)
    return len(late)


def _audit(batch: ImportBatch, actor: User | None, action: str) -> None:
    write_audit(
        actor=actor, action=action, object_type="credit.ImportBatch", object_ref=batch.ref,
        after={"sha256": batch.sha256, "status": batch.status},
    )  # fmt: skip
