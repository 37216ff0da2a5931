"""What shops are told: endpoints, events, and each attempt to deliver."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from merchants.models.merchant import Merchant


class WebhookEndpoint(models.Model):
    """An address of a shop that hears of events, with its secret and the one before."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="endpoints", verbose_name=_("shop")
    )
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)  # empty: all
    secret = EncryptedTextField(_("secret"))
    old_secret = EncryptedTextField(_("secret before"), null=True, blank=True)
    old_secret_until = models.DateTimeField(_("secret before is good until"), null=True, blank=True)
    is_active = models.BooleanField(_("on"), default=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    disabled_reason = models.CharField(_("why off"), max_length=80, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("endpoint of a shop")
        verbose_name_plural = _("endpoints of shops")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "url"], condition=Q(is_active=True), name="endpoint_once_a_shop"
            ),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookEvent(models.Model):
    """Something that happened to an object of a shop, written in the transaction in which it happened."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="events", verbose_name=_("shop")
    )
    kind = models.CharField(_("event"), max_length=40)
    # events of one object are delivered in the order of their ids
    object_ref = models.UUIDField(_("object"))
    payload = models.JSONField(_("content"))
    happened_at = models.DateTimeField(_("happened at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("event for a shop")
        verbose_name_plural = _("events for shops")
        indexes = [models.Index(fields=["merchant", "-id"], name="webhook_event_of_merchant")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        CLAIMED = "CLAIMED", _("Being sent")
        DELIVERED = "DELIVERED", _("Delivered")
        FAILED = "FAILED", _("Given up")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("event")
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("endpoint")
    )
    object_ref = models.UUIDField(_("object"))
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    first_failed_at = models.DateTimeField(_("failed first at"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once_an_endpoint"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(status__in=["PENDING", "CLAIMED"]),
                name="delivery_open",
            ),
            models.Index(
                fields=["endpoint", "object_ref", "id"],
                condition=Q(status__in=["PENDING", "CLAIMED"]),
                name="delivery_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.status}"


class DeliveryAttempt(models.Model):
    """One try: what was answered, how long it took."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="log", verbose_name=_("delivery")
    )
    number = models.PositiveSmallIntegerField(_("attempt"))
    sent_at = models.DateTimeField(_("sent at"))
    http_status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=120, blank=True)
    answer = models.CharField(_("first words of the answer"), max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"), default=0)

    class Meta:
        verbose_name = _("attempt to deliver")
        verbose_name_plural = _("attempts to deliver")

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"
