"""Read ISO 20022 camt.053 statements: entries streamed, document types and entities refused.

XML has no lines worth telling, so "line" in a refusal is the number of the entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from regimes.errors import N_
from risk.domain.events import SHANGHAI, EventKind, Source
from risk.evidence.bank import CNY, wallet_of
from risk.evidence.categories import DIGITS, classify
from risk.evidence.parsed import Options, Row, Summary, no_rows
from risk.evidence.refusals import NotAStatement, UnableToReadStatement
from risk.evidence.text import MAX_BYTES, MAX_CELL, clean, detect, too_large
from risk.evidence.values import DATE_INVALID, Calendar, read_amount

NOT_CAMT: Final = N_("This is not a camt.053 file.")
CODES: Final = {"OPBD": "opening", "PRCD": "opening", "CLBD": "closing"}


class _Bounded:
    """Count the bytes read and stop beyond the cap."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.total = stream, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size if 0 < size < 65536 else 65536)
        if self.total == 0 and data:
            detect(data[:64])
        self.total += len(data)
        if self.total > MAX_BYTES:
            raise too_large()
        return data


def _name(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _text(parent: Element, *path: str) -> str:
    """Give the text at a path of local names, or an empty text."""
    node: Element | None = parent
    for step in path:
        node = next((child for child in node if _name(child) == step), None) if node is not None else None
    return clean((node.text or "")[:MAX_CELL]) if node is not None else ""


def parse(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the booked entries of a camt.053 statement, and prove its closing balance."""
    summary.source = Source.CAMT053
    state = _State(summary, Calendar(as_of=options.as_of))
    try:
        for event, element in iterparse(_Bounded(stream), events=("start", "end"), forbid_dtd=True):
            name = _name(element)
            if event == "start":
                state.open(name)
            elif name == "Ntry":
                row = state.entry(element)
                element.clear()
                if row is not None:
                    yield row
            elif name in ("Bal", "Acct"):
                state.about(name, element)
                element.clear()
            elif name == "Stmt":
                state.prove()
                element.clear()
    except (ParseError, LookupError, ValueError) as wrong:
        if isinstance(wrong, DefusedXmlException) or not state.is_camt:
            raise NotAStatement("not_camt", NOT_CAMT, field="file") from None
        raise UnableToReadStatement.at(
            max(state.number, 1),
            "statement_cut",
            N_("Line %(line)s: the file ends too early. Export it again."),
        ) from None
    if not state.is_camt:
        raise NotAStatement("not_camt", NOT_CAMT, field="file")
    if not summary.rows:
        raise no_rows(1)


class _State:
    """Hold what one pass over the entries has to remember."""

    def __init__(self, summary: Summary, calendar: Calendar) -> None:
        self.summary, self.calendar = summary, calendar
        self.number, self.depth, self.is_camt = 0, 0, False
        self.balances: dict[str, Decimal] = {}
        self.moved = Decimal("0.00")

    def open(self, name: str) -> None:
        """Take the start of an element."""
        self.depth += 1
        if name == "BkToCstmrStmt":
            self.is_camt = True
        if name == "Stmt":
            self.balances, self.moved = {}, Decimal("0.00")

    def about(self, name: str, element: Element) -> None:
        """Take the account or a balance."""
        if name == "Bal":
            code = CODES.get(_text(element, "Tp", "CdOrPrtry", "Cd"))
            if code:
                amount = read_amount(_text(element, "Amt"), line=max(self.number, 1), column="Bal/Amt")
                self.balances[code] = -amount if _text(element, "CdtDbtInd") == "DBIT" else amount
            return
        account = _text(element, "Id", "IBAN") or _text(element, "Id", "Othr", "Id")
        if self.summary.account and account and account != self.summary.account:
            self.summary.warn("several_accounts")
        self.summary.account = self.summary.account or account[:64]
        self.summary.holder = self.summary.holder or _text(element, "Ownr", "Nm")[:64]

    def entry(self, element: Element) -> Row | None:
        """Read one entry; pending ones are passed over."""
        self.number += 1
        line, summary = self.number, self.summary
        for child in element:
            if _name(child) == "Amt" and child.get("Ccy", "CNY").upper() not in CNY:
                raise UnableToReadStatement.at(
                    line,
                    "currency_unsupported",
                    N_("Line %(line)s, column '%(column)s': only accounts in CNY are read."),
                    column="Amt/Ccy",
                )
        amount = read_amount(_text(element, "Amt"), line=line, column="Amt")
        status = _text(element, "Sts") or _text(element, "Sts", "Cd")
        if status not in ("", "BOOK") and _text(element, "Sts", "Cd") != "BOOK":
            summary.skipped += 1
            return None
        if _text(element, "CdtDbtInd") == "DBIT":
            amount = -amount
        occurred = self._when(element)
        summary.count(line, occurred.date())
        self.moved += amount
        return self._row(element, line, amount, occurred)

    def _row(self, element: Element, line: int, amount: Decimal, occurred: datetime) -> Row:
        parties = ("NtryDtls", "TxDtls", "RltdPties")
        side = "Dbtr" if amount > 0 else "Cdtr"
        other = _text(element, *parties, side, "Nm") or _text(element, *parties, side, "Pty", "Nm")
        memo = _text(element, "NtryDtls", "TxDtls", "RmtInf", "Ustrd") or _text(element, "AddtlNtryInf")
        number = _text(element, "AcctSvcrRef") or _text(element, "NtryRef")
        return Row(
            line=line,
            occurred_at=occurred,
            kind=EventKind.PAYMENT if amount else EventKind.BALANCE,
            amount=amount,
            category=classify("", memo, other, amount > 0),
            counterparty=other,
            memo=memo,
            identity=number or f"{occurred.isoformat()}|{amount}|{other}|{memo}|{line}",
            wallet=wallet_of(memo.translate(DIGITS), other),
        )

    def _when(self, element: Element) -> datetime:
        text = (
            _text(element, "BookgDt", "DtTm")
            or _text(element, "BookgDt", "Dt")
            or _text(element, "ValDt", "Dt")
        )
        try:
            if len(text) > 10:
                moment = datetime.fromisoformat(text)
                moment = moment.astimezone(SHANGHAI) if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
            else:
                day = date.fromisoformat(text)
                moment = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
        except ValueError:
            raise UnableToReadStatement.at(
                self.number, "date_invalid", DATE_INVALID, column="BookgDt"
            ) from None
        self.calendar.check(moment.date(), line=self.number, column="BookgDt")
        return moment

    def prove(self) -> None:
        """Refuse a statement whose entries do not lead from its opening to its closing balance."""
        if len(self.balances) == 2 and self.balances["opening"] + self.moved != self.balances["closing"]:
            expected = self.balances["opening"] + self.moved
            raise UnableToReadStatement.at(
                self.number,
                "balance_mismatch",
                N_(
                    "Line %(line)s: balance should be %(expected)s. "
                    "Rows are missing or were changed; export the statement again and upload it unchanged."
                ),
                column="Bal",
                params={"expected": str(expected)},
            )
