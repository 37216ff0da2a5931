"""The form of each kind of proposal: what a maker fills in, brought into the kind's payload.

A room above adds its own by `FORMS["kind"] = Form`; the page, the queue and the decision are the same for all.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from credit.models import Product
from ledger.domain.chart import BY_CODE
from lendportal.checked import CODES
from lendportal.desk.policy import BREAK_GLASS
from loans.domain.casework import DEFAULT
from loans.domain.hardship import FIELDS, Measure
from loans.models import CollectionStrategy
from merchants.domain.categories import CATEGORIES
from risk.models.registry import ModelState


class ProposalForm(forms.Form):
    """What every proposal says: why."""

    reason = forms.CharField(
        label=_("Why, for the second person"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def payload(self) -> dict[str, Any]:
        """Return what would be executed."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        return {name: value for name, value in given.items() if value not in (None, "")}


def amount_field(label: Any = None) -> forms.CharField:
    """Return the field of an amount."""
    return forms.CharField(
        label=label or _("Amount"), max_length=16, help_text=_("Digits only, for example 1500.00")
    )


class RoleForm(ProposalForm):
    """Who gets, or loses, which role."""

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
        # the emergency role is only given for a time, by a proposal of its own
        names = Group.objects.exclude(name=BREAK_GLASS).order_by("name").values_list("name", flat=True)
        self.fields["role"].choices = [(name, _(name)) for name in names]  # type: ignore[attr-defined]

    def clean_user_ref(self) -> str:
        return _staff(self.cleaned_data["user_ref"])


def _staff(ref: Any) -> str:
    user = User.objects.filter(ref=ref, is_staff=True).first()
    if user is None:
        raise forms.ValidationError(_("Choose a member of staff."), code="not_staff")
    return str(user.ref)


class GlassForm(ProposalForm):
    """Emergency access for how long."""

    user_ref = forms.UUIDField(label=_("Member of staff (reference)"))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=15, max_value=240, initial=60)

    def clean_user_ref(self) -> str:
        return _staff(self.cleaned_data["user_ref"])


class AccountForm(ProposalForm):
    account_ref = forms.CharField(label=_("Bank account (reference)"), max_length=36)


class ErasureForm(ProposalForm):
    borrower_ref = forms.CharField(label=_("Person (reference)"), max_length=36)


class LimitForm(ProposalForm):
    line_ref = forms.CharField(label=_("Line (reference)"), max_length=36)
    limit = amount_field(_("New limit"))


class ApprovalForm(ProposalForm):
    application_ref = forms.CharField(label=_("Application (reference)"), max_length=36)
    limit = amount_field(_("Limit"))


class PolicyForm(ProposalForm):
    version = forms.IntegerField(label=_("Version of the policy"), min_value=1)


class ModelForm(ProposalForm):
    manifest_sha256 = forms.CharField(label=_("Hash of the model's manifest"), max_length=64)
    to_state = forms.ChoiceField(label=_("New state"), choices=ModelState.choices)


class TrafficForm(ProposalForm):
    manifest_sha256 = forms.CharField(label=_("Hash of the model's manifest"), max_length=64)
    traffic_percent = forms.IntegerField(
        label=_("Borrowers that it decides for, in percent"), min_value=0, max_value=50
    )


class LoanForm(ProposalForm):
    loan_ref = forms.CharField(label=_("Loan (reference)"), max_length=36)


class RateForm(LoanForm):
    annual_rate = forms.CharField(
        label=_("New annual rate"), max_length=10, help_text=_("For example 0.12 for 12 %.")
    )


class FeeForm(LoanForm):
    amount = amount_field()
    component = forms.ChoiceField(
        label=_("Kind"), choices=(("fee", _("Fee")), ("penalty", _("Fixed penalty")))
    )


class WaiverForm(LoanForm):
    amount = amount_field()
    component = forms.ChoiceField(
        label=_("What is waived"),
        choices=(("penalty", _("Penalty")), ("interest", _("Interest")), ("fee", _("Fees"))),
    )


class RefundForm(LoanForm):
    amount = amount_field()


MEASURES = {
    Measure.PAUSE: _("Pause: no penalty and no days past due until a day"),
    Measure.EXTENSION: _("Add instalments"),
    Measure.RESCHEDULE: _("Spread what is not due yet anew"),
    Measure.RE_AGE: _("Spread everything anew, with the arrears"),
    Measure.WAIVE_PENALTY: _("Waive penalty"),
    Measure.LOWER_RATE: _("Lower the rate"),
}


