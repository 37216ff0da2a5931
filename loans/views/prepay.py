"""Pay early: what the same money does in its three ways, side by side, before it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts import queries as accounts_queries
from accounts.pages import SignedIn, page, refuse
from ledger.queries import business_date
from loans import queries
from loans.domain.prepaying import Choice, prepay_choices
from loans.forms import CHOICES, PrepayForm, RepayForm
from loans.models import Loan
from loans.operations.collections import UnableToCollect
from loans.operations.events import read_events
from loans.views.loan import due_now, for_loan
from loans.views.words import allocation_words
from regimes.errors import N_, Refusal

LABELS = dict(CHOICES)


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """One way, as its card says it."""

    code: str
    label: Any
    saved: Decimal
    next_amount: Decimal
    next_date: date | None
    rows_left: int
    last_date: date | None


def choice_view(choice: Choice) -> ChoiceView:
    """Lay one way out for its card."""
    return ChoiceView(
        code=choice.policy.value,
        label=LABELS[choice.policy.value],
        saved=choice.saved,
        next_amount=choice.state.next_due.total,
        next_date=choice.state.next_due_date,
        rows_left=choice.rows_left,
        last_date=choice.last_date,
    )


@require_GET
@for_loan(paying=True)
def prepay(request: SignedIn, loan: Loan) -> HttpResponse:
    """Compare the three ways for an amount; htmx asks for the comparison alone."""
    if not loan.is_live:
        return redirect("loans:loan", loan.ref)
    as_of = business_date()
    view = queries.loan_view(loan_id=loan.pk, as_of=as_of, loan=loan)
    due, payoff = due_now(view), view.payoff
    form, status = PrepayForm(request.GET or None), 200
    choices: list[Choice] = []
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                choices = _choices(loan, form.cleaned_data["amount"], as_of=as_of, most=payoff.total)
                status = 200
            except Refusal as refusal:
                status = refuse(form, refusal)
    accounts = accounts_queries.bank_accounts_of(borrower_id=loan.borrower_id)
    context = {
        "loan": loan,
        "form": form,
        "due": due,
        "payoff": payoff,
        "as_of": as_of,
        "choices": [choice_view(choice) for choice in choices],
        "amount": form.cleaned_data.get("amount") if choices else None,
        "allocation": allocation_words(choices[0].allocation) if choices else [],
        "is_all": bool(choices) and form.cleaned_data["amount"] == payoff.total,
        "pay": _pay_form(loan, accounts, f"{as_of.isoformat()}:{due}:{payoff.total}"),
    }
    if request.headers.get("HX-Request") == "true":
        return page(request, "loans/prepay_choices.html", context, status=200)
    return page(request, "loans/prepay.html", context, borrower=loan.borrower, here="loans", status=status)


def _choices(loan: Loan, amount: Decimal, *, as_of: date, most: Decimal) -> list[Choice]:
    if amount > most:
        raise UnableToCollect(
            "payment_exceeds_debt",
            N_("Everything, paid today, is %(owed)s. More cannot be paid."),
            field="amount",
            params={"owed": most},
        )
    return list(prepay_choices(loan.agreed, read_events(loan_id=loan.pk), amount=amount, value_date=as_of))


def _pay_form(loan: Loan, accounts: list[Any], quoted: str) -> RepayForm:
    usable = [(str(row.ref), row.masked) for row in accounts if row.verified_at]
    return RepayForm(accounts=usable, initial={"quoted": quoted, "choice": "FEWER_INSTALMENTS"})
