"""Take a copy of database and files, and bring one back into an empty database."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from lendportal.embedded.postgres import binaries
from lendportal.embedded.process import CannotStart
from lendportal.recovery.digests import Digest, digests
from lendportal.recovery.keys import NAME, TABLE, KeysUnreadable, bring_keys, read_keys, write_keys

MANIFEST = "manifest.json"
FORMAT = 1


class UnableToCopy(Exception):
    """Say in one line why a copy cannot be taken or brought back."""


def back_up(
    *,
    folder: Path,
    now: datetime,
    jobs: int = 2,
    keys: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Write database and files into a new folder, and the keys of persons beside it; give the manifest.

    The dump and the digests are read from one snapshot while the portal works on. The folder appears under its name only
    when it is whole. The keys go over those of the copy before: who was erased since is readable in no copy.
    """
    if folder.exists():
        raise UnableToCopy(f"{folder} exists already; name a new folder")
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True, mode=0o700)
    try:
        manifest = _dump(half, now=now, jobs=jobs, say=say)
        manifest["files"] = _copy_files(half)
        manifest["sha256"] = {name: _hash(half / name) for name in _names(half)}
        path = half / MANIFEST
        path.write_text(json.dumps(manifest, indent=1), "utf-8")
        with psycopg.connect(**_plain(connection.get_connection_params())) as link:
            write_keys(link=link, path=keys or folder.parent / NAME)
        half.rename(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return manifest


def _dump(half: Path, *, now: datetime, jobs: int, say: Callable[[str], None]) -> dict[str, Any]:
    parameters = connection.get_connection_params()
    with psycopg.connect(**_plain(parameters)) as link, link.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000")
        snapshot, server = _row(cursor)
        say("dumping")
        _run(
            "pg_dump",
            "--format=directory",
            f"--jobs={jobs}",
            f"--snapshot={snapshot}",
            "--compress=1",
            "--no-owner",
            "--no-privileges",
            f"--exclude-table-data=public.{TABLE}",
            f"--file={half / 'database'}",
            parameters=parameters,
        )
        say("hashing history")
        found = digests(cursor)
        cursor.execute("SELECT max(business_date)::text FROM ledger_bookdate")
        (day,) = _row(cursor)
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        applied = [f"{app}.{name}" for app, name in cursor.fetchall()]
    return {
        "format": FORMAT,
        "taken_at": now.isoformat(),
        "business_date": day,
        "server": server,
        "migrations": applied,
        "digests": {table: asdict(digest) for table, digest in found.items()},
    }


def restore(
    *,
    folder: Path,
    jobs: int = 2,
    keys: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Bring a copy back into the configured database, which must be empty; give the manifest and who was erased since.

    Every file is hashed before anything is written, and history is hashed afterwards. The newest keys of persons come
    with it; without them no sealed value opens.
    """
    manifest = read_manifest(folder)
    parameters = connection.get_connection_params()
    _refuse_full(parameters)
    # copies from before that migration hold values of the older form alone
    keyed = "accounts.0012_person_keys" in manifest["migrations"]
    try:
        rows = read_keys(path=keys or folder.parent / NAME) if keyed else []
    except KeysUnreadable as error:
        raise UnableToCopy(str(error)) from None
    say("restoring the database")
    _run(
        "pg_restore",
        f"--jobs={jobs}",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--dbname={parameters['dbname']}",
        str(folder / "database"),
        parameters=parameters,
    )
    say("hashing history")
    expected = {table: Digest(**values) for table, values in manifest["digests"].items()}
    with psycopg.connect(**_plain(parameters)) as link, link.cursor() as cursor:
        cursor.execute("ANALYZE")
        found = digests(cursor)
    wrong = [table for table, digest in expected.items() if found.get(table) != digest]
    if wrong:
        raise UnableToCopy(f"the restored history differs from the copy's: {', '.join(wrong)}")
    if keyed:
        with psycopg.connect(**_plain(parameters)) as link:
            manifest["erased_since"] = bring_keys(link=link, rows=rows)
    _bring_files(folder, manifest["files"])
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a copy's manifest and prove that every file is as it was written, and that this code knows its tables."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        raise UnableToCopy(f"{folder} holds no copy that can be read") from None
    if manifest.get("format") != FORMAT:
        raise UnableToCopy("the copy is of a format that this version does not know")
    names = set(_names(folder)) - {MANIFEST}
    for name in sorted(names ^ set(manifest["sha256"])):
        raise UnableToCopy(f"{name} is {'missing from' if name not in names else 'foreign to'} the copy")
    for name, expected in manifest["sha256"].items():
        if _hash(folder / name) != expected:
            raise UnableToCopy(f"{name} was changed after the copy was taken")
    known = {".".join(key) for key in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    newer = [name for name in manifest["migrations"] if name not in known]
    if newer:
        raise UnableToCopy(f"the copy is of a newer version: migration {newer[0]} is not known here")
    return manifest


def _refuse_full(parameters: dict[str, Any]) -> None:
    with psycopg.connect(**_plain(parameters)) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        (tables,) = _row(cursor)
    if tables:
        raise UnableToCopy(f"the database holds {tables} tables; restore into an empty one")


def _copy_files(half: Path) -> list[str]:
    """Copy uploads and signed models; keys are never part of a copy."""
    taken = []
    for name, source in (("media", Path(settings.MEDIA_ROOT)), ("models", Path(settings.MODEL_DIR))):
        if source.is_dir():
            shutil.copytree(source, half / name)
            taken.append(name)
    return taken


def _bring_files(folder: Path, names: list[str]) -> None:
    for name in names:
        target = Path(settings.MEDIA_ROOT if name == "media" else settings.MODEL_DIR)
        shutil.copytree(folder / name, target, dirs_exist_ok=True)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Keep what libpq knows: no limits on time, which belong to web requests."""
    known = ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert")
    return {name: parameters[name] for name in known if parameters.get(name)}


def _run(program: str, *arguments: str, parameters: dict[str, Any]) -> None:
    """Run a program of PostgreSQL; the password goes by the environment, where no list of processes shows it."""
    try:
        path = binaries(Path(os.environ["PG_BINDIR"]) if os.environ.get("PG_BINDIR") else None) / program
    except CannotStart as error:
        raise UnableToCopy(str(error)) from None
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    given = {names[name]: str(value) for name, value in _plain(parameters).items()}
    done = subprocess.run(
        [str(path), *arguments], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise UnableToCopy(f"{program}: {lines[0] if lines else f'code {done.returncode}'}"[:300])


def _row(cursor: Any) -> Any:
    row = cursor.fetchone()
    assert row is not None
    return row
