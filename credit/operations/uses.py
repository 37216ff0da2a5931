"""What a product asks of a draw besides its numbers: a paper that shows the purpose, a named payee, a sub-limit."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import BankAccount, User
from accounts.operations import write_audit
from credit.domain.products import UnableToUseProduct, check_product, check_use, file_kind
from credit.models import CreditLine, Payee, Product, PurposeEvidence
from credit.operations.lines import UnableToActOnOwn
from credit.queries import owed_on_product
from regimes.errors import N_, NotFound, Refusal

MOST_PAPER_BYTES = 5 * 1024 * 1024
MOST_WAITING = 20
SCENARIO_FIELDS = (
    "name", "repayment_methods", "instalment_counts", "minimum_amount", "maximum_amount", "purposes",
    "forbidden_purposes", "evidence_above", "sub_limit", "payee_rule", "working_rules",
)  # fmt: skip


class UnableToChangeProduct(Refusal):
    """Refuse a step that the product version's state does not allow."""


@dataclass(frozen=True, slots=True)
class Use:
    """Hold what a draw shows and whom it pays."""

    evidence: PurposeEvidence | None
    payee: Payee | None


def upload_purpose_evidence(
    *, line: CreditLine, scenario: str, file_name: str, content: bytes, actor: User | None, as_of: date
) -> PurposeEvidence:
    """Keep a paper for a draw to come; the same file for the same line is kept once."""
    if scenario not in Product.Scenario.values:
        raise UnableToUseProduct(
            "scenario_invalid", N_("Choose a use of the money from the list."), field="scenario"
        )
    if len(content) > MOST_PAPER_BYTES:
        raise UnableToUseProduct("file_too_large", N_("Upload at most 5 MB."), field="file")
    kind = file_kind(content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        CreditLine.objects.select_for_update(of=("self",)).get(pk=line.pk)
        found = PurposeEvidence.objects.filter(line_id=line.pk, sha256=digest).first()
        if found is not None:
            return found
        if PurposeEvidence.objects.filter(line_id=line.pk, drawdown=None).count() >= MOST_WAITING:
            raise UnableToUseProduct(
                "quota", N_("Too many files wait for a draw. Use one of them first."), field="file"
            )
        found = PurposeEvidence(
            line=line,
            scenario=scenario,
            file_name="".join(sign for sign in file_name if sign.isprintable() and sign not in "/\\")[-120:]
            or "file",
            content_type=kind,
            sha256=digest,
            content=base64.b64encode(content).decode(),
            uploaded_by=actor,
            uploaded_date=as_of,
        )
        found.save(force_insert=True)
        write_audit(
            actor=actor,
            action="line.purpose_evidence",
            object_type="credit.CreditLine",
            object_ref=str(line.ref),
            after={"sha256": digest, "scenario": scenario},
        )
    return found


def register_payee(*, name: str, scenario: str, account: BankAccount, actor: User) -> Payee:
    """Register whom draws of a scenario may be paid to; the account must be confirmed."""
    if account.verified_at is None or account.removed_at is not None:
        raise UnableToUseProduct(
            "bank_account_unverified", N_("Confirm the payee's bank account first."), field="account"
        )
    with transaction.atomic():
        payee = Payee(name=name, scenario=scenario, account=account, registered_by=actor)
        payee.save(force_insert=True)
        write_audit(
            actor=actor, action="payee.register", object_type="credit.Payee", object_ref=str(payee.ref)
        )
    return payee


def use_of(
    *,
    line: CreditLine,
    product: Product,
    amount: Decimal,
    evidence: uuid.UUID | None,
    payee: uuid.UUID | None,
) -> Use:
    """Check what a product asks of a draw; the line is locked, so its sub-limit cannot be overrun side by side."""
    paper = None
    if evidence is not None:
        paper = PurposeEvidence.objects.filter(
            ref=evidence, line_id=line.pk, scenario=product.scenario, drawdown=None
        ).defer("content").first()  # fmt: skip
        if paper is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="evidence")
    to = None
    if payee is not None:
        to = Payee.objects.select_related("account").filter(
            ref=payee, scenario=product.scenario, is_active=True, account__removed_at=None
        ).first()  # fmt: skip
        if to is None:
            raise UnableToUseProduct("payee_invalid", N_("Choose a payee from the list."), field="payee")
    owed = Decimal(0) if product.sub_limit is None else owed_on_product(line_id=line.pk, code=product.code)
    check_use(
        product.terms(), amount=amount, owed=owed, has_evidence=paper is not None, has_payee=to is not None
    )
    return Use(paper, to)


def next_version(*, code: str, changes: Mapping[str, Any]) -> Product:
    """Give the next version of a product, unsaved: the newest with some fields changed; refuse what is not possible."""
    unknown = sorted(set(changes) - set(SCENARIO_FIELDS))
    if unknown:
        raise UnableToUseProduct("unknown_field", N_("This field is not known here."), field=unknown[0])
    newest = Product.objects.filter(code=code).order_by("-version").first()
    if newest is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="code")
    product = Product(
        code=code,
        version=newest.version + 1,
        scenario=newest.scenario,
        family=newest.family,
        is_active=False,
        **{name: changes.get(name, getattr(newest, name)) for name in SCENARIO_FIELDS},
    )
    check_product(product.terms())
    return product


def draft_product(*, code: str, changes: Mapping[str, Any], actor: User) -> Product:
    """Draft the next version of a product. It is not offered yet."""
    with transaction.atomic():
        # drafts of one product wait in a row, so that two do not get one number
        list(
            Product.objects.select_for_update(of=("self",)).filter(code=code).order_by("pk").values_list("pk")
        )
        product = next_version(code=code, changes=changes)
        product.proposed_by = actor
        product.save(force_insert=True)
        write_audit(
            actor=actor, action="product.draft", object_type="credit.Product", object_ref=str(product.ref),
            after={"code": code, "version": product.version},
        )  # fmt: skip
    return product


def activate_product(*, product_id: int, actor: User) -> Product:
    """Offer a drafted version instead of the one that is offered; another person than who drafted it."""
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product_id)
        if product.is_active or product.proposed_by_id is None:
            raise UnableToChangeProduct(
                "product_state", N_("This version is offered already, or was never drafted.")
            )
        if product.proposed_by_id == actor.pk:
            raise UnableToActOnOwn("own_item", N_("Another person must activate what you proposed."))
        check_product(product.terms())
        Product.objects.filter(code=product.code, is_active=True).update(is_active=False)
        product.is_active, product.activated_by = True, actor
        product.save(update_fields=["is_active", "activated_by"])
        write_audit(
            actor=actor, action="product.activate", object_type="credit.Product", object_ref=str(product.ref),
            after={"code": product.code, "version": product.version},
        )  # fmt: skip
    return product
