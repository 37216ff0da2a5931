"""A person of the lender compares the document: `operations.decide_identity` records what was seen."""

from __future__ import annotations

from accounts.identity.base import IdentityClaim, IdentityOutcome, IdentityProvider


class ManualProvider(IdentityProvider):
    name = "manual"

    def check(self, *, claim: IdentityClaim) -> IdentityOutcome:
        return IdentityOutcome(status="PENDING")
