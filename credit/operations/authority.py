"""What one officer may decide alone, and what needs two."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings

from accounts.models import User
from regimes.errors import N_, Refusal


class NeedsSecondPerson(Refusal):
    """Refuse one officer what two must do together."""

    http_status = 403


def limit_alone() -> Decimal:
    """Return up to which limit one officer decides alone."""
    return Decimal(settings.LIMIT_FOR_ONE_OFFICER)


def require_second(*, limit: Decimal, actor: User, second: User | None) -> None:
    """Refuse a limit that one officer may not give alone."""
    alone = limit_alone()
    if limit > alone and (second is None or second.pk == actor.pk):
        raise NeedsSecondPerson(
            "needs_second_person",
            N_("A limit above %(maximum)s needs two people. Propose it to a colleague."),
            field="limit",
            params={"maximum": str(alone.quantize(Decimal(1)))},
        )
