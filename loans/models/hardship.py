"""When a loan gets hard to pay: the borrower's request, the papers with it, and the plans offered for it."""

from __future__ import annotations

import uuid
from datetime import date

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, holder_of
from accounts.crypto.person import IDENTITY
from accounts.models import User
from loans.domain.hardship import WAITING, HardshipStatus, PlanStatus
from loans.models.loan import Loan

STATUS_NAMES = {
    HardshipStatus.OPEN: _("Waiting for an answer"),
    HardshipStatus.OFFERED: _("A plan is offered"),
    HardshipStatus.ACCEPTED: _("The plan runs"),
    HardshipStatus.REFUSED: _("Refused"),
    HardshipStatus.WITHDRAWN: _("Withdrawn"),
}


class HardshipRequest(models.Model):
    """A borrower says that a loan got hard to pay, why, and what would help."""

    class Reason(models.TextChoices):
        ILLNESS = "ILLNESS", _("Illness or an accident")
        JOB = "JOB", _("I lost my work")
        INCOME = "INCOME", _("I earn less than before")
        FAMILY = "FAMILY", _("A birth, a death or a separation in the family")
        DISASTER = "DISASTER", _("A flood, a fire or another disaster")
        TRADE = "TRADE", _("My business sells less")
        OTHER = "OTHER", _("Something else")

    class Wish(models.TextChoices):
        PAUSE = "PAUSE", _("A pause")
        LOWER = "LOWER", _("Smaller instalments over a longer time")
        LATER = "LATER", _("Another day of the month")
        TALK = "TALK", _("I do not know: please make a proposal")

    key_path = "loan__borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    loan = models.ForeignKey(Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="hardships")
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    # may tell of health and family: sealed, and opened only where it is read
    text = EncryptedTextField(_("in the borrower's words"), blank=True, default="")
    wish = models.CharField(_("what would help"), max_length=10, choices=Wish)
    affordable = models.DecimalField(
        _("can pay a month"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    until_date = models.DateField(_("expects it to last until"), null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=list(STATUS_NAMES.items()), default=HardshipStatus.OPEN
    )
    requested_date = models.DateField(_("asked on"))
    answer_by_date = models.DateField(_("answer due on"))
    actor = models.ForeignKey(
        User, verbose_name=_("by"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(_("answer"), max_length=2000, blank=True)
    answered_by = models.ForeignKey(
        User, verbose_name=_("answered by"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_date = models.DateField(_("answered on"), null=True, blank=True)
    closed_date = models.DateField(_("closed on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("hardship request")
        verbose_name_plural = _("hardship requests")
        constraints = [
            models.UniqueConstraint(
                fields=["loan"],
                condition=models.Q(status__in=list(WAITING)),
                name="hardship_one_waits_a_loan",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=list(HardshipStatus)), name="hardship_status_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(affordable__isnull=True) | models.Q(affordable__gte=0),
                name="hardship_affordable_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=list(WAITING)) | models.Q(closed_date__isnull=False),
                name="hardship_closed_has_its_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["answer_by_date", "id"],
                condition=models.Q(status__in=list(WAITING)),
                name="hardship_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.loan.borrower.ref, shelf=IDENTITY)

    @property
    def is_waiting(self) -> bool:
        return self.status in WAITING


class HardshipPaper(models.Model):
    """A paper given with a request, sealed."""

    key_path = "request__loan__borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(
        HardshipRequest, verbose_name=_("request"), on_delete=models.PROTECT, related_name="papers"
    )
    media_type = models.CharField(_("kind of file"), max_length=40)
    size = models.PositiveIntegerField(_("bytes"))
    digest = models.CharField(_("SHA-256"), max_length=64)
    content = EncryptedTextField(_("content"))  # base64; defer it wherever papers are listed
    added_date = models.DateField(_("added on"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("paper of a hardship request")
        verbose_name_plural = _("papers of hardship requests")
        constraints = [
            models.UniqueConstraint(fields=["request", "digest"], name="hardship_paper_once_a_request")
        ]

    def __str__(self) -> str:
        return f"{self.ref}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.request.loan.borrower.ref, shelf=IDENTITY)


class HardshipPlan(models.Model):
    """What an officer offers: measures that become events of the loan when the borrower accepts."""

    STATUS_NAMES = {
        PlanStatus.OFFERED: _("Offered"),
        PlanStatus.ACCEPTED: _("Accepted"),
        PlanStatus.DECLINED: _("Declined by the borrower"),
        PlanStatus.REPLACED: _("Replaced"),
    }

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(
        HardshipRequest, verbose_name=_("request"), on_delete=models.PROTECT, related_name="plans"
    )
    number = models.PositiveSmallIntegerField(_("number"))
    measures = models.JSONField(_("measures"))
    words = models.CharField(_("said to the borrower"), max_length=2000, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=list(STATUS_NAMES.items()), default=PlanStatus.OFFERED
    )
    offered_by = models.ForeignKey(
        User, verbose_name=_("offered by"), on_delete=models.PROTECT, related_name="+"
    )
    offered_date = models.DateField(_("offered on"))
    valid_until = models.DateField(_("can be accepted until"))
    answered_date = models.DateField(_("answered on"), null=True, blank=True)
    answered_by = models.ForeignKey(
        User, verbose_name=_("answered by"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("hardship plan")
        verbose_name_plural = _("hardship plans")
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="hardship_plan_number_once"),
            models.UniqueConstraint(
                fields=["request"],
                condition=models.Q(status=PlanStatus.OFFERED),
                name="hardship_one_plan_offered",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=list(PlanStatus)), name="hardship_plan_status_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__gte=models.F("offered_date")),
                name="hardship_plan_valid_after_offer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref}"

    def has_lapsed(self, *, as_of: date) -> bool:
        """Tell whether the day has passed until which the plan could be accepted."""
        return self.status == PlanStatus.OFFERED and self.valid_until < as_of
