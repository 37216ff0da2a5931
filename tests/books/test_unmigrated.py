"""The command before a database that has no tables yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection


def test_an_unmigrated_database_is_not_called_broken(transactional_db: None) -> None:
    """A fresh database has no books: the command says what to do and exits 4."""
    name = f"unmigrated_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        address = urlsplit(os.environ["DATABASE_URL"])
        done = subprocess.run(
            [sys.executable, "manage.py", "check_books", "--strict", "--json"],
            env={**os.environ, "DATABASE_URL": urlunsplit(address._replace(path=f"/{name}"))},
            cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert "manage.py migrate" in done.stderr
        assert "BROKEN" not in done.stdout
        assert "holds" not in done.stdout
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
