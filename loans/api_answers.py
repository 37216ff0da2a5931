"""What the addresses of loans answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from accounts.api import MoneyField, RateField
from loans.domain.quotes import Quote
from loans.queries import LoanView


class QuotedInstalmentOut(serializers.Serializer[Any]):
    """One instalment of a quote."""

    number = serializers.IntegerField()
    from_date = serializers.DateField()
    due_date = serializers.DateField()
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField()
    penalty = MoneyField()
    total = MoneyField()
    paid = MoneyField()
    balance_after = MoneyField()
    days_past_due = serializers.IntegerField()


class TotalsOut(serializers.Serializer[Any]):
    """What the whole loan costs."""

    received = MoneyField()
    principal = MoneyField()
    interest = MoneyField()
    fees = MoneyField()
    penalties = MoneyField()
    repayments = MoneyField()
    cost = MoneyField(help_text="What is paid beyond what was received.")


class AnnualRatesOut(serializers.Serializer[Any]):
    """The annual rate by three standards, and the contract's own; null where there is none."""

    nominal = RateField()
    pboc_irr = RateField(allow_null=True, help_text="By IRR, as the People's Bank of China asks.")
    us_apr = RateField(allow_null=True)
    eu_aprc = RateField(allow_null=True)


class PayoffOut(serializers.Serializer[Any]):
    """Every component of what closes a loan on a day."""

    value_date = serializers.DateField()
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField()
    penalty = MoneyField()
    credit = MoneyField(help_text="Taken off.")
    total = MoneyField()


class QuoteOut(serializers.Serializer[Any]):
    """The whole cost of a loan."""

    as_of = serializers.DateField()
    currency = serializers.CharField()
    instalments = QuotedInstalmentOut(many=True)
    totals = TotalsOut()
    annual_rates = AnnualRatesOut()


def quote_answer(quote: Quote) -> dict[str, Any]:
    """Lay a quote out as `QuoteOut` says it: its values are texts already, and two hundred fields need not be asked."""
    found = quote.to_dict()
    return {name: found[name] for name in ("as_of", "currency", "instalments", "totals", "annual_rates")}


class LoanOut(serializers.Serializer[Any]):
    """A loan in a list."""

    ref = serializers.UUIDField()
    borrower = serializers.UUIDField(source="borrower.ref")
    status = serializers.CharField(help_text="PENDING, ACTIVE, OVERDUE, CLOSED, CANCELLED or WRITTEN_OFF.")
    currency = serializers.CharField()
    principal = MoneyField()
    annual_rate = RateField()
    repayment_method = serializers.CharField()
    instalment_count = serializers.IntegerField()
    start_date = serializers.DateField()
    maturity_date = serializers.DateField(allow_null=True)
    principal_outstanding = MoneyField()
    credit_balance = MoneyField()
    next_due_date = serializers.DateField(allow_null=True)
    next_due_amount = MoneyField()
    days_past_due = serializers.IntegerField()


class InstalmentOut(serializers.Serializer[Any]):
    """One instalment as it stands."""

    number = serializers.IntegerField()
    due_date = serializers.DateField()
    principal = MoneyField(source="due.principal")
    interest = MoneyField(source="due.interest")
    fee = MoneyField(source="due.fee")
    penalty = MoneyField(source="due.penalty")
    total = MoneyField(source="due.total")
    outstanding = MoneyField(source="outstanding.total")
    paid_date = serializers.DateField(allow_null=True)
    days_past_due = serializers.IntegerField()


class EventOut(serializers.Serializer[Any]):
    """What happened to a loan."""

    sequence = serializers.IntegerField()
    kind = serializers.CharField()
    words = serializers.CharField()
    value_date = serializers.DateField()
    booked_date = serializers.DateField()
    amount = MoneyField()
    is_reversed = serializers.BooleanField()


class LoanDetailOut(LoanOut):
    """A loan with its instalments, its history and what closes it today."""

    as_of = serializers.DateField()
    payout_status = serializers.CharField(allow_null=True)
    due = MoneyField(help_text="Fallen due and unpaid, today included.")
    payoff = PayoffOut()
    instalments = InstalmentOut(many=True)
    events = EventOut(many=True)


