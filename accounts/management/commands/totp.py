"""Show the code of the moment, for the demonstration's staff."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain.contact import canonical_email
from accounts.models import User

PERIOD = 30


class Command(BaseCommand):
    help = (
        "Print the authenticator code of a user, in the sandbox only: `manage.py totp officer@example.com`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login", help="e-mail of the user")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("codes are shown in the sandbox only", returncode=2)
        user = User.objects.filter(email=canonical_email(options["login"])).first()
        factor = (
            Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first() if user else None
        )
        if factor is None:
            raise CommandError("no such user, or no authenticator app set up", returncode=2)
        moment = time.time()
        code = format_hotp_value(hotp_value(decrypt(factor.data["secret"]), int(moment) // PERIOD))
        print(f"{code}  (for {PERIOD - int(moment) % PERIOD} s more)")
