"""A new version of the policy, by forms: every field with its words, the grades as a table, refused where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import operations as credit_operations
from credit.domain.policy import SCHEMA, UnableToReadPolicy
from credit.domain.policy_schema import FieldPath, policy_fields
from credit.models import Policy
from lendportal.desk.policy_words import GROUPS, LABELS
from lendportal.desk.views import _page
from lendportal.errors import refusal_text

FIELDS = [field for field in policy_fields() if field.path != "schema"]
GRADE_FIELDS = ("name", "pd_below", "income_multiple", "limit", "annual_rate")
SPARE_GRADES = 2
USES_PROFIT = "uses_profit"


class PolicyForm(forms.Form):
    """Every field of a policy document; a row of grades left empty is no grade."""

    note = forms.CharField(
        label=gettext_lazy("What this version is for"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    uses_profit = forms.BooleanField(label=gettext_lazy("Use these economics"), required=False)

    def __init__(self, *args: Any, document: Mapping[str, Any], rows: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        for field in FIELDS:
            self.fields[field.path] = _form_field(field)
            self.initial.setdefault(field.path, _at(document, field.path))
        self.initial.setdefault(USES_PROFIT, document.get("profit") is not None)
        grades = list(document.get("grades") or [])
        for row in range(rows):
            for name in GRADE_FIELDS:
                path = f"grades.{row}.{name}"
                self.fields[path] = forms.CharField(
                    required=False, max_length=20, label=LABELS[f"grade.{name}"]
                )
                self.fields[path].widget.attrs["aria-label"] = f"{row + 1}: {LABELS[f'grade.{name}']}"
                if row < len(grades):
                    self.initial.setdefault(path, grades[row].get(name))

    def document(self) -> dict[str, Any]:
        """Give the document that was typed."""
        data = self.cleaned_data
        made: dict[str, Any] = {"schema": SCHEMA}
        for field in FIELDS:
            if field.is_optional and not data[USES_PROFIT]:
                continue
            part, parents = made, field.path.split(".")
            for parent in parents[:-1]:
                part = part.setdefault(parent, {})
            part[parents[-1]] = data[field.path]
        rows = [{name: data[f"grades.{row}.{name}"] for name in GRADE_FIELDS} for row in range(self.rows)]
        made["grades"] = [row for row in rows if any(row.values())]
        return made

    def refuse(self, refusal: UnableToReadPolicy) -> None:
        """Put a refusal at its field; a grade's place counts only the rows that were filled in."""
        path = (refusal.field or "").rstrip(".")
        parts = path.split(".")
        if parts[0] == "grades" and len(parts) > 1:
            filled = [
                row
                for row in range(self.rows)
                if any(self.cleaned_data[f"grades.{row}.{n}"] for n in GRADE_FIELDS)
            ]
            row = filled[int(parts[1])] if int(parts[1]) < len(filled) else 0
            path = f"grades.{row}.{parts[2] if len(parts) > 2 else 'name'}"
        elif path == "grades":
            path = "grades.0.pd_below"
        self.add_error(path if path in self.fields else None, refusal_text(refusal))

    def groups(self) -> list[tuple[Any, list[Any]]]:
        """Give the fields group by group, as they stand on the page."""
        found: dict[str, list[Any]] = {}
        for field in FIELDS:
            found.setdefault(field.path.rpartition(".")[0], []).append(self[field.path])
        found["profit"].insert(0, self[USES_PROFIT])
        return [(GROUPS[name], rows) for name, rows in found.items()]

    def grade_rows(self) -> list[list[Any]]:
        """Give the table of grades, row by row."""
        return [[self[f"grades.{row}.{name}"] for name in GRADE_FIELDS] for row in range(self.rows)]


def _form_field(field: FieldPath) -> forms.Field:
    label = LABELS[field.path]
    if field.kind is bool:
        return forms.BooleanField(label=label, required=False)
    if field.kind is int:
        return forms.IntegerField(label=label, min_value=0, required=not field.is_optional)
    return forms.CharField(
        label=label, max_length=200 if field.path == "name" else 20, required=not field.is_optional
    )


def _at(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for part in path.split("."):
        found = (found or {}).get(part)
    return found


def new_policy(request: HttpRequest, version: int) -> HttpResponse:
    """Draft a new version from another; a second person puts it in force."""
    base = get_object_or_404(Policy, version=version)
    rows = min(30, len(base.document.get("grades") or []) + SPARE_GRADES)
    form = PolicyForm(request.POST or None, document=base.document, rows=rows)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                policy = credit_operations.draft_policy(
                    document=form.document(),
                    note=form.cleaned_data["note"],
                    actor=request.user,  # type: ignore[arg-type]
                )
            except UnableToReadPolicy as refusal:
                form.refuse(refusal)
            else:
                messages.success(
                    request,
                    _("Version %(version)s is drafted. Propose it to a colleague.")
                    % {"version": policy.version},
                )
                return redirect(
                    f"{reverse('admin:propose', args=['policy_activation'])}?version={policy.version}"
                )
    title = _("New policy, from version %(version)s") % {"version": version}
    heads = [LABELS[f"grade.{name}"] for name in GRADE_FIELDS]
    return _page(request, "admin/policy_edit.html", status, title=title, form=form, heads=heads, base=base)
