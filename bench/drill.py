"""Recover a large book twice and prove it: `python -m bench.drill [--postings 1000000]` (`make drill`).

First from a copy: `manage.py backup` of a book with a million postings, `manage.py restore` into a new instance, which hashes
history again, proves the books and walks the audit trail. Then to a point in time: a base backup and archived WAL, work
that goes on, a power cut, a new instance from what was archived. Prints one JSON line; exit 1 when something was lost that
must not be.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
GOAL_SECONDS = 600.0
GOAL_LOST_SECONDS = 60.0
ARCHIVE_TIMEOUT = 20  # seconds after which a piece of WAL is archived though it is not full


class Instance:
    """One PostgreSQL in a folder of its own."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        from lendportal.embedded.places import server_user
        from lendportal.embedded.postgres import DURABLE, Postgres

        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.server = Postgres(
            data=folder / "pg",
            sockets=folder / "run",
            log=folder / "log",
            user=server_user(),
            settings={
                **DURABLE,
                "shared_buffers": "512MB",
                "maintenance_work_mem": "256MB",
                **(settings or {}),
            },
        )

    @property
    def url(self) -> str:
        return f"postgres://lendportal@/lendportal?host={self.folder / 'run'}"

    def manage(self, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DATABASE_URL": self.url, "PORTAL_HOME": str(home)}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


def fill(instance: Instance, postings: int) -> int:
    """Fill a migrated database with live loans until it has enough postings; give how many there are."""
    from django.db import connection

    from bench.bench_night import copy_loans, seed_loans

    seeds = seed_loans()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_posting WHERE loan_id IS NOT NULL")
        each = max(1, cursor.fetchone()[0] // len(seeds))
    copy_loans(seeds, max(len(seeds), postings // each + 1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SELECT count(*) FROM ledger_posting")
        return int(cursor.fetchone()[0])


def from_a_copy(instance: Instance, folder: Path, home: Path) -> dict[str, Any]:
    """Back up, restore elsewhere, prove."""
    began = time.monotonic()
    taken = instance.manage("backup", "--to", str(folder / "copy"), home=home)
    assert taken.returncode == 0, taken.stderr
    backed_up = time.monotonic() - began
    other = Instance(folder / "other")
    other.server.start()
    try:
        other.server.create_database("lendportal")
        began = time.monotonic()
        # the portal's own keys are in no copy: they come from the environment, as they would on a new machine
        done = other.manage("restore", "--from", str(folder / "copy"), home=home)
        told = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
        return {
            "ok": done.returncode == 0,
            "backup_seconds": round(backed_up, 1),
            "backup_bytes": json.loads(taken.stdout.splitlines()[-1])["bytes"],
            "restore_seconds": told.get("restored_seconds"),
            "proved_seconds": round(time.monotonic() - began, 1),
            "digests": told.get("digests", done.stderr[-500:]),
        }
    finally:
        other.server.stop()


class Work(threading.Thread):
    """Write one small durable row after another, and remember which were acknowledged, and when."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.done, self.until = address, [], threading.Event()
        self.done: list[tuple[int, float]] = []

    def run(self) -> None:
        with psycopg.connect(self.address, autocommit=True) as link:
            link.execute("CREATE TABLE IF NOT EXISTS drill_work (id int PRIMARY KEY)")
            for number in range(1, 10_000_000):
                if self.until.is_set():
                    return
                try:
                    link.execute("INSERT INTO drill_work VALUES (%s)", [number])
                except psycopg.Error:
                    return
                self.done.append((number, time.monotonic()))
                time.sleep(0.01)


def to_a_point_in_time(instance: Instance, folder: Path, *, seconds: float) -> dict[str, Any]:
    """Take a base backup, work on, cut the power and lose the disk; recover from the archive alone."""
    from lendportal.recovery.digests import digests

    archive = folder / "archive"
    with psycopg.connect(instance.server.address("lendportal")) as link:
        before = digests(link.cursor())
    base = folder / "new" / "pg"
    base.parent.mkdir(mode=0o755)
    if instance.server.user is not None:
        os.chown(base.parent, instance.server.user.pw_uid, instance.server.user.pw_gid)
    began = time.monotonic()
    _as_server(
        instance,
        [
            instance.server.bindir / "pg_basebackup",
            f"--pgdata={base}",
            f"--host={instance.folder / 'run'}",
            "--username=lendportal",
            "--checkpoint=fast",
            "--wal-method=none",
        ],
    )
    base_seconds = time.monotonic() - began
    work = Work(instance.server.address("lendportal"))
    work.start()
    time.sleep(seconds)
    assert instance.server.child is not None
    instance.server.child.send_signal(signal.SIGQUIT)
    instance.server.child.wait(30)
    work.until.set()
    work.join(10)
    began = time.monotonic()
    for name in ("recovery.signal",):
        _as_server(instance, ["touch", base / name])
    new = Instance(
        folder / "new",
        settings={"restore_command": f"cp {archive}/%f %p", "recovery_target_timeline": "latest"},
    )
    new.server.start()
    try:
        with psycopg.connect(new.server.address("lendportal")) as link:
            deadline = time.monotonic() + 300
            while (
                link.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
                and time.monotonic() < deadline
            ):
                link.commit()
                time.sleep(0.2)
            after = digests(
                link.cursor(), through={table: digest.through for table, digest in before.items()}
            )
            row = link.execute("SELECT coalesce(max(id), 0), count(*) FROM drill_work").fetchone()
        assert row is not None
        last, count = row
        kept = [moment for number, moment in work.done if number <= last]
        lost = work.done[-1][1] - (kept[-1] if kept else work.done[0][1])
        return {
            "ok": after == before and lost <= GOAL_LOST_SECONDS and count == last,
            "base_backup_seconds": round(base_seconds, 1),
            "recovered_seconds": round(time.monotonic() - began, 1),
            "acknowledged": len(work.done),
            "kept": last,
            "lost_seconds": round(lost, 1),
            "digests": "equal" if after == before else "different",
        }
    finally:
        new.server.stop()


def _as_server(instance: Instance, command: list[Any]) -> None:
    user = instance.server.user
    done = subprocess.run(
        [str(part) for part in command],
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--postings", type=int, default=1_000_000)
    parser.add_argument(
        "--seconds", type=float, default=45, help="how long work goes on before the power cut"
    )
    options = parser.parse_args(given)
    folder = Path(tempfile.mkdtemp(prefix="lpd-", dir="/tmp"))
    folder.chmod(0o755)
    archive = folder / "archive"
    archive.mkdir()
    settings = {
        "archive_mode": "on",
        "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/.%f && mv {archive}/.%f {archive}/%f",
        "archive_timeout": str(ARCHIVE_TIMEOUT),
        "wal_level": "replica",
        "max_wal_size": "4GB",
    }
    instance = Instance(folder / "first", settings=settings)
    if instance.server.user is not None:
        os.chown(archive, instance.server.user.pw_uid, instance.server.user.pw_gid)
    home = folder / "home"
    try:
        instance.server.start()
        instance.server.create_database("lendportal")
        os.environ.update(
            LENDPORTAL_ENV="test",
            PORTAL_HOME=str(home),
            DATABASE_URL=instance.url,
            REDIS_URL="redis://127.0.0.1:1/0",
            DJANGO_SETTINGS_MODULE="lendportal.settings",
        )
        (home / "static").mkdir(parents=True)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0, interactive=False)
        rows = fill(instance, options.postings)
        connections.close_all()
        copy = from_a_copy(instance, folder, home)
        point = to_a_point_in_time(instance, folder, seconds=options.seconds)
    finally:
        instance.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    good = copy["ok"] and point["ok"] and copy["proved_seconds"] <= GOAL_SECONDS
    print(
        json.dumps(
            {"drill": "ok" if good else "FAILED", "postings": rows, "copy": copy, "point_in_time": point}
        )
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
