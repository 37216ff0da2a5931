"""The contract of a loan, to read and to keep."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.pages import SignedIn, signed_in
from accounts.papers import answer
from credit import access
from credit.papers import contract_paper


@require_GET
@signed_in
def contract(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show what was signed for a loan, as a page or PDF."""
    found = access.own_drawdown_of_loan(user=request.user, loan_ref=ref)
    return answer(
        request,
        contract_paper(drawdown=found),
        kind="pdf" if request.GET.get("as") == "pdf" else "html",
        back=reverse("loans:loan", args=[found.loan.ref]),
        back_words=_("The loan"),
        borrower=found.line.borrower,
        here="loans",
    )
