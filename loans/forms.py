"""Forms of repaying and of the calculator."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.domain.uploads import MOST_BYTES
from accounts.pages import KeyedForm, StrictForm, sentence
from ledger.domain.money import parse_amount
from loans.models import HardshipRequest
from regimes.errors import Refusal

METHODS = [
    ("EQUAL_INSTALMENT", _("Equal instalments")),
    ("EQUAL_PRINCIPAL", _("Equal principal")),
    ("INTEREST_FIRST", _("Interest first, principal at the end")),
    ("BULLET", _("Everything at the end")),
    ("FLEXIBLE", _("Pay at any time, interest by the day")),
]
SHARE = ("SALES_SHARE", _("A share of sales each month"))  # nobody compares it without sales
CHOICES = [
    ("PAY_AHEAD", _("Pay the next instalments in advance")),
    ("FEWER_INSTALMENTS", _("Be finished earlier: fewer instalments")),
    ("SMALLER_INSTALMENTS", _("Pay less each month: smaller instalments")),
]
PARTS = [("DUE", _("What is due")), ("PART", _("Another amount")), ("ALL", _("Everything"))]


class AmountField(forms.CharField):
    """An amount of money, read by the one strict parser of the house."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("strip", False)
        kwargs.setdefault("error_messages", {"required": _("Enter an amount such as 1500.00.")})
        kwargs.setdefault(
            "widget",
            forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "enterkeyhint": "done"}),
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text)
        except Refusal as refusal:
            raise ValidationError(sentence(refusal), code=refusal.code) from None


class RepayForm(KeyedForm):
    """How much of a loan is paid, what more than due does, and from which account."""

    part = forms.ChoiceField(
        label=_("What do you want to pay?"),
        choices=PARTS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    amount = AmountField(label=_("Amount"), required=False, help_text=_("Only for “Another amount”."))
    quoted = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    choice = forms.ChoiceField(
        label=_("What should more than due do?"), choices=CHOICES, widget=forms.RadioSelect, required=False
    )
    bank_account = forms.ChoiceField(
        label=_("From which account?"), error_messages={"required": _("Choose one of your accounts.")}
    )

    def __init__(self, *args: Any, accounts: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bank_account"].choices = accounts  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("part") == "PART" and not cleaned.get("amount") and "amount" not in self.errors:
            self.add_error(
                "amount", ValidationError(_("Enter an amount such as 1500.00."), code="amount_invalid")
            )
        return cleaned


class CalculatorForm(StrictForm):
    """Any loan, anybody's: what does it cost a year?"""

    amount = AmountField(label=_("Amount"), initial="10000")
    annual_rate = forms.DecimalField(
        label=_("Annual rate in %"),
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=7,
        decimal_places=4,
        initial="14.4",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": _("Enter a rate such as 14.4.")},
    )
    fee = AmountField(
        label=_("Fee kept back at the start"),
        initial="0",
        help_text=_("What is taken off before you get the money."),
    )
    count = forms.IntegerField(
        label=_("Months"),
        min_value=1,
        max_value=120,
        initial=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    method = forms.ChoiceField(
        label=_("Way of repaying"), choices=METHODS, initial="EQUAL_INSTALMENT", widget=forms.RadioSelect
    )


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; what they are is judged by their bytes, by the operation."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:
        one = super().clean
        given = [item for item in (data if isinstance(data, (list, tuple)) else [data]) if item]
        if len(given) > MOST_FILES:
            raise ValidationError(
                _("At most %(maximum)s papers are kept with one request."),
                code="quota",
                params={"maximum": MOST_FILES},
            )
        if any(item.size > MOST_BYTES for item in given):
            raise ValidationError(_("Choose a file of at most 4 MB."), code="file_too_large")
        return [one(item, initial).read() for item in given]


MOST_FILES = 5


class HardshipForm(StrictForm):
    """Why a loan got hard to pay, what would help, and papers that show it."""

    reason = forms.ChoiceField(
        label=_("What happened?"),
        choices=HardshipRequest.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    wish = forms.ChoiceField(
        label=_("What would help you?"),
        choices=HardshipRequest.Wish.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    affordable = AmountField(label=_("How much can you pay a month for now?"), required=False)
    until_date = forms.DateField(
        label=_("Until when will it last, as far as you can tell?"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Use YYYY-MM-DD.")},
    )
    text = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Only the officer who answers you reads it."),
    )
    papers = FilesField(
        label=_("Papers"),
        required=False,
        help_text=_(
            "For example a doctor's note or a notice. PDF, PNG or JPEG, at most 4 MB each. Kept encrypted."
        ),
        widget=FilesInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )

    def operation_fields(self) -> dict[str, Any]:
        """Give what the operation takes."""
        return {**self.cleaned_data, "papers": self.cleaned_data.get("papers") or []}


class PeriodForm(StrictForm):
    """Two days, the first not after the last."""

    also_allowed = frozenset({"as"})

    from_date = forms.DateField(
        label=_("From"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Use YYYY-MM-DD."), "required": _("Use YYYY-MM-DD.")},
    )
    to_date = forms.DateField(
        label=_("To"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Use YYYY-MM-DD."), "required": _("Use YYYY-MM-DD.")},
    )


class PrepayForm(StrictForm):
    """How much would be paid early."""

    amount = AmountField(label=_("How much would you pay today?"))
