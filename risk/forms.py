"""Forms of evidence: a file, and which of its columns says what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages import StrictForm
from risk.evidence.values import DATE_STYLES

PERSON_KINDS = [
    ("ALIPAY", _("Alipay bill")),
    ("WECHAT", _("WeChat Pay bill")),
    ("BANK_CSV", _("Bank statement (CSV)")),
    ("OFX", _("Bank statement (OFX)")),
    ("CAMT053", _("Bank statement (camt.053)")),
]
BUSINESS_KINDS = [
    ("INVOICES_SALES", _("Sales invoices")),
    ("INVOICES_PURCHASE", _("Purchase invoices")),
    *PERSON_KINDS[2:],
    *PERSON_KINDS[:2],
]
ROLES = [
    ("date", _("Day")),
    ("amount", _("Amount (with its sign, or with a direction)")),
    ("direction", _("Direction: in or out")),
    ("credit", _("Money in")),
    ("debit", _("Money out")),
    ("balance", _("Balance")),
    ("counterparty", _("Other side")),
    ("memo", _("Text")),
]


class UploadForm(StrictForm):
    """One file."""

    kind = forms.ChoiceField(
        label=_("What is it?"), widget=forms.RadioSelect, error_messages={"required": _("Choose one.")}
    )
    file = forms.FileField(
        label=_("The file"),
        help_text=_(
            "As you downloaded it, not changed. At most 10 MB; it is read at once and the file itself is not kept."
        ),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("This file is empty."),
            "missing": _("Choose a file."),
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.ofx,.qfx,.xml"}),
    )

    def __init__(
        self, *args: Any, kinds: list[tuple[str, Any]], columns: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        found = [("", _("not in the file")), *((name, name) for name in columns)]
        self.mapping_fields: list[str] = []
        if len(found) > 1:
            for role, label in ROLES:
                self._add(f"map_{role}", label, found)
            self._add(
                "map_date_style",
                _("How days are written"),
                [("", _("find out")), *((s, s) for s in DATE_STYLES)],
            )

    def _add(self, name: str, label: Any, choices: list[tuple[str, Any]]) -> None:
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False)
        self.mapping_fields.append(name)

    def mapping(self) -> dict[str, str]:
        """Give the columns that were chosen."""
        return {
            name.removeprefix("map_"): self.cleaned_data[name]
            for name in self.mapping_fields
            if self.cleaned_data.get(name)
        }

    def columns_to_map(self) -> list[Any]:
        """Give the mapper's fields to the template."""
        return [self[name] for name in self.mapping_fields]


class SandboxForm(StrictForm):
    """A ready-made person."""

    persona = forms.ChoiceField(label=_("Who?"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, personas: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["persona"].choices = personas  # type: ignore[attr-defined]
