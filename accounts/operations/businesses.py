"""Businesses and who may act for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from accounts.domain.contact import parse_login
from accounts.domain.dates import check_founded_date
from accounts.domain.documents import parse_uscc
from accounts.domain.industries import check_industry
from accounts.domain.names import parse_legal_name
from accounts.models import AuditEntry, Borrower, BusinessMember, BusinessProfile, User
from accounts.operations.audit import write_audit
from regimes.errors import N_, InvalidInput, NotFound, Refusal

NEW_MEMBERS_A_DAY = 20


class UnableToCreateBusiness(Refusal):
    """Refuse a business that cannot be taken as it is."""


class UnableToChangeMembers(Refusal):
    """Refuse a change of who may act for a business."""


class NotAllowedToChangeMembers(UnableToChangeMembers):
    """Refuse a member who is no owner."""

    http_status = 403


class TooManyMemberChanges(UnableToChangeMembers):
    """Refuse to be asked all day who has an account."""

    http_status = 429


def create_business(
    *, owner: User, legal_name: str, uscc: str, industry: str, founded_date: date, as_of: date, now: datetime
) -> Borrower:
    """Add a business with its first owner. The same owner sending it again gets the first back."""
    name = parse_legal_name(legal_name)
    code = parse_uscc(uscc)
    check_industry(industry)
    check_founded_date(founded_date=founded_date, as_of=as_of)
    try:
        with transaction.atomic():
            business = Borrower.objects.create(
                kind=Borrower.Kind.BUSINESS, display_name=name, language=owner.language
            )
            BusinessProfile.objects.create(
                borrower=business, legal_name=name, uscc=code, industry=industry, founded_date=founded_date
            )
            BusinessMember.objects.create(business=business, user=owner, role=BusinessMember.Role.OWNER)
            write_audit(
                actor=owner,
                action="business.created",
                object_type="Borrower",
                object_ref=business.ref,
                after={"uscc": code, "industry": industry},
            )
    except IntegrityError:
        own = Borrower.objects.filter(
            business_profile__uscc=code,
            members__user=owner,
            members__role=BusinessMember.Role.OWNER,
            members__is_active=True,
        ).first()
        if own:
            return own
        raise UnableToCreateBusiness(
            "business_unverifiable", N_("We could not verify this business. Contact us."), field="uscc"
        ) from None
    return business


def add_member(*, business: Borrower, login: str, role: str, actor: User, now: datetime) -> BusinessMember:
    """Let a person who has an account act for a business, or change in which role."""
    if role not in BusinessMember.Role.values:
        raise InvalidInput("role_unknown", N_("Choose owner, finance or viewer."), field="role")
    kind, contact = parse_login(login)
    with transaction.atomic():
        _lock_for_owner(business=business, actor=actor)
        _refuse_probing(business=business, now=now)
        user = (
            User.objects.filter(email=contact).first() if kind == "email" else User.objects.by_phone(contact)
        )
        if user is None or not user.is_active:
            write_audit(actor=actor, action="member.unknown", object_type="Borrower", object_ref=business.ref)
            member = None
        else:
            member = _set_role(business=business, user=user, role=role, actor=actor)
    if member is None:
        raise UnableToChangeMembers(
            "member_unknown", N_("Ask this person to sign up first, then add them."), field="login"
        )
    return member


def _set_role(*, business: Borrower, user: User, role: str, actor: User) -> BusinessMember:
    member = BusinessMember.objects.filter(business=business, user=user).first()
    if member and member.is_active and member.role == BusinessMember.Role.OWNER and role != member.role:
        _refuse_last_owner(business=business, leaving=member)
    before = {"role": member.role, "is_active": member.is_active} if member else None
    member, _ = BusinessMember.objects.update_or_create(
        business=business, user=user, defaults={"role": role, "is_active": True}
    )
    write_audit(
        actor=actor,
        action="member.set",
        object_type="Borrower",
        object_ref=business.ref,
        before=before,
        after={"member": str(member.ref), "role": role},
    )
    return member


def remove_member(*, business: Borrower, member_ref: object, actor: User, now: datetime) -> BusinessMember:
    """End what a member may do; a business always keeps an owner."""
    with transaction.atomic():
        _lock_for_owner(business=business, actor=actor)
        member = BusinessMember.objects.filter(business=business, ref=str(member_ref)).first()
        if member is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        if member.is_active:
            if member.role == BusinessMember.Role.OWNER:
                _refuse_last_owner(business=business, leaving=member)
            member.is_active = False
            member.save(update_fields=["is_active"])
            write_audit(
                actor=actor,
                action="member.removed",
                object_type="Borrower",
                object_ref=business.ref,
                before={"member": str(member.ref), "role": member.role},
            )
    return member


def _lock_for_owner(*, business: Borrower, actor: User) -> None:
    """Lock the business, then see that the actor owns it: two owners cannot remove each other at once."""
    Borrower.objects.select_for_update(of=("self",)).get(pk=business.pk)
    mine = BusinessMember.objects.filter(business=business, user=actor, is_active=True).first()
    if mine is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    if mine.role != BusinessMember.Role.OWNER:
        raise NotAllowedToChangeMembers(
            "role_not_allowed", N_("Only an owner of the business can change its members.")
        )


def _refuse_last_owner(*, business: Borrower, leaving: BusinessMember) -> None:
    others = BusinessMember.objects.filter(
        business=business, role=BusinessMember.Role.OWNER, is_active=True
    ).exclude(pk=leaving.pk)
    if not others.exists():
        raise UnableToChangeMembers("last_owner", N_("A business needs an owner. Name another owner first."))


def _refuse_probing(*, business: Borrower, now: datetime) -> None:
    """Stop an owner from asking for address after address who has an account."""
    asked = AuditEntry.objects.filter(
        object_type="Borrower",
        object_ref=str(business.ref),
        action__in=["member.set", "member.unknown"],
        at__gt=now - timedelta(days=1),
    ).count()
    if asked >= NEW_MEMBERS_A_DAY:
        raise TooManyMemberChanges("too_many_tries", N_("Too many changes today. Try again tomorrow."))
