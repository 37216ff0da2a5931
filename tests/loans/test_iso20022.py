"""The files that any bank reads: pain.001 out, camt.054 in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from loans.gateways.base import Order
from loans.gateways.iso20022 import (
    PAIN,
    Debtor,
    UnableToReadNotification,
    read_notifications,
    write_transfers,
)

RECORDED = (Path(__file__).parent / "payloads" / "camt054.xml").read_bytes()
DEBTOR = Debtor("Lender <Ltd> & Sons", "10000001", "Bank of the Lake")


def order(reference: str, amount: str) -> Order:
    return Order(reference, Decimal(amount), "CNY", "6222020000001234566", "王小明", "湖畔银行")


def write(*orders: Order) -> bytes:
    return write_transfers(
        orders,
        debtor=DEBTOR,
        message_id="M1",
        execution_date=date(2026, 3, 2),
        created_at=datetime(2026, 3, 2, 2, tzinfo=UTC),
    )


def test_it_refuses_no_orders_and_one_reference_twice() -> None:
    for orders in ((), (order("a", "1.00"), order("a", "2.00"))):
        with pytest.raises(ValueError):
            write(*orders)


def test_orders_and_their_sums_are_written() -> None:
    root = fromstring(write(order("a-1", "500.10"), order("b-2", "0.90")))
    space = {"p": PAIN}
    assert root.findtext("p:CstmrCdtTrfInitn/p:GrpHdr/p:CtrlSum", "", space) == "501.00"
    assert root.findtext("p:CstmrCdtTrfInitn/p:GrpHdr/p:InitgPty/p:Nm", "", space) == "Lender <Ltd> & Sons"
    entries = root.findall("p:CstmrCdtTrfInitn/p:PmtInf/p:CdtTrfTxInf", space)
    assert [entry.findtext("p:PmtId/p:EndToEndId", "", space) for entry in entries] == ["a1", "b2"]
    assert entries[0].find("p:Amt/p:InstdAmt", space).attrib == {"Ccy": "CNY"}  # type: ignore[union-attr]
    assert entries[0].findtext("p:Cdtr/p:Nm", "", space) == "王小明"


def test_the_recorded_file_is_read() -> None:
    out, back = read_notifications(RECORDED)
    assert (out.receipt.amount, out.is_credit, out.is_reversal) == (Decimal("500.00"), False, False)
    assert out.receipt.reference == "0f8fad5bd9cb469fa16570867728950e"
    assert (back.receipt.provider_reference, back.is_credit, back.is_reversal) == ("B-78", True, True)
    assert back.booked_date == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"camt.054.001.08", b"camt.053.001.08", "not_camt"),
        (b"</Document>", b"", "xml_invalid"),
        (b"<Document", b'<!DOCTYPE a [<!ENTITY e "x">]><Document', "xml_invalid"),
        (b">500.00</Amt></TxDtls>", b">5e2</Amt></TxDtls>", "entry_invalid"),
        (b">500.00</Amt></TxDtls>", b">-500.00</Amt></TxDtls>", "entry_invalid"),
        (b"DBIT", b"BOTH", "entry_invalid"),
        (b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>", "entry_invalid"),
        (b"2026-03-02</Dt>", b"2026-02-31</Dt>", "entry_invalid"),
        (b"<EndToEndId>0f8fad5bd9cb469fa16570867728950e</EndToEndId>", b"", "entry_invalid"),
    ],
)
def test_it_refuses_what_cannot_be(old: bytes, new: bytes, code: str) -> None:
    assert old in RECORDED
    with pytest.raises(UnableToReadNotification) as caught:
        read_notifications(RECORDED.replace(old, new))
    assert caught.value.code == code
