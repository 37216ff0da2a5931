"""Products: for which use of money, by which ways of repaying, over which terms and amounts.

A product version never changes; `Product` rows are made from `credit/seed/products_v1.json`. Repayment
methods are named as in `loans.domain.terms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from credit.domain.policy import Ceiling
from credit.domain.working import AdvanceRules, Rules, ShareRules
from regimes.errors import N_, InvalidInput, Refusal


class Scenario(StrEnum):
    """Name where the money is used."""

    EVERYDAY = "EVERYDAY"
    MEDICAL = "MEDICAL"
    EDUCATION = "EDUCATION"
    ELECTRONICS = "ELECTRONICS"
    TRAVEL = "TRAVEL"
    WORKING_CAPITAL = "WORKING_CAPITAL"
    SALES_SHARE = "SALES_SHARE"  # working capital repaid by a share of sales
    INVOICE_ADVANCE = "INVOICE_ADVANCE"  # working capital advanced on an unpaid invoice


class Family(StrEnum):
    """Name whose line a product draws on."""

    PERSONAL = "PERSONAL"
    BUSINESS = "BUSINESS"


class PayeeRule(StrEnum):
    """Say who gets the money of a draw."""

    NONE = "NONE"  # the borrower
    ALLOWED = "ALLOWED"  # the borrower, or a payee that was registered
    REQUIRED = "REQUIRED"  # a payee that was registered


SCENARIO_NAMES: Final[dict[str, str]] = {
    "EVERYDAY": N_("Everyday spending"),
    "MEDICAL": N_("Medical care"),
    "EDUCATION": N_("Education and training"),
    "ELECTRONICS": N_("Phones, computers and appliances"),
    "TRAVEL": N_("Travel"),
    "WORKING_CAPITAL": N_("Working capital"),
    "SALES_SHARE": N_("By a share of sales"),
    "INVOICE_ADVANCE": N_("Advance on an invoice"),
}

PURPOSE_NAMES: Final[dict[str, str]] = {
    "DAILY_GOODS": N_("Daily goods"),
    "HOME_REPAIR": N_("Home repair and decoration"),
    "FURNITURE": N_("Furniture"),
    "VEHICLE_REPAIR": N_("Vehicle repair"),
    "FAMILY_EVENT": N_("Family event"),
    "RENT": N_("Rent"),
    "TREATMENT": N_("Treatment or surgery"),
    "DENTAL": N_("Dental care"),
    "MEDICINE": N_("Medicine"),
    "CHECK_UP": N_("Health check-up"),
    "VOCATIONAL_TRAINING": N_("Vocational training"),
    "LANGUAGE_COURSE": N_("Language course"),
    "CERTIFICATE": N_("Examination or certificate"),
    "CHILD_TUITION": N_("A child's tuition"),
    "PHONE": N_("Phone"),
    "COMPUTER": N_("Computer"),
    "APPLIANCE": N_("Home appliance"),
    "TRANSPORT": N_("Tickets"),
    "HOTEL": N_("Hotel"),
    "PACKAGE_TOUR": N_("Package tour"),
    "STOCK": N_("Stock for the shop"),
    "SUPPLIERS": N_("Paying suppliers"),
    "SHOP_RENT": N_("Shop rent"),
    "WAGES": N_("Staff wages"),
    "EQUIPMENT": N_("Equipment"),
    # never allowed
    "PROPERTY": N_("Buying a house"),
    "SECURITIES": N_("Shares, funds and other securities"),
    "DERIVATIVES": N_("Futures and other derivatives"),
    "EQUITY": N_("Buying a share in a business"),
    "VIRTUAL_CURRENCY": N_("Virtual currency"),
    "GAMBLING": N_("Gambling"),
    "LENDING_ON": N_("Lending the money to others"),
    "DEBT_REPAYMENT": N_("Paying back another loan"),
}

METHOD_NAMES: Final[dict[str, str]] = {
    "EQUAL_INSTALMENT": N_("Equal instalments"),
    "EQUAL_PRINCIPAL": N_("Equal principal"),
    "INTEREST_FIRST": N_("Interest first, principal at the end"),
    "BULLET": N_("Everything at the end"),
    "FLEXIBLE": N_("Pay at any time, interest by the day"),
    "SALES_SHARE": N_("A share of sales each month"),
}

DRAW_ONLY: Final = frozenset({Scenario.SALES_SHARE, Scenario.INVOICE_ADVANCE})
"""Drawn on a line that was applied for otherwise: nobody applies for these."""

AT_THE_END: Final = frozenset({"BULLET"})
"""Ways in which nothing is paid before the last day; the regime bounds their term."""


class UnableToUseProduct(InvalidInput):
    """Refuse a choice that the product does not offer."""


class UnableToUsePurpose(Refusal):
    """Refuse a purpose for which we may not lend."""


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """Hold what one version of a product offers."""

    code: str
    version: int
    scenario: Scenario
    family: Family
    methods: tuple[str, ...]
    instalment_counts: tuple[int, ...]
    minimum: Decimal
    maximum: Decimal
    purposes: tuple[str, ...]
    forbidden: tuple[str, ...]
    evidence_above: Decimal | None = None  # from more than this on, a paper must show the purpose
    sub_limit: Decimal | None = None  # of what may be owed on this product under the line
    payee_rule: PayeeRule = PayeeRule.NONE
    working: Rules | None = None  # a share of sales, or an advance on an invoice

    @property
    def terms_version(self) -> str:
        """Name the terms that a borrower agrees to."""
        return f"{self.code}@{self.version}"


def counts_of(product: ProductTerms, method: str, ceiling: Ceiling) -> tuple[int, ...]:
    """List the terms in months that a way of repaying may have under the regime."""
    most = ceiling.person_months if product.family is Family.PERSONAL else ceiling.business_months
    if method in AT_THE_END:
        most = min(most, ceiling.bullet_months)
    return tuple(count for count in product.instalment_counts if count <= most)


def check_purpose(product: ProductTerms, purpose: str, ceiling: Ceiling) -> None:
    """Pass a purpose that the product allows, or refuse it."""
    if purpose in product.forbidden or purpose in ceiling.forbidden_purposes:
        raise UnableToUsePurpose(
            "purpose_forbidden",
            N_("We may not lend for this purpose. Choose another."),
            field="purpose",
        )
    if purpose not in product.purposes:
        raise UnableToUseProduct("purpose_invalid", N_("Choose a purpose from the list."), field="purpose")


def allowed_purposes(product: ProductTerms, ceiling: Ceiling) -> tuple[str, ...]:
    """List the purposes of a product that the regime does not forbid."""
    return tuple(code for code in product.purposes if code not in ceiling.forbidden_purposes)


def check_choice(
    product: ProductTerms,
    *,
    amount: Decimal,
    count: int,
    method: str,
    purpose: str,
    ceiling: Ceiling,
) -> None:
    """Pass a choice of amount, term, way of repaying and purpose, or refuse it naming the field."""
    check_purpose(product, purpose, ceiling)
    if method not in product.methods:
        raise UnableToUseProduct(
            "repayment_method_invalid",
            N_("Choose a way of repaying from the list."),
            field="repayment_method",
        )
    counts = counts_of(product, method, ceiling)
    if count not in counts:
        raise UnableToUseProduct(
            "instalment_count_invalid",
            N_("Choose one of these terms in months: %(choices)s."),
            field="instalment_count",
            params={"choices": ", ".join(str(item) for item in counts)},
        )
    check_amount(product, amount=amount)


def check_amount(product: ProductTerms, *, amount: Decimal, field: str = "amount") -> None:
    """Pass an amount within the product's range, in whole cents."""
    if not product.minimum <= amount <= product.maximum:
        raise UnableToUseProduct(
            "amount_out_of_range",
            N_("Enter an amount between %(minimum)s and %(maximum)s."),
            field=field,
            params={
                "minimum": f"{product.minimum:.2f}",
                "maximum": f"{product.maximum:.2f}",
            },
        )
    if amount != amount.quantize(Decimal("0.01")):
        raise UnableToUseProduct("amount_invalid", N_("Enter an amount such as 1500.00."), field=field)


