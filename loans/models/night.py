"""What the nights have booked: ranges of loans, each through a date; and the lines that they follow."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.models.loan import Loan


class AccrualSlice(models.Model):
    """Say that the earnings of a range of loans are in the ledger through a date."""

    as_of = models.DateField(_("through"))
    first_id = models.BigIntegerField(_("first loan"))
    last_id = models.BigIntegerField(_("last loan"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("accrual of a range")
        verbose_name_plural = _("accruals of ranges")
        constraints = [
            models.UniqueConstraint(fields=["as_of", "first_id", "last_id"], name="accrual_slice_once"),
            models.CheckConstraint(
                condition=models.Q(first_id__lte=models.F("last_id")), name="accrual_slice_range_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.first_id}-{self.last_id}"


class AccrualLine(models.Model):
    """The period that a live loan runs in, so that a night sums one narrow row a loan and looks nothing up.

    A copy of columns of `Loan` and of one row of `Instalment`: written with the projection, moved on to the next row by the
    first night after the period's end, and proved against its origin by `check_books` (I13b). Loans that are folded one by
    one, and loans whose last period is over, have none.
    """

    loan = models.OneToOneField(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, primary_key=True, related_name="accrual_line"
    )
    portfolio = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    accrued_through = models.DateField()
    accrual_after = models.DateField()
    accrual_until = models.DateField()
    accrual_from = models.DateField()
    due_date = models.DateField()
    accrual_year = models.PositiveIntegerField()
    accrual_before = models.DecimalField(max_digits=16, decimal_places=2)
    accrual_carried = models.DecimalField(max_digits=34, decimal_places=12)
    accrual_base = models.DecimalField(max_digits=16, decimal_places=2)
    accrual_rate = models.DecimalField(max_digits=18, decimal_places=12)

    class Meta:
        verbose_name = _("period that a loan runs in")
        verbose_name_plural = _("periods that loans run in")

    def __str__(self) -> str:
        return f"{self.loan_id} {self.accrual_after}-{self.accrual_until}"
