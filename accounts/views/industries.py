"""Lines of business that the form offers: sections of the national classification (GB/T 4754)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

INDUSTRIES = [
    ("RETAIL", _("Retail")),
    ("WHOLESALE", _("Wholesale")),
    ("CATERING", _("Restaurants and catering")),
    ("MANUFACTURING", _("Manufacturing")),
    ("LOGISTICS", _("Transport and delivery")),
    ("ECOMMERCE", _("Online shop")),
    ("SERVICES", _("Services to households")),
    ("EDUCATION", _("Education and training")),
    ("HEALTH", _("Health")),
    ("CONSTRUCTION", _("Building and decoration")),
    ("AGRICULTURE", _("Farming")),
    ("TECHNOLOGY", _("Software and technology")),
    ("OTHER", _("Other")),
]
