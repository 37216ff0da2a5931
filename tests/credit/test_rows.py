"""A row that is inserted without the ORM's compiler is the row that `save` would have written."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from accounts.operations import write_audit
from accounts.rows import insert_row
from credit.models import Application, CreditLine, Decision, LimitChange
from risk.models import Assessment
from tests.credit.factories import make_line
from tests.credit.test_applications import apply, person
from tests.factories import AS_OF


def stored(row: models.Model) -> dict[str, Any]:
    columns = [field.attname for field in type(row)._meta.concrete_fields]
    values: dict[str, Any] = type(row)._base_manager.filter(pk=row.pk).values(*columns).get()
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in values.items()}


def assessment() -> Assessment:
    return Assessment(
        subject_id=7, as_of=AS_OF, purpose="APPLICATION", segment=0, outcome="UNSCORED", unscored_code="no_model",
        facts=b"\x00\x01", registry_digest="0" * 64, reasons=[{"code": "bills", "share": 0.5}],
    )  # fmt: skip


@pytest.mark.django_db
def test_it_writes_what_save_writes_and_sets_what_the_database_fills_in() -> None:
    ours, theirs = assessment(), assessment()
    insert_row(ours)
    theirs.save(force_insert=True)
    differ = {"id", "ref", "created_at"}
    assert {k: v for k, v in stored(ours).items() if k not in differ} == {
        k: v for k, v in stored(theirs).items() if k not in differ
    }
    assert ours.pk is not None
    assert ours.created_at == stored(ours)["created_at"]
    assert not ours._state.adding
    with pytest.raises(AssertionError, match="key from the database"):
        insert_row(ours)


@pytest.mark.usefixtures("books")
def test_it_writes_each_table_of_a_decision_like_save() -> None:
    application = apply(person())  # without a model a person decides
    line = make_line()
    for row in (application, application.decisions.get(), line, LimitChange.objects.filter(line=line)[0]):
        before = stored(row)
        with transaction.atomic():
            copy = type(row)(**{k: v for k, v in before.items() if k not in ("id", "ref", "created_at")})
            if isinstance(copy, Application):
                copy.status, copy.decided_date = "WITHDRAWN", None
            elif isinstance(copy, Decision):
                copy.number += 1
            elif isinstance(copy, CreditLine):
                copy.status = "CLOSED"
            else:
                assert isinstance(copy, LimitChange)
                copy.trigger = "OFFICER"
            insert_row(copy)
            after = stored(copy)
            changed = {k for k in before if before[k] != after[k]}
            assert changed <= {
                "id",
                "ref",
                "created_at",
                "status",
                "decided_date",
                "number",
                "trigger",
            }
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_broken_rule_of_the_table_is_still_refused() -> None:
    wrong = assessment()
    wrong.unscored_code = ""
    with pytest.raises(IntegrityError, match="risk_assessment_scored_has_model_and_pd"), transaction.atomic():
        insert_row(wrong)


@pytest.mark.django_db
def test_an_entry_of_the_trail_is_one_statement_and_chained() -> None:
    with CaptureQueriesContext(connection) as asked:
        pk = write_audit(actor=None, action="test", object_type="x", object_ref="1", after={"n": 1})
    assert len(asked) == 1
    entry = AuditEntry.objects.get(pk=pk)
    assert entry.hash
    assert entry.after == {"n": 1}
    assert entry.at.year > 2000
