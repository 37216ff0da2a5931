"""Put an invoice of the records forward, advance money on it once, and ask for it when the customer has paid."""

from __future__ import annotations

import logging
import re
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.crypto import blind_index
from accounts.models import BankAccount, Borrower, User
from accounts.operations import queue_notice, write_audit
from credit.domain.working import AdvanceRules, Rules, UnableToAdvance
from credit.models import CreditLine, Drawdown, Invoice, InvoiceAdvance
from loans import operations as loan_operations
from loans import queries as loan_queries
from regimes.errors import N_, InvalidInput, Refusal
from risk.evidence.receivables import customer_number, invoice_identity, receivables, voided

log = logging.getLogger(__name__)
NUMBER = re.compile(r"[0-9A-Za-z-]{1,30}")
WHOLE_NUMBER = 18  # digits of code and number together, from which on a number is unique in the country
LONGEST_NAME = 120
MOST_REGISTERED = 200  # that no draw used


class UnableToRegister(InvalidInput):
    """Refuse an invoice that the records do not have, or whose particulars do not agree with them."""


def register_invoice(
    *,
    business: Borrower,
    number: str,
    code: str,
    customer_name: str,
    due_date: date,
    actor: User | None,
    as_of: date,
    identity: bytes | None = None,
) -> Invoice:
    """Put an invoice of the records forward by its number, customer and due date; again, it takes the newer due date.

    `identity` is the row that was picked from a list: the number must be of that one.
    """
    number, code, name = number.strip(), code.strip(), " ".join(customer_name.split())
    _check_written(number, code, name)
    wanted = invoice_identity(code=code, number=number)
    if identity is not None and identity != wanted:
        raise UnableToRegister(
            "number_mismatch", N_("This is not the number of the invoice that you chose."), field="number"
        )
    found = next(
        (row for row in receivables(borrower_id=business.pk, as_of=as_of) if row.sale.identity == wanted),
        None,
    )
    if found is None:
        raise _unknown(business, wanted)
    sale = found.sale
    if sale.customer != customer_number(name):
        raise UnableToRegister(
            "customer_mismatch",
            N_("Write the customer's name exactly as on the invoice."),
            field="customer_name",
        )
    if not sale.day <= due_date or (due_date - sale.day).days > 366:
        raise UnableToRegister(
            "due_date_invalid",
            N_("The due date is within a year after the invoice's own date, %(issued)s."),
            field="due_date",
            params={"issued": sale.day.isoformat()},
        )
    with transaction.atomic():
        # whoever registers the same one beside us waits here
        Borrower.objects.select_for_update(of=("self",)).get(pk=business.pk)
        return _keep(business, wanted, number, code, name, sale.customer, sale.day, due_date, sale.amount, actor, as_of)  # fmt: skip


def _check_written(number: str, code: str, name: str) -> None:
    if NUMBER.fullmatch(number) is None:
        raise UnableToRegister(
            "number_invalid", N_("Write the invoice's number as it is printed."), field="number"
        )
    if code and NUMBER.fullmatch(code) is None:
        raise UnableToRegister("code_invalid", N_("Write the invoice's code as it is printed."), field="code")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UnableToRegister(
            "customer_invalid",
            N_("Write the customer's name, at most 120 characters."),
            field="customer_name",
        )


def _unknown(business: Borrower, identity: bytes) -> UnableToRegister:
    if voided(borrower_id=business.pk, identities=[identity]):
        return UnableToRegister(
            "invoice_cancelled", N_("This invoice was voided or taken back. Choose another."), field="number"
        )
    return UnableToRegister(
        "invoice_unknown",
        N_("Your records have no sales invoice with this number. Upload the invoice list that has it first."),
        field="number",
    )


def _keep(
    business: Borrower,
    identity: bytes,
    number: str,
    code: str,
    name: str,
    customer: int,
    issued: date,
    due_date: date,
    amount: Decimal,
    actor: User | None,
    as_of: date,
) -> Invoice:
    row = Invoice.objects.filter(business=business, identity=identity).first()
    if row is not None and row.advances.filter(released_date=None).exists():
        raise UnableToRegister(
            "invoice_pledged",
            N_("Money was advanced on this invoice before: one invoice serves one draw. Choose another."),
            field="number",
        )
    if row is None:
        if Invoice.objects.filter(business=business, advances=None).count() >= MOST_REGISTERED:
            raise UnableToRegister(
                "quota", N_("Too many invoices wait for a draw. Use one of them first."), field="number"
            )
        row = Invoice(business=business, identity=identity, customer=customer, issue_date=issued)
    whole = f"{code}{number}"
    row.number_index = blind_index(
        purpose="invoice", value=whole if len(whole) >= WHOLE_NUMBER else f"{business.pk}:{whole}"
    )
    row.number, row.customer_name, row.due_date, row.amount = (
        f"{code} {number}".strip(),
        name,
        due_date,
        amount,
    )
    row.registered_by, row.registered_date = actor, as_of
    row.save()
    write_audit(
        actor=actor,
        action="invoice.register",
        object_type="credit.Invoice",
        object_ref=str(row.ref),
        after={"amount": f"{amount:.2f}", "due_date": due_date.isoformat()},
    )
    return row


