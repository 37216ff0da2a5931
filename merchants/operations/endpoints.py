"""Endpoints of a shop: added with a secret that is shown once, changed with an overlap, removed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from merchants.domain.addresses import read_url
from merchants.domain.deliveries import EVENTS
from merchants.models import Merchant, WebhookEndpoint
from regimes.errors import N_, InvalidInput

MOST_ENDPOINTS = 5
OVERLAP = timedelta(days=1)


class UnableToChangeEndpoint(InvalidInput):
    """Refuse an address or a list of events that cannot be used."""


def make_secret() -> str:
    """Make a signing secret of 256 bits."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def add_endpoint(
    *, merchant: Merchant, url: str, events: Sequence[str], actor: User | None
) -> tuple[WebhookEndpoint, str]:
    """Add an address; the secret is returned this once."""
    read_url(url, field="url", allow_local=settings.SANDBOX)
    if set(events) - set(EVENTS):
        raise UnableToChangeEndpoint("event_unknown", N_("Choose events from the list."), field="events")
    secret = make_secret()
    with transaction.atomic():
        Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        active = WebhookEndpoint.objects.filter(merchant=merchant, is_active=True)
        if active.filter(url=url).exists():
            raise UnableToChangeEndpoint(
                "endpoint_known", N_("This address is on the list already."), field="url"
            )
        if active.count() >= MOST_ENDPOINTS:
            raise UnableToChangeEndpoint("too_many_endpoints", N_("A shop has at most five endpoints."))
        row = WebhookEndpoint.objects.create(
            merchant=merchant, url=url, events=sorted(set(events)), secret=secret
        )
        _audit(row, "merchant.endpoint.added", actor)
    return row, secret


def rotate_secret(
    *, endpoint: WebhookEndpoint, actor: User | None, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """Make a new secret. For a day both sign, so that the shop changes its own in peace."""
    secret = make_secret()
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        row.old_secret, row.old_secret_until, row.secret = row.secret, now + OVERLAP, secret
        row.save(update_fields=["secret", "old_secret", "old_secret_until"])
        _audit(row, "merchant.endpoint.secret", actor)
    return row, secret


def remove_endpoint(*, endpoint: WebhookEndpoint, actor: User | None) -> WebhookEndpoint:
    """Send nothing more to an address. What waited for it is given up."""
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        if row.is_active:
            row.is_active, row.disabled_reason = False, "removed"
            row.save(update_fields=["is_active", "disabled_reason"])
            row.deliveries.filter(status__in=["PENDING", "CLAIMED"]).update(
                status="FAILED", claim=None, claimed_until=None, next_attempt_at=None
            )
            _audit(row, "merchant.endpoint.removed", actor)
    return row


def _audit(row: WebhookEndpoint, action: str, actor: User | None) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="merchants.WebhookEndpoint",
        object_ref=row.ref,
        after={"events": row.events},
    )
