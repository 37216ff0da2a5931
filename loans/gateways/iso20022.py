"""Orders and outcomes as files that any bank reads: pain.001 (credit transfers) out, camt.054 (notifications) in.

Pure text to values and back. A bank takes the file over its own channel and answers with files; our reference travels as
EndToEndId, so one order stands for one movement there too. An element that does not belong is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ledger.domain.money import ZERO, parse_amount
from loans.gateways.base import Order, Outcome, Receipt
from regimes.errors import N_, InvalidInput, Refusal

PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
REPORT = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
MOST_BYTES = 20 * 1024 * 1024
MOST_ORDERS = 10_000


class UnableToReadNotification(InvalidInput):
    """Refuse a file that is no camt.054, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class Debtor:
    """The lender's own account, from which is paid."""

    name: str
    account_number: str
    bank_name: str


def _text(parent: Element, path: str, value: str) -> Element:
    """Write a value at a path of new elements."""
    for name in path.split("/"):
        parent = SubElement(parent, name)
    parent.text = value
    return parent


def write_transfers(
    orders: Sequence[Order], *, debtor: Debtor, message_id: str, execution_date: date, created_at: datetime
) -> bytes:
    """Write orders of one currency as one pain.001 file; the sums in its head let the bank check it whole."""
    if not 0 < len(orders) <= MOST_ORDERS or len({order.reference for order in orders}) != len(orders):
        raise ValueError("a file has 1 to 10,000 orders, each with a reference of its own")
    total = f"{sum((order.amount for order in orders), ZERO):.2f}"
    document = Element("Document", {"xmlns": PAIN})
    root = SubElement(document, "CstmrCdtTrfInitn")
    head = SubElement(root, "GrpHdr")
    for name, value in (
        ("MsgId", message_id[:35]),
        ("CreDtTm", created_at.isoformat(timespec="seconds")),
        ("NbOfTxs", str(len(orders))),
        ("CtrlSum", total),
    ):
        _text(head, name, value)
    _text(head, "InitgPty/Nm", debtor.name)
    block = SubElement(root, "PmtInf")
    for name, value in (
        ("PmtInfId", message_id[:35]),
        ("PmtMtd", "TRF"),
        ("NbOfTxs", str(len(orders))),
        ("CtrlSum", total),
    ):
        _text(block, name, value)
    _text(block, "ReqdExctnDt/Dt", execution_date.isoformat())
    _text(block, "Dbtr/Nm", debtor.name)
    _text(block, "DbtrAcct/Id/Othr/Id", debtor.account_number)
    _text(block, "DbtrAgt/FinInstnId/Nm", debtor.bank_name)
    for order in orders:
        entry = SubElement(block, "CdtTrfTxInf")
        _text(entry, "PmtId/EndToEndId", order.reference.replace("-", ""))
        _text(entry, "Amt/InstdAmt", f"{order.amount:.2f}").set("Ccy", order.currency)
        _text(entry, "CdtrAgt/FinInstnId/Nm", order.bank_name)
        _text(entry, "Cdtr/Nm", order.holder_name)
        _text(entry, "CdtrAcct/Id/Othr/Id", order.account_number)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(document, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Notice:
    """One movement that the bank tells of. `is_credit`: money came in; `is_reversal`: it undoes an earlier one."""

    receipt: Receipt
    is_credit: bool
    is_reversal: bool
    booked_date: date


@dataclass(frozen=True, slots=True)
class Ordered:
    """One order of a pain.001 file of ours."""

    reference: str
    amount: Decimal
    currency: str


def _document(body: bytes) -> Element:
    """Parse a file without following anything out of it."""
    if len(body) > MOST_BYTES:
        raise UnableToReadNotification("too_large", N_("The file is too large."))
    try:
        return fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnableToReadNotification("xml_invalid", N_("This is not a well-formed XML file.")) from error


def read_orders(body: bytes) -> list[Ordered]:
    """Read our own pain.001 file back: what stands in it is what the bank was asked for."""
    spaces, found = {"p": PAIN}, []
    for entry in _document(body).iterfind("p:CstmrCdtTrfInitn/p:PmtInf/p:CdtTrfTxInf", spaces):
        amount = entry.find("p:Amt/p:InstdAmt", spaces)
        reference = entry.findtext("p:PmtId/p:EndToEndId", "", spaces)
        if amount is None or not reference:
            raise UnableToReadNotification("xml_invalid", N_("This is not a well-formed XML file."))
        currency = amount.get("Ccy", "")
        found.append(Ordered(reference, parse_amount(amount.text or "", currency=currency), currency))
    return found


def is_status_report(body: bytes) -> bool:
    """Tell a pain.002 file from the others."""
    return _document(body).tag == f"{{{REPORT}}}Document"


def read_refusals(body: bytes) -> dict[str, str]:
    """Read which orders a pain.002 file refuses for good, each with the bank's reason; a whole file may be refused."""
    spaces, found = {"r": REPORT}, {}
    for report in _document(body).iterfind("r:CstmrPmtStsRpt", spaces):
        whole = report.find("r:OrgnlGrpInfAndSts", spaces)
        if whole is not None and whole.findtext("r:GrpSts", "", spaces) == "RJCT":
            found[whole.findtext("r:OrgnlMsgId", "", spaces)] = _why(whole, spaces)
        for one in report.iterfind("r:OrgnlPmtInfAndSts/r:TxInfAndSts", spaces):
            if one.findtext("r:TxSts", "", spaces) == "RJCT":
                found[one.findtext("r:OrgnlEndToEndId", "", spaces)] = _why(one, spaces)
    found.pop("", None)
    return found


def _why(part: Element, spaces: dict[str, str]) -> str:
    return part.findtext("r:StsRsnInf/r:Rsn/r:Cd", "", spaces) or "rejected"


def read_notifications(body: bytes) -> list[Notice]:
    """Read a camt.054 file: one notice a transaction, in its order."""
    document = _document(body)
    if document.tag != f"{{{CAMT}}}Document":
        raise UnableToReadNotification("not_camt", N_("This is not a camt.054 file of version 08."))
    spaces = {"c": CAMT}
    return [
        _notice(entry, details, spaces)
        for entry in document.iterfind("c:BkToCstmrDbtCdtNtfctn/c:Ntfctn/c:Ntry", spaces)
        for details in entry.iterfind("c:NtryDtls/c:TxDtls", spaces)
    ]


def _notice(entry: Element, details: Element, spaces: dict[str, str]) -> Notice:
    def find(element: Element, path: str) -> str:
        return (element.findtext("/".join(f"c:{name}" for name in path.split("/")), "", spaces) or "").strip()

    amount = details.find("c:Amt", spaces)
    side, booked = find(entry, "CdtDbtInd"), find(entry, "BookgDt/Dt")
    reference, bank = find(details, "Refs/EndToEndId"), find(details, "Refs/AcctSvcrRef")
    state = find(entry, "Sts/Cd") or find(entry, "Sts")
    try:
        if amount is None or side not in ("CRDT", "DBIT") or not reference or not bank or state != "BOOK":
            raise ValueError(reference)
        currency = amount.get("Ccy", "")
        money: Decimal = parse_amount((amount.text or "").strip(), currency=currency)
        day = date.fromisoformat(booked)
    except (ValueError, Refusal) as error:
        raise UnableToReadNotification(
            "entry_invalid",
            N_("An entry lacks its reference, side, state, amount or date: %(reference)s."),
            params={"reference": reference[:40]},
        ) from error
    return Notice(
        receipt=Receipt(
            reference=reference,
            provider_reference=bank[:80],
            outcome=Outcome.SUCCEEDED,
            amount=money,
            currency=currency,
        ),
        is_credit=side == "CRDT",
        is_reversal=find(entry, "RvslInd") == "true",
        booked_date=day,
    )
