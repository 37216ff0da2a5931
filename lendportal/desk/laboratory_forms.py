"""The form of an experiment: the policy in force, field by field, to be changed and tried."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from credit.domain.profit import REFERENCE
from risk.models import ModelVersion

GRADE_COLUMNS = (
    ("pd_below", _("Up to this probability of default")),
    ("income_multiple", _("Times the monthly income")),
    ("limit", _("Largest limit")),
    ("annual_rate", _("Annual rate")),
)
SECTIONS: tuple[tuple[Any, tuple[tuple[str, Any], ...]], ...] = (
    (
        _("Who is approved"),
        (
            ("cut_offs.approve_below", _("Approve below this probability of default")),
            ("cut_offs.refer_below", _("A person decides below, decline from there")),
            ("knock_outs.minimum_age", _("Youngest age")),
            ("knock_outs.maximum_age", _("Oldest age")),
            ("knock_outs.worst_days_past_due_12m", _("Most days late within 12 months")),
            ("exploration.share", _("Share approved at random near the cut-off")),
            ("exploration.up_to", _("Random approvals up to this probability")),
            ("exploration.limit", _("Limit of a random approval")),
        ),
    ),
    (
        _("How much"),
        (
            ("affordability.instalments_to_income", _("Instalments at most this part of income")),
            ("affordability.assumed_instalments", _("Instalments assumed for that")),
            ("affordability.business_margin", _("Part of turnover that counts as income")),
            ("group_limit", _("Limit of a person and their businesses together")),
        ),
    ),
    (
        _("How limits move"),
        (
            ("reevaluation.raise_from", _("Raise from this multiple of the limit")),
            ("reevaluation.cut_from", _("Cut from this multiple of the limit")),
            ("reevaluation.most_rise", _("Rise at most this part at a time")),
            ("reevaluation.most_cut", _("Cut at most this part a month")),
            ("reevaluation.cool_down_days", _("Days between changes before a rise")),
            ("reevaluation.least_on_time", _("Instalments on time before a rise")),
            ("reevaluation.use_from", _("Part used before a rise")),
            ("reevaluation.freeze_days_past_due", _("Freeze from this many days late")),
            ("reevaluation.freeze_pd", _("Freeze from this probability of default")),
            ("reevaluation.unfreeze_pd", _("Unfreeze below this probability of default")),
        ),
    ),
)
PROFIT: tuple[tuple[str, Any], ...] = (
    ("funding_rate", _("What lent money costs a year")),
    ("capital_share", _("Own capital behind one of exposure")),
    ("capital_rate", _("What capital must earn a year")),
    ("person_loss", _("Part lost when a person defaults")),
    ("business_loss", _("Part lost when a business defaults")),
    ("drawn_at_default", _("Part of the unused limit drawn before a default")),
    ("need_multiple", _("Expected need in monthly incomes")),
    ("account_cost", _("Cost of a line a year")),
    ("loss_weight", _("How much a loss counts beyond itself")),
)


class ExperimentForm(forms.Form):
    """A changed policy, model or price, and the period to try it on."""

    name = forms.CharField(label=_("Name"), max_length=80)
    note = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    first_date = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    last_date = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}))
    model = forms.ModelChoiceField(
        label=_("Model"), queryset=ModelVersion.objects.none(), required=False, empty_label=_("The scores that were stored")
    )  # fmt: skip
    answers_prices = forms.BooleanField(
        label=_("Customers answer a changed price"),
        required=False,
        help_text=_(
            "As small businesses were seen to: a dearer offer loses customers, a cheaper one brings them."
        ),
    )
    limits_by = forms.ChoiceField(
        label=_("Limits are set by"),
        choices=(("MATRIX", _("the grade table")), ("PROFIT", _("expected profit"))),
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Any = None, *, base: Mapping[str, Any], as_of: date) -> None:
        profit = base.get("profit")
        first = {
            "last_date": as_of,
            "first_date": as_of - timedelta(days=365),
            "limits_by": "PROFIT" if profit else "MATRIX",
        }
        super().__init__(data, initial=first)
        self.base = base
        models: Any = self.fields["model"]
        models.queryset = (
            ModelVersion.objects.defer("model_text", "card_html").exclude(state="REJECTED").order_by("-pk")
        )
        for _title, fields in SECTIONS:
            for path, label in fields:
                self._add(path, label, _get(base, path))
        reference = {name: str(getattr(REFERENCE, name)) for name, _label in PROFIT}
        for name, label in PROFIT:
            self._add(f"profit.{name}", label, (profit or reference)[name], required=False)
        for place, grade in enumerate(base["grades"]):
            for name, label in GRADE_COLUMNS:
                self._add(f"grades.{place}.{name}", label, grade[name])

    def _add(self, path: str, label: Any, value: Any, *, required: bool = True) -> None:
        number = isinstance(value, int)
        field: forms.Field = (
            forms.IntegerField(label=label, min_value=0, max_value=36_500, required=required)
            if number
            else forms.CharField(label=label, max_length=20, required=required)
        )
        field.initial = value
        field.widget.attrs.update({"inputmode": "decimal", "size": 9, "aria-label": label})
        self.fields[path] = field

    def document(self) -> dict[str, Any]:
        """Give the base document with the fields of the form in it."""
        document: dict[str, Any] = copy.deepcopy(dict(self.base))
        for path, value in self.cleaned_data.items():
            if "." in path and not path.startswith("profit."):
                _put(document, path, value)
            elif path == "group_limit":
                document[path] = value
        document.pop("profit", None)
        if self.cleaned_data["limits_by"] == "PROFIT":
            document["profit"] = {name: self.cleaned_data[f"profit.{name}"] for name, _label in PROFIT}
        return document

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("limits_by") == "PROFIT":
            for name, _label in PROFIT:
                if not data.get(f"profit.{name}"):
                    self.add_error(f"profit.{name}", ValidationError(_("Enter a number."), code="required"))
        return data

    # ---- as the page lays it out ------------------------------------------------------------------------------------

    def head(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "note", "first_date", "last_date", "model", "answers_prices")]

    def sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(title, [self[path] for path, _label in fields]) for title, fields in SECTIONS]

    def profit(self) -> list[forms.BoundField]:
        return [self[f"profit.{name}"] for name, _label in PROFIT]

    def grade_head(self) -> list[Any]:
        return [label for _name, label in GRADE_COLUMNS]

    def grades(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (grade["name"], [self[f"grades.{place}.{name}"] for name, _label in GRADE_COLUMNS])
            for place, grade in enumerate(self.base["grades"])
        ]


class TrialForm(forms.Form):
    """How a policy is tried beside the one in force."""

    share_percent = forms.IntegerField(
        label=_("Share of borrowers, per cent"), min_value=1, max_value=50, initial=10
    )
    base_rate = forms.DecimalField(label=_("Bad lines now, as a part of one"), initial="0.05", max_digits=6)
    difference = forms.DecimalField(label=_("Difference to be found"), initial="0.01", max_digits=6)


def changed_fields(base: Mapping[str, Any], document: Mapping[str, Any]) -> list[tuple[Any, Any, Any]]:
    """List what an experiment changed: (label, in the base, in the experiment)."""
    labels: dict[str, Any] = {path: label for _title, fields in SECTIONS for path, label in fields}
    labels |= {f"profit.{name}": label for name, label in PROFIT}
    found = [
        (label, _get(base, path), _get(document, path))
        for path, label in labels.items()
        if _get(base, path) != _get(document, path)
    ]
    pairs = zip(base.get("grades", []), document.get("grades", []), strict=False)
    for old, new in pairs:
        found += [
            (f"{new['name']} – {label}", old[name], new[name])
            for name, label in GRADE_COLUMNS
            if old[name] != new[name]
        ]
    return found


def _get(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    place: Any = document
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
