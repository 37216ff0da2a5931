"""Let a change of state propose a challenger's share of borrowers, and guard it like the rest."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("risk", "0003_guards")]

    operations = [
        migrations.AddField(
            model_name="modelstatechange",
            name="traffic_percent",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.RunSQL(
            (SQL / "0004_forward.sql").read_text("utf-8"), (SQL / "0004_backward.sql").read_text("utf-8")
        ),
    ]
