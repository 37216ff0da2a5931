"""Make the people and shops of the demo: accounts, identities, agreements, bank accounts and records."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from accounts import operations as account_operations
from accounts.domain.consents import TEXTS
from accounts.models import BankAccount, Borrower, User
from risk import operations as risk_operations
from risk.domain.events import Category, EventColumns, EventKind, EvidenceEvent, Source
from risk.domain.rollup import month_number
from risk.synthetic.evidence import draw_evidence
from risk.synthetic.population import People, World, draw_people

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "洋",
    "艳",
    "勇",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀英",
    "建国",
    "晓燕",
    "子涵",
)
SHOPS = (
    "湖畔面馆",
    "晨光文具店",
    "老街茶庄",
    "绿野果蔬店",
    "飞鸟自行车行",
    "小满服装店",
    "东门五金店",
    "海棠花店",
    "向阳药房",
    "木鱼书店",
)
INDUSTRIES = (
    "CATERING",
    "RETAIL",
    "RETAIL",
    "RETAIL",
    "SERVICES",
    "RETAIL",
    "WHOLESALE",
    "RETAIL",
    "RETAIL",
    "RETAIL",
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS_BEFORE = 13
WORLD_SIZE = 500
PURPOSES = ("CREDIT_DECISION", "PAYMENTS", "SPENDING", "BILLS", "BANK")


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """Hold the drawn population and its records in columns."""

    people: People
    events: EventColumns

    def ranked(self, *, is_business: bool) -> list[int]:
        """List the places of honest people of a kind, the most reliable first."""
        able = np.flatnonzero((self.people.is_business == is_business) & ~self.people.fraud)
        return [int(at) for at in able[np.argsort(self.people.eta[able], kind="stable")]]


def draw_world(*, start: date, months: int, seed: int) -> DemoWorld:
    """Draw people who have records from a year before the start to the end of the demo's time."""
    people = draw_people(
        World(
            size=WORLD_SIZE,
            seed=seed,
            first_application=month_number(start),
            application_months=1,
            months_before=MONTHS_BEFORE,
            months_after=months,
        )
    )
    return DemoWorld(people, next(draw_evidence(people, months_after=months, chunk=WORLD_SIZE)))


def connect_records(*, world: DemoWorld, at: int, borrower: Borrower, as_of: date, now: datetime) -> None:
    """Store one drawn person's records as the borrower's sandbox feed; each event is known when it happens."""
    events = world.events.take(world.events.subject == world.people.subject[at])
    risk_operations.record_events(
        borrower_id=borrower.pk,
        kind="SANDBOX",
        reference=f"demo|{at}",
        events=_events(events, borrower.pk),
        as_of=as_of,
        now=now,
        refresh=False,
    )


def _events(columns: EventColumns, subject: int) -> Iterator[EvidenceEvent]:
    rows = (
        columns.occurred,
        columns.known,
        columns.kind,
        columns.category,
        columns.cents,
        columns.balance,
        columns.counterparty,
    )
    for occurred, known, kind, category, cents, balance, party in zip(
        *(row.tolist() for row in rows), strict=True
    ):
        yield EvidenceEvent(
            subject=subject,
            occurred_at=EPOCH + timedelta(minutes=occurred),
            known_at=EPOCH + timedelta(minutes=known),
            kind=EventKind(kind),
            amount=Decimal(cents) / 100,
            balance=None if balance != balance else Decimal(f"{balance:.2f}"),
            counterparty=str(party) if party else "",
            category=Category(category),
            source=Source.SANDBOX,
        )


def settle_in(*, user: User, name: str, order: int, as_of: date, now: datetime) -> Borrower:
    """Take one person through identity, agreement and bank account; what is done already stays."""
    person = account_operations.ensure_person(user=user)
    random_day = random.Random(order)  # noqa: S311  made-up people, not secrets
    born = date(as_of.year - random_day.randint(22, 55), random_day.randint(1, 12), random_day.randint(1, 28))
    account_operations.record_identity(
        borrower=person,
        document="PRC_ID",
        full_name=name,
        number=resident_number(born, order),
        birth_date=None,
        actor=user,
        as_of=as_of,
        now=now,
    )
    account_operations.give_consents(borrower=person, purposes=PURPOSES, actor=user, now=now)
    _account(person, name, order, user, now)
    return person


def settle_shop(*, owner: User, number: int, as_of: date, now: datetime) -> Borrower:
    """Take one shop through the register, agreement and bank account."""
    name = SHOPS[number % len(SHOPS)] + ("" if number < len(SHOPS) else f"{number // len(SHOPS) + 1}店")
    shop = account_operations.create_business(
        owner=owner,
        legal_name=name,
        uscc=credit_code(number),
        industry=INDUSTRIES[number % len(INDUSTRIES)],
        founded_date=date(as_of.year - 3 - number % 7, 1 + number % 12, 1),
        as_of=as_of,
        now=now,
    )
    account_operations.give_consents(
        borrower=shop,
        purposes=[text for text in (*PURPOSES, "BUSINESS") if text in TEXTS],
        actor=owner,
        now=now,
    )
    _account(shop, name, 5_000 + number, owner, now)
    return shop


def _account(borrower: Borrower, holder: str, order: int, user: User, now: datetime) -> BankAccount:
    return account_operations.add_bank_account(
        borrower=borrower,
        bank_name="沙盒银行",
        holder_name=holder,
        number=card_number(order),
        actor=user,
        now=now,
    )


def name_of(order: int) -> str:
    """Make up a name."""
    return SURNAMES[order % len(SURNAMES)] + GIVEN[(order * 7 + order // 20) % len(GIVEN)]


def resident_number(born: date, order: int) -> str:
    """Make up a resident number with a right check digit."""
    body = f"110105{born:%Y%m%d}{order % 1000:03d}"
    total = sum(int(digit) * (2**power % 11) for digit, power in zip(body, range(17, 0, -1), strict=True))
    return body + "10X98765432"[total % 11]


def credit_code(order: int) -> str:
    """Make up a unified social credit code with a right check character."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"92110105MA{order:07d}"
    total = sum(alphabet.index(character) * (3**place % 31) for place, character in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def card_number(order: int) -> str:
    """Make up a card number with a right check digit."""
    body = f"621700{order:012d}"
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in reversed(body[1::2])]
    return body + str(-(sum(doubled) + sum(int(digit) for digit in body[0::2])) % 10)
