"""Questions to shops and purchases; nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from accounts.models import BankAccount, Borrower
from credit.domain.products import counts_of
from credit.models import CreditLine, Product
from credit.queries import ceiling_now, line_view, loan_terms
from loans.domain.quotes import Quote, quote
from merchants.domain.categories import BY_CODE, METHOD, Category
from merchants.domain.orders import share
from merchants.models import Checkout, Merchant, MerchantPlan

LIKELY_RATE = Decimal("0.12")  # of an estimate, before anybody is decided


@dataclass(frozen=True, slots=True)
class PlanOption:
    """One plan that a buyer may choose, with its whole cost."""

    instalment_count: int
    zero_interest: bool
    terms_version: str
    quote: Quote

    @property
    def key(self) -> str:
        """Name the plan for a form."""
        return f"{self.instalment_count}{'z' if self.zero_interest else ''}"


def category_of_checkout(checkout: Checkout) -> Category:
    """Give the category of an order."""
    return BY_CODE[checkout.category]


def product_of(checkout: Checkout) -> Product | None:
    """Give the product of credit that pays for such goods."""
    category = BY_CODE[checkout.category]
    return Product.objects.filter(scenario=category.scenario, family=category.family, is_active=True).first()


def line_for(*, borrower: Borrower, checkout: Checkout) -> CreditLine | None:
    """Give the buyer's line that such goods are paid with; an offer counts, a closed line does not."""
    return (
        CreditLine.objects.select_related("borrower")
        .filter(borrower=borrower, family=BY_CODE[checkout.category].family)
        .exclude(status=CreditLine.Status.CLOSED)
        .order_by("-pk")
        .first()
    )


def room_of(*, line: CreditLine, as_of: date) -> Decimal:
    """Return what the line still has room for."""
    return line_view(line=line, as_of=as_of, newest=0).available


def paying_account(*, borrower: Borrower) -> BankAccount | None:
    """Give the account from which instalments are paid: the default one, if it is confirmed."""
    return (
        BankAccount.objects.filter(borrower=borrower, removed_at=None, verified_at__isnull=False)
        .order_by("-is_default", "pk")
        .first()
    )


def plans_for(*, line: CreditLine, checkout: Checkout, as_of: date) -> list[PlanOption]:
    """List the plans of an order for a buyer: the shop's at 0 % first, then the ordinary ones."""
    product = product_of(checkout)
    if product is None:
        return []
    terms = product.terms()
    if METHOD not in terms.methods or not terms.minimum <= checkout.amount <= terms.maximum:
        return []
    counts = counts_of(terms, METHOD, ceiling_now())
    paid_for = set(
        MerchantPlan.objects.filter(
            merchant_id=checkout.merchant_id, is_active=True, instalment_count__in=counts
        ).values_list("instalment_count", flat=True)
    )
    options = []
    for count in sorted(counts):
        for zero in (True, False):
            if (zero and count not in paid_for) or (not zero and count in paid_for):
                continue
            agreed = loan_terms(
                line=line,
                amount=checkout.amount,
                instalment_count=count,
                repayment_method=METHOD,
                as_of=as_of,
            )
            options.append(
                PlanOption(
                    instalment_count=count,
                    zero_interest=zero,
                    terms_version=terms.terms_version,
                    quote=quote(replace(agreed, annual_rate=Decimal(0)) if zero else agreed, as_of=as_of),
                )
            )
    return sorted(options, key=lambda option: (not option.zero_interest, option.instalment_count))


def charges_of(*, merchant: Merchant, amount: Decimal, subvention_rate: Decimal) -> tuple[Decimal, Decimal]:
    """Return fee and subvention that a sale would cost the shop."""
    return share(amount, merchant.fee_rate), share(amount, subvention_rate)
