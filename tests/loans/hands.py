"""The other side of each gateway: a bank that does what a test tells it."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

from loans.gateways.base import Order
from loans.gateways.iso20022 import CAMT, REPORT, read_orders
from tests.loans.bank import BankProcess


class Hand(Protocol):
    """What a contract test needs the bank to do."""

    def execute(self, order: Order) -> None: ...

    def refuse(self, order: Order, reason: str) -> None: ...

    def give_back(self, order: Order) -> None: ...


class ApiHand:
    """The sandbox bank settles by itself; a refusal is asked for before the order comes."""

    def __init__(self, bank: BankProcess) -> None:
        self.bank = bank

    def execute(self, order: Order) -> None:
        until = time.monotonic() + 20
        while self.bank.ask("GET", f"/transfers/{order.reference}")[1]["status"] != "SUCCEEDED":
            assert time.monotonic() < until, "the bank does not settle"
            time.sleep(0.05)

    def refuse(self, order: Order, reason: str) -> None:
        self.bank.behave("transfer", "refuse", reason=reason)

    def give_back(self, order: Order) -> None:
        assert self.bank.ask("POST", "/returns", {"reference": order.reference})[0] == 200


ENTRY = """<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{reversal}<Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-02</Dt></BookgDt><NtryDtls><TxDtls><Refs><AcctSvcrRef>{bank}</AcctSvcrRef>
<EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy="{currency}">{amount}</Amt></TxDtls></NtryDtls></Ntry>"""


class FileHand:
    """A bank at the far end of two folders: reads orders, writes answers, and never changes what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.orders, self.answers = folder / "orders", folder / "answers"
        self.answers.mkdir(parents=True)
        self.number = itertools.count(1)

    def write(self, name: str, text: str) -> None:
        (self.answers / f"{next(self.number):06}-{name}.xml").write_text(text, "utf-8")

    def notify(self, reference: str, *, amount: str, currency: str = "CNY", back: bool = False) -> None:
        entry = ENTRY.format(
            currency=currency, amount=amount, side="CRDT" if back else "DBIT", reference=reference.replace("-", ""),
            reversal="<RvslInd>true</RvslInd>" if back else "", bank=f"B-{next(self.number)}",
        )  # fmt: skip
        self.write("notice", f'<Document xmlns="{CAMT}"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>{entry}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>')  # fmt: skip

    def execute(self, order: Order) -> None:
        hexed = order.reference.replace("-", "")
        [found] = read_orders((self.orders / f"{hexed}.xml").read_bytes())
        self.notify(order.reference, amount=f"{found.amount:.2f}", currency=found.currency)

    def execute_all(self) -> int:
        """Pay every order that was placed and not answered; return how many."""
        told = "".join(path.read_text("utf-8") for path in self.answers.glob("*.xml"))
        waiting = [path for path in sorted(self.orders.glob("*.xml")) if path.stem not in told]
        for path in waiting:
            for one in read_orders(path.read_bytes()):
                self.notify(one.reference, amount=f"{one.amount:.2f}", currency=one.currency)
        return len(waiting)

    def refuse(self, order: Order, reason: str) -> None:
        """Refuse by a status report; it may be there before the order's file is looked at."""
        said = f"""<OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>{order.reference.replace("-", "")}</OrgnlEndToEndId><TxSts>RJCT</TxSts>
        <StsRsnInf><Rsn><Cd>{escape(reason)}</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>"""
        self.write("status", f'<Document xmlns="{REPORT}"><CstmrPmtStsRpt>{said}</CstmrPmtStsRpt></Document>')

    def give_back(self, order: Order) -> None:
        self.notify(order.reference, amount=f"{order.amount:.2f}", currency=order.currency, back=True)
