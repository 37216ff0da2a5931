"""Let what decisions were made from go when the law's years for it are over."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("credit", "0017_draws_in_one_statement"), ("accounts", "0012_person_keys")]

    operations = [
        migrations.RunSQL(
            (SQL / "0018_forward.sql").read_text("utf-8"), (SQL / "0018_backward.sql").read_text("utf-8")
        ),
    ]
