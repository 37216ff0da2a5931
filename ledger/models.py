"""The books: accounts, journals, postings, the business date and the sums of closed days.

No account carries a balance that writers would queue for. The database guards history: triggers in
migration 0002 refuse every change of a journal or posting, whoever asks.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.domain.chart import AccountKind


class Account(models.Model):
    """An account of the chart. Its key is its code."""

    class Kind(models.TextChoices):
        ASSET = AccountKind.ASSET.value, _("Asset")
        LIABILITY = AccountKind.LIABILITY.value, _("Liability")
        EQUITY = AccountKind.EQUITY.value, _("Equity")
        INCOME = AccountKind.INCOME.value, _("Income")
        EXPENSE = AccountKind.EXPENSE.value, _("Expense")

    id = models.BigIntegerField(primary_key=True)
    role = models.CharField(_("role"), max_length=32, unique=True)
    code = models.CharField(_("code"), max_length=8, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts of the ledger")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in AccountKind]),
                name="ledger_account_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {gettext(self.name)}"


class Journal(models.Model):
    """One record in the books: why, when it is true, when it was booked."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.CharField(_("source"), max_length=120)
    leg = models.CharField(_("leg"), max_length=40)
    kind = models.CharField(_("kind"), max_length=24)
    currency = models.CharField(_("currency"), max_length=3)
    value_date = models.DateField(_("value date"))
    booked_date = models.DateField(_("booked on"))
    description = models.CharField(_("description"), max_length=200, blank=True)
    reverses = models.OneToOneField(
        "self",
        verbose_name=_("reverses"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversed_by",
    )
    digest = models.CharField(max_length=64, editable=False)
    # the database fills it; postings are accepted in the journal's own transaction alone
    written_in = models.BigIntegerField(editable=False, default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("journal")
        verbose_name_plural = _("journals")
        constraints = [
            models.UniqueConstraint(fields=["source", "leg"], name="ledger_journal_source_leg_once")
        ]
        indexes = [models.Index(fields=["booked_date", "id"], name="ledger_journal_booked")]

    def __str__(self) -> str:
        return f"{self.source}/{self.leg}"


class Posting(models.Model):
    """A debit or a credit of one account, always positive."""

    class Direction(models.TextChoices):
        DEBIT = "D", _("Debit")
        CREDIT = "C", _("Credit")

    journal = models.ForeignKey(
        Journal, verbose_name=_("journal"), on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    direction = models.CharField(_("side"), max_length=1, choices=Direction)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    # subjects, not keys: the ledger knows no loans and no borrowers
    loan_id = models.BigIntegerField(_("loan"), null=True, blank=True)
    borrower_id = models.BigIntegerField(_("borrower"), null=True, blank=True)
    portfolio = models.CharField(_("portfolio"), max_length=40, blank=True, default="")

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.CheckConstraint(
                # NaN is larger than every number: the upper bound keeps it out
                condition=models.Q(amount__gt=0, amount__lt=10**14),
                name="ledger_posting_amount_is_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["D", "C"]), name="ledger_posting_has_a_side"
            ),
        ]
        indexes = [
            models.Index(fields=["journal"], name="ledger_posting_journal"),
            models.Index(fields=["account", "id"], name="ledger_posting_account"),
            models.Index(
                fields=["loan_id", "account"],
                include=["direction", "amount"],
                condition=models.Q(loan_id__isnull=False),
                name="ledger_posting_loan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.account_id} {self.amount}"


class BookDate(models.Model):
    """The one row that says for which day the books are open, and through which day they are closed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    first_date = models.DateField(_("books opened on"))
    business_date = models.DateField(_("business date"))
    closed_through = models.DateField(_("closed through"), null=True, blank=True)

    class Meta:
        verbose_name = _("business date")
        verbose_name_plural = _("business date")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="ledger_book_date_is_one_row"),
            models.CheckConstraint(
                condition=models.Q(business_date__gte=models.F("first_date")),
                name="ledger_book_date_runs_forward",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_through__isnull=True)
                | models.Q(closed_through__lt=models.F("business_date")),
                name="ledger_book_date_open_today",
            ),
        ]

    def __str__(self) -> str:
        return self.business_date.isoformat()


class DailyBalance(models.Model):
    """What one account was debited and credited on one booked day: a sum of postings, proved nightly."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="+"
    )
    booked_date = models.DateField(_("booked on"))
    currency = models.CharField(_("currency"), max_length=3)
    debit = models.DecimalField(_("debit"), max_digits=18, decimal_places=2)
    credit = models.DecimalField(_("credit"), max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("sum of a day")
        verbose_name_plural = _("sums of days")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "booked_date", "currency"], name="ledger_daily_balance_once"
            ),
            models.CheckConstraint(
                condition=models.Q(debit__gte=0, credit__gte=0), name="ledger_daily_balance_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.booked_date}"
