"""Text messages behind one interface. The console backend writes to the log of the process; a vendor's goes in its place."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

CONSOLE = "accounts.notifications.sms.ConsoleBackend"


class SmsRefused(Exception):
    """Say that a message can never be delivered: another try is useless."""


class SmsBackend(ABC):
    """Send one text message. `reference` is the same on every try, for vendors that drop repeats."""

    @abstractmethod
    def send(self, *, phone: str, text: str, reference: str) -> None:
        """Deliver, or raise; SmsRefused when no further try can help."""


class ConsoleBackend(SmsBackend):
    """Show the message where the portal runs: for the sandbox, where the owner of the phone sits at the console."""

    def send(self, *, phone: str, text: str, reference: str) -> None:
        sys.stderr.write(f"text message to {phone}: {text}\n")
        sys.stderr.flush()


@dataclass(frozen=True)
class SentSms:
    phone: str
    text: str
    reference: str


outbox: list[SentSms] = []


class MemoryBackend(SmsBackend):
    """Keep messages in `outbox`, for tests."""

    def send(self, *, phone: str, text: str, reference: str) -> None:
        outbox.append(SentSms(phone, text, reference))


def sms_backend() -> SmsBackend:
    """Return the backend of the settings."""
    backend = import_string(getattr(settings, "SMS_BACKEND", None) or CONSOLE)()
    assert isinstance(backend, SmsBackend)
    return backend
