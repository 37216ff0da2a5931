"""Who works on what at the desk, so that two officers do not work on one case."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkClaim(models.Model):
    """A member of staff holds a case for some minutes; afterwards anybody may take it."""

    object_type = models.CharField(_("object"), max_length=64)
    object_ref = models.CharField(_("reference"), max_length=64)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("held by"), on_delete=models.CASCADE, related_name="+"
    )
    held_until = models.DateTimeField(_("held until"))

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = [
            models.UniqueConstraint(fields=["object_type", "object_ref"], name="work_claim_one_holder")
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_ref}"
