"""A loan: frozen terms, an append-only list of events, and the projection that the engine makes of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Borrower
from loans.domain.events import EventKind
from loans.domain.terms import LoanTerms, RepaymentMethod

if TYPE_CHECKING:
    from loans.models.payment import Payout


def money(name: Any, **options: Any) -> Any:
    """Return a column of money, zero unless told otherwise."""
    return models.DecimalField(name, max_digits=16, decimal_places=2, default=0, **options)


class Loan(models.Model):
    """One contract. Everything from `status` down is a projection, rewritten whole by each event."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting for the payout")
        ACTIVE = "ACTIVE", _("Running")
        OVERDUE = "OVERDUE", _("Overdue")
        CLOSED = "CLOSED", _("Paid off")
        CANCELLED = "CANCELLED", _("Cancelled")
        WRITTEN_OFF = "WRITTEN_OFF", _("Written off")

    class Bucket(models.TextChoices):
        CURRENT = "CURRENT", _("Not overdue")
        DPD_1_30 = "DPD_1_30", _("1 to 30 days")
        DPD_31_60 = "DPD_31_60", _("31 to 60 days")
        DPD_61_90 = "DPD_61_90", _("61 to 90 days")
        DPD_91_PLUS = "DPD_91_PLUS", _("Over 90 days")

    LIVE = ("ACTIVE", "OVERDUE")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="loans"
    )
    bank_account = models.ForeignKey(
        BankAccount,
        verbose_name=_("bank account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    # made by whoever opens the loan: the same reference opens one loan
    reference = models.UUIDField(_("reference of the caller"), unique=True, editable=False)
    portfolio = models.CharField(_("portfolio"), max_length=40, blank=True, default="")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    terms = models.JSONField(_("terms"), encoder=DjangoJSONEncoder)
    repayment_method = models.CharField(
        _("way of repaying"),
        max_length=20,
        choices=[(method.value, method.value) for method in RepaymentMethod],
    )
    principal = models.DecimalField(_("principal"), max_digits=16, decimal_places=2)
    instalment_count = models.PositiveSmallIntegerField(_("instalments"))
    start_date = models.DateField(_("start date"))
    penalty_rate = models.DecimalField(_("penalty rate"), max_digits=9, decimal_places=6, default=0)
    penalty_year = models.PositiveSmallIntegerField(default=365, editable=False)
    grace_days = models.PositiveSmallIntegerField(_("grace days"), default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    annual_rate = models.DecimalField(_("annual rate"), max_digits=9, decimal_places=6)
    maturity_date = models.DateField(_("last due date"), null=True, blank=True)
    closed_date = models.DateField(_("closed on"), null=True, blank=True)
    last_sequence = models.PositiveIntegerField(_("events"), default=0)
    disbursed = money(_("paid out"))
    principal_outstanding = money(_("principal outstanding"))
    # of the day of `projected_date`: a figure of today is asked of the fold (queries.payoff, queries.loan_view)
    interest_outstanding = money(_("interest outstanding"))
    fee_outstanding = money(_("fees outstanding"))
    penalty_outstanding = money(_("penalty outstanding"))
    credit_balance = money(_("credit of the borrower"))
    next_due_date = models.DateField(_("next due date"), null=True, blank=True)
    next_due_amount = money(_("next due amount"))
    days_past_due = models.PositiveIntegerField(_("days past due"), default=0)
    bucket = models.CharField(_("bucket"), max_length=12, choices=Bucket, default=Bucket.CURRENT)
    worst_days_past_due = models.PositiveIntegerField(_("worst days past due"), default=0)
    # earned through `projected_date`; what is earned later is in the rows of the instalments
    projected_date = models.DateField(_("projected on"), null=True, blank=True)
    interest_earned = money(_("interest earned"))
    fees_earned = money(_("fees charged"))
    penalty_earned = money(_("penalty earned"))
    interest_settled = money(_("interest paid, waived or lost"))
    fees_settled = money(_("fees paid, waived or lost"))
    penalty_settled = money(_("penalty paid, waived or lost"))
    # through when the ledger has this loan's earnings; slices of the night may have carried it further
    accrued_through = models.DateField(_("booked through"), null=True, blank=True)
    # whether the night may work the loan by a statement; the others are folded one by one
    set_wise = models.BooleanField(default=True, editable=False)

    class Meta:
        verbose_name = _("loan")
        verbose_name_plural = _("loans")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(principal__gt=0, principal__lt=10**12), name="loan_principal_is_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    principal_outstanding__gte=0,
                    interest_outstanding__gte=0,
                    fee_outstanding__gte=0,
                    penalty_outstanding__gte=0,
                    credit_balance__gte=0,
                    disbursed__gte=0,
                ),
                name="loan_balances_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(principal_outstanding__lte=models.F("disbursed")),
                name="loan_owes_at_most_what_was_paid_out",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["CLOSED", "CANCELLED", "WRITTEN_OFF", "PENDING"])
                | models.Q(principal_outstanding=0),
                name="loan_over_owes_no_principal",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["PENDING", "ACTIVE", "OVERDUE", "CLOSED", "CANCELLED", "WRITTEN_OFF"]
                ),
                name="loan_status_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["borrower", "-id"], name="loan_of_borrower"),
            models.Index(
                fields=["next_due_date", "id"],
                condition=models.Q(status__in=["ACTIVE", "OVERDUE"]),
                name="loan_next_due",
            ),
            models.Index(fields=["bucket", "id"], condition=models.Q(status="OVERDUE"), name="loan_overdue"),
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=["ACTIVE", "OVERDUE"], set_wise=False),
                name="loan_folded_nightly",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref}"

    @property
    def agreed(self) -> LoanTerms:
        """Return the frozen terms."""
        return LoanTerms.from_dict(self.terms)

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def payout(self) -> Payout:
        """Return the first payout. Others, if the principal comes in tranches or credit was given back, have later numbers."""
        return min(self.payouts.all(), key=lambda row: row.number)


