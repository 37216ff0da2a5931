"""The audit trail: nothing in it can be changed, and whoever changes it anyway is found."""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from accounts.audit_reader import verify
from accounts.invariants import INVARIANTS
from accounts.models import AuditEntry
from accounts.operations import write_audit
from accounts.tasks import keep_audit_heads
from tests.factories import UserFactory


def entry(number: int, **values: object) -> int:
    made = write_audit(
        actor=None,
        action="test.act",
        object_type="Thing",
        object_ref=number,
        after={"n": number, "名": "值"},
        **values,
    )
    settle()
    return made


def settle() -> None:
    """Check what waits for the commit now: a table with checks under way cannot be altered."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def as_superuser(sql: str, *params: object) -> None:
    """Do what an intruder with all rights could do: switch the guards off, change, switch them on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql, params)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")


def chain_by_sql() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS[0].sql)
        return cursor.fetchall()


@pytest.mark.django_db
class TestTheTableRefuses:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE accounts_auditentry SET reason = 'better'",
            "DELETE FROM accounts_auditentry",
            "TRUNCATE accounts_auditentry",
        ],
    )
    def test_it_refuses_every_change(self, sql: str) -> None:
        entry(1)
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert AuditEntry.objects.count() == 1

    def test_it_ignores_hashes_and_moments_that_a_writer_makes_up(self) -> None:
        pk = entry(1)
        made = AuditEntry.objects.get(pk=pk)
        assert made.sequence == 1
        assert made.prev_hash == "0" * 64
        assert len(made.hash) == 64
        assert made.at.year > 2000


@pytest.mark.django_db
class TestTheVerifier:
    @pytest.fixture(autouse=True)
    def trail(self) -> list[int]:
        self.ids = [entry(number) for number in range(6)]
        assert verify() == []
        assert chain_by_sql() == []
        return self.ids

    def broken(self) -> str:
        found = verify()
        assert len(found) == 1
        assert chain_by_sql(), "the invariant must see what the verifier sees"
        return found[0].problem

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("reason", "'x'"),
            ("after", "'{}'"),
            ("action", "'a'"),
            ("at", "at + interval '1 microsecond'"),
            ("actor_role", "'STAFF'"),
        ],
    )
    def test_it_finds_a_changed_entry(self, column: str, value: str) -> None:
        as_superuser(f"UPDATE accounts_auditentry SET {column} = {value} WHERE id = %s", self.ids[2])
        assert self.broken() == "was changed"

    def test_it_finds_a_changed_entry_whose_hash_was_made_to_fit(self) -> None:
        as_superuser("UPDATE accounts_auditentry SET reason = 'x' WHERE id = %s", self.ids[2])
        as_superuser(
            "UPDATE accounts_auditentry e SET hash = accounts_audit_digest(e) WHERE id = %s", self.ids[2]
        )
        assert self.broken() == "does not follow the entry before it"

    def test_it_finds_a_removed_entry(self) -> None:
        as_superuser("DELETE FROM accounts_auditentry WHERE id = %s", self.ids[2])
        assert self.broken() == "entry 3 is missing"

    def test_it_finds_swapped_entries(self) -> None:
        one, other = self.ids[1], self.ids[3]
        as_superuser("UPDATE accounts_auditentry SET sequence = 99 WHERE id = %s", one)
        as_superuser("UPDATE accounts_auditentry SET sequence = 2 WHERE id = %s", other)
        as_superuser("UPDATE accounts_auditentry SET sequence = 4 WHERE id = %s", one)
        assert self.broken() == "does not follow the entry before it"

    def test_a_cut_tail_is_seen_by_whoever_kept_the_heads(self, tmp_path, capsys) -> None:
        heads = tmp_path / "heads.json"
        call_command("verify_audit", write_heads=heads)
        as_superuser("DELETE FROM accounts_auditentry WHERE id = %s", self.ids[-1])
        assert verify() == []  # the chain alone cannot tell
        with pytest.raises(CommandError) as refused:
            call_command("verify_audit", heads=heads)
        assert refused.value.returncode == 1
        assert "entries are missing at the end" in capsys.readouterr().out

    def test_the_heads_of_every_five_minutes_betray_a_tail_cut_since(
        self, tmp_path, settings, capsys
    ) -> None:
        settings.AUDIT_HEADS = tmp_path / "kept" / "heads.jsonl"
        assert keep_audit_heads() == {"chains": 1}
        write_audit(actor=None, action="a", object_type="b", object_ref="c")
        assert keep_audit_heads() == {"chains": 1}
        assert len(settings.AUDIT_HEADS.read_text().splitlines()) == 2
        call_command("verify_audit", heads=settings.AUDIT_HEADS)
        last = AuditEntry.objects.order_by("-sequence").first()
        as_superuser("DELETE FROM accounts_auditentry WHERE id = %s", last.pk)
        with pytest.raises(CommandError):
            call_command("verify_audit", heads=settings.AUDIT_HEADS)

    def test_heads_that_were_edited_are_refused(self, tmp_path) -> None:
        heads = tmp_path / "heads.json"
        call_command("verify_audit", write_heads=heads)
        document = json.loads(heads.read_text())
        document["heads"] = "[]"
        heads.write_text(json.dumps(document))
        with pytest.raises(CommandError) as refused:
            call_command("verify_audit", heads=heads)
        assert refused.value.returncode == 2

    def test_it_is_content_with_a_whole_trail(self, capsys) -> None:
        write_audit(
            actor=UserFactory(),
            action="a",
            object_type="b",
            object_ref="c",
            before={"x": [1, 1.5, None]},
            reason="|:",
        )
        call_command("verify_audit")
        assert "whole" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_keep_the_chains_whole_and_do_not_wait_for_each_other() -> None:
    """Twenty writers hold their transactions open at one time: with one chain they would queue."""
    barrier, failures = threading.Barrier(20, timeout=20), []

    def write(number: int) -> None:
        try:
            for turn in range(3):
                with transaction.atomic():
                    entry(number * 10 + turn)
                    if turn == 0:
                        barrier.wait()  # every one of the twenty has written and none has committed
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert AuditEntry.objects.count() == 60
    assert verify() == []
    assert chain_by_sql() == []


@pytest.mark.django_db(transaction=True)
def test_an_act_that_is_rolled_back_leaves_no_entry_and_no_gap() -> None:
    entry(1)
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        entry(2)
        raise RuntimeError
    entry(3)
    assert AuditEntry.objects.count() == 2
    assert verify() == []
