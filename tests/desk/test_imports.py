"""A book through the desk: tried by a worker, let in by a second person, imported whole or not at all, files gone after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.models import AuditEntry, User
from credit.models import ImportBatch
from credit.operations.import_batches import KEPT, LOST_AFTER, bring_book, work_batch, work_batches
from lendportal.management.commands.check_books import check
from loans.models import Loan
from regimes.errors import Refusal
from tests.credit.test_import_book import TODAY, files
from tests.credit.test_import_book import officer as officer  # noqa: PLC0414  the books are open and have a policy
from tests.desk.test_kinds import changed, refusal, two
from tests.desk.test_kinds import officer as hired
from tests.desk.test_work_pages import at_desk
from tests.factories import NOW

pytestmark = pytest.mark.django_db
Status = ImportBatch.Status


def brought(officer: User, **change: list[str]) -> ImportBatch:
    return bring_book(name="core banking", files=files(**change), actor=officer)


def work(**more: Any) -> int:
    return work_batches(as_of=TODAY, **{"now": NOW, **more})


def test_it_refuses_files_that_are_no_book(officer: User) -> None:
    for given, code in (
        ({}, "files_missing"),
        ({"loans": b"x"}, "files_missing"),
        ({**files(), "virus": b""}, "files_missing"),
    ):
        with pytest.raises(Refusal) as no:
            bring_book(name="x", files=given, actor=officer)
        assert no.value.code == code
    assert not ImportBatch.objects.exists()


def test_problems_are_kept_and_the_files_are_not(officer: User) -> None:
    batch = brought(officer, payments=["n1,2026-02-30,1.00,p1", "n9,2026-02-15,1.00,p1"])
    assert work() == 1
    batch.refresh_from_db()
    assert (batch.status, batch.problem_count, batch.files) == (Status.PROBLEMS, 2, "")
    assert {row["code"] for row in batch.problems} == {"date_invalid", "unknown_id"}
    assert refusal("bulk_import", {"batch_ref": str(batch.ref)}, as_of=TODAY) == "import_state"
    assert Loan.objects.count() == 0


def test_two_people_let_a_book_in_and_a_worker_imports_it_once(officer: User) -> None:
    batch = brought(officer)
    assert refusal("bulk_import", {"batch_ref": str(batch.ref)}, as_of=TODAY) == "import_state", (
        "not tried yet"
    )
    assert work() == 1
    assert Loan.objects.count() == 0
    proposal = two("bulk_import", {"batch_ref": str(batch.ref)}, as_of=TODAY)
    assert changed(proposal)["Loans"] == ("", "+3")
    assert work() == 1
    batch.refresh_from_db()
    assert (batch.status, batch.files, batch.figures["loans"]) == (Status.DONE, "", 3)
    assert batch.approved_by == proposal.checker != proposal.maker
    assert Loan.objects.count() == 3
    assert AuditEntry.objects.get(action="book.imported").actor == proposal.checker
    assert work() == 0
    assert refusal("bulk_import", {"batch_ref": str(batch.ref)}, as_of=TODAY) == "import_state"
    assert not [row["id"] for row in check() if row["rows"] or row["error"]]


def test_other_files_than_were_proposed_do_not_come_in(officer: User) -> None:
    batch = brought(officer)
    work()
    batch.refresh_from_db()
    batch.files = batch.files.replace("loans", "loanz")
    batch.save(update_fields=["files"])
    assert refusal("bulk_import", {"batch_ref": str(batch.ref)}, as_of=TODAY) == "import_changed"


def test_a_killed_worker_s_batch_is_taken_up_and_a_living_one_s_is_not(officer: User) -> None:
    batch = brought(officer)
    ImportBatch.objects.update(status=Status.TRYING, claimed_at=NOW)
    assert work_batch(batch_id=batch.pk, as_of=TODAY, now=NOW + timedelta(minutes=1)) is None
    assert work(now=NOW + LOST_AFTER + timedelta(minutes=1)) == 1
    batch.refresh_from_db()
    assert batch.status == Status.READY
    work(now=batch.created_at + KEPT + timedelta(days=1))
    batch.refresh_from_db()
    assert (batch.status, batch.files) == (Status.EXPIRED, "")


def test_the_files_are_sealed_and_the_pages_say_what_is_so(officer: User) -> None:
    client, url = at_desk("Finance"), reverse("admin:imports")
    assert at_desk("Administrator").get(url).status_code == 403
    assert client.post(url, {"name": "core"}).status_code == 400
    given = {name: SimpleUploadedFile(f"{name}.csv", content) for name, content in files(payments=["n1,x,1.00,p"]).items()}  # fmt: skip
    answer = client.post(url, {"name": "core", **given})
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "Waits to be tried" in page
    assert 'http-equiv="refresh"' in page
    with connection.cursor() as cursor:
        cursor.execute("SELECT files FROM credit_importbatch")
        assert "customers" not in cursor.fetchone()[0]
    work()
    page = client.get(answer["Location"]).content.decode()
    assert "Use YYYY-MM-DD." in page
    assert "Propose to let it in" not in page
    assert hired("Finance").has_perm("accounts.approve_bulk_import")
    assert "Rows have problems" in client.get(url).content.decode()
