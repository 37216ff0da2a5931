"""The form of each kind of proposal: what a maker fills in, brought into the kind's payload.

A room above adds its own by `FORMS["kind"] = Form`; the page, the queue and the decision are the same for all.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class ProposalForm(forms.Form):
    """What every proposal says: why."""

    field_order: list[str] | None = None
    reason = forms.CharField(
        label=_("Why, for the second person"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000
    )

    def payload(self) -> dict[str, Any]:
        """Return what would be executed."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "reason" and value not in (None, "")
        }


class RoleForm(ProposalForm):
    """Who gets, or loses, which role."""

    field_order = ["user_ref", "role", "is_granted", "reason"]
    user_ref = forms.UUIDField(label=_("Member of staff (reference)"))
    role = forms.ChoiceField(label=_("Role"))
    is_granted = forms.TypedChoiceField(
        label=_("Change"),
        choices=(("yes", _("Give")), ("no", _("Take away"))),
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Group.objects.order_by("name").values_list("name", flat=True)
        self.fields["role"].choices = [(name, _(name)) for name in names]  # type: ignore[attr-defined]

    def clean_user_ref(self) -> str:
        user = User.objects.filter(ref=self.cleaned_data["user_ref"], is_staff=True).first()
        if user is None:
            raise forms.ValidationError(_("Choose a member of staff."), code="not_staff")
        return str(user.ref)


FORMS: dict[str, type[ProposalForm]] = {"role_grant": RoleForm}
