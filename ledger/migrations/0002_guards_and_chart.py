"""Guard the books in the database itself, and write the chart of accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import migrations

SQL = Path(__file__).resolve().parent / "sql"

# Frozen here: a later change of the chart is a later migration.
CHART = [
    ("1001", "CASH_AT_BANK", "ASSET", "Cash at bank"),
    ("1002", "CASH_IN_TRANSIT", "ASSET", "Cash in transit"),
    ("1101", "LOAN_PRINCIPAL", "ASSET", "Loans: principal"),
    ("1102", "INTEREST_RECEIVABLE", "ASSET", "Loans: interest receivable"),
    ("1103", "FEE_RECEIVABLE", "ASSET", "Loans: fees receivable"),
    ("1104", "PENALTY_RECEIVABLE", "ASSET", "Loans: penalty receivable"),
    ("1190", "PROVISION_ALLOWANCE", "ASSET", "Loans: allowance for losses"),
    ("2101", "BORROWER_CREDIT", "LIABILITY", "Credit of borrowers"),
    ("2901", "SUSPENSE", "LIABILITY", "Suspense"),
    ("3001", "EQUITY", "EQUITY", "Equity"),
    ("4001", "INTEREST_INCOME", "INCOME", "Interest income"),
    ("4002", "FEE_INCOME", "INCOME", "Fee income"),
    ("4003", "PENALTY_INCOME", "INCOME", "Penalty income"),
    ("4004", "RECOVERY_INCOME", "INCOME", "Recoveries of written-off loans"),
    ("5001", "WAIVER_EXPENSE", "EXPENSE", "Waivers granted"),
    ("5002", "WRITE_OFF_EXPENSE", "EXPENSE", "Loans written off"),
    ("5003", "PROVISION_EXPENSE", "EXPENSE", "Provision for losses"),
]


def write_chart(apps: Any, schema_editor: Any) -> None:
    account = apps.get_model("ledger", "Account")
    account.objects.bulk_create(
        [account(id=int(code), code=code, role=role, kind=kind, name=name) for code, role, kind, name in CHART]
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_books")]

    operations = [
        migrations.RunPython(write_chart, migrations.RunPython.noop),
        migrations.RunSQL(
            (SQL / "0002_forward.sql").read_text("utf-8"), (SQL / "0002_backward.sql").read_text("utf-8")
        ),
    ]
