"""Forms of the desk's buttons. Every act needs a sentence that says why."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.domain.money import parse_amount
from regimes.errors import Refusal


class AmountField(forms.CharField):
    """An amount, read by the one parser of amounts."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text)
        except Refusal as refusal:
            raise ValidationError(gettext(refusal.message) % refusal.params, code=refusal.code) from None


class DecideForm(forms.Form):
    """An officer's decision on a referred application."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=(("APPROVE", _("Approve")), ("DECLINE", _("Decline"))),
        widget=forms.RadioSelect,
    )
    limit = AmountField(
        label=_("Limit"), required=False, help_text=_("For an approval: 50, or hundreds up to 300000.")
    )
    note = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("outcome") == "APPROVE" and "limit" not in self.errors and not data.get("limit"):
            self.add_error("limit", ValidationError(_("Enter the limit that you approve."), code="required"))
        return data


class ReasonForm(forms.Form):
    """Why a line is frozen or released."""

    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)


class AnswerForm(forms.Form):
    """The answer to a borrower who asked for a person."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=(("UPHELD", _("The decision stands")), ("CHANGED", _("The decision is changed"))),
        widget=forms.RadioSelect,
    )
    answer = forms.CharField(label=_("Answer, in words for the borrower"), widget=forms.Textarea(attrs={"rows": 4}),
                             max_length=4000)  # fmt: skip


class DateForm(forms.Form):
    """Where the sandbox's business date moves to."""

    def __init__(self, *args: Any, business_date: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.business_date = business_date

    to = forms.DateField(label=_("New business date"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean_to(self) -> date:
        to: date = self.cleaned_data["to"]
        if to <= self.business_date:
            raise ValidationError(_("Choose a day after the business date."), code="not_forward")
        if (to - self.business_date).days > 366:
            raise ValidationError(_("Move at most one year at a time."), code="too_far")
        return to
