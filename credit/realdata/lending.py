"""Lend to the borrowers of 1997-98 by the operations that the pages call, and let them do what history says they did."""

from __future__ import annotations

import copy
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts import operations as account_operations
from accounts.models import BankAccount, Borrower, User
from credit import operations
from credit.demo.life import morning
from credit.demo.people import card_number, name_of, resident_number
from credit.models import Application, CreditLine, Drawdown, Policy, Product
from credit.operations.sandbox import settle_money
from credit.realdata.berka import MAPPING, HistoricLoan, statement
from ledger import operations as ledger_operations
from loans import operations as loan_operations
from loans import queries as loan_queries
from loans.models import Loan
from regimes.errors import Refusal
from risk import operations as risk_operations

PRODUCT = "everyday"
PURPOSE = "HOME_REPAIR"
METHOD = "EQUAL_INSTALMENT"
TERMS = [12, 24, 36]
SCALE = Decimal(3)
CONSENTS = ("CREDIT_DECISION", "BANK")
INSTALMENTS = 3
DEFAULT_DAYS = 90
LOOKS, LOOK_AFTER = 20, timedelta(minutes=11)  # longer than any pause between two questions


@dataclass(slots=True)
class Case:
    """Hold one loan of the bank and what the portal made of it."""

    history: HistoricLoan
    asked: Decimal
    application: Application | None = None
    outcome: str = ""  # APPROVE, COUNTER_OFFER, REFER, DECLINE, or REFUSED before a decision
    problem: str = ""
    pd: float | None = None
    user: User | None = None
    drawdown: Drawdown | None = None
    paid: int = 0

    @property
    def pays(self) -> int:
        """Count the instalments paid before the payments stop, or before the rest is paid at once."""
        return self.history.number % 3 if self.history.is_bad else INSTALMENTS


@dataclass(slots=True)
class Clock:
    """Add up where the time goes."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, what: str, since: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - since


def amount_for_portal(loan: HistoricLoan, most: Decimal) -> Decimal:
    """Take the bank's amount in the portal's currency, a third of it when the product does not reach so far."""
    amount = loan.amount if loan.amount <= most else loan.amount / SCALE
    return amount.quantize(Decimal("0.01"))


def term_for_portal(loan: HistoricLoan) -> int:
    """Take the bank's term, or the longest that the regime lets the product have."""
    return max(term for term in TERMS if term <= max(loan.months, TERMS[0]))


def offer_longer_terms() -> Product:
    """Bring the next version of a product with the bank's terms as far as the regime allows.

    Product versions come with an installation and have no operation: this is what its migration would write.
    """
    old = Product.objects.get(code=PRODUCT, is_active=True)
    old.is_active = False
    old.save(update_fields=["is_active"])
    new = copy.copy(old)
    new.pk, new.version, new.is_active, new.instalment_counts = None, old.version + 1, True, TERMS
    new.ref = Product._meta.get_field("ref").get_default()
    new.save(force_insert=True)
    return new


def policy_document(bad_rate: Decimal) -> dict[str, Any]:
    """Write the policy of this portfolio: approve below the bad rate of the years before, decline from twice as much.

    Amounts and income do not decide here: the bank's own amounts are drawn, whose outcomes are known.
    """
    document: dict[str, Any] = copy.deepcopy(Policy.objects.get(state=Policy.State.ACTIVE).document)
    approve, refer = bad_rate, 2 * bad_rate
    bounds = (
        ("A", approve / 4, "0.0864"),
        ("B", approve / 2, "0.1080"),
        ("C", approve, "0.1332"),
        ("D", refer, "0.1620"),
    )
    document["name"] = "Loans of 1997-98"
    document["cut_offs"] = {"approve_below": str(approve), "refer_below": str(refer)}
    document["affordability"] |= {"instalments_to_income": "1", "assumed_instalments": max(TERMS)}
    document["exploration"] |= {"share": "0", "up_to": str(refer)}
    document["grades"] = [
        {
            "name": name,
            "pd_below": str(bound),
            "income_multiple": "1000",
            "limit": "200000",
            "annual_rate": rate,
        }
        for name, bound, rate in bounds
    ]
    return document


def bring_policy(*, bad_rate: Decimal, maker: User, checker: User, day: date) -> Policy:
    """Draft and propose by one person, activate by another."""
    policy = operations.draft_policy(
        document=policy_document(bad_rate), note="cut-offs of 1993-96", actor=maker
    )
    operations.propose_policy(policy_id=policy.pk, actor=maker, now=morning(day))
    return operations.activate_policy(policy_id=policy.pk, actor=checker, now=morning(day))


def take_in(case: Case, clock: Clock) -> Borrower:
    """Open the account, confirm the identity, take the agreements, the bank account and the statement."""
    began = time.perf_counter()
    loan = case.history
    now = morning(loan.day)
    case.user = User.objects.create_user(f"account{loan.account}@bank.example.com", language="en")
    person = account_operations.ensure_person(user=case.user)
    name = name_of(loan.number)
    born = date(1960, 1, 1) if loan.was_minor else loan.born
    account_operations.record_identity(
        borrower=person,
        document="PRC_ID",
        full_name=name,
        number=resident_number(born, loan.number),
        birth_date=None,
        actor=case.user,
        as_of=loan.day,
        now=now,
    )
    account_operations.give_consents(borrower=person, purposes=CONSENTS, actor=case.user, now=now)
    account_operations.add_bank_account(
        borrower=person,
        bank_name="沙盒银行",
        holder_name=name,
        number=card_number(loan.number * 10 + 7),
        actor=case.user,
        now=now,
    )
    clock.add("accounts", began)
    began = time.perf_counter()
    risk_operations.import_statement(
        borrower_id=person.pk,
        kind="BANK_CSV",
        stream=io.BytesIO(statement(loan.movements)),
        mapping=MAPPING,
        file_name=f"account-{loan.account}.csv",
        as_of=loan.day,
        now=now,
        actor=case.user,
        isolated=False,
    )
    clock.add("statements", began)
    return person


