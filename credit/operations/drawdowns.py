"""Draw money on a line: one transaction, the line's lock first."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from accounts.models import BankAccount, Borrower, User
from accounts.operations import AuditDraft, new_entry, new_notice
from accounts.rows import ask, columns_of
from credit.affording import affordability_seen
from credit.domain.line import DrawGate, UnableToDrawDown, check_draw
from credit.domain.products import check_choice
from credit.models import CreditLine, Drawdown, Product
from credit.operations import lines
from credit.operations.approvals import refuse_alone
from credit.operations.invoices import pledge
from credit.operations.uses import Use, use_of
from credit.queries import ceiling_now, draw_gate, loan_terms, shape_of
from loans.operations import ContractDraft, draft_loan
from regimes.errors import N_, InvalidInput, NotFound

KEY_LENGTH = 255


class UnableToUseKey(InvalidInput):
    """Refuse a request without a usable idempotency key."""


class IdempotencyMismatch(UnableToDrawDown):
    """Refuse the same key with another request."""

    http_status = 422


def draw_down(
    *,
    line_id: int,
    amount: Decimal,
    instalment_count: int,
    repayment_method: str,
    purpose: str,
    scenario: str,
    idempotency_key: str,
    actor: User | None,
    as_of: date,
    bank_account_id: int = 0,
    bank_account: uuid.UUID | None = None,
    terms_version: str = "",
    approved_by: User | None = None,
    evidence: uuid.UUID | None = None,
    payee: uuid.UUID | None = None,
    invoice: uuid.UUID | None = None,
) -> Drawdown:
    """Draw on a line, or return what the same key drew before.

    The money goes to an account of the line's borrower, named by its key or by its reference, or to the payee. The caller
    wakes a worker after the commit; if that wake is lost, the sweeper finds the payout's row.
    """
    key = _check_key(idempotency_key)
    request = {
        "amount": f"{amount:.2f}",
        "instalment_count": instalment_count,
        "repayment_method": repayment_method,
        "purpose": purpose,
        "scenario": scenario,
    }
    shown = (("evidence", evidence), ("payee", payee), ("invoice", invoice))
    request |= {name: str(ref) for name, ref in shown if ref is not None}
    with transaction.atomic():
        line = lines.lock_line(line_id=line_id)
        gate = draw_gate(
            line=line,
            key=key,
            scenario=scenario,
            bank_account_id=bank_account_id,
            bank_account=bank_account,
            as_of=as_of,
        )
        named = gate.account.pk if gate.account else bank_account_id
        digest = _digest(request | {"bank_account_id": named})
        if gate.drawn_before is not None:
            return _same_draw(gate.drawn_before, digest)
        product = check_product(gate.product, terms_version)
        check_choice(
            product.terms(),
            amount=amount,
            count=instalment_count,
            method=repayment_method,
            purpose=purpose,
            ceiling=ceiling_now(),
        )
        use = use_of(line=line, product=product, amount=amount, evidence=evidence, payee=payee)
        account = use.payee.account if use.payee else check_account(gate.account, as_of)
        check_draw(
            DrawGate(
                status=line.status,
                freeze_reason=line.freeze_reason,
                valid_until=line.valid_until,
                as_of=as_of,
                limit=line.limit,
                exposure=gate.debt.exposure,
                days_past_due=gate.debt.days_past_due,
                identity_verified=gate.identity_verified,
                consent_given=gate.consent_given,
                borrower_blocked=line.borrower.status != Borrower.Status.ACTIVE,
            ),
            amount=amount,
        )
        refuse_alone(line=line, amount=amount, actor=actor, approved_by=approved_by, as_of=as_of)
        shape = shape_of(
            line=line, product=product, amount=amount, count=instalment_count, as_of=as_of, invoice=invoice
        )
        terms = loan_terms(
            line=line,
            amount=amount,
            instalment_count=instalment_count,
            repayment_method=repayment_method,
            as_of=as_of,
            calendar=gate.calendar,
            shape=shape,
        )
        contract = draft_loan(
            borrower_id=line.borrower_id,
            terms=terms,
            bank_account_id=account.pk,
            reference=uuid.uuid5(line.ref, key),
            as_of=as_of,
            portfolio=product.scenario if shape is not None else "",  # reports tell them from other loans
        )
        found = affordability_seen(gate=gate, rows=contract.due())
        drawdown = Drawdown(
            line=line,
            product=product,
            amount=amount,
            purpose=purpose,
            scenario=product.scenario,
            bank_account_id=account.pk,
            payee=use.payee,
            limit_change_id=gate.limit_change_id,
            limit_at_draw=line.limit,
            exposure_before=gate.debt.exposure,
            affordability=found.to_dict(),
            idempotency_key=key,
            request_hash=digest,
            actor=actor,
            drawn_date=as_of,
        )
        _write(drawdown, contract, use, account)
        if shape is not None and shape.invoice is not None:
            pledge(drawdown=drawdown, invoice=shape.invoice, rules=shape.rules, as_of=as_of)
    return drawdown


_WRITE = """
SELECT loan_id, payout_id, draw_id, written_at
FROM credit_write_draw(%s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb)
"""


def _write(drawdown: Drawdown, contract: ContractDraft, use: Use, account: BankAccount) -> None:
    """Write the contract, the draw with the limit in force, the audit row and the notice, in one statement."""
    line, amount = drawdown.line, f"{drawdown.amount:.2f}"
    act = AuditDraft(
        actor=drawdown.actor,
        action="line.draw_down",
        object_type="credit.Drawdown",
        object_ref=drawdown.ref,
        after={"amount": amount, "line": str(line.ref), "purpose": drawdown.purpose},
    )
    notice = new_notice(
        borrower_id=line.borrower_id,
        kind="draw_accepted",
        dedup_key=f"draw:{drawdown.ref}",
        params={"amount": amount, "line_ref": str(line.ref), "account_last4": account.number_last4},
    )
    rows = [*contract.arguments(), *(columns_of(row) for row in (drawdown, new_entry(act), notice))]
    row = ask(_WRITE, [json.dumps(row, default=str) for row in rows])
    assert row is not None
    loan_id, payout_id, drawdown.pk, written_at = row
    drawdown.loan = contract.written(loan_id=loan_id, payout_id=payout_id, at=written_at)
    drawdown.created_at = written_at
    drawdown._state.adding, drawdown._state.db = False, connection.alias
    if use.evidence is not None:
        use.evidence.drawdown = drawdown
        use.evidence.save(update_fields=["drawdown"])


def _digest(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _check_key(key: str) -> str:
    if not key:
        raise UnableToUseKey(
            "idempotency_key_required", N_("Send an Idempotency-Key, so that a repeat does not draw twice.")
        )
    if len(key) > KEY_LENGTH or not key.isprintable() or not key.isascii():
        raise UnableToUseKey(
            "idempotency_key_invalid", N_("An Idempotency-Key has at most 255 printable ASCII characters.")
        )
    return key


def _same_draw(drawdown_id: int, digest: str) -> Drawdown:
    """Give the draw that a key made. The line is locked, so there is none on its way."""
    before = Drawdown.objects.select_related("loan", "line").get(pk=drawdown_id)
    if before.request_hash != digest:
        raise IdempotencyMismatch(
            "idempotency_mismatch", N_("This key was used for another request. Use a new key.")
        )
    return before


def find_product(line: CreditLine, scenario: str, terms_version: str) -> Product:
    """Give the product of a use of the money on this line, under the terms that were read."""
    return check_product(
        Product.objects.filter(scenario=scenario, family=line.family, is_active=True).first(), terms_version
    )


def check_product(product: Product | None, terms_version: str) -> Product:
    """Refuse a use of the money that is not offered, and terms that are not those of today."""
    if product is None:
        raise UnableToUseScenario(
            "scenario_invalid", N_("Choose a use of the money from the list."), field="scenario"
        )
    if terms_version and terms_version != product.terms().terms_version:
        raise UnableToDrawDown("terms_outdated", N_("The terms changed. Please read them."))
    return product


class UnableToUseScenario(InvalidInput):
    """Refuse a scenario that the line does not offer."""


def find_account(line: CreditLine, bank_account_id: int, as_of: date) -> BankAccount:
    """Give an account of the borrower that money may go to today."""
    rows = BankAccount.objects.filter(
        pk=bank_account_id, borrower_id=line.borrower_id, removed_at__isnull=True
    )
    return check_account(rows.first(), as_of)


def check_account(account: BankAccount | None, as_of: date) -> BankAccount:
    """Refuse an account that is not the borrower's, not confirmed, or too new."""
    if account is None or account.removed_at is not None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="bank_account")
    if account.verified_at is None:
        raise UnableToDrawDown(
            "bank_account_unverified",
            N_("Confirm this bank account before you draw to it."),
            field="bank_account",
        )
    zone = ZoneInfo(settings.TIME_ZONE)
    usable = account.usable_from.astimezone(zone)
    if usable.date() > as_of:
        raise UnableToDrawDown(
            "cooling_off",
            N_("A new bank account can be used from %(time)s."),
            field="bank_account",
            params={"time": usable.strftime("%Y-%m-%d %H:%M")},
        )
    return account
