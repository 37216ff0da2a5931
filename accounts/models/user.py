"""Whoever logs in: by e-mail or by mobile number, either."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, blind_index, holder_of
from accounts.crypto.person import LOGIN
from accounts.domain.contact import canonical_email, canonical_phone, mask_email, mask_phone
from accounts.rows import ask, columns, names_of, read_row


class Language(models.TextChoices):
    CHINESE = "zh-hans", _("Chinese (simplified)")
    ENGLISH = "en", _("English")


class UserManager(BaseUserManager["User"]):
    """Create users by e-mail or phone, always in canonical form."""

    def create_user(
        self, email: str | None = None, password: str | None = None, *, phone: str | None = None, **extra: Any
    ) -> User:
        user = self.model(email=canonical_email(email) if email else None, **extra)
        if phone:
            user.set_phone(canonical_phone(phone))
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=canonical_email(username or ""))

    def get(self, *args: Any, **kwargs: Any) -> User:
        """Get a user; by the key alone, as each request asks, with a fixed statement."""
        if args or list(kwargs) != ["pk"] or not isinstance(kwargs["pk"], int):
            return super().get(*args, **kwargs)
        statement = f"SELECT {columns('u', User)} FROM accounts_user u WHERE u.id = %s"  # noqa: S608  names of our own columns
        row = ask(statement, [kwargs["pk"]])
        found = read_row(User, names_of(User), row) if row else None
        if found is None:
            raise User.DoesNotExist
        return found

    def by_phone(self, phone: str) -> User | None:
        """Return who has this number, given in canonical form."""
        return self.filter(phone_index=phone_index(phone)).first()


def phone_index(phone: str) -> str:
    return blind_index(purpose="user.phone", value=phone)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can log in: a borrower, a member of a business, or staff."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254, null=True, blank=True, unique=True)
    phone = EncryptedTextField(_("mobile number"), null=True, blank=True, editable=False)
    phone_index = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001  unique
    phone_verified_at = models.DateTimeField(null=True, editable=False)
    language = models.CharField(_("language"), max_length=8, choices=Language, default=Language.CHINESE)
    # for whom the person acted last; the start page leads there
    acting = models.ForeignKey(
        "accounts.Borrower",
        verbose_name=_("acts for"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email__isnull=False)
                | models.Q(phone_index__isnull=False)
                | models.Q(is_active=False),
                name="user_has_email_or_phone",
            ),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_canonical"),
            models.CheckConstraint(
                condition=models.Q(phone__isnull=True, phone_index__isnull=True)
                | models.Q(phone__isnull=False, phone_index__isnull=False),
                name="user_phone_has_its_index",
            ),
        ]

    def __str__(self) -> str:
        return self.masked_login

    def clean(self) -> None:
        if self.email:
            self.email = canonical_email(self.email)

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.ref, shelf=LOGIN)

    @property
    def masked_login(self) -> str:
        """The log-in name as it may be shown to others."""
        if self.email:
            return mask_email(self.email)
        return mask_phone(self.phone) if self.phone else f"user {self.ref}"

    def get_full_name(self) -> str:
        return self.masked_login

    def get_short_name(self) -> str:
        return self.masked_login

    def set_phone(self, phone: str | None) -> None:
        """Take a number in canonical form, with its blind index."""
        self.phone = phone
        self.phone_index = phone_index(phone) if phone else None
        self.phone_verified_at = None
