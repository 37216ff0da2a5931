"""Forms of applying and drawing: what is typed, before an operation judges it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.pages import StrictForm
from credit.models import Occupation
from loans.forms import AmountField


class ApplyForm(StrictForm):
    """How much, what for, and what one does for a living."""

    product_code = forms.ChoiceField(
        label=_("What is it for?"), widget=forms.RadioSelect, error_messages={"required": _("Choose one.")}
    )
    requested_amount = AmountField(
        label=_("What limit would you like?"),
        help_text=_("You can draw any part of it, later and more than once."),
    )
    purpose = forms.ChoiceField(
        label=_("More exactly"), error_messages={"required": _("Choose a purpose from the list.")}
    )
    occupation = forms.ChoiceField(
        label=_("Work"),
        choices=[("", _("Choose")), *Occupation.choices],
        help_text=_("We may not lend to students."),
        error_messages={"required": _("Say what you do for a living.")},
    )

    def __init__(
        self, *args: Any, products: Iterable[Any], purposes: Any, asks_work: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product_code"].choices = [(p.code, gettext(p.name)) for p in products]  # type: ignore[attr-defined]
        self.fields["purpose"].choices = purposes  # type: ignore[attr-defined]
        if not asks_work:
            del self.fields["occupation"]


class DrawForm(StrictForm):
    """How much, for how long, repaid how, for what, to which account. Sent by GET: it changes nothing."""

    also_allowed = frozenset({"scenario", "slider"})

    amount = AmountField(label=_("How much?"))
    purpose = forms.ChoiceField(
        label=_("What for?"), error_messages={"required": _("Choose a purpose from the list.")}
    )
    repayment_method = forms.ChoiceField(
        label=_("How do you want to repay?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a way of repaying from the list.")},
    )
    instalment_count = forms.TypedChoiceField(
        label=_("Over how many months?"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the terms.")},
    )
    payee = forms.ChoiceField(
        label=_("Who is paid?"), error_messages={"required": _("Choose a payee from the list.")}
    )
    bank_account = forms.ChoiceField(
        label=_("To which account?"), error_messages={"required": _("Choose one of your accounts.")}
    )
    evidence = forms.ChoiceField(label=_("Paper that shows the purpose"), required=False)
    invoice = forms.ChoiceField(
        label=_("On which invoice?"),
        error_messages={"required": _("Choose one of the invoices below, or put one forward.")},
    )

    def __init__(self, *args: Any, options: dict[str, list[tuple[Any, Any]]], **kwargs: Any) -> None:
        """Show what the product asks: a payee, a paper, an account of one's own, a term only where `options` has it."""
        super().__init__(*args, **kwargs)
        for name in ("payee", "evidence", "bank_account", "invoice", "instalment_count", "repayment_method"):
            if name not in options:
                del self.fields[name]
        if "payee" in options and options["payee"] and options["payee"][0][0] == "":
            self.fields["payee"].required = False
        for name in ("payee", "evidence"):
            if name in options:
                self.fields[name].choices = options[name]  # type: ignore[attr-defined]
        for name in ("purpose", "repayment_method", "instalment_count", "bank_account", "invoice"):
            if name in options:
                self.fields[name].choices = options[name]  # type: ignore[attr-defined]


class PaperForm(StrictForm):
    """A paper that shows what the money is for: an invoice, a quote, an admission letter."""

    also_allowed = frozenset({"csrfmiddlewaretoken", "amount"})

    scenario = forms.CharField(widget=forms.HiddenInput, max_length=16)
    file = forms.FileField(
        label=_("Invoice, quote or letter"),
        help_text=_("PDF, PNG or JPEG, at most 5 MB. It is kept encrypted and serves one draw."),
        error_messages={"required": _("Choose a file."), "empty": _("This file is empty.")},
    )


class InvoiceForm(StrictForm):
    """An invoice of the records, named by its owner."""

    also_allowed = frozenset({"csrfmiddlewaretoken"})

    row = forms.ChoiceField(label=_("Unpaid invoices in your records"), required=False)
    number = forms.CharField(
        label=_("Invoice number"),
        help_text=_("As it is printed. Your records keep only its last digits; the contract names it whole."),
        max_length=30,
        error_messages={"required": _("Write the invoice's number as it is printed.")},
    )
    code = forms.CharField(
        label=_("Invoice code (only older invoices have one)"), max_length=30, required=False
    )
    customer_name = forms.CharField(
        label=_("Customer's name on the invoice"),
        max_length=120,
        error_messages={"required": _("Write the customer's name exactly as on the invoice.")},
    )
    due_date = forms.DateField(
        label=_("The customer pays by"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Use YYYY-MM-DD."), "required": _("Use YYYY-MM-DD.")},
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["row"].choices = [("", _("Find it by its number")), *choices]  # type: ignore[attr-defined]


class SalesForm(StrictForm):
    """A month's sales."""

    also_allowed = frozenset({"csrfmiddlewaretoken"})

    period = forms.CharField(widget=forms.HiddenInput, max_length=7)
    amount = AmountField(
        label=_("Sales of the month"),
        help_text=_("Everything you sold in the month, paid or not, without goods that came back."),
    )


class ConfirmForm(StrictForm):
    """The signature under the table of costs; `seal` says what was shown, to whom and when."""

    seal = forms.CharField(widget=forms.HiddenInput, max_length=2000)
    agree = forms.BooleanField(
        label=_("I have read the table, and I know what being late costs."),
        error_messages={"required": _("Tick this first: the law asks that you have read the table.")},
    )


class ReviewForm(StrictForm):
    """Ask for a person."""

    text = forms.CharField(
        label=_("What should the person know?"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class CapForm(StrictForm):
    """A limit of one's own, below the granted one."""

    also_allowed = frozenset({"csrfmiddlewaretoken", "act"})

    cap = AmountField(label=_("At most I want to owe"))


class ExclusionForm(StrictForm):
    """Until when nothing may be lent; it cannot be ended earlier."""

    also_allowed = frozenset({"csrfmiddlewaretoken", "act"})

    until_date = forms.DateField(
        label=_("Lend me nothing until"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Use YYYY-MM-DD."), "required": _("Use YYYY-MM-DD.")},
    )
    sure = forms.BooleanField(
        label=_("I know that this cannot be ended earlier, by nobody."),
        error_messages={"required": _("Tick this first: it holds until that day, whatever happens.")},
    )
