"""What shops sell, and for which use of money that may be lent: one category, one scenario, one purpose."""

from __future__ import annotations

from typing import Final, NamedTuple

from regimes.errors import N_, InvalidInput


class Category(NamedTuple):
    """Describe what is sold, and the product of credit that pays for it."""

    code: str
    name: str
    scenario: str
    purpose: str
    family: str = "PERSONAL"


CATEGORIES: Final = (
    Category("PHONES", N_("Phones"), "ELECTRONICS", "PHONE"),
    Category("COMPUTERS", N_("Computers"), "ELECTRONICS", "COMPUTER"),
    Category("APPLIANCES", N_("Home appliances"), "ELECTRONICS", "APPLIANCE"),
    Category("TRAINING", N_("Vocational training"), "EDUCATION", "VOCATIONAL_TRAINING"),
    Category("LANGUAGE_SCHOOL", N_("Language courses"), "EDUCATION", "LANGUAGE_COURSE"),
    Category("EXAMS", N_("Examinations and certificates"), "EDUCATION", "CERTIFICATE"),
    Category("CLINIC", N_("Clinics and hospitals"), "MEDICAL", "TREATMENT"),
    Category("DENTIST", N_("Dentists"), "MEDICAL", "DENTAL"),
    Category("PHARMACY", N_("Pharmacies"), "MEDICAL", "MEDICINE"),
    Category("TRAVEL_AGENCY", N_("Package tours"), "TRAVEL", "PACKAGE_TOUR"),
    Category("HOTEL", N_("Hotels"), "TRAVEL", "HOTEL"),
    Category("TICKETS", N_("Tickets"), "TRAVEL", "TRANSPORT"),
    Category("FURNITURE", N_("Furniture"), "EVERYDAY", "FURNITURE"),
    Category("WHOLESALE", N_("Stock for shops"), "WORKING_CAPITAL", "STOCK", "BUSINESS"),
)
METHOD: Final = "EQUAL_INSTALMENT"  # of every plan at a shop
BY_CODE: Final = {category.code: category for category in CATEGORIES}


class UnableToSell(InvalidInput):
    """Refuse what a shop was not approved for."""


def category_of(code: str, allowed: list[str] | tuple[str, ...]) -> Category:
    """Give a category that a shop was approved for, or refuse it."""
    if code not in BY_CODE or code not in allowed:
        raise UnableToSell(
            "category_invalid", N_("Your shop is not approved for this category."), field="category"
        )
    return BY_CODE[code]