class LoanEventRow(models.Model):
    """One thing that happened, with the day on which it is true and the day on which it was learned."""

    loan = models.ForeignKey(Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField(_("number"))
    kind = models.CharField(
        _("kind"), max_length=16, choices=[(kind.value, kind.value) for kind in EventKind]
    )
    value_date = models.DateField(_("value date"))
    booked_date = models.DateField(_("learned on"))
    amount = money(_("amount"))
    data = models.JSONField(_("details"), default=dict)
    reference = models.CharField(_("reference"), max_length=64)
    actor_id = models.BigIntegerField(_("by"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "loans_event"
        verbose_name = _("event of a loan")
        verbose_name_plural = _("events of loans")
        constraints = [
            models.UniqueConstraint(fields=["loan", "sequence"], name="loan_event_sequence_once"),
            models.UniqueConstraint(fields=["loan", "reference"], name="loan_event_reference_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, amount__lt=10**12), name="loan_event_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(value_date__lte=models.F("booked_date")),
                name="loan_event_not_of_the_future",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}/{self.sequence} {self.kind}"


class Instalment(models.Model):
    """One row of the schedule as it stands. The columns below `outstanding` carry the night's arithmetic."""

    loan = models.ForeignKey(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="instalments", db_index=False
    )
    number = models.PositiveSmallIntegerField(_("number"))
    from_date = models.DateField(_("from"))
    due_date = models.DateField(_("due date"))
    principal_due = money(_("principal"))
    interest_due = money(_("interest"))
    fee_due = money(_("fees"))
    penalty_due = money(_("penalty"))
    principal_paid = money(_("principal paid"))
    interest_paid = money(_("interest paid"))
    fee_paid = money(_("fees paid"))
    penalty_paid = money(_("penalty paid"))
    principal_forgiven = money(_("principal lost"))
    interest_forgiven = money(_("interest waived or lost"))
    fee_forgiven = money(_("fees waived or lost"))
    penalty_forgiven = money(_("penalty waived or lost"))
    balance_after = money(_("principal after"))
    paid_date = models.DateField(_("paid on"), null=True, blank=True)
    outstanding = money(_("outstanding"))
    # interest of this period through a day: accrual_before + round((accrual_carried + base * rate * days) / year)
    accrual_after = models.DateField(null=True, editable=False)  # the row speaks for days after this one ...
    accrual_until = models.DateField(null=True, editable=False)  # ... through this one
    accrual_from = models.DateField(null=True, editable=False)
    accrual_before = models.DecimalField(max_digits=16, decimal_places=2, null=True, editable=False)
    accrual_carried = models.DecimalField(max_digits=34, decimal_places=12, null=True, editable=False)
    accrual_base = models.DecimalField(max_digits=16, decimal_places=2, null=True, editable=False)
    accrual_rate = models.DecimalField(max_digits=18, decimal_places=12, null=True, editable=False)
    accrual_year = models.PositiveIntegerField(null=True, editable=False)
    # penalty through a day: round((penalty_days + unpaid principal * days) * rate / year)
    penalty_days = models.DecimalField(max_digits=24, decimal_places=2, default=0, editable=False)
    penalty_from = models.DateField(null=True, editable=False)
    penalty_base = money("", editable=False)
    penalty_counted = money("", editable=False)  # of it, in the loan's `penalty_earned`
    fee_on_due = money("", editable=False)  # charged when the row falls due

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="instalment_number_once"),
            models.CheckConstraint(
                condition=models.Q(
                    principal_paid__gte=0,
                    interest_paid__gte=0,
                    fee_paid__gte=0,
                    penalty_paid__gte=0,
                    outstanding__gte=0,
                ),
                name="instalment_amounts_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_date", "loan"],
                condition=models.Q(outstanding__gt=0),
                name="instalment_open_by_due",
            ),
            models.Index(
                fields=["loan", "accrual_until"],
                condition=models.Q(accrual_until__isnull=False),
                name="instalment_accrual",
            ),
            models.Index(
                fields=["loan", "due_date"],
                condition=models.Q(outstanding__gt=0),
                name="instalment_open_of_loan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}/{self.number}"
