from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = _("Ledger")

    def ready(self) -> None:
        post_migrate.connect(keep_chart, sender=self)


def keep_chart(*, app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Write the accounts of the chart that are missing: after `flush`, or when the code knows a new one."""
    from django.db import DatabaseError

    from ledger.domain.chart import CHART
    from ledger.models import Account

    try:
        missing = {row.code for row in CHART} - set(
            Account.objects.using(using).values_list("code", flat=True)
        )
    except DatabaseError:  # migrated back to before the books
        return
    Account.objects.using(using).bulk_create(
        [
            Account(id=row.account_id, code=row.code, role=row.role, kind=row.kind, name=row.name)
            for row in CHART
            if row.code in missing
        ],
        ignore_conflicts=True,
    )
