"""Working capital repaid by a share of sales, or advanced on an unpaid invoice: a product version's rules and what they refuse.

Pure: facts in, terms or a refusal out. A share is asked of whole calendar months, on one day of the month after; an advance is
due once, some days after its invoice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from loans.domain.sales import month_after, month_asked, period_name
from regimes.errors import N_, InvalidInput, Refusal

ZERO, ONE, CENT = Decimal(0), Decimal(1), Decimal("0.01")
RATE_STEP: Final = Decimal("0.000001")
LEAST_MONTHS: Final = 3  # whole months of records, before sales can be expected
STALE_DAYS: Final = 60  # older records expect nothing
STEP: Final = Decimal(100)
SHARE, ADVANCE = "SALES_SHARE", "INVOICE_ADVANCE"
_EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)


class UnableToReadRules(InvalidInput):
    """Refuse rules of a product that cannot be kept."""


class UnableToShareSales(Refusal):
    """Refuse a draw that sales cannot repay, or whose sales are not known."""


class UnableToReportSales(InvalidInput):
    """Refuse a report of sales."""


class UnableToAdvance(Refusal):
    """Refuse an advance on an invoice."""


@dataclass(frozen=True, slots=True)
class ShareRules:
    """Hold how a share of sales repays."""

    share: Decimal  # of a month's sales
    cap: Decimal  # of the amount drawn: the most that a month asks
    due_day: int  # of the month after
    price: Decimal = ONE  # times the line's annual rate


@dataclass(frozen=True, slots=True)
class AdvanceRules:
    """Hold what may be advanced on an invoice."""

    advance: Decimal  # of the invoice
    grace_days: int  # after the invoice falls due
    longest_days: int  # from the draw to the day of repaying
    oldest_days: int  # since the invoice was written
    customer_share: Decimal  # of the limit: what may be owed on one customer's invoices
    price: Decimal = ONE


Rules = ShareRules | AdvanceRules
_KINDS: Final[dict[str, type[ShareRules] | type[AdvanceRules]]] = {SHARE: ShareRules, ADVANCE: AdvanceRules}
_WHOLE: Final = {
    "due_day": (1, 28),
    "grace_days": (0, 60),
    "longest_days": (1, 360),
    "oldest_days": (1, 360),
}


def read_rules(written: Mapping[str, Any] | None) -> Rules | None:
    """Read the rules of a product version; None where it is repaid in the ordinary ways.

    >>> read_rules({"kind": "SALES_SHARE", "share": "0.06", "cap": "0.25", "due_day": 10}).share
    Decimal('0.06')
    """
    if written is None:
        return None
    if not isinstance(written, Mapping) or written.get("kind") not in _KINDS:
        raise _unreadable()
    kind = _KINDS[written["kind"]]
    if set(written) - {"kind"} - {field.name for field in fields(kind)}:
        raise _unreadable()
    try:
        values = {name: _value(name, value) for name, value in written.items() if name != "kind"}
        return kind(**values)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise _unreadable() from error


def _value(name: str, value: Any) -> Any:
    if name in _WHOLE:
        low, high = _WHOLE[name]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(name)
        return value
    if not isinstance(value, str):
        raise TypeError(name)
    part = Decimal(value)
    if not part.is_finite() or not ZERO < part <= ONE:
        raise ValueError(name)
    return part


def _unreadable() -> UnableToReadRules:
    return UnableToReadRules(
        "product_field_invalid", N_("This field of the product is not possible."), field="working_rules"
    )


def priced(rate: Decimal, rules: Rules) -> Decimal:
    """Give the annual rate of a draw: never above the line's.

    >>> priced(Decimal("0.144"), ShareRules(Decimal("0.06"), Decimal("0.25"), 10, Decimal("0.9")))
    Decimal('0.129600')
    """
    return (rate * rules.price).quantize(RATE_STEP, ROUND_DOWN)


# ---- a share of sales -------------------------------------------------------------------------------------------------


def first_due(start: date, due_day: int) -> date:
    """Give the first day on which a share is asked: in the month after the first whole month of the loan.

    >>> first_due(date(2026, 10, 1), 10), first_due(date(2026, 10, 2), 10)
    (datetime.date(2026, 11, 10), datetime.date(2026, 12, 10))
    """
    return month_after(start, 1 if start.day == 1 else 2).replace(day=due_day)


def cap_of(rules: ShareRules, amount: Decimal) -> Decimal:
    """Give the most that one month asks."""
    return max((amount * rules.cap).quantize(CENT, ROUND_DOWN), CENT)


def share_terms(rules: ShareRules, *, amount: Decimal, expected: Decimal, start: date) -> dict[str, Any]:
    """Give what the terms of a loan say of its share of sales."""
    return {
        "sales_share": rules.share,
        "period_cap": cap_of(rules, amount),
        "expected_sales": expected,
        "due_day": rules.due_day,
        "first_due_date": first_due(start, rules.due_day),
    }


def check_expected(*, mean: Decimal | None, months: int, age_days: int | None) -> Decimal:
    """Give the sales that are expected of a month, from fresh records of enough months, or refuse."""
    if mean is None or mean < CENT or months < LEAST_MONTHS:
        raise UnableToShareSales(
            "sales_unknown",
            N_("Give invoices or statements of %(months)s whole months first: the share is worked out from them."),
            field="scenario",
            params={"months": LEAST_MONTHS},
        )  # fmt: skip
    if age_days is None or age_days > STALE_DAYS:
        raise UnableToShareSales(
            "sales_stale",
            N_("Your newest record is %(days)s days old, and at most %(most)s count. Give newer invoices or statements."),
            field="scenario",
            params={"days": age_days, "most": STALE_DAYS},
        )  # fmt: skip
    return mean.quantize(CENT, ROUND_DOWN)


def most_by_sales(rules: ShareRules, *, expected: Decimal, count: int, annual_rate: Decimal) -> Decimal:
    """Give the largest amount, in whole hundreds, that the share of expected sales repays in so many months.

    >>> most_by_sales(ShareRules(Decimal("0.10"), Decimal("1"), 10), expected=Decimal(10000), count=6, annual_rate=Decimal("0.12"))
    Decimal('5700')
    """
    ask = rules.share * expected
    monthly = _EXACT.divide(annual_rate, Decimal(12))
    worth, discount = ZERO, _EXACT.divide(ONE, ONE + monthly)  # the first month is the longer one
    for _ in range(count):
        discount = _EXACT.divide(discount, ONE + monthly)
        worth += ask * discount
    return worth // STEP * STEP


def check_share(
    rules: ShareRules,
    *,
    amount: Decimal,
    count: int,
    expected: Decimal,
    annual_rate: Decimal,
    is_running: bool,
) -> None:
    """Pass an amount that expected sales repay in time, one such loan at a time; or refuse it naming the field."""
    if is_running:
        raise UnableToShareSales(
            "share_running",
            N_("One loan at a time is repaid by a share of sales. Repay it, then draw the next."),
            field="scenario",
        )
    most = most_by_sales(rules, expected=expected, count=count, annual_rate=annual_rate)
    if amount > most:
        raise UnableToShareSales(
            "sales_too_low",
            N_("The share of your expected sales repays %(most)s in this time. Ask for less, or take a longer term."),
            field="amount",
            params={"most": f"{most:.2f}"},
        )  # fmt: skip


def check_report(
    *, amount: Decimal, month: date, due_date: date, as_of: date, seen: Decimal | None, is_owner: bool
) -> None:
    """Pass a report of a month's sales, or refuse it naming the field. `seen` is what records show of that month."""
    wanted = month_asked(due_date)
    if month != wanted or as_of >= due_date:
        raise UnableToReportSales(
            "sales_period_closed",
            N_("The next share is of the sales of %(wanted)s, to be reported before %(due)s. What was asked before stays."),
            field="period",
            params={"wanted": period_name(wanted), "due": due_date.isoformat()},
        )  # fmt: skip
    if as_of < month_after(month):
        raise UnableToReportSales(
            "sales_period_open",
            N_("%(month)s is not over. Report its sales from %(day)s on."),
            field="period",
            params={"month": period_name(month), "day": month_after(month).isoformat()},
        )
    if is_owner and seen is not None and amount < seen:
        raise UnableToReportSales(
            "sales_below_records",
            N_("Your records show sales of %(seen)s for this month. Report at least that, or correct the records."),
            field="amount",
            params={"seen": f"{seen:.2f}"},
        )  # fmt: skip


