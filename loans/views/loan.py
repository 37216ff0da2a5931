"""The list of loans, one loan, and repaying it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import access as accounts_access
from accounts import queries as accounts_queries
from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page, refuse, signed_in
from accounts.templatetags.portal import money
from ledger.queries import business_date
from loans import access, operations, queries
from loans.domain.sales import EXPECTED, asked_of, reports_in
from loans.domain.state import PayoffQuote
from loans.forms import METHODS, SHARE, RepayForm
from loans.models import Collection, Loan
from loans.queries import LoanView
from loans.tasks import wake_collection
from loans.views.wake import wake
from loans.views.way import Link, Way, collection_way
from loans.views.words import InstalmentView, asked_words, instalment_view
from regimes.errors import N_, Refusal

METHOD_NAMES = dict([*METHODS, SHARE])
TAGS = {"ACTIVE": "tag-good", "OVERDUE": "tag-bad", "PENDING": "tag-warn", "WRITTEN_OFF": "tag-bad"}


class UnableToRepay(Refusal):
    """Refuse a payment that the page can tell is not meant."""


def for_loan(*, paying: bool = False) -> Callable[..., Any]:
    """Give the view the loan of its address, when it is the visitor's; or 404, or 403 for a viewer who pays."""

    def wrap(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @signed_in
        @wraps(view)
        def inner(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
            roles = accounts_access.MAY_DRAW if paying else None
            loan = access.own_loan(user=request.user, ref=ref, roles=roles)
            return view(request, loan)

        return inner

    return wrap


@for_borrower()
def index(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """List the loans, those that run first."""
    found = list(queries.loans_of(borrower_ids=[borrower.pk]))
    live = [loan for loan in found if loan.status in ("ACTIVE", "OVERDUE", "PENDING")]
    live.sort(key=lambda loan: (loan.next_due_date or date.max, loan.pk))
    over = sorted((loan for loan in found if loan not in live), key=lambda loan: -loan.pk)
    owed = sum((loan.principal_outstanding for loan in live), start=Decimal(0))
    return page(
        request,
        "loans/list.html",
        {"live": live, "over": over, "owed": owed, "tags": TAGS},
        borrower=borrower,
        here="loans",
    )


@for_loan()
def detail(request: SignedIn, loan: Loan) -> HttpResponse:
    """Show one loan: what is owed, each instalment, what happened, what closes it today."""
    as_of = business_date()
    view = queries.loan_view(loan_id=loan.pk, as_of=as_of, loan=loan)
    context = {
        "loan": loan,
        "rows": _shown(loan, [instalment_view(row, as_of=as_of) for row in view.instalments]),
        "events": [event for event in reversed(view.events) if not event.is_reversed],
        "payoff": view.payoff if loan.is_live else None,
        "method": METHOD_NAMES.get(loan.repayment_method, ""),
        "as_of": as_of,
        "tag": TAGS.get(loan.status, ""),
        "due": due_now(view) if loan.is_live else None,
        "state": view.state,
        "waiting": next((row for row in view.collections if row.status in Collection.OPEN), None),
        "receipts": [row for row in view.collections if row.status == "CONFIRMED"][:6],
        "may_withdraw_until": withdraw_until(loan, as_of),
        "sales": _sales(loan, view),
    }
    return page(request, "loans/loan.html", context, borrower=loan.borrower, here="loans")


def _shown(loan: Loan, rows: list[InstalmentView]) -> list[InstalmentView]:
    """Leave out the months in which a share of sales would find nothing left to repay."""
    return [row for row in rows if row.total] if loan.repayment_method == "SALES_SHARE" else rows


def _sales(loan: Loan, view: LoanView) -> dict[str, Any] | None:
    """Say what was and will be asked of a shop's sales; None for loans repaid otherwise."""
    terms = loan.agreed
    if terms.expected_sales is None or not loan.is_live:
        return None
    reports = reports_in(view.history)
    rows = [asked_of(terms=terms, due_date=row.due_date, reports=reports) for row in view.instalments]
    coming = next((row for row in rows if row.due_date > view.state.value_date), rows[-1])
    older = [
        f"{row.due_date:%Y-%m-%d}: {asked_words(row)}"
        for row in reversed(rows)
        if row.due_date < coming.due_date
    ]
    return {"words": asked_words(coming), "is_expected": coming.source == EXPECTED, "older": older}


def withdraw_until(loan: Loan, as_of: date) -> date | None:
    """Give the last day on which the borrower may withdraw from the contract, while it is not past."""
    days = loan.agreed.cooling_off_days
    last = loan.start_date + timedelta(days=days)
    return last if days and loan.is_live and as_of <= last else None


def due_now(view: LoanView) -> Decimal:
    """Give what is overdue or due today, or else the next instalment."""
    return min(view.state.due.total or view.state.next_due.total, view.payoff.total)


@require_http_methods(["GET", "POST"])
@for_loan(paying=True)
def repay(request: SignedIn, loan: Loan) -> HttpResponse:
    """Pay what is due, a part, or everything: money is asked of the borrower's own bank account."""
    if not loan.is_live:
        return redirect("loans:loan", loan.ref)
    as_of = business_date()
    view = queries.loan_view(loan_id=loan.pk, as_of=as_of, loan=loan)
    payoff, due = view.payoff, due_now(view)
    held = accounts_queries.bank_accounts_of(borrower_id=loan.borrower_id)
    accounts = [(str(row.ref), row.masked) for row in held if row.verified_at]
    quoted = f"{as_of.isoformat()}:{due}:{payoff.total}"
    initial = {
        "part": "DUE" if due else "ALL",
        "quoted": quoted,
        "choice": "PAY_AHEAD",
        "amount": "",
        "bank_account": accounts[0][0] if accounts else "",
    }
    form, status = RepayForm(request.POST or None, accounts=accounts, initial=initial), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                collection = _collect(request, loan, form.cleaned_data, view, quoted)
                return redirect("loans:collection", collection.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
                form.data = {**request.POST.dict(), "quoted": quoted}
    context = {
        "loan": loan,
        "form": form,
        "payoff": payoff,
        "due": due,
        "state": view.state,
        "as_of": as_of,
        "has_account": bool(accounts),
        "waiting": next((row for row in view.collections if row.status in Collection.OPEN), None),
    }
    return page(request, "loans/repay.html", context, borrower=loan.borrower, here="loans", status=status)


def _collect(request: SignedIn, loan: Loan, data: dict[str, Any], view: LoanView, quoted: str) -> Collection:
    """Order the payment that the page promised and wake whoever sends it."""
    account = accounts_access.own_bank_account(user=request.user, ref=data["bank_account"])
    collection = operations.start_collection(
        loan_id=loan.pk,
        amount=_amount(data, due=due_now(view), payoff=view.payoff, quoted=quoted, loan=loan),
        choice=data["choice"] if data["part"] == "PART" else None,
        idempotency_key=str(data["key"]),
        bank_account_id=account.pk,
        actor=request.user,
        as_of=view.state.value_date,
    )
    wake(wake_collection, collection.pk)
    return collection


def _amount(data: dict[str, Any], *, due: Decimal, payoff: PayoffQuote, quoted: str, loan: Loan) -> Decimal:
    """Give the amount that the page promised; a promise of another day is made anew."""
    if data["part"] == "PART":
        return Decimal(data["amount"])
    repeated = loan.collections.filter(idempotency_key=str(data["key"])).first()
    if repeated is not None:
        return repeated.amount
    if data["quoted"] != quoted:
        raise UnableToRepay(
            "quote_expired", N_("The amounts changed since you opened this page. Look at them, then pay.")
        )
    return due if data["part"] == "DUE" else payoff.total


@signed_in
def collection(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show where a repayment is; htmx asks for the middle alone."""
    found = access.own_collection(user=request.user, ref=ref)
    way = _way(found)
    if request.headers.get("HX-Request") == "true":
        return page(request, "parts/way.html", {"way": way})
    return page(request, "credit/drawdown.html", {"way": way}, borrower=found.loan.borrower, here="loans")


def _way(found: Collection) -> Way:
    loan = found.loan
    links = [
        Link(_("See the loan"), reverse("loans:loan", args=[loan.ref])),
        Link(_("To the start page"), reverse("credit:home", args=[loan.borrower.ref])),
    ]
    if found.status == "REFUSED":
        links.insert(0, Link(_("Pay again"), reverse("loans:repay", args=[loan.ref])))
    left = (
        _("You owe nothing on this loan.")
        if loan.status == "CLOSED"
        else _("Still to repay: %(amount)s") % {"amount": money(loan.principal_outstanding)}
    )
    return collection_way(
        status=found.status,
        amount=found.amount,
        page_url=reverse("loans:collection", args=[found.ref]),
        links=links,
        now_owed=left,
    )
