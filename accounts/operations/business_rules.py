"""What binds the members of a business: shares, limits in one draw, the amount from which two must agree, the licence."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from datetime import date, datetime, timedelta
from decimal import Decimal

import filetype
from django.db import transaction
from django.db.models import Sum
from PIL import Image

from accounts.models import Borrower, BusinessLicence, BusinessMember, BusinessProfile, User
from accounts.operations.audit import write_audit
from accounts.operations.businesses import UnableToChangeMembers, _lock_for_owner
from accounts.operations.notices import queue_notice
from regimes.errors import N_, InvalidInput, NotFound, Refusal

MOST_LICENCE_BYTES = 5 * 1024 * 1024
MOST_LICENCES = 20
MOST_PIXELS = 40_000_000
LICENCE_TYPES = frozenset({"application/pdf", "image/jpeg", "image/png"})
MOST_AMOUNT = Decimal(10) ** 12


class UnableToTakeLicence(Refusal):
    """Refuse a file that is no scan of a licence."""

    http_status = 415


def set_member_terms(
    *, business: Borrower, member_ref: object, share: Decimal | None, draw_limit: Decimal | None, actor: User
) -> BusinessMember:
    """Say how much of the business an owner holds, and how much a member may draw at once alone."""
    _check_amount(draw_limit, "draw_limit")
    if share is not None and not (Decimal(0) < share <= 100 and share == share.quantize(Decimal("0.01"))):
        raise InvalidInput("share_invalid", N_("Enter a share from 0.01 to 100."), field="share")
    with transaction.atomic():
        _lock_for_owner(business=business, actor=actor)
        member = BusinessMember.objects.filter(business=business, ref=str(member_ref), is_active=True).first()
        if member is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        if member.user_id == actor.pk and draw_limit != member.draw_limit:
            raise UnableToChangeMembers(
                "own_item", N_("Another owner sets how much you may draw."), field="draw_limit"
            )
        if share is not None and member.role != BusinessMember.Role.OWNER:
            raise InvalidInput("share_invalid", N_("Only an owner holds a share."), field="share")
        _check_shares(business=business, but=member, share=share)
        before = {"share": str(member.share), "draw_limit": str(member.draw_limit)}
        member.share, member.draw_limit = share, draw_limit
        member.save(update_fields=["share", "draw_limit"])
        write_audit(
            actor=actor,
            action="member.terms",
            object_type="Borrower",
            object_ref=business.ref,
            before=before,
            after={"member": str(member.ref), "share": str(share), "draw_limit": str(draw_limit)},
        )
    return member


def _check_shares(*, business: Borrower, but: BusinessMember, share: Decimal | None) -> None:
    others = BusinessMember.objects.filter(business=business, is_active=True).exclude(pk=but.pk)
    held = others.aggregate(held=Sum("share"))["held"] or Decimal(0)
    if share is not None and held + share > 100:
        raise InvalidInput(
            "shares_above_100",
            N_("The shares of all owners come to more than 100 %%. %(left)s %% is left."),
            field="share",
            params={"left": f"{100 - held:f}"},
        )


def _check_amount(amount: Decimal | None, field: str) -> None:
    cents = amount is None or (amount.is_finite() and amount == amount.quantize(Decimal("0.01")))
    if amount is not None and not (cents and 0 <= amount < MOST_AMOUNT):
        raise InvalidInput("amount_invalid", N_("Enter an amount such as 1500.00."), field=field)


def set_second_approval(
    *, business: Borrower, above: Decimal | None, actor: User, as_of: date
) -> BusinessProfile:
    """Say above which amount two members must agree. Stricter counts at once; looser from tomorrow, and all owners are told.

    So nobody who got hold of one owner's log-in takes the second pair of eyes away and draws in the same hour.
    """
    _check_amount(above, "above")
    with transaction.atomic():
        _lock_for_owner(business=business, actor=actor)
        profile = BusinessProfile.objects.select_for_update().get(borrower=business)
        now = second_above(profile=profile, as_of=as_of)
        before = {"above": str(now)}
        looser = now is not None and (above is None or above > now)
        if looser:
            profile.second_approval_above = now
            profile.second_approval_then, profile.second_approval_date = above, as_of + timedelta(days=1)
        else:
            profile.second_approval_above = above
            profile.second_approval_then, profile.second_approval_date = None, None
        profile.save(update_fields=["second_approval_above", "second_approval_then", "second_approval_date"])
        entry = write_audit(
            actor=actor,
            action="business.second_approval",
            object_type="Borrower",
            object_ref=business.ref,
            before=before,
            after={"above": str(above), "from": str(profile.second_approval_date or as_of)},
        )
        queue_notice(
            borrower_id=business.pk,
            kind="second_approval_changed",
            dedup_key=f"second_approval:{business.ref}:{entry}",
            params={},
            channels=("IN_APP", "EMAIL"),
        )
    return profile


def second_above(*, profile: BusinessProfile, as_of: date) -> Decimal | None:
    """Give the amount in force on a day; None when one member is enough."""
    if profile.second_approval_date is not None and as_of >= profile.second_approval_date:
        return profile.second_approval_then
    return profile.second_approval_above


def give_licence(*, business: Borrower, content: bytes, actor: User, now: datetime) -> BusinessLicence:
    """Take the scan of a business licence, sealed; the same file again is the first."""
    media_type = _check_licence(content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=business.pk)
        known = BusinessLicence.objects.filter(business=business)
        first = known.filter(sha256=digest).first()
        if first is not None:
            return first
        if known.count() >= MOST_LICENCES:
            raise UnableToTakeLicence(
                "too_many_files", N_("You gave many files already. Ask support for a person."), field="file"
            )
        licence = BusinessLicence.objects.create(
            business=business,
            media_type=media_type,
            size=len(content),
            sha256=digest,
            content=base64.b64encode(content).decode(),
            given_by=actor,
            given_at=now,
        )
        write_audit(
            actor=actor,
            action="licence.given",
            object_type="Borrower",
            object_ref=business.ref,
            after={"licence": str(licence.ref), "kind": media_type, "bytes": len(content)},
        )
    return licence


def _check_licence(content: bytes) -> str:
    """Read what a file is from its bytes, whatever it is called; open a picture to see that it is one."""
    if len(content) > MOST_LICENCE_BYTES:
        raise UnableToTakeLicence("file_too_large", N_("Use a file of at most 5 MB."), field="file")
    kind = filetype.guess(content)
    media_type = kind.mime if kind is not None else ""
    bad = UnableToTakeLicence(
        "file_invalid", N_("Give a photo (JPEG or PNG) or a PDF of the licence."), field="file"
    )
    if media_type not in LICENCE_TYPES:
        raise bad
    if media_type.startswith("image/"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a picture that unpacks into gigabytes
                with Image.open(io.BytesIO(content)) as picture:
                    if picture.width * picture.height > MOST_PIXELS:
                        raise bad
                    picture.verify()
        except UnableToTakeLicence:
            raise
        except Exception:
            raise bad from None
    return media_type


def licence_content(licence: BusinessLicence) -> bytes:
    """Open a licence's file."""
    return base64.b64decode(licence.content)
