"""What each use of data is for, in words; the version is kept with every consent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

TEXT_VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of data: what for, and what happens without it."""

    purpose: str
    title: Any
    what_for: Any
    without: Any


USES = [
    Use(
        "CREDIT_DECISION",
        _("Let the portal decide on my application"),
        _("A model and written rules decide in seconds. You see the true reasons and can always ask for a person."),
        _("Without it nothing is scored, and no decision can be made on your application."),
    ),
    Use(
        "PAYMENTS",
        _("My payments on Alipay and WeChat Pay"),
        _("To see regular income and how bills are paid. Names of shops and people are not looked at."),
        _("Without it uploaded bills of these two are not used; that alone never makes an answer worse than referring you."),
    ),
    Use(
        "BANK",
        _("My bank statements"),
        _("To see what comes in, what goes out and what is left at the end of a month."),
        _("Without it an uploaded statement is kept unread and counts as missing."),
    ),
    Use(
        "SPENDING",
        _("What I spend money on"),
        _("Sums a month by kind, such as food, rent or travel; never single purchases."),
        _("Without it these sums count as missing."),
    ),
    Use(
        "BILLS",
        _("My recurring bills"),
        _("Rent, electricity, telephone: whether they are paid regularly."),
        _("Without it regular payments count as missing."),
    ),
    Use(
        "SOCIAL",
        _("How long my telephone number and accounts have existed"),
        _("Only the age of accounts. Never contacts, messages or friends."),
        _("Without it nothing changes but that this is missing."),
    ),
    Use(
        "MARKETING",
        _("Offers and news"),
        _("At most two a month, never at night."),
        _("Without it you hear from us only about your own loans."),
    ),
]
BUSINESS_USES = [
    USES[0],
    Use(
        "BUSINESS",
        _("Sales, purchases and invoices of the business"),
        _("To see turnover, seasons, how much depends on the largest customer, and how long invoices stay unpaid."),
        _("Without it uploaded invoices are kept unread and count as missing."),
    ),
    Use(
        "BANK",
        _("Bank statements of the business"),
        _("To see what comes in, what goes out and for how many days the balance lasts."),
        _("Without it an uploaded statement is kept unread and counts as missing."),
    ),
    Use(
        "PAYMENTS",
        _("Takings by Alipay and WeChat Pay"),
        _("To see daily takings and how steady they are."),
        _("Without it uploaded bills of these two are not used."),
    ),
    USES[-1],
]


def uses_for(*, is_business: bool) -> list[Use]:
    """Return the uses that are asked of a person or of a business."""
    return BUSINESS_USES if is_business else USES
