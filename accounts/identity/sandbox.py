"""The sandbox's register: answers at once, and by the name given can be told to refuse or to hesitate."""

from __future__ import annotations

from accounts.identity.base import IdentityClaim, IdentityOutcome, IdentityProvider

REFUSED_NAMES = frozenset({"拒绝", "reject me"})
HESITATED_NAMES = frozenset({"待定", "pending person"})


class SandboxProvider(IdentityProvider):
    name = "sandbox"

    def check(self, *, claim: IdentityClaim) -> IdentityOutcome:
        name = claim.full_name.casefold()
        if name in REFUSED_NAMES:
            return IdentityOutcome(
                status="REJECTED", reference=f"sandbox-{claim.reference}", reason="name_mismatch"
            )
        if name in HESITATED_NAMES:
            return IdentityOutcome(status="PENDING", reference=f"sandbox-{claim.reference}")
        return IdentityOutcome(status="VERIFIED", reference=f"sandbox-{claim.reference}")