def pledge(*, drawdown: Drawdown, invoice: Invoice, rules: Rules, as_of: date) -> InvoiceAdvance:
    """Tie an invoice to the draw that was just written; the line is locked, another line is kept out by the database."""
    assert isinstance(rules, AdvanceRules)
    # of a draw whose money never went out: the invoice is free again
    InvoiceAdvance.objects.filter(
        number_index=invoice.number_index, released_date=None, drawdown__loan__status="CANCELLED"
    ).update(released_date=as_of)
    try:
        with transaction.atomic():
            return InvoiceAdvance.objects.create(
                invoice=invoice,
                drawdown=drawdown,
                number_index=invoice.number_index,
                customer=invoice.customer,
                amount=drawdown.amount,
                invoice_amount=invoice.amount,
                advance_rate=rules.advance,
            )
    except IntegrityError:
        raise UnableToAdvance(
            "invoice_pledged",
            N_("Money was advanced on this invoice before: one invoice serves one draw. Choose another."),
            field="invoice",
        ) from None


def watch_invoices(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> dict[str, int]:
    """See which customers paid: their advance is asked for at once, by agreed debit, or the owner is told. Repeats do nothing.

    One refusal does not stop the rest.
    """
    rows = list(
        InvoiceAdvance.objects.filter(
            released_date=None,
            paid_seen_date=None,
            drawdown__loan__status__in=["ACTIVE", "OVERDUE"],
            drawdown__loan_id__gte=first_id,
            drawdown__loan_id__lte=last_id,
        )
        .select_related("invoice", "drawdown__loan", "drawdown__line")
        .order_by("drawdown__line__borrower_id", "pk")
    )
    told = asked = 0
    seen: dict[int, dict[bytes, date | None]] = {}
    for row in rows:
        business = row.drawdown.line.borrower_id
        if business not in seen:
            found = receivables(borrower_id=business, as_of=as_of)
            seen[business] = {each.sale.identity: each.paid for each in found}
        if seen[business].get(bytes(row.invoice.identity)) is not None:
            told += 1
            asked += _ask(row, as_of)
    return {"invoices_paid": told, "advances_asked": asked}


def _ask(row: InvoiceAdvance, as_of: date) -> int:
    """Note a customer's payment, tell the owner, and pull the advance where that was agreed."""
    loan, line = row.drawdown.loan, row.drawdown.line
    owed = loan_queries.payoff(loan_id=loan.pk, as_of=as_of).total
    with transaction.atomic():
        changed = InvoiceAdvance.objects.filter(pk=row.pk, paid_seen_date=None).update(paid_seen_date=as_of)
        if not changed:
            return 0
        queue_notice(
            borrower_id=line.borrower_id,
            kind="invoice_paid",
            dedup_key=f"invoice_paid:{row.drawdown.ref}",
            params={"amount": f"{owed:.2f}", "loan_ref": str(loan.ref), "due": f"{loan.maturity_date}"},
            channels=("IN_APP", "EMAIL"),
        )
    return _pull(line, loan.pk, owed, as_of) if line.auto_debit else 0


def _pull(line: CreditLine, loan_id: int, owed: Decimal, as_of: date) -> int:
    account = BankAccount.objects.filter(
        borrower_id=line.borrower_id, is_default=True, removed_at=None, verified_at__isnull=False
    ).first()
    if account is None or owed <= 0:
        return 0
    try:
        loan_operations.start_collection(
            loan_id=loan_id,
            amount=owed,
            choice=None,
            idempotency_key="auto:invoice-paid",
            bank_account_id=account.pk,
            actor=None,
            as_of=as_of,
        )
    except Refusal as refusal:
        log.info("no payment for the advance of loan %s: %s", loan_id, refusal.code)
        return 0
    return 1
