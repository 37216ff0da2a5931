"""A shop applies; two people of staff let it in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from accounts.domain.names import parse_legal_name
from accounts.models import BankAccount, Borrower, User
from accounts.operations import write_audit
from merchants.domain.addresses import origin_of, read_url
from merchants.domain.categories import BY_CODE, UnableToSell
from merchants.models import Merchant, MerchantPlan
from regimes.errors import N_, InvalidInput, Refusal

MOST_ORIGINS = 10
TERMS = (3, 6, 9, 12, 18, 24)


class UnableToApplyAsShop(Refusal):
    """Refuse a shop that cannot be taken as it is."""


class UnableToReadShop(InvalidInput):
    """Refuse a value of a shop."""


def read_categories(codes: Sequence[str]) -> list[str]:
    """Return known categories, each once, or refuse."""
    found = [code for code in BY_CODE if code in codes]
    if not found or len(found) != len(set(codes)):
        raise UnableToSell("category_invalid", N_("Choose categories from the list."), field="categories")
    return found


def read_origins(addresses: Sequence[str]) -> list[str]:
    """Return scheme, host and port of the addresses that buyers may be sent back to."""
    if not addresses or len(addresses) > MOST_ORIGINS:
        raise UnableToReadShop(
            "return_origins_invalid", N_("Name one to ten addresses to return to."), field="return_origins"
        )
    return sorted(
        {
            origin_of(read_url(address, field="return_origins", allow_local=settings.SANDBOX))
            for address in addresses
        }
    )


def apply_as_merchant(
    *,
    business: Borrower,
    name: str,
    website: str,
    categories: Sequence[str],
    return_origins: Sequence[str],
    settlement_account: BankAccount,
    actor: User | None,
) -> Merchant:
    """Ask to sell on credit. The account is a verified one of the business."""
    if not business.is_business:
        raise UnableToApplyAsShop("business_missing", N_("Open a business first: a shop is a business."))
    if settlement_account.borrower_id != business.pk or settlement_account.removed_at is not None:
        raise UnableToApplyAsShop(
            "bank_account_unknown", N_("Choose a bank account of the business."), field="settlement_account"
        )
    if settlement_account.verified_at is None:
        raise UnableToApplyAsShop(
            "bank_account_unverified",
            N_("Confirm this bank account before you sell on credit."),
            field="settlement_account",
        )
    shown = parse_legal_name(name, field="name")
    sold, origins = read_categories(categories), read_origins(return_origins)
    read_url(website, field="website", allow_local=settings.SANDBOX)
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=business.pk)
        if Merchant.objects.filter(business=business).exists():
            raise UnableToApplyAsShop("already_applied", N_("This business has applied already."))
        merchant = Merchant.objects.create(
            business=business,
            name=shown[:60],
            website=website,
            categories=sold,
            return_origins=origins,
            settlement_account=settlement_account,
            applied_by=actor,
        )
        write_audit(
            actor=actor,
            action="merchant.apply",
            object_type="merchants.Merchant",
            object_ref=merchant.ref,
            after={"categories": sold, "origins": origins},
        )
    return merchant


def approve_merchant(
    *,
    merchant: Merchant,
    categories: Sequence[str],
    fee_rate: Decimal,
    settlement_days: int,
    maker: User,
    checker: User,
    now: datetime,
) -> Merchant:
    """Let a shop sell, within categories and at a fee. Two people of staff stand for it."""
    sold = read_categories(categories)
    check_fee(fee_rate)
    with transaction.atomic():
        row = Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        if maker.pk == checker.pk:
            raise UnableToApplyAsShop("own_proposal", N_("Another person must decide what you proposed."))
        row.status, row.categories = Merchant.Status.ACTIVE, sold
        row.fee_rate, row.settlement_days = fee_rate, settlement_days
        row.proposed_by, row.approved_by, row.approved_at = maker, checker, now
        row.save(
            update_fields=[
                "status",
                "categories",
                "fee_rate",
                "settlement_days",
                "proposed_by",
                "approved_by",
                "approved_at",
            ]
        )
        write_audit(
            actor=checker,
            action="merchant.approve",
            object_type="merchants.Merchant",
            object_ref=row.ref,
            before={"status": merchant.status},
            after={"status": row.status, "categories": sold, "fee_rate": str(fee_rate)},
        )
    return row


def check_fee(fee_rate: Decimal) -> None:
    """Refuse a fee that no shop would pay."""
    if not 0 <= fee_rate <= Decimal("0.1"):
        raise UnableToReadShop(
            "fee_invalid", N_("A fee is a fraction from 0 to 0.1, such as 0.025."), field="fee_rate"
        )


def set_merchant_status(*, merchant: Merchant, status: str, actor: User, reason: str) -> Merchant:
    """Suspend a shop, or let it sell again. What was sold is captured, refunded and settled as agreed."""
    with transaction.atomic():
        row = Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        if row.approved_at is None or status not in (Merchant.Status.ACTIVE, Merchant.Status.SUSPENDED):
            raise UnableToApplyAsShop("merchant_state", N_("This shop was not approved yet."))
        before, row.status = row.status, status
        row.save(update_fields=["status"])
        write_audit(
            actor=actor,
            action="merchant.status",
            object_type="merchants.Merchant",
            object_ref=row.ref,
            before={"status": before},
            after={"status": status},
            reason=reason,
        )
    return row


def set_plan(
    *, merchant: Merchant, instalment_count: int, subvention_rate: Decimal, actor: User | None
) -> MerchantPlan | None:
    """Offer a term at 0 % that the shop pays for, or end the offer by a rate of 0. Orders keep what was agreed."""
    if instalment_count not in TERMS or not 0 <= subvention_rate <= Decimal("0.3"):
        raise UnableToReadShop(
            "plan_invalid",
            N_("A plan has 3 to 24 months and costs the shop up to 0.3 of the price."),
            field="plan",
        )
    with transaction.atomic():
        Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        MerchantPlan.objects.filter(
            merchant=merchant, instalment_count=instalment_count, is_active=True
        ).update(is_active=False)
        plan = None
        if subvention_rate:
            plan = MerchantPlan.objects.create(
                merchant=merchant, instalment_count=instalment_count, subvention_rate=subvention_rate
            )
        write_audit(
            actor=actor,
            action="merchant.plan",
            object_type="merchants.Merchant",
            object_ref=merchant.ref,
            after={"instalments": instalment_count, "subvention_rate": str(subvention_rate)},
        )
    return plan
