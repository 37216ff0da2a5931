"""Forms of buyers and of shops: what is typed, before an operation judges it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.pages import StrictForm
from credit.models import Occupation
from merchants.domain.categories import CATEGORIES
from merchants.domain.deliveries import EVENTS
from merchants.domain.keys import Scope
from merchants.operations.shops import TERMS

SCOPE_NAMES = {
    Scope.CHECKOUT: _("Start and cancel orders, manage endpoints"),
    Scope.CAPTURE: _("Capture and void"),
    Scope.REFUND: _("Refund"),
    Scope.READ: _("Read"),
}


class DecideForm(StrictForm):
    """What one does for a living."""

    occupation = forms.ChoiceField(
        label=_("Work"),
        choices=[("", _("Choose")), *Occupation.choices],
        help_text=_("We may not lend to students."),
        error_messages={"required": _("Say what you do for a living.")},
    )

    def __init__(self, *args: Any, asks_work: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_work:
            del self.fields["occupation"]


class AgreeForm(StrictForm):
    """The signature under the table of costs; `seal` says what was shown, to whom and when."""

    seal = forms.CharField(widget=forms.HiddenInput, max_length=2000)
    agree = forms.BooleanField(
        label=_("I have read the table, and I know what being late costs."),
        error_messages={"required": _("Tick this first: the law asks that you have read the table.")},
    )


class ApplyShopForm(StrictForm):
    """A business asks to sell on credit."""

    name = forms.CharField(label=_("Name that buyers see"), max_length=60)
    website = forms.CharField(label=_("Website"), max_length=500, help_text="https://")
    return_origins = forms.CharField(
        label=_("Addresses that buyers return to"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One a line: https://shop.example"),
    )
    categories = forms.MultipleChoiceField(label=_("What do you sell?"), widget=forms.CheckboxSelectMultiple)
    settlement_account = forms.ChoiceField(label=_("Account for your money"))

    def __init__(self, *args: Any, accounts: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["categories"].choices = [(row.code, gettext(row.name)) for row in CATEGORIES]  # type: ignore[attr-defined]
        self.fields["settlement_account"].choices = accounts  # type: ignore[attr-defined]

    def clean_return_origins(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["return_origins"].splitlines() if line.strip()]


class KeyForm(StrictForm):
    """A key for a computer of the shop."""

    name = forms.CharField(label=_("What is the key for?"), max_length=60)
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(scope.value, words) for scope, words in SCOPE_NAMES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    needs_signature = forms.BooleanField(
        label=_("Every write must be signed"),
        required=False,
        initial=True,
        help_text=_("Leave this on outside of trials: a key that leaks is then not enough."),
    )


class EndpointForm(StrictForm):
    """An address that hears of events."""

    url = forms.CharField(
        label=_("Address"), max_length=500, help_text="https://shop.example/hooks/lendportal"
    )
    events = forms.MultipleChoiceField(
        label=_("Events; none chosen means all"),
        choices=[(name, name) for name in EVENTS if name != "test.ping"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class PlanForm(StrictForm):
    """A term at 0 % for the buyer, paid for by the shop."""

    instalment_count = forms.TypedChoiceField(
        label=_("Months"), coerce=int, choices=[(count, str(count)) for count in TERMS]
    )
    subvention_rate = forms.DecimalField(
        label=_("Part of the price that you give up"),
        max_digits=5,
        decimal_places=4,
        help_text=_("0.03 is 3 %. 0 ends the offer."),
    )


class RefundForm(StrictForm):
    """Goods that came back."""

    amount = forms.DecimalField(label=_("Amount"), max_digits=14, decimal_places=2, min_value=0)
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
    key = forms.CharField(widget=forms.HiddenInput, max_length=64)
