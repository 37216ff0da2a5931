"""Guard history in the database itself: the audit chain, and the one change that a consent may see."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


def statements(name: str) -> str:
    return (SQL / name).read_text("utf-8")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_people_and_businesses")]

    operations = [
        migrations.RunSQL(statements("0002_forward.sql"), statements("0002_backward.sql")),
    ]