class PlanForm(LoanForm):
    """One measure of a plan, as hardship plans have them."""

    kind = forms.ChoiceField(label=_("What the plan does"), choices=[(m.value, MEASURES[m]) for m in Measure])
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    extra_instalments = forms.IntegerField(label=_("Instalments to add"), required=False, min_value=1)
    instalment_count = forms.IntegerField(label=_("New number of instalments"), required=False, min_value=1)
    first_due_date = forms.DateField(
        label=_("First new due date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    annual_rate = forms.CharField(label=_("New annual rate"), required=False, max_length=10)
    amount = forms.CharField(label=_("Amount"), required=False, max_length=16)

    def payload(self) -> dict[str, Any]:
        data = self.cleaned_data
        measure: dict[str, Any] = {"kind": data["kind"]}
        for name in sorted(FIELDS[Measure(data["kind"])]):
            value = data.get(name)
            if value not in (None, ""):
                measure[name] = value.isoformat() if hasattr(value, "isoformat") else value
        return {"loan_ref": data["loan_ref"], "measures": [measure]}


class StrategyForm(ProposalForm):
    document = forms.JSONField(label=_("Steps of every bucket"), widget=forms.Textarea(attrs={"rows": 14}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        row = CollectionStrategy.objects.order_by("-version").first()
        kwargs["initial"] = {"document": row.document if row else DEFAULT, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class JournalForm(ProposalForm):
    debit = forms.ChoiceField(label=_("Debit"))
    credit = forms.ChoiceField(label=_("Credit"))
    amount = amount_field()
    description = forms.CharField(label=_("Description"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(code, f"{code} {_(BY_CODE[code].name)}") for code in CODES]
        for side in ("debit", "credit"):
            self.fields[side].choices = choices  # type: ignore[attr-defined]


class ShopForm(ProposalForm):
    """Which shop may sell what, at which fee."""

    field_order = ["merchant", "categories", "fee_rate", "settlement_days", "reason"]
    merchant = forms.UUIDField(label=_("Shop (reference)"))
    categories = forms.MultipleChoiceField(label=_("Categories"), widget=forms.CheckboxSelectMultiple)
    fee_rate = forms.CharField(label=_("Fee, a fraction of the price"), max_length=8, initial="0.0200")
    settlement_days = forms.IntegerField(label=_("Settled after days"), min_value=0, max_value=90, initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["categories"].choices = [(row.code, _(row.name)) for row in CATEGORIES]  # type: ignore[attr-defined]

    def payload(self) -> dict[str, Any]:
        return {**super().payload(), "merchant": str(self.cleaned_data["merchant"])}


class ShopStatusForm(ProposalForm):
    """Suspend a shop, or let it sell again."""

    field_order = ["merchant", "status", "reason"]
    merchant = forms.UUIDField(label=_("Shop (reference)"))
    status = forms.ChoiceField(
        label=_("Change"), choices=(("SUSPENDED", _("Suspend")), ("ACTIVE", _("Let sell again")))
    )

    def payload(self) -> dict[str, Any]:
        return {**super().payload(), "merchant": str(self.cleaned_data["merchant"])}


class ImportForm(ProposalForm):
    batch_ref = forms.CharField(label=_("Book (reference)"), max_length=36)


class PayeeForm(ProposalForm):
    """Whom draws of one use may be paid to."""

    field_order = ["name", "scenario", "account_ref", "reason"]
    name = forms.CharField(label=_("Payee's name, as borrowers read it"), max_length=120)
    scenario = forms.ChoiceField(label=_("Use of the money"), choices=Product.Scenario.choices)
    account_ref = forms.CharField(label=_("Bank account (reference)"), max_length=36)


class ProductForm(ProposalForm):
    """What changes in a product's next version."""

    field_order = ["code", "changes", "reason"]
    code = forms.ChoiceField(label=_("Product"))
    changes = forms.JSONField(
        label=_("What changes"),
        widget=forms.Textarea(attrs={"rows": 8}),
        initial={"evidence_above": "5000.00", "payee_rule": "ALLOWED", "sub_limit": "20000.00"},
        help_text=_("Fields with their new values; what is not named stays. Amounts as text, null for none."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Product.objects.filter(is_active=True).order_by("code").values_list("code", "version")
        self.fields["code"].choices = [(code, f"{code}@{version}") for code, version in rows]  # type: ignore[attr-defined]


class ItemForm(ProposalForm):
    """A part of money in suspense."""

    item_ref = forms.CharField(label=_("Money in suspense (reference)"), max_length=36)


class SuspenseMatchForm(ItemForm):
    """Which loan it belongs to."""

    loan_ref = forms.CharField(label=_("Loan (reference)"), max_length=36)
    amount = amount_field()


class SuspenseReturnForm(ItemForm):
    """Under which transfer it went back."""

    amount = amount_field()
    bank_reference = forms.CharField(label=_("Bank's reference of the transfer back"), max_length=64)


FORMS: dict[str, type[ProposalForm]] = {
    "role_grant": RoleForm,
    "break_glass": GlassForm,
    "erasure": ErasureForm,
    "payout_account": AccountForm,
    "limit_change": LimitForm,
    "large_approval": ApprovalForm,
    "policy_activation": PolicyForm,
    "model_activation": ModelForm,
    "model_traffic": TrafficForm,
    "loan_rate": RateForm,
    "loan_fee": FeeForm,
    "waiver": WaiverForm,
    "write_off": LoanForm,
    "recovery": RefundForm,
    "collection_strategy": StrategyForm,
    "refund": RefundForm,
    "loan_plan": PlanForm,
    "manual_journal": JournalForm,
    "bulk_import": ImportForm,
    "payee": PayeeForm,
    "product_version": ProductForm,
    "suspense_match": SuspenseMatchForm,
    "suspense_return": SuspenseReturnForm,
    "merchant_approval": ShopForm,
    "merchant_status": ShopStatusForm,
}
