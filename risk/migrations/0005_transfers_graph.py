"""Find who shares a partner of transfers without reading every row."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("risk", "0004_traffic")]

    operations = [
        migrations.AddIndex(
            model_name="evidencerow",
            index=models.Index(
                condition=models.Q(("category", 14), models.Q(("counterparty", 0), _negated=True)),
                fields=["counterparty"],
                name="risk_evidence_row_partner",
            ),
        ),
    ]
