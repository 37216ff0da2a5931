"""A key for each person's sealed values, a row a holder; without the row's key the values are noise, in every copy."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto.fields import EncryptedTextField


class PersonKey(models.Model):
    """The key of one holder, itself sealed by the portal's key; empty once it was destroyed, and then for good.

    A holder is a person or business and a reason to keep: what must go at erasure has another key than what a law keeps for
    years. Copies of the database leave this table out (`lendportal/recovery`), so a destroyed key is nowhere.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    holder = models.CharField(_("holder"), max_length=64, unique=True)
    wrapped = EncryptedTextField(_("key"), null=True, row="place", editable=False)
    destroyed_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("key of a person")
        verbose_name_plural = _("keys of persons")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wrapped__isnull=True, destroyed_at__isnull=False)
                | models.Q(wrapped__isnull=False, destroyed_at__isnull=True),
                name="person_key_until_destroyed",
            )
        ]

    def __str__(self) -> str:
        return self.holder

    @property
    def place(self) -> str:
        """What the key is tied to, so that nobody's key is put in another's row."""
        return f"{self.ref}|{self.holder}"
