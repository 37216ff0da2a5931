"""Copies that come back: refused when touched, proved when restored, and no payment twice when the bank is ahead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from credit.rights.erase import erase_borrower
from lendportal.recovery import UnableToCopy, back_up
from lendportal.recovery.copies import MANIFEST, read_manifest
from loans import operations
from loans.models import Payout
from tests.factories import IdentityFactory
from tests.loans import factories
from tests.loans.bank import API_KEY, SECRET, BankProcess
from tests.loans.factories import START
from tests.loans.test_payouts import until_final
from tests.plugins.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def bank_process(django_db_setup: Any, django_db_blocker: Any) -> Iterator[BankProcess]:
    with django_db_blocker.unblock():
        bank = BankProcess()
    yield bank
    bank.stop()


CHANGED = (
    "ledger_posting",
    "ledger_journal",
    "loans_event",
    "loans_instalment",
    "loans_payout",
    "loans_loan",
)


@pytest.fixture
def bank(bank_process: BankProcess, transactional_db: None, settings: Any) -> BankProcess:
    settings.GATEWAY_URL, settings.GATEWAY_API_KEY = bank_process.url, API_KEY
    settings.GATEWAY_SECRETS, settings.GATEWAY_TIMEOUT = [SECRET], 2
    bank_process.reset()
    return bank_process


@pytest.fixture
def copy(transactional_db: None, tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT, settings.MODEL_DIR = tmp_path / "media", tmp_path / "models"
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "paper.pdf").write_bytes(b"sealed")
    factories.confirm(factories.open_loan())
    back_up(folder=tmp_path / "copy", now=timezone.now())
    return tmp_path / "copy"


@pytest.fixture
def empty_database() -> Iterator[str]:
    name = f"{connection.settings_dict['NAME']}_restored"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def restored(copy: Path, database: str, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return managed(database, home, "restore", "--from", str(copy), *more)


def managed(database: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = os.environ["DATABASE_URL"]
    head, _, tail = given.partition("?")
    url = f"{head.rpartition('/')[0]}/{database}{'?' + tail if tail else ''}"
    encoded = {name: b64encode(key).decode() for name, key in django_settings.FIELD_KEYS.items()}
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "PORTAL_HOME": str(home),
        "LENDPORTAL_FIELD_KEYS": ",".join(f"{name}:{key}" for name, key in encoded.items()),
        "LENDPORTAL_INDEX_KEY": b64encode(django_settings.INDEX_KEY).decode(),
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_refuses_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(UnableToCopy, match="exists already"):
        back_up(folder=tmp_path, now=timezone.now())


def test_it_refuses_a_copy_that_was_touched(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    dump = next(path for path in (copy / "database").iterdir() if path.name != "toc.dat")
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UnableToCopy, match="was changed after"):
        read_manifest(copy)
    dump.unlink()
    with pytest.raises(UnableToCopy, match="missing from"):
        read_manifest(copy)
    dump.write_bytes(whole)
    (copy / "stranger").write_bytes(b"")
    with pytest.raises(UnableToCopy, match="foreign to"):
        read_manifest(copy)
    (copy / "stranger").unlink()
    newer = {**manifest, "migrations": [*manifest["migrations"], "loans.9999_later"]}
    (copy / MANIFEST).write_text(json.dumps(newer))
    with pytest.raises(UnableToCopy, match="newer version"):
        read_manifest(copy)
    (copy / MANIFEST).write_text("{")
    with pytest.raises(UnableToCopy, match="no copy"):
        read_manifest(copy)


def test_it_refuses_a_database_that_holds_something(copy: Path, tmp_path: Path) -> None:
    done = restored(copy, connection.settings_dict["NAME"], tmp_path / "home")
    assert done.returncode == 2
    assert "restore into an empty one" in done.stderr


def test_it_restores_history_to_the_same_digests(copy: Path, empty_database: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = restored(copy, empty_database, home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["restore"], told["digests"]) == ("ok", "equal")
    assert (home / "media" / "paper.pdf").read_bytes() == b"sealed"


LOOK = """
from accounts.models import Identity
for row in Identity.objects.order_by("pk"):
    try:
        print("said", row.full_name)
    except Exception as error:
        print("said", type(error).__name__)
