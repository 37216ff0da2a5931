"""The calendar at the desk: the holidays of a year, and what due dates of new contracts do on them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from ledger.queries import business_date
from lendportal.errors import refusal_text
from loans import operations
from loans.business_days import calendar_rule, calendar_year
from loans.models import CalendarDay, CalendarRule
from regimes.errors import Refusal


class SetDayForm(forms.Form):
    """One day and what it is."""

    day = forms.DateField(
        label=lazy("Day"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    kind = forms.ChoiceField(label=lazy("It is a"), choices=CalendarDay.Kind.choices)
    name = forms.CharField(label=lazy("Name"), max_length=80, required=False)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """What due dates do; the operation writes it, not the form."""

    class Meta:
        model = CalendarRule
        fields = ("roll", "weekends")
        labels = {"roll": lazy("A due date on a holiday"), "weekends": lazy("Weekends are holidays")}


def calendar(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """Show a year; seed it, write or forget a day, and change the rule."""
    shown = year if year is not None else business_date().year
    if not 2000 <= shown <= 2199:
        raise Http404
    day_form = SetDayForm()
    rule_form = RuleForm(instance=calendar_rule())
    refused, status = "", 200
    if request.method == "POST":
        if not request.user.has_perm("loans.keep_calendar"):  # type: ignore[union-attr]
            raise PermissionDenied
        act = request.POST.get("act", "")
        day_form = SetDayForm(request.POST) if act == "set" else day_form
        rule_form = RuleForm(request.POST, instance=calendar_rule()) if act == "rule" else rule_form
        try:
            if _act(request, act, shown, day_form, rule_form):
                return redirect("admin:calendar_year", shown)
            status = 400
        except Refusal as refusal:
            refused, status = refusal_text(refusal), refusal.http_status
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Calendar of %(year)s") % {"year": shown},
        "shown": calendar_year(year=shown),
        "day_form": day_form,
        "rule_form": rule_form,
        "rule": calendar_rule(),
        "refused": refused,
        "before": shown - 1 if shown > 2000 else None,
        "after": shown + 1 if shown < 2199 else None,
    }
    return render(request, "admin/calendar.html", context, status=status)


def _act(request: HttpRequest, act: str, year: int, day_form: SetDayForm, rule_form: RuleForm) -> bool:
    """Do what a button asks; False when its form does not hold."""
    actor: Any = request.user
    if act == "seed":
        count = operations.seed_calendar(year=year, actor=actor)
        messages.success(request, _("%(count)s days are new.") % {"count": count})
    elif act == "forget":
        try:
            day = date.fromisoformat(request.POST.get("day", ""))
        except ValueError:
            raise Http404 from None
        operations.forget_day(day=day, actor=actor)
        messages.success(request, _("The day is out of the calendar."))
    elif act == "set":
        if not day_form.is_valid():
            return False
        operations.set_day(**day_form.cleaned_data, actor=actor)
        messages.success(request, _("The day is in the calendar."))
    elif act == "rule":
        if not rule_form.is_valid():
            return False
        operations.set_rule(**rule_form.cleaned_data, actor=actor)
        messages.success(request, _("The rule holds for new contracts from now on."))
    else:
        raise Http404
    return True
