"""Forms of people and businesses: what is typed, before an operation judges it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import BusinessMember, Identity
from accounts.pages import StrictForm

DAY = forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d")
DAY_ERRORS = {
    "invalid": _("Write the day as YYYY-MM-DD, for example 1990-05-17."),
    "required": _("Give the day."),
}


class DayField(forms.DateField):
    """A day as YYYY-MM-DD in plain digits: Python would read full-width and Arabic ones too."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class IdentityForm(StrictForm):
    """Who you are, by a document."""

    document = forms.ChoiceField(
        label=_("Document"), choices=Identity.Document.choices, initial="PRC_ID", widget=forms.RadioSelect
    )
    full_name = forms.CharField(
        label=_("Full name, as in the document"),
        max_length=120,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Enter your name as the document writes it.")},
    )
    number = forms.CharField(
        label=_("Number of the document"),
        max_length=64,
        strip=False,
        help_text=_(
            "18 characters on a resident identity card. It is kept encrypted; only the last four are ever shown."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        error_messages={"required": _("Enter the number of the document.")},
    )
    birth_date = DayField(
        label=_("Date of birth"),
        required=False,
        help_text=_("Only for a passport: an identity card carries it."),
        widget=DAY,
        input_formats=["%Y-%m-%d"],
        error_messages=DAY_ERRORS,
    )


class BankAccountForm(StrictForm):
    """Where money goes to and comes from."""

    bank_name = forms.CharField(
        label=_("Bank"), max_length=80, error_messages={"required": _("Enter the name of the bank.")}
    )
    holder_name = forms.CharField(
        label=_("Account holder"),
        max_length=120,
        help_text=_("Only an account in your own name, or in the name of the business, can be used."),
        error_messages={"required": _("Enter the name of the account holder.")},
    )
    number = forms.CharField(
        label=_("Account or card number"),
        max_length=64,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Enter the account number.")},
    )


class BusinessForm(StrictForm):
    """A business, as the register knows it."""

    legal_name = forms.CharField(
        label=_("Registered name"),
        max_length=120,
        error_messages={"required": _("Enter the registered name.")},
    )
    uscc = forms.CharField(
        label=_("Unified social credit code"),
        max_length=40,
        help_text=_("18 characters on the business licence, such as 91350100M000100Y43."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        error_messages={"required": _("Enter the code of the business licence.")},
    )
    industry = forms.ChoiceField(label=_("Line of business"), error_messages={"required": _("Choose one.")})
    founded_date = DayField(
        label=_("Founded on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=DAY_ERRORS,
    )

    def __init__(self, *args: Any, industries: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["industry"].choices = industries  # type: ignore[attr-defined]


class MemberForm(StrictForm):
    """Somebody who may act for the business."""

    login = forms.CharField(
        label=_("E-mail address or mobile number"),
        max_length=254,
        help_text=_("The person needs an account here."),
        error_messages={"required": _("Enter the e-mail address or mobile number.")},
    )
    role = forms.ChoiceField(
        label=_("May do"),
        choices=[
            (BusinessMember.Role.VIEWER, _("Look only")),
            (BusinessMember.Role.FINANCE, _("Upload papers, apply, draw and repay")),
            (BusinessMember.Role.OWNER, _("Everything, members too")),
        ],
        initial="VIEWER",
        widget=forms.RadioSelect,
    )
