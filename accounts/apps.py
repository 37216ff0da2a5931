from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("People and businesses")

    def ready(self) -> None:
        from accounts import (
            checked,  # registers the acts that need two people
            checks,  # noqa: F401  registers the system checks
        )
        from accounts.notifications import own
        from accounts.sign_in import events

        events.listen()
        own.register()
        checked.register()
