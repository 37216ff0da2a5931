from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    verbose_name = _("Shops")

    def ready(self) -> None:
        from merchants import notices, proposals

        notices.register()
        proposals.register_kinds()
