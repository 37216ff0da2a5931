"""The calculator: open to anybody, keeps nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.pages import page, refuse
from loans.domain.quotes import Quote, quote
from loans.domain.terms import FeeTerm, FeeTiming, LoanTerms, RepaymentMethod
from loans.forms import CalculatorForm
from regimes.errors import Refusal


@require_GET
def calculator(request: HttpRequest) -> HttpResponse:
    """Show what any loan costs a year, everything included."""
    names = set(CalculatorForm.base_fields)
    form = CalculatorForm(request.GET if names & set(request.GET) else None)
    found, status = None, 200
    data = form.cleaned_data if form.is_bound and form.is_valid() else None
    if not form.is_bound:
        data = {
            "amount": Decimal("10000.00"),
            "annual_rate": Decimal("14.4"),
            "fee": Decimal(0),
            "count": 12,
            "method": "EQUAL_INSTALMENT",
        }
    elif data is None:
        status = 400
    if data is not None:
        try:
            found = _quote(data)
        except Refusal as refusal:
            status = refuse(form, refusal, principal="amount", instalment_count="count", fees="fee")
    return page(request, "loans/calculator.html", {"form": form, **_shown(found)}, status=status)


def _quote(data: dict[str, Any]) -> Quote:
    fee = data["fee"]
    fees = (FeeTerm("fee", FeeTiming.AT_PAYOUT, amount=fee),) if fee else ()
    terms = LoanTerms(
        principal=data["amount"],
        annual_rate=data["annual_rate"] / 100,
        repayment_method=RepaymentMethod(data["method"]),
        instalment_count=data["count"],
        start_date=timezone.localdate(),  # noqa: TID251  anybody's loan, not ours
        fees=fees,
    )
    return quote(terms, as_of=terms.start_date)


def _shown(found: Quote | None) -> dict[str, Any]:
    if found is None:
        return {"rows": []}
    rows = [
        {
            "number": item.number,
            "due_date": item.due_date,
            "total": item.due.total,
            "principal": item.due.principal,
            "interest": item.due.interest,
            "fee": item.due.fee,
        }
        for item in found.instalments
    ]
    return {"rows": rows, "totals": found.totals, "rates": found.annual_rates, "has_result": True}
