"""A passport in the reader's language: the same words on the page, in the PDF and for a stranger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from accounts.domain.industries import INDUSTRIES
from accounts.templatetags.portal import day, money, round_money

TITLES = {
    "holder": lambda: _("Holder"),
    "standing": lambda: _("Standing"),
    "repayment": lambda: _("Repayment"),
    "debt": lambda: _("Debt to this lender"),
    "line": lambda: _("Credit line"),
    "turnover": lambda: _("Turnover"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One released section: its title and its lines."""

    title: str
    pairs: tuple[tuple[str, str], ...]


def parts_of(document: Mapping[str, Any]) -> list[Part]:
    """Say every section of a document; one that this version does not know is shown as it stands."""
    sections: Mapping[str, Mapping[str, str]] = document["passport"]["sections"]
    found = []
    for name, title in TITLES.items():
        if name in sections:
            found.append(Part(title(), tuple(_pairs(name, sections[name]))))
    for name in sections:
        if name not in TITLES:
            found.append(Part(str(name), tuple((str(k), str(v)) for k, v in sections[name].items())))
    return found


def _pairs(name: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    labels = _labels(name)
    return [(labels.get(key, key), _shown(key, value)) for key, value in _ordered(values, labels)]


def _ordered(values: Mapping[str, str], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    known = [(key, values[key]) for key in labels if key in values]
    return known + [(key, value) for key, value in values.items() if key not in labels and key != "kind"]


def _labels(name: str) -> dict[str, str]:
    return {
        "holder": {
            "name": _("Name"),
            "uscc": _("Unified social credit code"),
            "industry": _("Line of business"),
            "founded_year": _("Founded in"),
        },
        "standing": {
            "level_name": _("Level"),
            "level": _("Of four"),
            "months_with_us": _("Months since the first loan"),
        },
        "repayment": {
            "instalments_due": _("Instalments that fell due"),
            "instalments_paid": _("of them paid"),
            "on_time_in_a_row": _("On time in a row"),
            "late_in_12_months": _("Late in 12 months"),
            "longest_delay_days_in_12_months": _("Longest delay in 12 months, in days"),
            "loans_paid_off": _("Loans paid off"),
        },
        "debt": {
            "open_loans": _("Open loans"),
            "principal_outstanding": _("Principal outstanding"),
            "days_past_due": _("Days past due"),
        },
        "line": {"limit": _("Limit"), "in_use": _("In use")},
        "turnover": {
            "months_known": _("Months known"),
            "sales_a_month": _("Sales a month"),
            "trend_percent": _("Last three months against the three before"),
            "biggest_customer_percent": _("Share of the biggest customer"),
            "newest_record": _("Newest record"),
        },
    }[name]


def _shown(key: str, value: str) -> str:
    if value == "":
        return _("not known")
    if key in ("principal_outstanding", "limit", "in_use"):
        return money(value)
    if key == "sales_a_month":
        return round_money(value)
    if key.endswith("_percent"):
        return f"{value}%"
    if key == "newest_record":
        return day(date.fromisoformat(value))
    if key == "level_name":
        return _(value)
    if key == "industry":
        return _(INDUSTRIES[value]) if value in INDUSTRIES else value
    return value