# ---- an advance on an invoice -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """Hold what is known of an invoice on a day."""

    amount: Decimal  # as it was registered
    amount_now: Decimal | None  # as the records show it; None: they no longer do
    issued: date
    due: date
    paid: date | None = None
    is_cancelled: bool = False
    is_unseen: bool = False  # the records no longer have it
    is_pledged: bool = False
    is_own_group: bool = False
    owed_on_customer: Decimal = ZERO  # on other invoices of the same customer


def most_advanced(rules: AdvanceRules, amount: Decimal) -> Decimal:
    """Give what is advanced on an invoice at most, in whole cents and never rounded up.

    >>> most_advanced(AdvanceRules(Decimal("0.8"), 15, 120, 90, Decimal("0.5")), Decimal("100.01"))
    Decimal('80.00')
    """
    return (amount * rules.advance).quantize(CENT, ROUND_DOWN)


def due_of_advance(rules: AdvanceRules, due: date) -> date:
    """Give the day on which an advance is repaid at the latest."""
    return due + timedelta(days=rules.grace_days)


def check_invoice(rules: AdvanceRules, facts: InvoiceFacts, *, as_of: date, limit: Decimal) -> Decimal:
    """Give what may be advanced on an invoice today, or refuse it with the rule and the way on."""
    for code, message, holds in _RULES:
        if holds(rules, facts, as_of):
            raise UnableToAdvance(
                code,
                message,
                field="invoice",
                params={
                    "oldest": rules.oldest_days,
                    "longest": rules.longest_days,
                    "due": facts.due.isoformat(),
                    "paid": facts.paid.isoformat() if facts.paid else "",
                },
            )
    room = (limit * rules.customer_share).quantize(CENT, ROUND_DOWN) - facts.owed_on_customer
    if room < CENT:
        raise UnableToAdvance(
            "customer_concentration",
            N_("What is owed on this customer's invoices is at the most that your limit allows. Choose another customer's."),
            field="invoice",
        )  # fmt: skip
    return min(most_advanced(rules, facts.amount), room)


