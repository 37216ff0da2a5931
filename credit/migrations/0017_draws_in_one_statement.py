"""Let the database write a draw whole, in one statement."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credit", "0016_terms_notice_and_uses"), ("accounts", "0011_acts_in_one_statement"), ("loans", "0013_contracts_in_one_statement")]

    operations = [
        migrations.RunSQL((SQL / "0017_forward.sql").read_text("utf-8"), "DROP FUNCTION credit_write_draw(jsonb, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb)"),
    ]
