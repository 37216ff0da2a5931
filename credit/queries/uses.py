"""What a product asks of a draw besides its numbers, and what there is of it: papers that wait, payees, what is owed."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from credit.models import CreditLine, Drawdown, Payee, Product, PurposeEvidence
from credit.queries.debts import OPEN_LOAN, ZERO


def owed_on_product(*, line_id: int, code: str) -> Decimal:
    """Sum what a line owes on all versions of a product; a payout under way counts with its whole amount."""
    row = Drawdown.objects.filter(line_id=line_id, product__code=code, loan__status__in=OPEN_LOAN).aggregate(
        waiting=Sum("amount", filter=Q(loan__status="PENDING")),
        owed=Sum("loan__principal_outstanding", filter=~Q(loan__status="PENDING")),
    )
    return (row["waiting"] or ZERO) + (row["owed"] or ZERO)


def room_under(*, line: CreditLine, product: Product, room: Decimal) -> Decimal:
    """Give what can be drawn on a product: what the line has left, within the product's sub-limit."""
    if product.sub_limit is None:
        return room
    return min(room, max(ZERO, product.sub_limit - owed_on_product(line_id=line.pk, code=product.code)))


def papers_waiting(*, line: CreditLine, scenario: str) -> QuerySet[PurposeEvidence]:
    """List the papers of a line that no draw has used, newest first; their content is not read."""
    rows = PurposeEvidence.objects.filter(line_id=line.pk, scenario=scenario, drawdown=None)
    return rows.defer("content").order_by("-pk")


def payees_of(*, product: Product) -> QuerySet[Payee]:
    """List whom a draw on a product may be paid to."""
    if product.payee_rule == Product.PayeeRule.NONE:
        return Payee.objects.none()
    rows = Payee.objects.filter(scenario=product.scenario, is_active=True, account__removed_at=None)
    return rows.select_related("account").order_by("name", "pk")