class RepaymentOut(serializers.Serializer[Any]):
    """Money that is asked of the borrower's bank account."""

    ref = serializers.UUIDField()
    loan = serializers.UUIDField(source="loan.ref")
    amount = MoneyField()
    currency = serializers.CharField()
    choice = serializers.CharField()
    status = serializers.CharField(
        help_text="PENDING, CLAIMED, SENT, UNKNOWN, CONFIRMED, REFUSED or PARKED: only CONFIRMED is paid."
    )
    requested_date = serializers.DateField()
    done_at = serializers.DateTimeField(allow_null=True)


def loan_detail(view: LoanView, *, as_of: date) -> dict[str, Any]:
    """Lay a loan out with everything that belongs to it."""
    return {
        **LoanOut(view.loan).data,
        "as_of": as_of.isoformat(),
        "payout_status": view.payout.status if view.payout else None,
        "due": MoneyField().to_representation(view.state.due.total),
        "payoff": PayoffOut(view.payoff).data,
        "instalments": InstalmentOut(view.instalments, many=True).data,
        "events": EventOut(view.events, many=True).data,
    }


class KnownStateOut(serializers.Serializer[Any]):
    """The figures of a loan on a day."""

    status = serializers.CharField(source="status.value")
    annual_rate = RateField()
    disbursed = MoneyField()
    principal_outstanding = MoneyField()
    due = MoneyField(source="due.total", help_text="Fallen due and unpaid.")
    accrued_interest = MoneyField(help_text="Earned and not due yet.")
    interest_earned = MoneyField()
    fees_charged = MoneyField()
    penalty_earned = MoneyField()
    paid = MoneyField(source="paid.total")
    credit = MoneyField()
    days_past_due = serializers.IntegerField()


class PostingOut(serializers.Serializer[Any]):
    """One posting of the ledger about a loan."""

    booked_date = serializers.DateField()
    value_date = serializers.DateField()
    kind = serializers.CharField()
    account = serializers.CharField(source="role")
    side = serializers.CharField(source="direction", help_text="D or C.")
    amount = MoneyField()


class KnownLoanOut(serializers.Serializer[Any]):
    """A loan on a day, as it was known on a day: its figures, instalments, history and postings."""

    ref = serializers.UUIDField()
    value_date = serializers.DateField()
    known_on = serializers.DateField()
    state = KnownStateOut()
    payoff = PayoffOut()
    instalments = InstalmentOut(many=True)
    events = EventOut(many=True)
    postings = PostingOut(many=True)


class FigureChangeOut(serializers.Serializer[Any]):
    """One figure of an instalment before and after."""

    number = serializers.IntegerField()
    due_date = serializers.DateField()
    field = serializers.CharField(help_text="Such as principal_paid, interest_due or penalty_waived.")
    before = MoneyField()
    after = MoneyField()


class LegOut(serializers.Serializer[Any]):
    """One posting of the difference."""

    account = serializers.CharField(source="account_role")
    debit = MoneyField()
    credit = MoneyField()


class ChangesOut(serializers.Serializer[Any]):
    """What an event changed on the day on which it was learned."""

    sequence = serializers.IntegerField()
    kind = serializers.CharField()
    value_date = serializers.DateField()
    learned_on = serializers.DateField()
    is_backdated = serializers.BooleanField()
    status_before = serializers.CharField()
    status_after = serializers.CharField()
    figures = FigureChangeOut(many=True)
    postings = LegOut(many=True)


class StatementLineOut(serializers.Serializer[Any]):
    """One day: owed before + paid out + earned - paid - forgiven = owed after."""

    day = serializers.DateField()
    words = serializers.ListField(child=serializers.CharField())
    due_number = serializers.IntegerField(allow_null=True)
    paid_out = MoneyField()
    interest = MoneyField()
    fees = MoneyField()
    penalty = MoneyField()
    paid = MoneyField()
    forgiven = MoneyField()
    principal = MoneyField()
    owed = MoneyField()


class StatementOut(serializers.Serializer[Any]):
    """A loan between two days: opening and lines add up to the closing."""

    from_date = serializers.DateField()
    to_date = serializers.DateField()
    known_on = serializers.DateField(allow_null=True)
    opening = MoneyField()
    lines = StatementLineOut(many=True)
    closing = MoneyField()
