"""Money on its way: payouts, collections, and what the gateway told us."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount
from loans.domain.terms import PrepaymentPolicy
from loans.models.loan import Loan

OPEN = ["PENDING", "CLAIMED", "SENT", "UNKNOWN"]


class Movement(models.Model):
    """What a payout and a collection share: rows that are claimed, sent once, and end confirmed or refused."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting to be sent")
        CLAIMED = "CLAIMED", _("Being sent")
        SENT = "SENT", _("Sent")
        UNKNOWN = "UNKNOWN", _("Outcome not known yet")
        CONFIRMED = "CONFIRMED", _("Done")
        REFUSED = "REFUSED", _("Refused")
        PARKED = "PARKED", _("Needs a look by a person")

    FINAL = ("CONFIRMED", "REFUSED")
    OPEN = tuple(OPEN)

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    bank_account = models.ForeignKey(
        BankAccount,
        verbose_name=_("bank account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    gateway = models.CharField(_("gateway"), max_length=20, default="sandbox")
    # ours, made before anything is sent: the gateway does one thing for one reference
    gateway_reference = models.UUIDField(_("our reference"), default=uuid.uuid4, unique=True, editable=False)
    provider_reference = models.CharField(
        _("gateway's reference"), max_length=80, null=True, blank=True, unique=True
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=80, blank=True)
    requested_date = models.DateField(_("asked on"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.gateway_reference}"

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL


def movement_rules(name: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=models.Q(amount__gt=0, amount__lt=10**12), name=f"{name}_amount_is_positive"
        ),
        models.CheckConstraint(
            condition=models.Q(
                status__in=["PENDING", "CLAIMED", "SENT", "UNKNOWN", "CONFIRMED", "REFUSED", "PARKED"]
            ),
            name=f"{name}_status_is_known",
        ),
        models.CheckConstraint(
            condition=~models.Q(status="CLAIMED")
            | models.Q(claim__isnull=False, claimed_until__isnull=False),
            name=f"{name}_claimed_by_someone_until",
        ),
    ]


class Payout(Movement):
    """Money on its way to the borrower: the principal, whole or in tranches, or credit that is given back."""

    class Purpose(models.TextChoices):
        PRINCIPAL = "PRINCIPAL", _("Principal")
        REFUND = "REFUND", _("Refund of credit")

    loan = models.ForeignKey(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="payouts", db_index=False
    )
    number = models.PositiveSmallIntegerField(_("number"), default=1)
    purpose = models.CharField(_("purpose"), max_length=9, choices=Purpose, default=Purpose.PRINCIPAL)
    # made by whoever orders a later tranche or a refund: the same key orders once
    request_key = models.CharField(_("key of the request"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints = [
            *movement_rules("payout"),
            models.UniqueConstraint(fields=["loan", "number"], name="payout_number_once_a_loan"),
            models.UniqueConstraint(
                fields=["loan", "request_key"],
                condition=~models.Q(request_key=""),
                name="payout_key_once_a_loan",
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=["PRINCIPAL", "REFUND"]), name="payout_purpose_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=models.Q(status__in=OPEN), name="payout_open"
            ),
        ]

    @property
    def event_reference(self) -> str:
        """Return the reference of the event that this money is booked by."""
        kind = "refund" if self.purpose == self.Purpose.REFUND else "payout"
        return f"{kind}:{self.gateway_reference}"


class Collection(Movement):
    """Money asked of the borrower's bank account: once confirmed, a repayment."""

    loan = models.ForeignKey(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="collections"
    )
    choice = models.CharField(
        _("what money beyond the due does"),
        max_length=20,
        blank=True,
        choices=[(policy.value, policy.value) for policy in PrepaymentPolicy],
    )
    idempotency_key = models.CharField(_("key of the request"), max_length=255)
    actor_id = models.BigIntegerField(_("by"), null=True, blank=True)

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            *movement_rules("collection"),
            models.UniqueConstraint(fields=["loan", "idempotency_key"], name="collection_key_once_a_loan"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=models.Q(status__in=OPEN), name="collection_open"
            ),
        ]


class GatewayMessage(models.Model):
    """A signed message of the gateway, stored once as it came, then applied or parked."""

    class State(models.TextChoices):
        STORED = "STORED", _("Stored")
        APPLIED = "APPLIED", _("Applied")
        IGNORED = "IGNORED", _("Of no effect")
        PARKED = "PARKED", _("Needs a look by a person")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.CharField(_("gateway"), max_length=20)
    event_id = models.CharField(_("event"), max_length=80)
    kind = models.CharField(_("kind"), max_length=40)
    raw = models.TextField(_("message"))
    payload = models.JSONField(_("content"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.STORED)
    reason = models.CharField(_("reason"), max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    owner_id = models.BigIntegerField(_("taken by"), null=True, blank=True)

    class Meta:
        verbose_name = _("message of the gateway")
        verbose_name_plural = _("messages of the gateway")
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="gateway_message_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["STORED", "APPLIED", "IGNORED", "PARKED"]),
                name="gateway_message_state_is_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state="STORED"),
                name="gateway_message_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.event_id}"
