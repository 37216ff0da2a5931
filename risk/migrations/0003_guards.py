"""Guard models, their changes of state and assessments in the database itself."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("risk", "0002_registry")]

    operations = [
        migrations.RunSQL(
            (SQL / "0003_forward.sql").read_text("utf-8"), (SQL / "0003_backward.sql").read_text("utf-8")
        ),
    ]
