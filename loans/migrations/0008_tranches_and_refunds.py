"""Let a loan have more than one payout: the principal in tranches, and credit that is given back."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loans", "0007_nights_follow_lines")]

    operations = [
        migrations.AlterField(
            model_name="payout",
            name="loan",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="payouts",
                to="loans.loan",
                verbose_name="loan",
            ),
        ),
        migrations.AddField(
            model_name="payout", name="number", field=models.PositiveSmallIntegerField(default=1, verbose_name="number")
        ),
        migrations.AddField(
            model_name="payout",
            name="purpose",
            field=models.CharField(
                choices=[("PRINCIPAL", "Principal"), ("REFUND", "Refund of credit")],
                default="PRINCIPAL",
                max_length=9,
                verbose_name="purpose",
            ),
        ),
        migrations.AddField(
            model_name="payout",
            name="request_key",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="key of the request"),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(fields=("loan", "number"), name="payout_number_once_a_loan"),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(
                condition=~models.Q(request_key=""), fields=("loan", "request_key"), name="payout_key_once_a_loan"
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(purpose__in=["PRINCIPAL", "REFUND"]), name="payout_purpose_is_known"
            ),
        ),
    ]
