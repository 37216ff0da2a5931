"""A quote is laid out by hand; what comes of it is what its serializer says, to the last sign."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from loans.api_answers import QuoteOut, quote_answer
from loans.api_v1 import QUOTED
from loans.domain.quotes import quote
from loans.domain.terms import LoanTerms, RepaymentMethod


@pytest.mark.parametrize("method", QUOTED)
@pytest.mark.parametrize("count", [1, 6])
def test_it_is_what_the_schema_says(method: str, count: int) -> None:
    day = date(2026, 1, 31)
    terms = LoanTerms(
        principal=Decimal("1000.10"), annual_rate=Decimal("0.1735"), repayment_method=RepaymentMethod(method),
        instalment_count=count, start_date=day, penalty_rate=Decimal("0.24"),
    )  # fmt: skip
    found = quote(terms, as_of=day)
    assert quote_answer(found) == QuoteOut(found.to_dict()).data
