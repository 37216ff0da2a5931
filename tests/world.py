"""The cast of every test: Alice borrows, Bob underwrites, Charlie sees nothing, Dora keeps a shop.

    def test_it_refuses_charlie(world, client): ...

`world` is a fixture (tests/conftest.py) that needs the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from accounts import operations
from accounts.domain.consents import TEXTS
from accounts.models import BankAccount, Borrower, BusinessMember, User
from tests.factories import (
    AS_OF,
    NOW,
    BankAccountFactory,
    BorrowerFactory,
    BusinessFactory,
    ConsentFactory,
    IdentityFactory,
    UserFactory,
)

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass(frozen=True)
class World:
    """Who is who. `bob` and `erin` are staff with an authenticator app; a second pair of eyes needs two."""

    now: datetime
    as_of: date
    alice: User
    alice_person: Borrower
    alice_account: BankAccount
    bob: User
    erin: User
    charlie: User
    charlie_person: Borrower
    dora: User
    dora_person: Borrower
    shop: Borrower
    shop_account: BankAccount
    fay: User  # finance of the shop
    vic: User  # viewer of the shop


def _person(*, login: str, name: str, verified: bool = True) -> tuple[User, Borrower]:
    user = UserFactory(email=login)
    borrower = BorrowerFactory(user=user, display_name=f"{name[:1]}***")
    if verified:
        IdentityFactory(borrower=borrower, full_name=name)
    return user, borrower


def _consents(borrower: Borrower) -> None:
    for text in TEXTS.values():
        if text.purpose not in {"SOCIAL", "MARKETING"} and (borrower.is_business or not text.business_only):
            ConsentFactory(borrower=borrower, purpose=text.purpose)


def build_world() -> World:
    """Put the cast into the database."""
    alice, alice_person = _person(login="alice@example.com", name="Alice Wong")
    charlie, charlie_person = _person(login="charlie@example.com", name="Charlie Moss")
    dora, dora_person = _person(login="dora@example.com", name="Dora Li")
    shop = BusinessFactory(display_name="Dora's Noodles", owner=dora)
    fay, _ = _person(login="fay@example.com", name="Fay Finance", verified=False)
    vic, _ = _person(login="vic@example.com", name="Vic Viewer", verified=False)
    BusinessMember.objects.create(business=shop, user=fay, role="FINANCE")
    BusinessMember.objects.create(business=shop, user=vic, role="VIEWER")
    bob = UserFactory(email="bob@example.com", is_staff=True)
    erin = UserFactory(email="erin@example.com", is_staff=True)
    for officer in (bob, erin):
        operations.enrol_totp(user=officer, secret=TOTP_SECRET)
    for borrower in (alice_person, charlie_person, dora_person, shop):
        _consents(borrower)
    return World(
        now=NOW,
        as_of=AS_OF,
        alice=alice,
        alice_person=alice_person,
        alice_account=BankAccountFactory(borrower=alice_person, holder_name="Alice Wong"),
        bob=bob,
        erin=erin,
        charlie=charlie,
        charlie_person=charlie_person,
        dora=dora,
        dora_person=dora_person,
        shop=shop,
        shop_account=BankAccountFactory(borrower=shop, holder_name="Dora's Noodles"),
        fay=fay,
        vic=vic,
    )