"""


def look(database: str, home: Path) -> list[str]:
    done = managed(database, home, "shell", "-v0", "-c", LOOK)
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("said ") for line in done.stdout.splitlines() if line.startswith("said ")]


def test_who_was_erased_is_readable_in_no_copy(
    transactional_db: None, empty_database: str, tmp_path: Path, settings: Any
) -> None:
    """The copy is from before the erasure; the keys beside the copies are from after it."""
    settings.MEDIA_ROOT, settings.MODEL_DIR = tmp_path / "media", tmp_path / "models"
    gone, stays = IdentityFactory(full_name="Alice Wong"), IdentityFactory(full_name="Bob Li")
    back_up(folder=tmp_path / "monday", now=timezone.now())
    erase_borrower(borrower=gone.borrower, actor=gone.borrower.user, as_of=START, now=timezone.now())
    back_up(folder=tmp_path / "tuesday", now=timezone.now())
    assert b"Alice" not in (tmp_path / "person-keys.json").read_bytes()
    done = restored(tmp_path / "monday", empty_database, tmp_path / "home", "--no-proof")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["erased_since"] == [str(gone.borrower.ref)]
    assert look(empty_database, tmp_path / "home") == ["Shredded", "Bob Li"]
    assert stays.borrower.status == "ACTIVE"


@pytest.mark.parametrize("what", ["missing", "changed"])
def test_it_refuses_without_the_keys_of_persons(
    copy: Path, empty_database: str, tmp_path: Path, what: str
) -> None:
    keys = copy.parent / "person-keys.json"
    if what == "missing":
        keys.unlink()
    else:
        keys.write_text(keys.read_text().replace('"keys": "[', '"keys": "[ '))
    done = restored(copy, empty_database, tmp_path / "home")
    assert done.returncode == 2
    assert "person-keys.json" in done.stderr
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = 'accounts_user'")
        assert cursor.fetchone()[0] == 1, "this database; the other is empty still"


def test_a_row_changed_on_the_way_is_seen(copy: Path, empty_database: str, tmp_path: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["digests"]["loans_event"]["sha256"] = "0" * 64
    (copy / MANIFEST).write_text(json.dumps(manifest))
    done = restored(copy, empty_database, tmp_path / "home")
    assert done.returncode == 2
    assert "loans_event" in done.stderr


def test_a_bank_that_is_ahead_is_listed_and_nothing_is_paid_twice(
    bank: BankProcess, tmp_path: Path, settings: Any
) -> None:
    """The database comes back from before a payout that the bank has done."""
    settings.MEDIA_ROOT, settings.MODEL_DIR = tmp_path / "media", tmp_path / "models"
    loan = factories.open_loan()
    with connection.cursor() as cursor:
        for table in CHANGED:
            cursor.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    assert operations.send_payout(payout_id=loan.payout.pk, now=timezone.now(), as_of=START) == "SENT"
    assert until_final(loan.payout) == "CONFIRMED"
    # the portal's own rows as they were; the bank is another company, and keeps its book
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in CHANGED:
            cursor.execute(
                f"DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}"
            )
            cursor.execute(f"DROP TABLE kept_{table}")
        cursor.execute("SET session_replication_role = DEFAULT")
    from loans.gateways import gateway
    from loans.reconcile import reconcile_bank

    found = reconcile_bank(gateway=gateway("sandbox"), name="sandbox", began_at=timezone.now())
    assert [row.what for row in found.differences] == ["done_at_bank_not_booked"]
    payout = Payout.objects.get()
    assert until_final(payout) == "CONFIRMED"
    assert len(bank.movements()) == 1
    assert reconcile_bank(gateway=gateway("sandbox"), name="sandbox", began_at=timezone.now()).is_clean
