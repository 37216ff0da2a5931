"""The desk takes the place of Django's default admin site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class DeskConfig(AdminConfig):
    default_site = "lendportal.desk.site.Desk"

    def ready(self) -> None:
        super().ready()
        from lendportal.desk import pages  # noqa: F401  registers every room's page
        from lendportal.desk.roles import write_groups

        post_migrate.connect(write_groups, dispatch_uid="lendportal.desk.roles")
