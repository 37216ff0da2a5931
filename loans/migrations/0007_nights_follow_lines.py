"""Keep the period that each live loan runs in on one narrow row, filled from what the projection wrote."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO loans_accrualline (loan_id, portfolio, currency, accrued_through, accrual_after, accrual_until, accrual_from,
    due_date, accrual_year, accrual_before, accrual_carried, accrual_base, accrual_rate)
SELECT l.id, l.portfolio, l.currency, l.accrued_through, i.accrual_after, i.accrual_until, i.accrual_from, i.due_date,
    i.accrual_year, i.accrual_before, i.accrual_carried, i.accrual_base, i.accrual_rate
FROM loans_loan l CROSS JOIN LATERAL (
    SELECT * FROM loans_instalment n WHERE n.loan_id = l.id AND n.accrual_until >= l.accrued_through
      AND n.accrual_after < l.accrued_through ORDER BY n.accrual_until LIMIT 1) i
WHERE l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0006_casework")]

    operations = [
        migrations.CreateModel(
            name="AccrualLine",
            fields=[
                (
                    "loan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="accrual_line",
                        serialize=False,
                        to="loans.loan",
                        verbose_name="loan",
                    ),
                ),
                ("portfolio", models.CharField(max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("accrued_through", models.DateField()),
                ("accrual_after", models.DateField()),
                ("accrual_until", models.DateField()),
                ("accrual_from", models.DateField()),
                ("due_date", models.DateField()),
                ("accrual_year", models.PositiveIntegerField()),
                ("accrual_before", models.DecimalField(decimal_places=2, max_digits=16)),
                ("accrual_carried", models.DecimalField(decimal_places=12, max_digits=34)),
                ("accrual_base", models.DecimalField(decimal_places=2, max_digits=16)),
                ("accrual_rate", models.DecimalField(decimal_places=12, max_digits=18)),
            ],
            options={
                "verbose_name": "period that a loan runs in",
                "verbose_name_plural": "periods that loans run in",
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
