"""Compare the bank's book with our cash account and list every difference."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loans.gateways import gateway
from loans.gateways.base import NotExecuted, OutcomeUnknown
from loans.reconcile import reconcile_bank


class Command(BaseCommand):
    help = (
        "Compare the gateway's book with our cash account, movement by movement (I21). It repairs nothing. "
        "Exit 0: they agree. Exit 1: they differ. Exit 4: the gateway cannot be asked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--gateway", default="sandbox", help="the name that payouts carry")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["gateway"]
        try:
            found = reconcile_bank(gateway=gateway(name), name=name, began_at=timezone.now())
        except LookupError as error:
            raise CommandError(str(error), returncode=2) from error
        except (NotExecuted, OutcomeUnknown) as error:
            raise CommandError(f"the bank's book cannot be read: {error}", returncode=4) from error
        if options["json"]:
            self.stdout.write(json.dumps({"agrees": found.is_clean, **asdict(found)}, default=str))
        else:
            self._print(found)
        if not found.is_clean:
            raise CommandError(f"{len(found.differences)} differences", returncode=1)

    def _print(self, found: Any) -> None:
        self.stdout.write(
            f"{found.movements} movements at the bank, {found.agreed} agree, {found.under_way} under way\n"
            f"bank {found.bank_balance}, our cash through it {found.cash_through_bank}, "
            f"other cash {found.cash_elsewhere}"
        )
        for item in found.differences:
            self.stdout.write(
                f"{item.what:<25} {item.kind:<8} {item.reference or '-'}  loan {item.loan_id or '-'}  "
                f"bank {item.bank_status or '-'} {item.bank_cash}  we {item.our_status or '-'} {item.our_cash}"
            )
