"""The roof as a Django application, so that its commands are found."""

from __future__ import annotations

from django.apps import AppConfig


class LendportalConfig(AppConfig):
    name = "lendportal"

    def ready(self) -> None:
        from lendportal import checked

        checked.register()
