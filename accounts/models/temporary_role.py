"""A role for a short time, given by two people: for the night on which nobody else can be reached."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.proposal import Proposal


class TemporaryRole(models.Model):
    """A grant that ends by itself. It is never deleted; it can be ended early, once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("member of staff"),
        on_delete=models.PROTECT,
        related_name="temporary_roles",
    )
    role = models.CharField(_("role"), max_length=150)
    proposal = models.OneToOneField(
        Proposal, verbose_name=_("proposal"), on_delete=models.PROTECT, related_name="+"
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    ended_at = models.DateTimeField(_("ended early at"), null=True, blank=True)

    class Meta:
        verbose_name = _("temporary role")
        verbose_name_plural = _("temporary roles")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    ends_at__gt=models.F("starts_at"), ends_at__lte=models.F("starts_at") + timedelta(hours=4)
                ),
                name="temporary_role_is_short",
            ),
        ]
        indexes = [models.Index(fields=["user", "ends_at"], name="temporary_role_of_user")]

    def __str__(self) -> str:
        return f"{self.role} {self.user}"
