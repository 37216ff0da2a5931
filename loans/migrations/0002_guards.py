"""Guard events, terms and movements of money in the database itself."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("loans", "0001_loans")]

    operations = [
        migrations.RunSQL(
            (SQL / "0002_forward.sql").read_text("utf-8"), (SQL / "0002_backward.sql").read_text("utf-8")
        ),
    ]
