"""From what credit and loans answer to what a page says: sentences, figures, places in a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Borrower
from accounts.templatetags.portal import day, money, percent, round_money
from credit.domain.products import METHOD_NAMES, PURPOSE_NAMES, SCENARIO_NAMES
from credit.models import LimitChange
from ledger.domain.money import ZERO
from ledger.domain.money import round_money as to_cents
from loans.domain.quotes import Quote
from loans.models import Loan

DAYS_A_YEAR = Decimal(365)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for the borrower."""

    code: str
    label: str
    help: str
    button: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """One instalment as the table shows it."""

    number: int
    due_date: date
    total: Decimal
    principal: Decimal
    interest: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """Everything that a loan costs, ready for the page."""

    rows: list[CostRow]
    method_label: str
    annual_rate: Decimal
    irr: Decimal
    payout: Decimal
    principal: Decimal
    interest: Decimal
    fees: Decimal
    total: Decimal
    cost: Decimal

    @property
    def has_fees(self) -> bool:
        return bool(self.fees)

    @property
    def fee_words(self) -> str:
        return _("as the contract names it")

    @property
    def first(self) -> Decimal:
        return self.rows[0].total

    @property
    def last(self) -> Decimal:
        return self.rows[-1].total


def cost_of(quote: Quote) -> Cost:
    """Lay a quote out for the page."""
    rows = [
        CostRow(
            item.number, item.due_date, item.due.total, item.due.principal, item.due.interest, item.due.fee
        )
        for item in quote.instalments
        if item.due.total or quote.terms.expected_sales is None  # sales may repay it before its last month
    ]
    totals = quote.totals
    return Cost(
        rows=rows,
        method_label=method_name(quote.terms.repayment_method.value),
        annual_rate=quote.annual_rates.nominal,
        irr=quote.annual_rates.nominal
        if quote.annual_rates.pboc_irr is None
        else quote.annual_rates.pboc_irr,
        payout=totals.received,
        principal=totals.principal,
        interest=totals.interest,
        fees=totals.fees,
        total=totals.repayments,
        cost=totals.cost,
    )


def method_name(code: str) -> str:
    return _(METHOD_NAMES[code]) if code in METHOD_NAMES else code


def purpose_name(code: str) -> str:
    return _(PURPOSE_NAMES[code]) if code in PURPOSE_NAMES else code


def scenario_name(code: str) -> str:
    return _(SCENARIO_NAMES[code]) if code in SCENARIO_NAMES else code


def reason_text(written: dict[str, Any]) -> str:
    """Say a stored reason in the reader's language."""
    text, params = _(written["message"]), written.get("params") or {}
    return text % params if params else text.replace("%%", "%")


def reason_texts(written: Iterable[dict[str, Any]]) -> list[str]:
    return [reason_text(item) for item in written]


def cost_in_one_line(annual_rate: Decimal) -> str:
    """Say what borrowing costs in one line that everybody can check."""
    cost = to_cents(Decimal(1000) * annual_rate * 30 / DAYS_A_YEAR)
    return _("Annual rate %(rate)s: ¥1,000 for 30 days costs %(cost)s.") % {
        "rate": percent(annual_rate),
        "cost": money(cost),
    }


def late_words(penalty_rate: Decimal, amount: Decimal) -> str:
    """Say what being late costs, with this borrower's own figures."""
    if penalty_rate <= 0:
        return _("Being late costs nothing extra, but you cannot draw until you have paid.")
    cost = to_cents(amount * penalty_rate * 10 / DAYS_A_YEAR)
    return _(
        "On overdue principal %(rate)s a year is charged instead of the contract's rate, by the day: "
        "%(amount)s ten days late costs %(cost)s. There is no other charge."
    ) % {"rate": percent(penalty_rate), "amount": money(amount), "cost": money(cost)}


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One entry of the limit's history."""

    ref: Any
    icon: str
    words: str
    reasons: list[str]
    recourse: list[str]
    next_review: date | None
    date: date
    may_review: bool
    is_in_review: bool


ICONS = {
    "UP": "up",
    "OPEN": "check",
    "KEEP": "keep",
    "DOWN": "down",
    "FREEZE": "snow",
    "UNFREEZE": "check",
    "CLOSE": "lock",
    "RENEW": "check",
    "ANNOUNCE": "clock",
    "WITHDRAW": "check",
}
REVIEWABLE = frozenset({"KEEP", "DOWN", "FREEZE", "CLOSE", "ANNOUNCE"})


