"""People and businesses at the desk. Names and numbers stay masked: the full view needs a reason."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.models import (
    AuditEntry,
    BankAccount,
    Borrower,
    BusinessMember,
    BusinessProfile,
    Consent,
    Identity,
    Notice,
    Proposal,
    User,
)
from lendportal.desk.base import ReadOnlyAdmin, ReadOnlyInline

# Groups are written by the table of roles; addresses and factors belong to their owner alone.
for table in (Group, EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(table):
        admin.site.unregister(table)


class IdentityInline(ReadOnlyInline):
    model = Identity
    fields = ("document", "number_last4", "birth_date", "status", "provider", "checked_at")


class BusinessProfileInline(ReadOnlyInline):
    model = BusinessProfile
    fields = ("legal_name", "uscc", "industry", "founded_date")


class BusinessMemberInline(ReadOnlyInline):
    model = BusinessMember
    fields = ("user", "role", "is_active", "created_at")


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = ("purpose", "text_version", "given_at", "withdrawn_at")


class BankAccountInline(ReadOnlyInline):
    model = BankAccount
    fields = ("bank_name", "number_last4", "is_default", "verified_at", "removed_at")


@admin.register(Borrower)
class BorrowerAdmin(ReadOnlyAdmin):
    shows_person = True
    change_form_template = "admin/borrower.html"
    list_display = ("display_name", "kind", "status", "language", "created_at")
    list_filter = ("kind", "status", "language")
    search_fields = ("display_name", "ref", "business_profile__legal_name", "business_profile__uscc")
    ordering = ("-id",)
    fields = ("ref", "kind", "display_name", "status", "language", "created_at")
    inlines = (IdentityInline, BusinessProfileInline, BusinessMemberInline, ConsentInline, BankAccountInline)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("login", "is_staff", "is_active", "roles", "last_login", "created_at")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "ref")
    ordering = ("-id",)
    fields = ("ref", "login", "language", "is_staff", "is_active", "is_superuser", "roles", "last_login")

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("log-in"))
    def login(self, user: User) -> str:
        return str(user)

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "–"


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("kind", "borrower", "channel", "status", "send_after", "sent_at", "attempts")
    list_filter = ("status", "channel", "kind")
    list_select_related = ("borrower",)
    search_fields = ("dedup_key", "borrower__display_name")
    ordering = ("-id",)
    exclude = ("claim",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "actor_role", "action", "object_type", "object_ref", "reason")
    list_filter = ("actor_role", "action", "object_type")
    list_select_related = ("actor",)
    search_fields = ("object_ref", "action", "request_id")
    ordering = ("-id",)


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "label", "maker", "checker", "status", "expires_at")
    list_filter = ("status", "kind")
    list_select_related = ("maker", "checker")
    search_fields = ("ref", "object_ref", "label")
    ordering = ("-id",)
