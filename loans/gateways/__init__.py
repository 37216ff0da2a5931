"""The outside world of payments: one module a provider."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from loans.gateways.base import Gateway
from loans.gateways.iso20022 import Debtor
from loans.gateways.iso_files import IsoFileGateway
from loans.gateways.sandbox import SandboxGateway

SANDBOX, ISO_FILES = "sandbox", "iso20022"


def paying_gateway() -> str:
    """Return the name of the gateway by which this portal pays out; money is collected by the sandbox's API."""
    return str(settings.PAYING_GATEWAY)


def gateway(name: str) -> Gateway:
    """Return the gateway of a name that is stored on a payout or collection."""
    if name == SANDBOX:
        return SandboxGateway(
            url=settings.GATEWAY_URL, api_key=settings.GATEWAY_API_KEY, timeout=settings.GATEWAY_TIMEOUT
        )
    if name == ISO_FILES:
        return IsoFileGateway(
            folder=settings.BANK_FILES, debtor=Debtor(*settings.BANK_ACCOUNT), clock=timezone.localtime
        )
    raise LookupError(f"there is no gateway {name}")
