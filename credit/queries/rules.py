"""Which rules are in force."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

import regimes
from accounts.models import Borrower
from credit.domain.policy import Ceiling, PolicyRules, read_policy
from credit.domain.products import DRAW_ONLY, Family
from credit.models import (
    Policy,
    Product,
)
from regimes.errors import N_, Refusal


class UnableToFindPolicy(Refusal):
    """Refuse to decide when no policy is active."""

    http_status = 503


def regime_now() -> regimes.Regime:
    """Give the jurisdiction that this portal works under."""
    return regimes.get(settings.REGIME)


def ceiling_now() -> Ceiling:
    """Give what the regime allows at most, as the rules of credit take it."""
    regime = regime_now()
    return Ceiling(
        person_limit=regime.max_limit_person,
        business_limit=regime.max_limit_business,
        annual_rate=regime.max_annual_rate,
        bullet_months=regime.max_bullet_months,
        person_months=regime.max_term_months,
        business_months=regime.max_term_months,
        refuses_students=regime.students_excluded,
        penalty_rate=regime.max_penalty_annual_rate,
        forbidden_purposes=regime.forbidden_purposes,
        cut_notice_days=regime.cut_notice_days,
    )


def active_policy() -> Policy:
    """Give the policy in force."""
    policy = Policy.objects.filter(state=Policy.State.ACTIVE).first()
    if policy is None:
        raise UnableToFindPolicy("policy_missing", N_("No credit policy is active. Activate one first."))
    return policy


_READ: dict[tuple[str, Ceiling], PolicyRules] = {}
_MOST_READ = 64


def rules_of(policy: Policy) -> PolicyRules:
    """Read a policy's document: once in a process, because a document that left draft never changes (a trigger says so)."""
    ceiling = ceiling_now()
    if policy.state == Policy.State.DRAFT:
        return read_policy(policy.document, ceiling=ceiling)
    key = (policy.document_sha256, ceiling)
    found = _READ.get(key)
    if found is None:
        found = read_policy(policy.document, ceiling=ceiling)
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        _READ[key] = found
    return found


def products(*, borrower: Borrower) -> QuerySet[Product]:
    """List the products that a borrower may apply for."""
    family = Family.BUSINESS if borrower.is_business else Family.PERSONAL
    rows = Product.objects.filter(family=family, is_active=True).exclude(scenario__in=DRAW_ONLY)
    return rows.order_by("pk")
