"""What every provider of identity checks answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.utils.module_loading import import_string

SANDBOX = "accounts.identity.sandbox.SandboxProvider"
MANUAL = "accounts.identity.manual.ManualProvider"


@dataclass(frozen=True)
class IdentityClaim:
    """What a person says of himself; its text never shows in logs."""

    reference: str
    document: str
    full_name: str = field(repr=False)
    number: str = field(repr=False)
    birth_date: date = field(repr=False)


@dataclass(frozen=True)
class IdentityOutcome:
    """`status` is PENDING (a person will look), VERIFIED or REJECTED."""

    status: str
    reference: str = ""
    reason: str = ""


class IdentityProvider(ABC):
    """Check a claim. May be slow and may fail: it is never called inside a transaction."""

    name: str

    @abstractmethod
    def check(self, *, claim: IdentityClaim) -> IdentityOutcome:
        """Return what is known now; raise only for what a second try may mend."""


def identity_provider() -> IdentityProvider:
    """Return the provider of the settings; without one, the sandbox's outside production."""
    default = MANUAL if getattr(settings, "PRODUCTION", True) else SANDBOX
    provider = import_string(getattr(settings, "IDENTITY_PROVIDER", None) or default)()
    assert isinstance(provider, IdentityProvider)
    return provider