def change_view(change: LimitChange, *, in_review: frozenset[int] = frozenset()) -> ChangeView:
    """Say one change of the limit."""
    open_review = change.pk in in_review
    return ChangeView(
        ref=change.ref,
        icon=ICONS.get(change.direction, "info"),
        words=_change_words(change),
        reasons=reason_texts(change.reasons),
        recourse=reason_texts(change.recourse or []),
        date=change.effective_date,
        next_review=change.next_review_date,
        may_review=change.direction in REVIEWABLE and change.trigger != "BORROWER" and not open_review,
        is_in_review=open_review,
    )


def _change_words(change: LimitChange) -> str:
    coming = (change.inputs or {}).get("announced") or {"limit": change.new_limit, "date": None}
    figures = {
        "old": round_money(change.old_limit),
        "new": round_money(change.new_limit),
        "coming": round_money(coming["limit"]),
        "date": day(date.fromisoformat(coming["date"]) if coming["date"] else None),
    }
    sentences = {
        "OPEN": _("Limit opened at %(new)s"),
        "UP": _("Limit raised from %(old)s to %(new)s"),
        "KEEP": _("Limit kept at %(new)s"),
        "DOWN": _("Limit lowered from %(old)s to %(new)s"),
        "FREEZE": _("Draws stopped"),
        "UNFREEZE": _("Draws possible again"),
        "SUSPEND": _("Line suspended"),
        "RESUME": _("Line resumed"),
        "RENEW": _("Line renewed"),
        "ANNOUNCE": _("Announced: from %(date)s the limit is %(coming)s instead of %(old)s"),
        "WITHDRAW": _("The limit stays at %(new)s after all"),
        "CLOSE": _("Line closed"),
    }
    return sentences.get(change.direction, "%(new)s") % figures


def tasks_of(codes: Iterable[str], *, borrower: Borrower, offer_url: str, due_url: str) -> list[Task]:
    """Turn the codes of what waits into sentences with their addresses."""
    ref = borrower.ref
    who = reverse("accounts:identity", args=[ref]) if not borrower.is_business else reverse("accounts:switch")
    catalogue = {
        "identity": (
            _("Say who you are"),
            _("Your identity card or passport; two minutes."),
            _("Begin"),
            "id",
            who,
        ),
        "consent": (
            _("Choose what may be used"),
            _("Each use of data on its own."),
            _("Go on"),
            "hand",
            reverse("accounts:consents", args=[ref]),
        ),
        "evidence": (
            _("Give a statement"),
            _("Alipay, WeChat Pay, bank or invoices."),
            _("Go on"),
            "doc",
            reverse("risk:evidence", args=[ref]),
        ),
        "bank_account": (
            _("Add your bank account"),
            _("Where the money should go."),
            _("Go on"),
            "bank",
            reverse("accounts:banks", args=[ref]),
        ),
        "apply": (
            _("Apply for a limit"),
            _("The answer comes at once."),
            _("Apply for a limit"),
            "chart",
            reverse("credit:apply", args=[ref]),
        ),
        "offer": (
            _("Answer our offer"),
            _("It ends by itself if you do nothing."),
            _("See it"),
            "hand",
            offer_url,
        ),
        "overdue": (_("Pay what is overdue"), _("Then you can draw again."), _("Repay"), "warn", due_url),
    }
    if borrower.is_business and "identity" in codes:
        catalogue["identity"] = (
            _("An owner says who they are"),
            _("Under “Myself”: identity card or passport."),
            _("Begin"),
            "id",
            who,
        )
    return [Task(code, *catalogue[code]) for code in codes if code in catalogue]


def plan_task(loan: Loan) -> Task:
    """Say how a loan's hardship request stands: an offered plan waits for the borrower, the rest for us.

    The loan comes from `loans.hardship.with_waiting`.
    """
    url, found = reverse("loans:hardship", args=[loan.ref]), vars(loan)
    if found["hardship_status"] == "OFFERED":
        return Task(
            "plan", _("Answer the plan that we offer"), _("Accept or decline it."), _("See it"), "hand", url
        )
    words = _("You get an answer by %(date)s.") % {"date": day(found["hardship_date"])}
    return Task("plan", _("We look at your request for a plan"), words, _("See it"), "clock", url)


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