def check_advance(most: Decimal, amount: Decimal) -> None:
    """Pass an amount that may be advanced, or refuse it."""
    if amount > most:
        raise UnableToAdvance(
            "advance_exceeded",
            N_("On this invoice at most %(most)s is advanced."),
            field="amount",
            params={"most": f"{most:.2f}"},
        )


_RULES: Final = (
    (
        "invoice_cancelled",
        N_("This invoice was voided or taken back. Choose another."),
        lambda rules, facts, as_of: facts.is_cancelled,
    ),
    (
        "invoice_unseen",
        N_("Your records no longer show this invoice. Upload the list that has it, or choose another."),
        lambda rules, facts, as_of: facts.is_unseen,
    ),
    (
        "invoice_changed",
        N_("Your records show another amount for this invoice now. Register it again."),
        lambda rules, facts, as_of: facts.amount_now != facts.amount,
    ),
    (
        "invoice_paid",
        N_("Your customer paid this invoice on %(paid)s. Choose one that is unpaid."),
        lambda rules, facts, as_of: facts.paid is not None,
    ),
    (
        "invoice_pledged",
        N_("Money was advanced on this invoice before: one invoice serves one draw. Choose another."),
        lambda rules, facts, as_of: facts.is_pledged,
    ),
    (
        "customer_own_group",
        N_("This customer is a business of yours. Choose an invoice to somebody else."),
        lambda rules, facts, as_of: facts.is_own_group,
    ),
    (
        "invoice_overdue",
        N_("This invoice was due on %(due)s. Choose one that is not due yet."),
        lambda rules, facts, as_of: facts.due <= as_of,
    ),
    (
        "invoice_too_old",
        N_("This invoice is older than %(oldest)s days. Choose a newer one."),
        lambda rules, facts, as_of: (as_of - facts.issued).days > rules.oldest_days,
    ),
    (
        "invoice_too_long",
        N_("With the days after it, this invoice is due in more than %(longest)s days. Choose one due earlier."),
        lambda rules, facts, as_of: (due_of_advance(rules, facts.due) - as_of).days > rules.longest_days,
    ),
)  # fmt: skip
"""In the order in which a borrower would want to know."""


def advance_terms(rules: AdvanceRules, *, due: date) -> dict[str, Any]:
    """Give what the terms of a loan say of its one due date."""
    return {"custom_due_dates": (due_of_advance(rules, due),)}
