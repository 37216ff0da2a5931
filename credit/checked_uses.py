"""Whom draws may be paid to, and what a product asks: each changed by two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import BankAccount
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from credit.domain.products import SCENARIO_NAMES, UnableToUseProduct
from credit.models import Payee, Product
from credit.operations.uses import activate_product, draft_product, next_version, register_payee
from ledger.domain.money import parse_amount
from regimes.errors import N_

AMOUNTS = ("minimum_amount", "maximum_amount", "evidence_above", "sub_limit")


# ---- a payee ---------------------------------------------------------------------------------------------------------
def _account(payload: Mapping[str, Any]) -> BankAccount:
    return find_by_ref(
        BankAccount.objects.select_related("borrower"), payload["account_ref"], field="account_ref"
    )


def _read_payee(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("name", "scenario", "account_ref"))
    name = " ".join(str(found["name"]).split())
    if not 2 <= len(name) <= 120:
        raise UnableToUseProduct("payee_name_invalid", N_("Write the payee's name."), field="name")
    if found["scenario"] not in SCENARIO_NAMES:
        raise UnableToUseProduct(
            "scenario_invalid", N_("Choose a use of the money from the list."), field="scenario"
        )
    return {"name": name, "scenario": str(found["scenario"]), "account_ref": str(_account(found).ref)}


def _payee_subject(payload: Mapping[str, Any]) -> Subject:
    account = _account(payload)
    label = f"{payload['name']} · {account.masked}"
    return Subject("accounts.BankAccount", str(account.ref), label, frozenset({account.borrower_id}))


def _check_payee(payload: Mapping[str, Any], act: Act) -> None:
    account = _account(payload)
    if account.verified_at is None or account.removed_at is not None:
        raise UnableToUseProduct(
            "bank_account_unverified", N_("Confirm the payee's bank account first."), field="account_ref"
        )
    if Payee.objects.filter(account=account, scenario=payload["scenario"]).exists():
        raise UnableToUseProduct("payee_known", N_("This account is registered for this use already."))


def _payee_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    account = _account(payload)
    return [
        Change(N_("Payee"), "", payload["name"]),
        Change(N_("Use of the money"), "", payload["scenario"]),
        Change(
            N_("Paid to"),
            "",
            f"{account.masked}, {account.borrower.display_name}",
        ),
    ]


def _register(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    payee = register_payee(
        name=payload["name"], scenario=payload["scenario"], account=_account(payload), actor=act.maker
    )
    return {"payee": str(payee.ref)}


PAYEE = ProposalKind(
    name="payee",
    title=N_("Register a payee of draws"),
    read=_read_payee,
    subject=_payee_subject,
    check=_check_payee,
    diff=_payee_diff,
    execute=_register,
)


# ---- a version of a product ------------------------------------------------------------------------------------------
def _read_product(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("code", "changes"))
    changes = found["changes"]
    if not isinstance(changes, Mapping) or not changes:
        raise UnableToUseProduct(
            "changes_missing", N_("Write what changes, such as a sub-limit."), field="changes"
        )
    given = {
        name: str(parse_amount(str(value), field=name)) if name in AMOUNTS and value is not None else value
        for name, value in sorted(changes.items())
    }
    return {"code": str(found["code"]), "changes": given}


def _changes(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Decimal(value) if name in AMOUNTS and value is not None else value
        for name, value in payload["changes"].items()
    }


def _product_subject(payload: Mapping[str, Any]) -> Subject:
    product = next_version(code=payload["code"], changes=_changes(payload))
    return Subject("credit.Product", product.code, f"{product.code}@{product.version}")


def _check_version(payload: Mapping[str, Any], act: Act) -> None:
    if not _product_diff(payload, act.as_of):
        raise UnableToUseProduct("nothing_changes", N_("Nothing would change."))


def _product_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    drafted = next_version(code=payload["code"], changes=_changes(payload))
    offered = Product.objects.filter(code=payload["code"], is_active=True).first()
    rows = [
        (name, "" if offered is None else _written(getattr(offered, name)), _written(getattr(drafted, name)))
        for name in payload["changes"]
    ]
    return [Change(name, before, after) for name, before, after in rows if before != after]


def _written(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, Decimal) else "" if value is None else str(value)


def _offer(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    drafted = draft_product(code=payload["code"], changes=_changes(payload), actor=act.maker)
    activate_product(product_id=drafted.pk, actor=act.actor)
    return {"version": drafted.version}


PRODUCT = ProposalKind(
    name="product_version",
    title=N_("Offer a new version of a product"),
    read=_read_product,
    subject=_product_subject,
    check=_check_version,
    diff=_product_diff,
    execute=_offer,
)
