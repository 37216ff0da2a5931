"""Which pieces about borrowing somebody has read."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LessonRead(models.Model):
    """One piece, read by one person; reading again changes nothing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.PROTECT, related_name="+"
    )
    code = models.CharField(_("piece"), max_length=40)
    read_at = models.DateTimeField(_("read at"))

    class Meta:
        verbose_name = _("piece that was read")
        verbose_name_plural = _("pieces that were read")
        constraints = [models.UniqueConstraint(fields=["user", "code"], name="lesson_read_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.code}"
