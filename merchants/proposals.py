"""What needs two people here: letting a shop sell, suspending it, changing its fee or categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, read_fields, register
from merchants.access import as_uuid, missing
from merchants.domain.categories import BY_CODE
from merchants.models import Merchant
from merchants.operations.shops import (
    UnableToReadShop,
    approve_merchant,
    check_fee,
    read_categories,
    set_merchant_status,
)
from regimes.errors import N_


def register_kinds() -> None:
    """Register the kinds of this room."""
    register(
        ProposalKind(
            name="merchant_approval",
            title=N_("Let a shop sell on credit"),
            read=_read_approval,
            subject=_subject,
            check=_check_approval,
            diff=_diff_approval,
            execute=_approve,
        )
    )
    register(
        ProposalKind(
            name="merchant_status",
            title=N_("Suspend a shop, or let it sell again"),
            read=_read_status,
            subject=_subject,
            check=_check_status,
            diff=_diff_status,
            execute=_set_status,
        )
    )


def _merchant(payload: Mapping[str, Any]) -> Merchant:
    found = Merchant.objects.select_related("business").filter(ref=as_uuid(payload["merchant"])).first()
    if found is None:
        raise missing()
    return found


def _subject(payload: Mapping[str, Any]) -> Subject:
    merchant = _merchant(payload)
    return Subject(
        object_type="merchants.Merchant",
        object_ref=str(merchant.ref),
        label=merchant.name,
        borrower_ids=frozenset({merchant.business_id}),
    )


def _read_approval(payload: Mapping[str, Any]) -> dict[str, Any]:
    content = read_fields(payload, required=("merchant", "categories", "fee_rate", "settlement_days"))
    try:
        fee = Decimal(str(content["fee_rate"])).quantize(Decimal("0.0001"))
        days = int(content["settlement_days"])
    except (ArithmeticError, ValueError):
        raise UnableToReadShop(
            "fee_invalid", N_("A fee is a fraction from 0 to 0.1, such as 0.025."), field="fee_rate"
        ) from None
    check_fee(fee)
    if not 0 <= days <= 90:
        raise UnableToReadShop(
            "settlement_days_invalid", N_("A shop is settled within 0 to 90 days."), field="settlement_days"
        )
    return {
        "merchant": str(as_uuid(content["merchant"])),
        "categories": read_categories(list(content["categories"])),
        "fee_rate": str(fee),
        "settlement_days": days,
    }


def _check_approval(payload: Mapping[str, Any], act: Act) -> None:
    merchant = _merchant(payload)
    if merchant.settlement_account.verified_at is None or merchant.settlement_account.removed_at is not None:
        raise UnableToReadShop(
            "bank_account_unverified", N_("The settlement account of this shop is not confirmed.")
        )


def _names(codes: Sequence[str]) -> str:
    return ", ".join(_(BY_CODE[code].name) for code in codes)


def _diff_approval(payload: Mapping[str, Any], as_of: date) -> list[Change]:
    row = _merchant(payload)
    wanted = {
        N_("Status"): (row.get_status_display(), str(Merchant.Status.ACTIVE.label)),
        N_("Categories"): (_names(row.categories), _names(payload["categories"])),
        N_("Fee"): (f"{row.fee_rate:.4f}", f"{Decimal(payload['fee_rate']):.4f}"),
        N_("Settled after days"): (str(row.settlement_days), str(payload["settlement_days"])),
    }
    return [Change(name, before, after) for name, (before, after) in wanted.items() if before != after]


def _approve(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    row = approve_merchant(
        merchant=_merchant(payload),
        categories=payload["categories"],
        fee_rate=Decimal(payload["fee_rate"]),
        settlement_days=payload["settlement_days"],
        maker=act.maker,
        checker=act.actor,
        now=act.now,
    )
    return {"status": row.status}


def _read_status(payload: Mapping[str, Any]) -> dict[str, Any]:
    content = read_fields(payload, required=("merchant", "status"))
    if content["status"] not in (Merchant.Status.ACTIVE, Merchant.Status.SUSPENDED):
        raise UnableToReadShop("choice_invalid", N_("Choose one of the list."), field="status")
    return {"merchant": str(as_uuid(content["merchant"])), "status": str(content["status"])}


def _check_status(payload: Mapping[str, Any], act: Act) -> None:
    if _merchant(payload).approved_at is None:
        raise UnableToReadShop("merchant_state", N_("This shop was not approved yet."))


def _diff_status(payload: Mapping[str, Any], as_of: date) -> list[Change]:
    row = _merchant(payload)
    after = str(Merchant.Status(payload["status"]).label)
    return [] if row.status == payload["status"] else [Change(N_("Status"), row.get_status_display(), after)]


def _set_status(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    row = set_merchant_status(
        merchant=_merchant(payload), status=payload["status"], actor=act.actor, reason=act.reason
    )
    return {"status": row.status}
