"""Lines of business that a shop may choose from."""

from __future__ import annotations

from regimes.errors import N_, InvalidInput

INDUSTRIES: dict[str, str] = {
    "RETAIL": N_("Retail"),
    "CATERING": N_("Restaurants and catering"),
    "WHOLESALE": N_("Wholesale"),
    "MANUFACTURING": N_("Manufacturing"),
    "SERVICES": N_("Services to people"),
    "BUSINESS_SERVICES": N_("Services to businesses"),
    "TRANSPORT": N_("Transport and storage"),
    "AGRICULTURE": N_("Farming and fishing"),
    "CONSTRUCTION": N_("Building and decoration"),
    "TECHNOLOGY": N_("Software and technology"),
    "EDUCATION": N_("Education and training"),
    "HEALTH": N_("Health and care"),
    "OTHER": N_("Something else"),
}


class UnableToReadIndustry(InvalidInput):
    """Refuse a line of business that is not on the list."""


def check_industry(code: str, *, field: str = "industry") -> str:
    """Return the code if it is on the list."""
    if code not in INDUSTRIES:
        raise UnableToReadIndustry(
            "industry_unknown", N_("Choose the line of business from the list."), field=field
        )
    return code
