"""Evidence as a borrower reads it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _


def category_name(code: str) -> str:
    """Name a kind of payment."""
    names = {
        "UNKNOWN": _("not told apart"),
        "SALARY": _("Wages"),
        "OTHER_INCOME": _("Other income"),
        "EVERYDAY": _("Everyday shopping"),
        "DINING": _("Eating out"),
        "MEDICAL": _("Health"),
        "EDUCATION": _("Education"),
        "ELECTRONICS": _("Electronics"),
        "TRAVEL": _("Travel"),
        "HOUSING": _("Rent and housing"),
        "UTILITIES": _("Power, water, telephone"),
        "ENTERTAINMENT": _("Leisure"),
        "GAMBLING": _("Games of chance"),
        "CASH": _("Cash"),
        "TRANSFER": _("Between people"),
        "OWN_TRANSFER": _("Between own accounts"),
        "LOAN": _("Loans taken and repaid"),
        "REFUND": _("Money back"),
        "FEES": _("Fees"),
        "TRADE": _("Takings and suppliers"),
        "PENALTY": _("Charges for being late"),
        "INSURANCE": _("Insurance"),
    }
    return names.get(code, _("Other"))


def flag_text(code: str) -> str:
    """Say what is odd about a file."""
    texts = {
        "HOLDER_DIFFERS": _("The name in the file is not yours, so a person looks at it."),
        "SAME_FILE_ELSEWHERE": _("The same file was given by somebody else, so a person looks at it."),
        "ROWS_CORRECTED": _("Some rows differ from an earlier file; the newer ones are used."),
        "OVERLAP_DIFFERS": _("Some days differ from an earlier file, so a person looks at it."),
    }
    return texts.get(code, _("Something in this file is unusual, so a person looks at it."))


def personas() -> list[tuple[str, Any]]:
    """Name the ready-made people of the sandbox."""
    return [
        ("steady", _("Steady: regular wages, bills on time")),
        ("tight", _("Tight: little left at the end of the month")),
        ("risky", _("Risky: late bills, loans from several places")),
        ("shop", _("A shop: daily takings, suppliers, rent")),
    ]
