"""Hooks of allauth: numbers kept encrypted, tries counted, answers that tell nothing about who has an account."""

from __future__ import annotations

import logging
import secrets
import uuid
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.domain.contact import UnableToReadContact, parse_email, parse_phone
from accounts.models import User
from accounts.models.user import Language
from accounts.notifications.sms import sms_backend
from accounts.operations.people import ensure_person
from accounts.quiet import log_failure
from accounts.sign_in.device import known_device
from accounts.sign_in.limits import count_try, forget, take_back

log = logging.getLogger(__name__)
NETWORK_TRIES = 50
CODE_DIGITS = 7
EMAIL_STAGE = "allauth.account.stages.EmailVerificationStage"


def as_validation_error(refusal: UnableToReadContact) -> ValidationError:
    """Turn a refusal of the domain into a form's error, with its code."""
    return ValidationError(_(refusal.message) % refusal.params, code=refusal.code)


class PhoneField(forms.CharField):
    """A mobile number as people type it; a bare mainland number needs no country code."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Mobile number"))
        kwargs.setdefault("max_length", 32)
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "tel", "type": "tel"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        raw = super().clean(value)
        if not raw:
            return ""
        try:
            return parse_phone(raw)
        except UnableToReadContact as refusal:
            raise as_validation_error(refusal) from None


class AccountAdapter(DefaultAccountAdapter):
    """How this portal signs people up and in."""

    # ---- neutral words ------------------------------------------------------------------------------------------
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("The login or the password is wrong."),
        "phone_password_mismatch": gettext_lazy("The login or the password is wrong."),
        "username_password_mismatch": gettext_lazy("The login or the password is wrong."),
        "invalid_login": gettext_lazy("The login or the password is wrong."),
        "incorrect_code": gettext_lazy(
            "This code is not right or no longer valid. Check it, or ask for a new one."
        ),
        "too_many_login_attempts": gettext_lazy("Too many tries. Wait 15 minutes."),
    }

    # ---- new people ----------------------------------------------------------------------------------------------
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # type: ignore[override]
        phone = form.cleaned_data.get("phone")
        if phone:
            user.set_phone(phone)
        user.language = Language.ENGLISH if (get_language() or "").startswith("en") else Language.CHINESE
        saved = super().save_user(request, user, form, commit=commit)
        ensure_person(user=user)
        return saved  # type: ignore[return-value]

    # ---- addresses ----------------------------------------------------------------------------------------------
    def clean_email(self, email: str) -> str:
        try:
            return parse_email(email)
        except UnableToReadContact as refusal:
            raise as_validation_error(refusal) from None

    def clean_phone(self, phone: str) -> str:
        try:
            return parse_phone(phone)
        except UnableToReadContact as refusal:
            raise as_validation_error(refusal) from None

    def phone_form_field(self, **kwargs: Any) -> PhoneField:
        return PhoneField(**kwargs)

    # ---- numbers ------------------------------------------------------------------------------------------------
    def set_phone(self, user: User, phone: str, verified: bool) -> None:  # type: ignore[override]
        user.set_phone(phone)
        user.phone_verified_at = timezone.now() if verified else None
        user.save(update_fields=["phone", "phone_index", "phone_verified_at"])

    def get_phone(self, user: User) -> tuple[str, bool] | None:  # type: ignore[override]
        return (user.phone, user.phone_verified_at is not None) if user.phone else None

    def set_phone_verified(self, user: User, phone: str) -> None:  # type: ignore[override]
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> User | None:  # type: ignore[override]
        return User.objects.by_phone(phone)

    def generate_phone_verification_code(self, *, user: Any, phone: str) -> str:
        return self._digits()

    def generate_email_verification_code(self) -> str:
        return self._digits()

    def generate_login_code(self) -> str:
        return self._digits()

    def _digits(self) -> str:
        """Seven digits, 23 bits: a phone's keyboard for numbers, and five tries at ten million."""
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **kwargs: Any) -> None:
        text = _("Your lendportal code is %(code)s. It works for 10 minutes. Never tell it to anybody.")
        self._text(phone, text % {"code": code})

    def send_account_already_exists_sms(self, phone: str) -> None:
        self._text(
            phone, _("You already have an account at lendportal. Log in, or ask for a code to log in.")
        )

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        self._text(phone, _("This number has no account at lendportal. You can sign up."))

    def _text(self, phone: str, text: str) -> None:
        try:
            sms_backend().send(phone=phone, text=text, reference=uuid.uuid4().hex)
        except Exception as error:  # a vendor's client may raise anything; the page offers to send again
            log_failure(log, "text message with a code failed", subject="sign-in", error=error)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, or log that it failed: the page is the same and offers to send again."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            log_failure(log, f"mail {template_prefix} failed", subject="sign-in", error=error)

    # ---- counted tries ------------------------------------------------------------------------------------------
    def _subject(self, request: HttpRequest, credentials: dict[str, Any]) -> tuple[str, str]:
        """Return whose password is tried, and by which counter: strangers share one, a known device has its own."""
        login = str(
            credentials.get("email") or credentials.get("phone") or credentials.get("username") or ""
        ).lower()
        device = known_device(request=request, login=login)
        return login, f"{login}|{device}" if device else login

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        _login, subject = self._subject(request, credentials)
        count_try(what="network", subject=self.get_client_ip(request), allowed=NETWORK_TRIES)
        count_try(what="password", subject=subject)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:  # type: ignore[override]
        user = super().authenticate(request, **credentials)
        if user is not None:
            _login, subject = self._subject(request, credentials)
            take_back(what="password", subject=subject)
            take_back(what="network", subject=self.get_client_ip(request))
        return user  # type: ignore[return-value]

    def _rollback_login_failed_rl_usage(self) -> None:
        """Own counters are used; see `authenticate`."""

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Whoever reset the password by mail or message has proved to be the owner."""
        login, _subject = self._subject(request, credentials)
        forget(what="password", subject=login)

    # ---- stages -------------------------------------------------------------------------------------------------
    def get_login_stages(self) -> list[str]:
        own = "accounts.sign_in.stages.EmailStage"
        return [own if stage == EMAIL_STAGE else stage for stage in super().get_login_stages()]

    def format_email_subject(self, subject: str) -> str:
        return str(subject)
