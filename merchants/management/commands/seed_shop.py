"""Open the sample shop in a sandbox: a business, two people who let it in, a key for its server."""

from __future__ import annotations

import json
import secrets
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import operations as accounts_operations
from accounts.models import Borrower, BusinessMember, BusinessProfile, User
from merchants import operations
from merchants.models import Merchant

LOGIN = "shop@example.com"
NAME = "Paper Lantern 纸灯笼"
USCC = "91110105000000048Q"


class Command(BaseCommand):
    help = "Open the sample shop in a sandbox, once, and write its key for examples/shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop-url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("the sample shop is for a sandbox", returncode=2)
        place = settings.PORTAL_HOME / "shop.json"
        url = options["shop_url"].rstrip("/")
        merchant = Merchant.objects.filter(name=NAME).first() or self._open(url)
        if url not in merchant.return_origins:
            merchant.return_origins = [*merchant.return_origins[-8:], url]
            merchant.save(update_fields=["return_origins"])
        if not place.exists():
            _key, text = operations.make_key(
                merchant=merchant,
                name="sample shop",
                scopes=["checkout", "capture", "refund", "read"],
                actor=None,
                now=timezone.now(),
            )
            place.touch(mode=0o600)
            place.write_text(json.dumps({"key": text}), "utf-8")

    def _open(self, url: str) -> Merchant:
        now, password = timezone.now(), secrets.token_urlsafe(9)
        owner = User.objects.filter(email=LOGIN).first()
        if owner is None:
            owner = User.objects.create_user(LOGIN, password)
            self._tell(password)
        business = Borrower.objects.create(kind=Borrower.Kind.BUSINESS, display_name=NAME)
        BusinessProfile.objects.create(
            borrower=business, legal_name=NAME, uscc=USCC, industry="RETAIL", founded_date=date(2019, 6, 1)
        )
        BusinessMember.objects.create(business=business, user=owner, role="OWNER")
        account = accounts_operations.add_bank_account(
            borrower=business,
            bank_name="Bank of the Lake",
            holder_name=NAME,
            number="6222020000001234566",
            actor=owner,
            now=now,
        )
        merchant = operations.apply_as_merchant(
            business=business,
            name=NAME,
            website=url,
            categories=["PHONES", "LANGUAGE_SCHOOL", "TRAVEL_AGENCY"],
            return_origins=[url],
            settlement_account=account,
            actor=owner,
        )
        maker, checker = self._staff()
        merchant = operations.approve_merchant(
            merchant=merchant,
            categories=merchant.categories,
            fee_rate=Decimal("0.02"),
            settlement_days=1,
            maker=maker,
            checker=checker,
            now=now,
        )
        operations.set_plan(
            merchant=merchant, instalment_count=6, subvention_rate=Decimal("0.03"), actor=owner
        )
        return merchant

    def _staff(self) -> tuple[User, User]:
        found = list(User.objects.filter(is_staff=True, is_active=True).order_by("pk")[:2])
        if len(found) < 2:
            raise CommandError(
                "the sample shop needs two people of staff: seed_demo makes them", returncode=2
            )
        return found[0], found[1]

    def _tell(self, password: str) -> None:
        """Add the owner to the accounts that `make run` prints."""
        place: Path = settings.PORTAL_HOME / "demo_accounts.json"
        try:
            rows = json.loads(place.read_text("utf-8"))
        except (OSError, ValueError):
            return
        rows.append({"role": "shop owner", "login": LOGIN, "password": password})
        place.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
