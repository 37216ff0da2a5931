"""Who calls: a shop by its key, and by a signature where money moves."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import PortalView
from merchants.domain.keys import (
    TOLERANCE_SECONDS,
    UnableToVerify,
    check_signature,
    digest_of,
    prefix_of,
    read_signature,
)
from merchants.models import ApiKey, Merchant
from merchants.operations import note_use
from merchants.operations.orders import UnableToUseReference
from regimes.errors import N_, Refusal

NONCE_SECONDS = 2 * TOLERANCE_SECONDS
KEY_REFUSED = N_("This key is not valid. Look at the keys of your shop.")


class ScopeMissing(Refusal):
    """Refuse a key what it was not made for."""

    http_status = 403


class BodyTooLarge(Refusal):
    """Refuse a body that is larger than anything asked for."""

    http_status = 413


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Stand for the computer that shows a key, where the framework wants a user."""

    key: ApiKey
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False

    @property
    def pk(self) -> str:
        return f"key{self.key.pk}"


class MerchantKey(BaseAuthentication):
    """`Authorization: Bearer lp_...`, and `X-Signature` where the key asks for one."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        prefix = prefix_of(text)
        key = ApiKey.objects.select_related("merchant").filter(prefix=prefix).first() if prefix else None
        good = (
            key is not None
            and hmac.compare_digest(key.digest, digest_of(text))
            and key.revoked_at is None
            and now < key.expires_at
        )
        if key is None or not good:
            raise UnableToVerify("key_invalid", KEY_REFUSED)
        self._check_signature(request, key, now.timestamp())
        note_use(key=key, now=now)
        return KeyHolder(key), key

    def _check_signature(self, request: Request, key: ApiKey, now: float) -> None:
        """Check a signature that was sent; miss one where the key asks for it. A nonce is good once."""
        header = request.headers.get("X-Signature")
        moves_money = request.method not in ("GET", "HEAD", "OPTIONS")
        if header is None:
            if key.needs_signature and moves_money:
                raise UnableToVerify("signature_required", N_("Sign this request: the key asks for it."))
            return
        given = read_signature(header)
        try:
            body = request._request.body
        except RequestDataTooBig:
            raise BodyTooLarge("too_large", N_("The request is too large.")) from None
        check_signature(
            given,
            digest=key.digest,
            method=str(request.method),
            path=request.get_full_path(),
            body=body,
            now=now,
        )
        if not cache.add(f"nonce:{key.pk}:{given.nonce}", 1, timeout=NONCE_SECONDS):
            raise UnableToVerify("signature_replayed", N_("This signature was used before. Sign anew."))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="lendportal"'


class MerchantKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Say in the schema how a shop shows its key."""

    target_class = "merchants.api.keys.MerchantKey"
    name = "shopKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of the shop. Where the key asks for it, a write is signed by X-Signature.",
        }


SIGNATURE = OpenApiParameter(
    "X-Signature",
    str,
    OpenApiParameter.HEADER,
    required=False,
    description="t=<seconds>,n=<nonce>,v1=<HMAC-SHA256>; see docs/api/README.md.",
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 64 printable ASCII characters, new for each act meant. A repeat gives the first answer.",
)


class MerchantView(PortalView):
    """One address of a shop: what belongs to another shop is not there."""

    authentication_classes: Sequence[Any] = (MerchantKey,)
    throttle_scope = "merchant"
    scopes: ClassVar[dict[str, str]] = {}  # method -> scope; reading wants "read"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        wanted = self.scopes.get(str(request.method), "read")
        if wanted not in self.key.scopes:
            raise ScopeMissing(
                "scope_missing",
                N_("This key may not do this. Make one with the scope %(scope)s."),
                params={"scope": wanted},
            )

    @property
    def key(self) -> ApiKey:
        """Give the key of the caller."""
        return cast(ApiKey, self.request.auth)

    @property
    def merchant(self) -> Merchant:
        """Give the shop of the caller."""
        return self.key.merchant

    def idempotency_key(self) -> str:
        """Give the key of the caller's act; the operation judges its form."""
        key = self.request.headers.get("Idempotency-Key", "")
        if not key:
            raise UnableToUseReference(
                "idempotency_key_required",
                N_("Send an Idempotency-Key, so that a repeat does not act twice."),
            )
        return key

    def shaped_rows(self, rows: QuerySet[Any], shape: Callable[[Any], dict[str, Any]]) -> Response:
        """Answer one page of a list, newest first, in the form that webhooks have too."""
        return self.pages(rows, lambda found: [shape(row) for row in found])
