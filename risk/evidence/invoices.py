"""Read invoice lists (sales or purchases): the tax bureau's export or the plain columns of our sample.

A void invoice (作废) moved nothing: of sales it is an event of its own, of purchases it is passed over. A
red-letter invoice (红字, 红冲) takes back: it counts below zero, whether or not the list writes the minus.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.domain.events import EventKind, Source
from risk.evidence.parsed import Header, Options, Row, Summary, missing, no_rows
from risk.evidence.refusals import UnableToReadStatement
from risk.evidence.text import records
from risk.evidence.values import Calendar, read_amount

PREAMBLE_LINES: Final = 20
NUMBER: Final = ("发票号码", "数电票号码", "发票号", "invoice_no", "number")
CODE: Final = ("发票代码", "invoice_code")
DATE: Final = ("开票日期", "发票日期", "date")
BUYER: Final = ("购方名称", "购买方名称", "购方企业名称", "buyer", "partner_id", "partner")
SELLER: Final = ("销方名称", "销售方名称", "销方企业名称", "seller", "partner_id", "partner")
NET: Final = ("金额", "合计金额", "不含税金额", "amount")
TAX: Final = ("税额", "合计税额", "tax")
TOTAL: Final = ("价税合计", "total")
STATUS: Final = ("发票状态", "状态", "是否作废", "status")

VALID: Final = frozenset(
    {"正常", "有效", "正常发票", "有效发票", "已开具", "蓝字", "否", "valid", "normal", ""}
)
VOID: Final = frozenset({"作废", "已作废", "空白作废", "作废发票", "是", "void"})
RED: Final = frozenset({"红字", "红冲", "已红冲", "负数", "红字发票", "全额红冲", "red", "red-letter"})
RED_TAKEN: Final = frozenset({"已红冲", "全额红冲"})  # the blue invoice that a red one took back later
TAKEN_BACK: Final = " 红冲"  # what the memo of such an invoice ends with


def parse_sales(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the sales of an invoice list."""
    return _parse(stream, summary, options, sales=True)


def parse_purchases(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the purchases of an invoice list."""
    return _parse(stream, summary, options, sales=False)


def _parse(stream: BinaryIO, summary: Summary, options: Options, *, sales: bool) -> Iterator[Row]:
    summary.source = Source.INVOICE_LIST
    rows = records(stream)
    header = _header(rows)
    calendar = Calendar(as_of=options.as_of)
    line = header.line
    seen = 0
    for line, cells in rows:
        header.check(line, cells)
        seen += 1
        row = _row(line, cells, header, summary, calendar, sales)
        if row is not None:
            yield row
    if not seen:
        raise no_rows(line)


def _header(rows: Iterator[tuple[int, list[str]]]) -> Header:
    last = 1
    for last, cells in rows:
        names = set(cells)
        if names & set(NUMBER) and names & set(DATE):
            header = Header(last, cells)
            if not header.find(*NET, *TOTAL):
                raise missing(last, "金额")
            return header
        if names & set(NUMBER) or last > PREAMBLE_LINES:
            raise missing(last, "开票日期")
        if names & set(DATE):
            raise missing(last, "发票号码")
    raise missing(last, "发票号码")


def _row(
    line: int, cells: list[str], header: Header, summary: Summary, calendar: Calendar, sales: bool
) -> Row | None:
    def cell(*names: str) -> str:
        name = header.find(*names)
        return cells[header.place[name]] if name else ""

    occurred = calendar.moment(cell(*DATE), line=line, column=header.find(*DATE))
    amount = _total(line, cells, header)
    status = cell(*STATUS).casefold()
    number = cell(*NUMBER)
    if not number:
        raise UnableToReadStatement.at(
            line, "number_missing", N_("Line %(line)s, column '%(column)s': the invoice has no number."),
            column=header.find(*NUMBER),
        )  # fmt: skip
    if status not in VALID | VOID | RED:
        raise UnableToReadStatement.at(
            line,
            "status_invalid",
            N_("Line %(line)s, column '%(column)s': this is not a state of an invoice (正常, 作废, 红字)."),
            column=header.find(*STATUS),
        )
    void = status in VOID
    if status in RED - RED_TAKEN:
        amount = -abs(amount)
    taken_back = sales and status in RED_TAKEN
    if amount == 0 or (void and not sales):
        summary.skipped += 1
        return None
    summary.count(line, occurred.date())
    kind = EventKind.SALE if sales else EventKind.PURCHASE
    return Row(
        line=line,
        occurred_at=occurred,
        kind=EventKind.SALE_VOID if void else kind,
        amount=abs(amount) if void else amount,
        counterparty=cell(*(BUYER if sales else SELLER)),
        memo=_tail(number, taken_back=taken_back) if sales else "",
        identity=f"{'S' if sales else 'P'}|{cell(*CODE)}|{number}",
        state="taken back" if taken_back else "",
    )


def _tail(number: str, *, taken_back: bool) -> str:
    """Keep the last digits of a number, so that its owner knows the invoice again; nothing else of it is kept."""
    return f"…{number[-4:]}{TAKEN_BACK if taken_back else ''}"


def _total(line: int, cells: list[str], header: Header) -> Decimal:
    """Read net, tax and total, and refuse them when they do not add up."""

    def value(names: tuple[str, ...]) -> Decimal | None:
        column = header.find(*names)
        text = cells[header.place[column]] if column else ""
        return read_amount(text, line=line, column=column) if text else None

    net, tax, total = value(NET), value(TAX), value(TOTAL)
    if net is None and total is None:
        raise UnableToReadStatement.at(
            line,
            "amount_invalid",
            N_("Line %(line)s, column '%(column)s': enter an amount such as 1500.00."),
            column=header.find(*TOTAL, *NET),
        )
    if net is None or total is None:
        return total if total is not None else (net or Decimal(0)) + (tax or Decimal(0))
    if tax is not None and net + tax != total:
        raise UnableToReadStatement.at(
            line,
            "total_mismatch",
            N_("Line %(line)s, column '%(column)s': amount and tax should add up to %(expected)s."),
            column=header.find(*TOTAL),
            params={"expected": str(net + tax)},
        )
    return total
