"""How a page writes money, rates, days and pictures: one place, both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from accounts.charts import Bar, bars

register = template.Library()

CENT = Decimal("0.01")
WAN = Decimal(10_000)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")


def _chinese() -> bool:
    return (get_language() or "").startswith("zh")


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@register.filter
def money(value: Any) -> str:
    """Write an amount with its two decimals: ¥1,234.50."""
    number = _decimal(value)
    if number is None:
        return "–"
    sign = "-" if number < 0 else ""
    return f"{sign}¥{abs(number).quantize(CENT):,.2f}"


@register.filter
def amount(value: Any) -> str:
    """Write an amount without its sign of currency: 1,234.50."""
    number = _decimal(value)
    return "–" if number is None else f"{number.quantize(CENT):,.2f}"


@register.filter
def figure(value: Any) -> SafeString | str:
    """Write the big number of a page: whole yuan without decimals, a small sign of currency."""
    number = _decimal(value)
    if number is None:
        return "–"
    digits = f"{number:,.0f}" if number == number.to_integral_value() else f"{number.quantize(CENT):,.2f}"
    return format_html("<small>¥</small>{}", digits)


@register.filter
def round_money(value: Any) -> str:
    """Write an amount as one says it: ¥50,000, and 5万元 in Chinese where it comes out whole or nearly."""
    number = _decimal(value)
    if number is None:
        return "–"
    if _chinese() and number >= WAN and (number / WAN * 100) % 1 == 0:
        return f"{(number / WAN).normalize():f}万元"
    digits = f"{number:,.0f}" if number == number.to_integral_value() else f"{number.quantize(CENT):,.2f}"
    return f"{digits}元" if _chinese() else f"¥{digits}"


@register.filter
def round_figure(value: Any) -> SafeString | str:
    """Write the big number of a page that is an estimate: whole yuan."""
    number = _decimal(value)
    return "–" if number is None else figure(number.quantize(Decimal(1)))


@register.filter
def change(value: Any) -> str:
    """Write a ratio to what was before as a change: 1.17 is +17%."""
    number = _decimal(value)
    return "–" if number is None else f"{(number - 1) * 100:+.0f}%"


@register.filter
def percent_round(value: Any) -> str:
    """Write a fraction that is an estimate: 0.8342 is 83%."""
    number = _decimal(value)
    return "–" if number is None else f"{number * 100:.0f}%"


@register.filter
def percent(value: Any) -> str:
    """Write a rate given as a fraction: 0.144 is 14.40%."""
    number = _decimal(value)
    # a rate of nothing is found by iteration as a hair below nothing: adding 0 takes the sign away
    return "–" if number is None else f"{(number * 100).quantize(CENT) + 0}%"


@register.filter
def day(value: date | datetime | None) -> str:
    """Write a day in full: 24 Nov 2026, 2026年11月24日."""
    found = _as_date(value)
    if found is None:
        return "–"
    if _chinese():
        return f"{found.year}年{found.month}月{found.day}日"
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


@register.filter
def short_day(value: date | datetime | None) -> str:
    """Write a day without its year."""
    found = _as_date(value)
    if found is None:
        return "–"
    return f"{found.month}月{found.day}日" if _chinese() else f"{found.day} {_MONTHS[found.month - 1]}"


@register.filter
def moment(value: datetime | None) -> str:
    """Write a moment in the portal's time zone."""
    if value is None:
        return "–"
    here = timezone.localtime(value)
    return f"{day(here)} {here:%H:%M}"


def _as_date(value: date | datetime | None) -> date | None:
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value if isinstance(value, date) else None


@register.filter
def said(message: Any) -> str:
    """Translate a message id that a lower room marked."""
    return gettext(str(message)) if message else ""


@register.filter
def role(code: str) -> str:
    """Say in which role somebody acts."""
    names = {
        "SELF": gettext("for myself"),
        "OWNER": gettext("as owner"),
        "FINANCE": gettext("for finance"),
        "VIEWER": gettext("to look only"),
    }
    return names.get(code, "")


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Look a key up in a mapping."""
    return mapping.get(key) if mapping else None


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Draw an icon of the sprite; it says nothing to a screen reader."""
    return format_html(
        '<svg width="20" height="20" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("icons/sprite.svg"),
        name,
    )


@register.inclusion_tag("parts/field.html")
def field(bound: Any, kind: str = "", prefix: str = "") -> dict[str, Any]:
    """Draw a form's field with its label, hint and messages."""
    described = []
    if bound.help_text:
        described.append(f"{bound.auto_id}_hint")
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
    attrs: dict[str, str] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {"field": bound, "kind": kind, "prefix": prefix, "widget": bound.as_widget(attrs=attrs)}


@register.inclusion_tag("parts/choices.html")
def choices(bound: Any, row: bool = False) -> dict[str, Any]:
    """Draw a choice of one as cards that can be pressed."""
    value = bound.value()
    return {"field": bound, "row": row, "chosen": "" if value is None else str(value)}


@register.inclusion_tag("parts/chart_bars.html")
def instalment_chart(rows: Sequence[Any]) -> dict[str, Any]:
    """Draw instalments as bars, principal below and interest with fees above."""
    heights = [
        Bar(
            label=str(_field(row, "number")),
            first=_part(row, "principal"),
            second=_part(row, "interest") + _part(row, "fee") + _part(row, "penalty"),
        )
        for row in rows
    ]
    return {"chart": bars(heights), "title": gettext("Instalments: principal and cost")}


def _field(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, dict) else getattr(row, name, None)


def _part(row: Any, name: str) -> Decimal:
    found = _field(row, f"{name}_due")
    return _decimal(found if found is not None else _field(row, name)) or Decimal(0)


@register.simple_tag
def meter(part: Any, whole: Any, label: str = "") -> SafeString:
    """Draw how much of a whole is used, as a bar with its sentence."""
    top, base = _decimal(part) or Decimal(0), _decimal(whole) or Decimal(0)
    share = min(max(top / base, Decimal(0)), Decimal(1)) if base else Decimal(0)
    return format_html(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="meter-track" width="100" height="6"/>'
        '<rect class="meter-fill" width="{}" height="6"/></svg>',
        label,
        f"{share * 100:.1f}",
    )
