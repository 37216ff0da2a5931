"""Dates that the finance pages ask for."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class _DatesForm(forms.Form):
    """Two dates of an address, each with the day that stands for a missing one."""

    names: tuple[str, str]

    @classmethod
    def read(cls, request: HttpRequest, first: date, second: date) -> Self:
        values = dict(zip(cls.names, (first.isoformat(), second.isoformat()), strict=True))
        given = {name: request.GET[name] for name in cls.names if name in request.GET}
        return cls({**values, **given})

    @property
    def query(self) -> str:
        """Return the dates as they stand in an address."""
        query = QueryDict(mutable=True)
        query.update({name: str(self.data.get(name, "")) for name in self.names})
        return query.urlencode()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for day in data.values():
            if day is not None and not date(2000, 1, 1) <= day <= date(2199, 12, 31):
                raise ValidationError(_("Choose a day between 2000 and 2199."), code="day_out_of_range")
        return data


class PeriodForm(_DatesForm):
    """From one day to another."""

    names = ("from_date", "to_date")
    from_date = _day(_("From"))
    to_date = _day(_("To"))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, last = data.get("from_date"), data.get("to_date")
        if first and last and first > last:
            raise ValidationError(_("The first day must not be after the last."), code="period_backwards")
        return data

    @property
    def period(self) -> dict[str, Any]:
        """Return both days, by the names that the reports have for them."""
        return {"from_date": self.cleaned_data["from_date"], "to_date": self.cleaned_data["to_date"]}


class KnownForm(_DatesForm):
    """A day, and the day on which one looks at it."""

    names = ("value_date", "known_on")
    value_date = _day(_("The loan on"))
    known_on = _day(_("as it was known on"))


class DayForm(forms.Form):
    """One day."""

    as_of = _day(_("As of"))
