"""Let the facts of assessments go when the law's years for them are over."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("risk", "0005_transfers_graph"), ("accounts", "0012_person_keys")]

    operations = [
        migrations.RunSQL(
            (SQL / "0006_forward.sql").read_text("utf-8"), (SQL / "0006_backward.sql").read_text("utf-8")
        ),
    ]
