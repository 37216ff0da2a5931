"""Let the database write an act and its notice for a statement of another room."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_stored_replies")]

    operations = [
        migrations.RunSQL((SQL / "0011_forward.sql").read_text("utf-8"), "DROP FUNCTION accounts_write_act(jsonb, jsonb)"),
    ]
