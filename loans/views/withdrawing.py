"""Leave a loan in its cooling-off period."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.pages import SignedIn, page, sentence
from ledger.queries import business_date
from loans import operations, queries
from loans.models import Loan
from loans.views.loan import for_loan, withdraw_until
from regimes.errors import Refusal


@require_http_methods(["GET", "POST"])
@for_loan(paying=True)
def withdraw(request: SignedIn, loan: Loan) -> HttpResponse:
    """Say what withdrawing costs, and do it."""
    as_of = business_date()
    if request.method == "POST":
        try:
            operations.withdraw_from_loan(loan_id=loan.pk, actor=request.user, as_of=as_of)
            messages.success(request, _("You withdrew. Pay back the amount below and the loan is over."))
            return redirect("loans:repay", loan.ref)
        except Refusal as refusal:
            messages.error(request, sentence(refusal))
            return redirect("loans:loan", loan.ref)
    last = withdraw_until(loan, as_of)
    if last is None:
        return redirect("loans:loan", loan.ref)
    payoff = queries.payoff(loan_id=loan.pk, as_of=as_of)
    context = {
        "loan": loan,
        "payoff": payoff,
        "last": last,
        "with_interest": loan.agreed.cooling_off_interest,
    }
    return page(request, "loans/withdraw.html", context, borrower=loan.borrower, here="loans")