def decide(case: Case, person: Borrower, clock: Clock) -> None:
    """Apply for what the bank lent, and read what was decided."""
    began = time.perf_counter()
    asked = -(-case.asked // 100) * 100  # limits are whole hundreds
    try:
        case.application = operations.submit_application(
            borrower=person,
            product_code=PRODUCT,
            requested_amount=asked,
            purpose=PURPOSE,
            actor=case.user,
            as_of=case.history.day,
            now=morning(case.history.day),
            occupation="EMPLOYED",
        )
    except Refusal as refusal:
        case.outcome, case.problem = "REFUSED", refusal.code
        return
    finally:
        clock.add("decisions", began)
    decision = case.application.decisions.get()
    case.outcome = decision.outcome
    case.pd = None if decision.pd is None else float(decision.pd)


def draw(case: Case, person: Borrower, clock: Clock) -> None:
    """Draw what the bank lent on the line that was opened."""
    began = time.perf_counter()
    day = case.history.day
    line = CreditLine.objects.get(borrower=person)
    if line.status == CreditLine.Status.OFFERED:
        line = operations.accept_offer(line_id=line.pk, actor=case.user, as_of=day)
    case.drawdown = operations.draw_down(
        line_id=line.pk,
        amount=min(case.asked, line.limit),
        instalment_count=term_for_portal(case.history),
        repayment_method=METHOD,
        purpose=PURPOSE,
        scenario="EVERYDAY",
        bank_account_id=BankAccount.objects.get(borrower=person).pk,
        idempotency_key=f"loan-{case.history.number}",
        actor=case.user,
        as_of=day,
    )
    clock.add("draws", began)


@dataclass(slots=True)
class Town:
    """Live through the days in their order."""

    cases: Sequence[Case]
    clock: Clock
    nights_every: int  # days; the night books what was earned since the one before, however long ago
    by_loan: dict[int, Case] = field(default_factory=dict)
    collections: int = 0
    nights: int = 0
    is_money_under_way: bool = False

    @property
    def first(self) -> date:
        return self.cases[0].history.day

    def daytime(self, day: date) -> None:
        """Decide the loans that the bank decided today; pay what is due by history."""
        for case in self.cases:
            if case.history.day != day:
                continue
            person = take_in(case, self.clock)
            decide(case, person, self.clock)
            if case.outcome in ("APPROVE", "COUNTER_OFFER"):
                draw(case, person, self.clock)
                assert case.drawdown is not None
                self.by_loan[case.drawdown.loan_id] = case
                self.is_money_under_way = True
        self._pay(day)

    def _pay(self, day: date) -> None:
        due = Loan.objects.filter(
            status__in=[Loan.Status.ACTIVE, Loan.Status.OVERDUE],
            next_due_date__lte=day,
            next_due_amount__gt=0,
        )
        for loan in due.order_by("pk"):
            case = self.by_loan[loan.pk]
            if case.paid >= case.pays:
                continue
            case.paid += 1
            last = not case.history.is_bad and case.paid == case.pays
            amount = loan_queries.payoff(loan_id=loan.pk, as_of=day).total if last else loan.next_due_amount
            began = time.perf_counter()
            assert case.drawdown is not None
            loan_operations.start_collection(
                loan_id=loan.pk,
                amount=amount,
                choice=None,
                idempotency_key=f"paid-{day}",
                bank_account_id=case.drawdown.bank_account_id,
                actor=case.user,
                as_of=day,
            )
            self.clock.add("repayments", began)
            self.collections += 1
            self.is_money_under_way = True

    def close(self, day: date, *, is_last: bool = False) -> None:
        """Carry the day's money to its end at the bank; then the night, or no more than the next date."""
        began = time.perf_counter()
        following = day + timedelta(days=1)
        if (day - self.first).days % self.nights_every and not is_last:
            self._settle(day)
            ledger_operations.advance_business_date(to=following)
        else:
            report = operations.move_business_date(
                to=following, actor=None, now=morning(day), settle=self._settle
            )
            if report.status != "DONE":
                raise RuntimeError(f"{day} could not be closed: {report.status} {report.problem}")
            self.nights += 1
        self.clock.add("days closed, money carried", began)

    def _settle(self, day: date) -> None:
        """Ask again later in the day about orders that the bank had accepted and not yet executed."""
        if not self.is_money_under_way:
            return
        for attempt in range(LOOKS):
            left = settle_money(as_of=day, now=morning(day) + attempt * LOOK_AFTER, wait=0)
            if not left:
                self.is_money_under_way = False
                return
            time.sleep(0.05)
        raise RuntimeError(f"{day}: {left} orders are still open at the bank")

    def is_over(self) -> bool:
        """Tell whether every loan is paid off or has been late for more than 90 days."""
        open_loans = Loan.objects.exclude(status__in=[Loan.Status.CLOSED, Loan.Status.CANCELLED])
        return not open_loans.filter(days_past_due__lte=DEFAULT_DAYS).exists()