def file_kind(content: bytes) -> str:
    """Say by its first bytes what a file is; only PDF, PNG and JPEG are taken.

    >>> file_kind(b"%PDF-1.7 ...")
    'application/pdf'
    """
    if not content:
        raise UnableToUseProduct("file_empty", N_("This file is empty."), field="file")
    for start, kind in _KINDS:
        if content.startswith(start):
            return kind
    raise UnableToUseProduct("file_kind", N_("Upload PDF, PNG or JPEG."), field="file")


_KINDS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


def check_use(
    product: ProductTerms, *, amount: Decimal, owed: Decimal, has_evidence: bool, has_payee: bool
) -> None:
    """Pass a draw that shows what the product asks for, or refuse it naming the field. `owed` is on this product."""
    if product.evidence_above is not None and amount > product.evidence_above and not has_evidence:
        raise UnableToUseProduct(
            "evidence_required",
            N_("Above %(amount)s, upload a paper that shows the purpose, such as an invoice or a quote."),
            field="evidence",
            params={"amount": f"{product.evidence_above:.2f}"},
        )
    if product.payee_rule is PayeeRule.REQUIRED and not has_payee:
        raise UnableToUseProduct(
            "payee_required", N_("This product is paid to a payee. Choose one from the list."), field="payee"
        )
    if product.payee_rule is PayeeRule.NONE and has_payee:
        raise UnableToUseProduct(
            "payee_invalid", N_("This product is paid to your own account."), field="payee"
        )
    if product.sub_limit is not None and owed + amount > product.sub_limit:
        raise UnableToUseProduct(
            "sub_limit_exceeded",
            N_("For this use you can draw up to %(available)s."),
            field="amount",
            params={"available": f"{max(Decimal(0), product.sub_limit - owed):.2f}"},
        )


