"""Compare the holder that a statement names with the borrower, and find whose accounts may be shared."""

from __future__ import annotations

import unicodedata

from accounts.models import Borrower, BusinessMember, BusinessProfile, Identity


def normalise(name: str) -> str:
    """Bring a name to one form: width, case and spaces do not make another person.

    >>> normalise("Ｗang  Wei ")
    'wangwei'
    """
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_name(told: str, known: str) -> bool:
    """Compare two names; a star in the told one stands for any one character.

    >>> same_name("*小明", "王小明"), same_name("李小明", "王小明")
    (True, False)
    """
    told, known = normalise(told), normalise(known)
    return len(told) == len(known) and all(a in ("*", b) for a, b in zip(told, known, strict=True))


def holder_differs(borrower: Borrower, holder: str) -> bool:
    """Tell whether a statement names somebody else; without a name on either side there is nothing to tell."""
    if not holder or not holder.strip("*"):
        return False
    names = _names_of(borrower)
    return bool(names) and not any(same_name(holder, name) for name in names)


def _names_of(borrower: Borrower) -> list[str]:
    if borrower.kind == Borrower.Kind.BUSINESS:
        names = list(BusinessProfile.objects.filter(borrower=borrower).values_list("legal_name", flat=True))
        owners = BusinessMember.objects.filter(
            business=borrower, role=BusinessMember.Role.OWNER, is_active=True
        ).values_list("user_id", flat=True)
        people = Identity.objects.filter(borrower__user_id__in=list(owners))
        return names + [identity.full_name for identity in people]
    return [identity.full_name for identity in Identity.objects.filter(borrower=borrower)]


def related_borrowers(borrower_id: int) -> set[int]:
    """Find the borrowers that may share an account: oneself, one's businesses, and a business's members."""
    businesses = set(
        BusinessMember.objects.filter(user__borrower__pk=borrower_id, is_active=True).values_list(
            "business_id", flat=True
        )
    )
    people = set(
        BusinessMember.objects.filter(
            business_id=borrower_id, is_active=True, user__borrower__isnull=False
        ).values_list("user__borrower__pk", flat=True)
    )
    return {borrower_id} | businesses | people
