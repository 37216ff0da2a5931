"""Factories of people and businesses: valid by themselves, every number made up."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.domain.consents import TEXTS
from accounts.models import BankAccount, Borrower, BusinessMember, BusinessProfile, Consent, Identity, User

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
AS_OF = date(2026, 3, 2)
PASSWORD = "paper lantern over water"
_order = itertools.count(1)


def prc_id(*, birth_date: date = date(1990, 5, 17), order: int | None = None, region: str = "110105") -> str:
    """Return a resident identity number with a right check digit, made up from an order number.

    A day has a thousand numbers: those beyond are of people who were born earlier.
    """
    days, number = divmod(next(_order) if order is None else order, 1000)
    body = f"{region}{birth_date - timedelta(days=days):%Y%m%d}{number:03d}"
    total = sum(int(digit) * (2**power % 11) for digit, power in zip(body, range(17, 0, -1), strict=True))
    return body + "10X98765432"[total % 11]


def uscc(order: int | None = None) -> str:
    """Return a unified social credit code with a right check character."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91110105{(next(_order) if order is None else order) % 10**9:09d}"
    total = sum(alphabet.index(character) * (3**place % 31) for place, character in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def card_number(order: int | None = None) -> str:
    """Return a bank card number with a right check digit."""
    body = f"622202{(next(_order) if order is None else order) % 10**12:012d}"
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in reversed(body[1::2])]
    total = sum(doubled) + sum(int(digit) for digit in body[0::2])
    return body + str(-total % 10)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    language = "en"

    @factory.post_generation
    def password(self: User, create: bool, extracted: str | None, **kwargs: Any) -> None:
        if extracted:
            self.set_password(extracted)
            self.save(update_fields=["password"])


class StaffFactory(UserFactory):
    is_staff = True


class BorrowerFactory(DjangoModelFactory[Borrower]):
    """A person; use BusinessFactory for a business."""

    class Meta:
        model = Borrower

    kind = Borrower.Kind.PERSON
    user = factory.SubFactory(UserFactory)
    display_name = factory.Sequence(lambda n: f"P*** {n}")
    language = "en"


class BusinessFactory(DjangoModelFactory[Borrower]):
    """A business with its profile, and with an owner when one is given."""

    class Meta:
        model = Borrower
        skip_postgeneration_save = True

    kind = Borrower.Kind.BUSINESS
    user = None
    display_name = factory.Sequence(lambda n: f"Shop {n}")
    language = "en"

    @factory.post_generation
    def owner(self: Borrower, create: bool, extracted: User | None, **kwargs: Any) -> None:
        BusinessProfileFactory(borrower=self, legal_name=self.display_name)
        if extracted:
            BusinessMember.objects.create(business=self, user=extracted, role="OWNER")


class BusinessProfileFactory(DjangoModelFactory[BusinessProfile]):
    class Meta:
        model = BusinessProfile

    uscc = factory.LazyFunction(uscc)
    industry = "RETAIL"
    founded_date = date(2019, 6, 1)


class IdentityFactory(DjangoModelFactory[Identity]):
    class Meta:
        model = Identity

    borrower = factory.SubFactory(BorrowerFactory)
    document = "PRC_ID"
    full_name = "王小明"
    number = factory.LazyFunction(prc_id)
    number_index = factory.LazyAttribute(lambda it: Identity.index_of(document=it.document, number=it.number))
    number_last4 = factory.LazyAttribute(lambda it: it.number[-4:])
    birth_date = date(1990, 5, 17)
    region_code = "110105"
    status = "VERIFIED"
    provider = "sandbox"
    submitted_at = NOW
    checked_at = NOW


class ConsentFactory(DjangoModelFactory[Consent]):
    class Meta:
        model = Consent

    borrower = factory.SubFactory(BorrowerFactory)
    purpose = "CREDIT_DECISION"
    text_version = factory.LazyAttribute(lambda it: TEXTS[it.purpose].version)
    given_at = NOW


class BankAccountFactory(DjangoModelFactory[BankAccount]):
    class Meta:
        model = BankAccount

    ref = factory.LazyFunction(uuid.uuid4)
    borrower = factory.SubFactory(BorrowerFactory)
    bank_name = "Bank of the Lake"
    holder_name = "王小明"
    number = factory.LazyFunction(card_number)
    number_last4 = factory.LazyAttribute(lambda it: it.number[-4:])
    number_index = factory.LazyAttribute(lambda it: BankAccount.index_of(it.number))
    is_default = True
    added_at = NOW
    usable_from = NOW
    verified_at = NOW
