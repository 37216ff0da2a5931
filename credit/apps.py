"""The credit room as a Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CreditConfig(AppConfig):
    """Name the application."""

    name = "credit"
    verbose_name = _("Credit lines")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of notice and the acts that need two people."""
        from credit import checked, notices

        notices.register()
        checked.register()
