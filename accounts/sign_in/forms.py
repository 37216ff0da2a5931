"""Forms of signing up and in; allauth's views use them, see ACCOUNT_FORMS in the settings."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import (
    ConfirmEmailVerificationCodeForm,
    ConfirmLoginCodeForm,
    ConfirmPasswordResetCodeForm,
    LoginForm,
    RequestLoginCodeForm,
    SignupForm,
    VerifyPhoneForm,
)
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.contact import UnableToReadContact, canonical_email, canonical_phone, parse_login
from accounts.sign_in.adapter import as_validation_error
from accounts.sign_in.limits import count_try, forget, use_once

PASSWORD_MAX_LENGTH = 1024  # enough for any phrase; a megabyte is not a phrase
HARMLESS = frozenset({"csrfmiddlewaretoken", "next", "action"})


class LoginField(forms.CharField):
    """The one field for an e-mail address or a mobile number."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("E-mail or mobile number"))
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})
        )
        kwargs.setdefault(
            "error_messages", {"required": gettext_lazy("Enter your e-mail address or mobile number.")}
        )
        super().__init__(**kwargs)


def tame_password(field: forms.Field) -> None:
    """Bound a password's length before it reaches the hasher, and refuse what no keyboard types."""
    field.validators = [
        each
        for each in field.validators
        if not isinstance(each, (MaxLengthValidator, ProhibitNullCharactersValidator))
    ]
    field.validators.append(
        MaxLengthValidator(
            PASSWORD_MAX_LENGTH, message=gettext_lazy("Use at most %(limit_value)s characters.")
        )
    )
    field.validators.append(
        ProhibitNullCharactersValidator(
            message=gettext_lazy("Remove the hidden character."), code="control_character"
        )
    )


class OneFieldSignupForm(SignupForm):  # type: ignore[misc]
    """Sign up with one field and a password."""

    field_order = ["login", "password1"]
    account_already_exists: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("email", "phone"):
            self.fields.pop(name, None)
        self.fields["login"] = LoginField()
        self.order_fields(self.field_order)
        if "password1" in self.fields:
            tame_password(self.fields["password1"])

    def clean(self) -> dict[str, Any]:
        unknown = set(self.data) - set(self.fields) - HARMLESS
        if unknown:
            raise ValidationError(_("This form has a field that is not known."), code="unknown_field")
        raw = self.cleaned_data.pop("login", "")
        if raw:
            try:
                kind, contact = parse_login(raw)
            except UnableToReadContact as refusal:
                self.add_error("login", as_validation_error(refusal))
            else:
                self.cleaned_data[kind] = self.validate_unique_email(contact) if kind == "email" else contact
        cleaned: dict[str, Any] = super().clean()
        return cleaned

    def try_save(self, request: HttpRequest) -> Any:
        """Save, or answer exactly as if saved when the address is taken, even by a request a moment ahead."""
        if self.account_already_exists:
            make_password(self.cleaned_data.get("password1"))  # a known address must not answer sooner
        else:
            try:
                with transaction.atomic():
                    return super().try_save(request)
            except IntegrityError:
                self.account_already_exists = True
        return super().try_save(request)


class OneFieldLoginForm(LoginForm):  # type: ignore[misc]
    """Log in with an address or a number, in any spelling of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = LoginField()
        self.order_fields(["login", "password"])
        if "password" in self.fields:
            tame_password(self.fields["password"])

    def clean_login(self) -> str:
        raw: str = self.cleaned_data["login"].strip()
        if "@" in raw:
            return canonical_email(raw)
        try:
            return canonical_phone(raw)
        except ValueError:
            return raw[:254]


class OneFieldCodeRequestForm(RequestLoginCodeForm):  # type: ignore[misc]
    """Ask for a code to log in with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("email", "phone"):
            self.fields.pop(name, None)
        self.fields["login"] = LoginField()

    def clean(self) -> dict[str, Any]:
        raw = self.cleaned_data.pop("login", "")
        if raw:
            try:
                kind, contact = parse_login(raw)
            except UnableToReadContact as refusal:
                self.add_error("login", as_validation_error(refusal))
            else:
                self.cleaned_data[kind] = contact
                self.cleaned_data[kind] = self.clean_email() if kind == "email" else self.clean_phone()
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class CountedCode:
    """Judge at most five guesses at a code, however many come at once, and take a right one once."""

    what = "code"
    expected_code: str
    cleaned_data: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # the keyboard of digits; the browser fills in what came by message (`one-time-code` stays as it is)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        recipient = getattr(self, "email", None) or getattr(self, "phone", None) or ""
        subject = f"{recipient}|{self.expected_code}"
        count_try(what=self.what, subject=subject)
        code: str = super().clean_code()  # type: ignore[misc]
        if not use_once(what=self.what, subject=subject):
            raise ValidationError(_("This code is no longer valid. Ask for a new one."), code="code_invalid")
        forget(what="password", subject=recipient)  # the owner of the address is here
        return code


class CountedEmailCodeForm(CountedCode, ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    what = "email-code"


class CountedPhoneCodeForm(CountedCode, VerifyPhoneForm):  # type: ignore[misc]
    what = "phone-code"


class CountedLoginCodeForm(CountedCode, ConfirmLoginCodeForm):  # type: ignore[misc]
    what = "login-code"


class CountedResetCodeForm(CountedCode, ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    what = "reset-code"
