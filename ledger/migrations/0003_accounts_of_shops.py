"""The accounts that purchases at shops need."""

from django.db import migrations

CHART = [
    ("2201", "MERCHANT_PAYABLE", "LIABILITY", "Owed to shops"),
    ("2202", "SUBVENTION_DEFERRED", "LIABILITY", "Interest paid by shops, not earned yet"),
    ("4005", "MERCHANT_FEE_INCOME", "INCOME", "Fees of shops"),
    ("4006", "SUBVENTION_INCOME", "INCOME", "Interest paid by shops"),
]


def bring_accounts(apps, schema_editor):
    account = apps.get_model("ledger", "Account")
    account.objects.bulk_create(
        [account(id=int(code), code=code, role=role, kind=kind, name=name) for code, role, kind, name in CHART],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards_and_chart")]

    operations = [migrations.RunPython(bring_accounts, migrations.RunPython.noop)]
