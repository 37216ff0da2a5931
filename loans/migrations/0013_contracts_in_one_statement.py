"""Let the database write a contract, its plan and its payout in one statement."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("loans", "0012_suspense")]

    operations = [
        migrations.RunSQL((SQL / "0013_forward.sql").read_text("utf-8"), "DROP FUNCTION loans_write_contract(jsonb, jsonb, jsonb, jsonb)"),
    ]
