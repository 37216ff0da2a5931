"""A key for each person, and an end for what the law made us keep. Values are sealed anew later, a batch at a time."""

import uuid
from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

import accounts.crypto.fields

SQL = Path(__file__).resolve().parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_acts_in_one_statement")]

    operations = [
        migrations.CreateModel(
            name="PersonKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("holder", models.CharField(max_length=64, unique=True, verbose_name="holder")),
                ("wrapped", accounts.crypto.fields.EncryptedTextField(editable=False, null=True, row="place", verbose_name="key")),
                ("destroyed_at", models.DateTimeField(blank=True, null=True, verbose_name="destroyed at")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created at")),
            ],
            options={
                "verbose_name": "key of a person",
                "verbose_name_plural": "keys of persons",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("destroyed_at__isnull", False), ("wrapped__isnull", True))
                        | models.Q(("destroyed_at__isnull", True), ("wrapped__isnull", False)),
                        name="person_key_until_destroyed",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "0012_forward.sql").read_text("utf-8"), (SQL / "0012_backward.sql").read_text("utf-8")
        ),
    ]
