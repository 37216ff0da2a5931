"""The cast of the evidence tests: a person who agreed, another, and a shop."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Borrower, BusinessMember, BusinessProfile, Consent, Identity, User

AS_OF = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def person(email: str, name: str, number: str) -> Borrower:
    user = User.objects.create(email=email)
    borrower = Borrower.objects.create(kind="PERSON", user=user, display_name=name)
    Identity.objects.create(
        borrower=borrower,
        document="PRC_ID",
        full_name=name,
        number=number,
        number_index=number,
        number_last4=number[-4:],
        submitted_at=NOW,
        birth_date=date(1990, 3, 7),
    )
    agree(borrower, "PAYMENTS", "BANK")
    return borrower


def agree(borrower: Borrower, *purposes: str) -> None:
    for purpose in purposes:
        Consent.objects.create(borrower=borrower, purpose=purpose, text_version="1", given_at=NOW)


@pytest.fixture
def alice(db: None) -> Borrower:
    return person("alice@example.com", "王小明", "110101199003070011")


@pytest.fixture
def mallory(db: None) -> Borrower:
    return person("mallory@example.com", "李雷", "110101199003070038")


@pytest.fixture
def shop(alice: Borrower) -> Borrower:
    business = Borrower.objects.create(kind="BUSINESS", display_name="小明商店")
    BusinessProfile.objects.create(
        borrower=business,
        legal_name="小明商店有限公司",
        uscc="91330100MA27XL0Q1X",
        industry="RETAIL",
        founded_date=date(2020, 1, 1),
    )
    BusinessMember.objects.create(business=business, user=alice.user, role="OWNER")
    agree(business, "BUSINESS", "BANK", "PAYMENTS")
    return business


@pytest.fixture
def upload() -> Callable[..., object]:
    """Upload bytes as a borrower does, in this process unless the test is about the child."""
    from risk.evidence.operations import import_statement

    def _upload(borrower: Borrower, kind: str, content: bytes | str, **given: object) -> object:
        body = content.encode() if isinstance(content, str) else content
        return import_statement(
            borrower_id=borrower.pk,
            kind=kind,
            stream=io.BytesIO(body),
            **{"as_of": AS_OF, "now": NOW, "isolated": False, "file_name": "statement.csv"} | given,
        )

    return _upload
