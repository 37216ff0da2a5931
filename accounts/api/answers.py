"""What the addresses of this room answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class BorrowerOut(serializers.Serializer[Any]):
    """Somebody or some business for whom the caller may act."""

    ref = serializers.UUIDField(source="borrower.ref")
    kind = serializers.CharField(source="borrower.kind", help_text="PERSON or BUSINESS.")
    name = serializers.CharField(source="borrower.display_name")
    status = serializers.CharField(source="borrower.status", help_text="ACTIVE or BLOCKED.")
    role = serializers.CharField(help_text="SELF, OWNER, FINANCE or VIEWER.")


class MeOut(serializers.Serializer[Any]):
    """The caller."""

    ref = serializers.UUIDField(source="user.ref")
    login = serializers.CharField(source="user.masked_login", help_text="Masked.")
    language = serializers.CharField(source="user.language")
    borrowers = BorrowerOut(many=True)


class ConsentOut(serializers.Serializer[Any]):
    """One use of data: the words in force, and whether they are agreed to."""

    borrower = serializers.UUIDField()
    purpose = serializers.CharField()
    text_version = serializers.CharField(help_text="Send it with the agreement.")
    title = serializers.CharField()
    text = serializers.CharField()
    required_to_apply = serializers.BooleanField()
    is_given = serializers.BooleanField()


class IdentityOut(serializers.Serializer[Any]):
    """What is known of a document; never its number."""

    borrower = serializers.UUIDField(source="borrower.ref")
    document = serializers.CharField(help_text="PRC_ID or PASSPORT.")
    number_last4 = serializers.CharField()
    status = serializers.CharField(help_text="PENDING, VERIFIED or REJECTED.")
    submitted_at = serializers.DateTimeField()
    checked_at = serializers.DateTimeField(allow_null=True)


class BankAccountOut(serializers.Serializer[Any]):
    """Where money goes to and comes from; never its number."""

    ref = serializers.UUIDField()
    borrower = serializers.UUIDField(source="borrower.ref")
    bank_name = serializers.CharField()
    number_last4 = serializers.CharField()
    is_default = serializers.BooleanField()
    is_verified = serializers.SerializerMethodField()
    usable_from = serializers.DateTimeField()

    def get_is_verified(self, account: Any) -> bool:
        return account.verified_at is not None


class BusinessOut(serializers.Serializer[Any]):
    """A business."""

    ref = serializers.UUIDField()
    name = serializers.CharField(source="display_name")
    uscc = serializers.CharField(source="business_profile.uscc")
    industry = serializers.CharField(source="business_profile.industry")
    founded_date = serializers.DateField(source="business_profile.founded_date")


class MemberOut(serializers.Serializer[Any]):
    """Who may act for a business."""

    ref = serializers.UUIDField()
    login = serializers.CharField(source="user.masked_login", help_text="Masked.")
    role = serializers.CharField(help_text="OWNER, FINANCE or VIEWER.")
    is_active = serializers.BooleanField()


class NoticeOut(serializers.Serializer[Any]):
    """What a borrower was told."""

    ref = serializers.UUIDField()
    kind = serializers.CharField()
    subject = serializers.CharField()
    body = serializers.CharField()
    at = serializers.DateTimeField()
    is_read = serializers.BooleanField()


class CountOut(serializers.Serializer[Any]):
    """How many rows a write touched."""

    count = serializers.IntegerField()
