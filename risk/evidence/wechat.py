"""Read WeChat Pay bill exports: UTF-8 with a byte order mark, a preamble of some 16 lines, `¥` amounts.

A neutral row (`/`, 中性交易) moves money between the holder's own pockets. A refund is a row of its own
beside the purchase that it gives back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.domain.events import Category, EventKind, Source
from risk.evidence.alipay import read_preamble
from risk.evidence.categories import classify
from risk.evidence.parsed import Header, Options, Row, Summary, check_announced, missing, no_rows
from risk.evidence.refusals import UnableToReadStatement
from risk.evidence.text import records
from risk.evidence.values import Calendar, read_amount

DONE: Final = re.compile(
    "^(支付成功|已存入零钱(通)?|已转账|朋友已收钱|对方已收钱|已收钱|已收款|已到账|提现已到账|充值完成|充值成功|已全额退款"
    "|已退款.*|对方已退还|还款成功|已存入.*|.*成功|.*已到账|.*已退还)$"
)
NOTHING: Final = re.compile("失败|等待|待支付|已关闭|已取消|处理中|已过期|待收款")
MONEY_IN: Final = re.compile("充值|转出|赎回|取出|到零钱")


def parse(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the events of a WeChat Pay bill, filling the summary on the way."""
    summary.source = Source.WECHAT
    rows = records(stream)
    header = read_preamble(rows, summary, marks=("收/支", "当前状态"), end_marks=("金额(元)", "金额（元）"))
    amount = header.find("金额(元)", "金额（元）")
    if not amount:
        raise missing(header.line, "金额(元)")
    header.require("交易时间", "交易类型", "收/支", "当前状态")
    calendar = Calendar(as_of=options.as_of, begin=summary.begin, end=summary.end)
    seen, line = 0, header.line
    for line, cells in rows:
        header.check(line, cells)
        seen += 1
        row = _row(line, cells, header, summary, calendar, amount)
        if row is not None:
            yield row
    check_announced(summary, seen)
    if not seen:
        raise no_rows(line)


def _row(
    line: int, cells: list[str], header: Header, summary: Summary, calendar: Calendar, column: str
) -> Row | None:
    def cell(*names: str) -> str:
        name = header.find(*names)
        text = cells[header.place[name]] if name else ""
        return "" if text == "/" and name != "收/支" else text

    text = cell(column)
    value = read_amount(text[1:] if text[:1] in ("¥", "￥") else text, line=line, column=column)
    occurred = calendar.moment(cell("交易时间"), line=line, column="交易时间")
    direction, status, label = cell("收/支"), cell("当前状态"), cell("交易类型")
    if direction not in ("收入", "支出", "/", "中性交易", ""):
        raise UnableToReadStatement.at(
            line,
            "direction_invalid",
            N_("Line %(line)s, column '%(column)s': this is not a direction of a payment."),
            column="收/支",
        )
    if value == 0 or NOTHING.search(status) or not DONE.match(status):
        summary.skipped += 1
        if value and not NOTHING.search(status):
            summary.warn("status_unknown")
        return None
    memo, other, number = cell("商品"), cell("交易对方"), cell("交易单号")
    signed, category = settle(direction, label, memo, other, value)
    summary.count(line, occurred.date())
    return Row(
        line=line,
        occurred_at=occurred,
        kind=EventKind.PAYMENT,
        amount=signed,
        category=category,
        counterparty=other,
        memo=memo,
        identity=f"{number}|{'R' if category is Category.REFUND else 'P'}",
    )


def settle(direction: str, label: str, memo: str, other: str, value: Decimal) -> tuple[Decimal, Category]:
    """Give the signed amount and the category of a row on which money moved."""
    if direction in ("收入", "支出"):
        incoming = direction == "收入"
        if incoming and label.endswith("退款"):
            return value, Category.REFUND
        if incoming and label == "二维码收款":
            return value, Category.TRADE
        return (value if incoming else -value), classify(label, memo, other, incoming)
    if "还款" in label:
        return -value, Category.LOAN
    return (value if MONEY_IN.search(label) else -value), Category.OWN_TRANSFER
