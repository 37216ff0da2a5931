"""Guard history in the database, and bring the first version of the products and of the policy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from django.db import migrations

HERE = Path(__file__).resolve().parent
SEED = HERE.parent / "seed"


def statements(name: str) -> str:
    return (HERE / "sql" / name).read_text("utf-8")


def bring_products(apps, schema_editor):
    Product = apps.get_model("credit", "Product")
    written = json.loads((SEED / "products_v1.json").read_text("utf-8"))
    for item in written["products"]:
        Product.objects.get_or_create(
            code=item["code"],
            version=1,
            defaults={
                "name": item["name"],
                "scenario": item["scenario"],
                "family": item["family"],
                "repayment_methods": item["methods"],
                "instalment_counts": item["instalment_counts"],
                "minimum_amount": item["minimum"],
                "maximum_amount": item["maximum"],
                "purposes": item["purposes"],
                "forbidden_purposes": written["forbidden"],
            },
        )


def bring_policy(apps, schema_editor):
    Policy = apps.get_model("credit", "Policy")
    document = json.loads((SEED / "policy_v1.json").read_text("utf-8"))
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    Policy.objects.get_or_create(
        version=1,
        defaults={
            "document": document,
            "document_sha256": digest,
            "state": "ACTIVE",
            "is_installation": True,
            "note": "Came with the installation.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [("credit", "0001_lines_and_decisions")]

    operations = [
        migrations.RunSQL(statements("0002_forward.sql"), statements("0002_backward.sql")),
        migrations.RunPython(bring_products, migrations.RunPython.noop),
        migrations.RunPython(bring_policy, migrations.RunPython.noop),
    ]
