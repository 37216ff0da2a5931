"""System checks of this room: refuse to start with keys that cannot work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured

from accounts.crypto.keys import index_key, key_ring
from accounts.notifications.sms import CONSOLE


@register()
def field_keys_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Tell of missing, short, doubled or shared keys before the first request does."""
    try:
        ring = key_ring()
        index_key()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="accounts.E001")]
    if len(set(ring.keys.values())) != len(ring.keys):
        return [Error("LENDPORTAL_FIELD_KEYS: two ids have the same key", id="accounts.E002")]
    return []


@register(deploy=True)
def messages_leave_the_house(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Tell that codes would lie in the log of the server instead of reaching a phone."""
    if getattr(settings, "SMS_BACKEND", CONSOLE) == CONSOLE:
        return [
            Warning(
                "LENDPORTAL_SMS_BACKEND: text messages go to the console, codes with them", id="accounts.W001"
            )
        ]
    return []
