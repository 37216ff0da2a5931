"""Bring the first version of the products that a share of sales repays, and that are advanced on an invoice."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import migrations

SEED = Path(__file__).resolve().parent.parent / "seed" / "products_working_v1.json"


def bring_products(apps, schema_editor):
    Product = apps.get_model("credit", "Product")
    written = json.loads(SEED.read_text("utf-8"))
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
                "working_rules": item["rules"],
            },
        )


class Migration(migrations.Migration):
    dependencies = [("credit", "0019_working_capital")]

    operations = [migrations.RunPython(bring_products, migrations.RunPython.noop)]
