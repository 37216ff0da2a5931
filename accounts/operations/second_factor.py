"""Second factors that are set up outside the pages: demonstration staff, and recovery by an administrator."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote, urlencode

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.operations.audit import write_audit
from regimes.errors import N_, InvalidInput

LEAST_BYTES = 16


class UnableToEnrol(InvalidInput):
    """Refuse a secret that an authenticator app could not use."""


def enrol_totp(*, user: User, secret: str) -> str:
    """Give a user the authenticator app with this base32 secret; return the `otpauth://` address for its QR code."""
    try:
        raw = base64.b32decode(secret.encode("ascii"), casefold=True)
    except (binascii.Error, ValueError):
        raise UnableToEnrol("secret_invalid", N_("The secret must be base32."), field="secret") from None
    if len(raw) < LEAST_BYTES:
        raise UnableToEnrol("secret_short", N_("The secret must have at least 16 bytes."), field="secret")
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        Authenticator.objects.update_or_create(
            user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": encrypt(secret)}}
        )
        write_audit(actor=None, action="totp.enrolled", object_type="User", object_ref=user.ref)
    issuer = settings.MFA_TOTP_ISSUER
    label = quote(f"{issuer}:{user.email or user.ref}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
