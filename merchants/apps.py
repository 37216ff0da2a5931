from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    verbose_name = _("Shops")

    def ready(self) -> None:
        from credit.rights.export import add_rows
        from merchants import notices, proposals
        from merchants.models import Checkout, Merchant

        notices.register()
        proposals.register_kinds()
        add_rows("purchases", lambda borrower: Checkout.objects.filter(borrower=borrower).order_by("pk"))
        add_rows("shop", lambda borrower: Merchant.objects.filter(business=borrower).order_by("pk"))
