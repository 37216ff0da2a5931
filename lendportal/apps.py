"""The roof as a Django application, so that its commands are found."""

from __future__ import annotations

from django.apps import AppConfig


class LendportalConfig(AppConfig):
    name = "lendportal"

    def ready(self) -> None:
        from django.conf import settings

        from lendportal import checked, sentry

        checked.register()
        sentry.set_up(dsn=settings.SENTRY_DSN, environment=settings.ENVIRONMENT)
