"""Let the demo people live day by day: apply, accept, draw, repay, be late, ask; and officers decide.

Every step is one of the operations that the pages call. Chance is drawn afresh for each person and day from the
seed, so a seed that was killed half way goes on as if nothing had happened.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import BankAccount, Borrower, User
from credit import operations
from credit.demo.working import trade
from credit.models import Application, CreditLine, Drawdown, LimitChange
from credit.queries import debt_of_line, draw_options, products
from loans import operations as loan_operations
from loans.models import Collection, Payout
from regimes.errors import Refusal

OFFICER_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Resident:
    """Hold one demo borrower and how it behaves."""

    borrower: Borrower
    user: User
    order: int
    arrives: date
    habit: str  # PUNCTUAL, AUTO, FORGETFUL, FAILING


def morning(day: date) -> datetime:
    """Give ten in the morning of a day."""
    return datetime.combine(day, time(10), ZoneInfo(settings.TIME_ZONE))


@dataclass(frozen=True, slots=True)
class Today:
    """Hold what the whole town looks up in the morning: five questions a day, however many live there."""

    lines: dict[int, CreditLine]
    applied: set[int]
    drawn: set[int]
    due: dict[int, list[Drawdown]]

    @classmethod
    def of(cls, residents: list[Resident], day: date) -> Today:
        ids = [resident.borrower.pk for resident in residents]
        lines = {
            line.borrower_id: line
            for line in CreditLine.objects.filter(borrower_id__in=ids).exclude(status="CLOSED")
        }
        due: dict[int, list[Drawdown]] = {}
        rows = Drawdown.objects.select_related("loan").filter(
            line__borrower_id__in=ids,
            loan__status__in=["ACTIVE", "OVERDUE"],
            loan__next_due_date__lte=day,
            loan__next_due_amount__gt=0,
        )
        for row in rows.order_by("pk"):
            due.setdefault(row.line_id, []).append(row)
        return cls(
            lines=lines,
            applied=set(
                Application.objects.filter(borrower_id__in=ids).values_list("borrower_id", flat=True)
            ),
            drawn=set(Drawdown.objects.filter(line__borrower_id__in=ids).values_list("line_id", flat=True)),
            due=due,
        )


def live(*, residents: list[Resident], officer: User, day: date, seed: int, last: date) -> None:
    """Live through the daytime of one day."""
    today = Today.of(residents, day)
    for resident in residents:
        if day >= resident.arrives:
            _one(resident, today, day, random.Random(f"{seed}|{resident.order}|{day}"))  # noqa: S311  chance, not secrets
    shop = next((resident for resident in residents if resident.borrower.is_business), None)
    if shop is not None and shop.borrower.pk in today.lines:
        line = today.lines[shop.borrower.pk]
        trade(shop=shop.borrower, owner=shop.user, line=line, day=day, last=last)
    _officer(officer, day, last)


def _one(resident: Resident, today: Today, day: date, chance: random.Random) -> None:
    line = today.lines.get(resident.borrower.pk)
    if line is None:
        if resident.borrower.pk not in today.applied:
            _apply(resident, day, chance)
        return
    if line.status == "OFFERED" and line.offer_until and day <= line.offer_until:
        line = operations.accept_offer(line_id=line.pk, actor=resident.user, as_of=day)
        if resident.habit == "AUTO":
            operations.set_auto_debit(line_id=line.pk, is_on=True, actor=resident.user)
    wish, freeze, ask = chance.random(), chance.random(), chance.random()
    if line.status == "ACTIVE" and wish < (0.3 if line.pk not in today.drawn else 0.008):
        _draw(resident, line, day, chance)
    if line.status == "ACTIVE" and resident.order % 23 == 7 and freeze < 0.01:
        operations.freeze_line(line_id=line.pk, reason="", actor=resident.user, as_of=day, by_borrower=True)
    if resident.habit != "AUTO":
        _repay(resident, today.due.get(line.pk, []), day)
    if ask < 0.02:
        _ask(resident, line, day)


def _apply(resident: Resident, day: date, chance: random.Random) -> None:
    offered = list(products(borrower=resident.borrower))
    product = offered[chance.randrange(len(offered))]
    business = resident.borrower.is_business
    most = int(min(product.maximum_amount, Decimal(200_000 if business else 60_000)))
    amount = Decimal(chance.randrange(30, most // 100)) * 100
    try:
        operations.submit_application(
            borrower=resident.borrower,
            product_code=product.code,
            requested_amount=amount,
            purpose=chance.choice(product.purposes),
            actor=resident.user,
            as_of=day,
            now=morning(day),
            occupation="" if business else ("EMPLOYED", "EMPLOYED", "SELF_EMPLOYED")[resident.order % 3],
        )
    except Refusal:
        return
    line = CreditLine.objects.filter(borrower=resident.borrower, status="ACTIVE").first()
    if line is not None and resident.habit == "AUTO":
        operations.set_auto_debit(line_id=line.pk, is_on=True, actor=resident.user)


def _draw(resident: Resident, line: CreditLine, day: date, chance: random.Random) -> None:
    room = line.limit - debt_of_line(line_id=line.pk).exposure
    if room < 200:
        return
    option = chance.choice(draw_options(line=line, room=room))
    method, counts = chance.choice(option.methods)
    most = 35 if resident.order == 0 or resident.borrower.is_business else 75
    share = Decimal(chance.randrange(20, most)) / 100
    amount = max(Decimal(100), (min(room, option.maximum) * share) // 100 * 100)
    account = BankAccount.objects.filter(borrower=resident.borrower, is_default=True).first()
    if account is None:
        return
    try:
        operations.draw_down(
            line_id=line.pk,
            amount=amount,
            instalment_count=chance.choice(counts),
            repayment_method=method,
            purpose=chance.choice(option.purposes),
            scenario=option.product.scenario,
            bank_account_id=account.pk,
            idempotency_key=f"demo-{day}",
            actor=resident.user,
            as_of=day,
            terms_version=option.terms_version,
        )
    except Refusal:
        return


def _repay(resident: Resident, due: list[Drawdown], day: date) -> None:
    """Pay what is due by habit: on the day, some days late, or after a while not at all."""
    for drawdown in due:
        loan, fell_due = drawdown.loan, drawdown.loan.next_due_date
        assert fell_due is not None, "the town asks for loans with something due"
        late = (day - fell_due).days
        patience = {
            "PUNCTUAL": 0,
            "FORGETFUL": (resident.order * 3 + fell_due.month * 5) % 14,
            "FAILING": 999,
        }
        if resident.habit == "FAILING" and day < resident.arrives + timedelta(days=50):
            patience["FAILING"] = 0
        if late >= patience[resident.habit]:
            _pay(resident, drawdown, loan.next_due_amount, day, "due")


def _pay(resident: Resident, drawdown: Drawdown, amount: Decimal, day: date, why: str) -> None:
    try:
        loan_operations.start_collection(
            loan_id=drawdown.loan_id,
            amount=amount,
            choice=None,
            idempotency_key=f"demo-{why}-{day}",
            bank_account_id=drawdown.bank_account_id,
            actor=resident.user,
            as_of=day,
        )
    except Refusal:
        return


def _ask(resident: Resident, line: CreditLine, day: date) -> None:
    """Ask for a person after a cut, now and then."""
    change = LimitChange.objects.filter(line=line, direction__in=["DOWN", "FREEZE"]).order_by("-pk").first()
    if change is not None and not change.review_requests.exists():
        operations.request_review(
            borrower=resident.borrower,
            actor=resident.user,
            as_of=day,
            limit_change=change,
            text="请帮我再看一下，我的收入没有变化。",
        )


def _officer(officer: User, day: date, last: date) -> None:
    """Decide what waited three days; some stay in the queue, so that it is not empty when a visitor comes."""
    for application in Application.objects.filter(status="REFERRED", submitted_date__lte=day - OFFICER_AFTER):
        if application.pk % 3 == 1 or day > last - timedelta(days=5):
            continue
        approve = application.pk % 3 == 2
        operations.decide_by_officer(
            application_id=application.pk,
            outcome="APPROVE" if approve else "DECLINE",
            limit=min(Decimal(5_000), application.requested_amount // 100 * 100),
            annual_rate=None,
            note="已核对流水与收入证明。" if approve else "负债偏高，建议三个月后再申请。",
            actor=officer,
            as_of=day,
            now=morning(day),
        )


def settle(day: date) -> None:
    """Confirm what is under way as the bank would: the demo's past needs no bank at work."""
    now = morning(day)
    for payout in Payout.objects.filter(status__in=["PENDING", "SENT", "UNKNOWN"]):
        loan_operations.confirm_payout(
            payout_id=payout.pk,
            provider_reference=f"demo-{payout.gateway_reference}",
            amount=payout.amount,
            currency=payout.currency,
            as_of=day,
            now=now,
        )
    for row in Collection.objects.filter(status__in=["PENDING", "SENT", "UNKNOWN"]):
        loan_operations.confirm_collection(
            collection_id=row.pk,
            provider_reference=f"demo-{row.gateway_reference}",
            amount=row.amount,
            currency=row.currency,
            as_of=day,
            now=now,
        )