def check_product(product: ProductTerms) -> None:
    """Pass a version of a product whose fields agree, or refuse it naming the field."""
    wrong = {
        "repayment_methods": not product.methods or not set(product.methods) <= set(METHOD_NAMES),
        "instalment_counts": not product.instalment_counts
        or any(type(count) is not int or not 1 <= count <= 120 for count in product.instalment_counts),
        "minimum_amount": not 0 < product.minimum <= product.maximum,
        "purposes": not product.purposes
        or not set(product.purposes) <= set(PURPOSE_NAMES)
        or bool(set(product.purposes) & set(product.forbidden)),
        "evidence_above": product.evidence_above is not None and product.evidence_above < 0,
        "sub_limit": product.sub_limit is not None and product.sub_limit < product.minimum,
        "working_rules": not _rules_fit(product),
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise UnableToUseProduct(
                "product_field_invalid", N_("This field of the product is not possible."), field=field
            )


def _rules_fit(product: ProductTerms) -> bool:
    """Tell whether the ways of repaying are those of the working-capital rules, and on a business line."""
    if product.working is None:
        return "SALES_SHARE" not in product.methods and product.scenario not in DRAW_ONLY
    if product.family is not Family.BUSINESS:
        return False
    if isinstance(product.working, ShareRules):
        return product.scenario is Scenario.SALES_SHARE and product.methods == ("SALES_SHARE",)
    assert isinstance(product.working, AdvanceRules)
    once = product.methods == ("BULLET",) and product.instalment_counts == (1,)
    return product.scenario is Scenario.INVOICE_ADVANCE and once
