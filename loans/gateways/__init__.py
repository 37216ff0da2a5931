"""The outside world of payments: one module a provider."""

from __future__ import annotations

from django.conf import settings

from loans.gateways.base import Gateway
from loans.gateways.sandbox import SandboxGateway


def gateway(name: str) -> Gateway:
    """Return the gateway of a name that is stored on a payout or collection."""
    if name == "sandbox":
        return SandboxGateway(
            url=settings.GATEWAY_URL, api_key=settings.GATEWAY_API_KEY, timeout=settings.GATEWAY_TIMEOUT
        )
    raise LookupError(f"there is no gateway {name}")
