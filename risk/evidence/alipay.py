"""Read Alipay bill exports: the app's e-mailed bill (since 2021) and the older one of the web site.

Both are GB18030 (UTF-8 after re-saving is accepted), have a preamble with the holder, the period and the
number of rows, and end their lines with a comma; the old one closes with a summary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.domain.events import Category, EventKind, Source
from risk.evidence.categories import classify
from risk.evidence.parsed import Header, Options, Row, Summary, check_announced, missing, no_rows
from risk.evidence.refusals import UnableToReadStatement
from risk.evidence.text import records
from risk.evidence.values import Calendar, read_amount

PREAMBLE_LINES: Final = 60
HOLDER: Final = re.compile(r"姓名[:：]\s*(\S+)")
ACCOUNT: Final = re.compile(r"(?:支付宝账户[:：]\s*|账号[:：]\[)([^\s\]]+)")
PERIOD: Final = re.compile(
    r"起始(?:时间|日期)[:：]\s*\[(\d{4})-(\d\d)-(\d\d)[^\]]*\]\s*终止(?:时间|日期)[:：]\s*\[(\d{4})-(\d\d)-(\d\d)"
)
USER: Final = re.compile(r"用户[:：]\s*(\S+)")
ANNOUNCED: Final = re.compile(r"^共\s*(\d{1,9})\s*笔记录")
RULE: Final = re.compile(r"^-{5,}")

DONE: Final = frozenset(
    [
        "交易成功",
        "支付成功",
        "等待确认收货",
        "已付款",
        "代付成功",
        "还款成功",
        "放款成功",
        "转账成功",
        "提现成功",
        "充值成功",
        "已完成",
        "缴费成功",
        "付款成功",
        "等待对方确认收货",
        "已收入",
        "已支出",
        "买家已付款",
        "卖家已发货",
        "收款成功",
        "自动转入成功",
    ]
)
REFUNDED: Final = frozenset(["退款成功", "已退款", "退税成功"])
NOTHING: Final = frozenset(
    [
        "等待付款",
        "冻结成功",
        "解冻成功",
        "信用服务使用成功",
        "芝麻免押下单成功",
        "芝麻免押守约成功",
        "预授权成功",
        "支付失败",
        "还款失败",
        "交易失败",
        "提现失败",
        "退款中",
        "处理中",
        "失败",
        "已失效",
    ]
)
CLOSED: Final = frozenset(["交易关闭", "已关闭", "关闭"])
MONEY_IN: Final = re.compile("收益发放|放款|借款到账|转出到余额|余额宝.*转出|赎回|卖出|退款|充值")


def parse(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the events of an Alipay bill, filling the summary on the way."""
    summary.source = Source.ALIPAY
    rows = records(stream)
    header = read_preamble(rows, summary, marks=("收/支", "交易状态"), end_marks=("金额", "金额（元）"))
    moment = header.find("交易时间", "付款时间", "交易创建时间")
    amount = header.find("金额", "金额（元）", "金额(元)")
    calendar = Calendar(as_of=options.as_of, style="YYYY-MM-DD", begin=summary.begin, end=summary.end)
    for name, found in (("交易时间", moment), ("金额", amount)):
        if not found:
            raise missing(header.line, name)
    header.require("收/支", "交易状态")
    seen, line = 0, header.line
    for line, cells in rows:
        if RULE.match(cells[0]) or ANNOUNCED.match(cells[0]):
            _closing(rows, cells, summary)
            break
        header.check(line, cells)
        seen += 1
        yield from _row(line, cells, header, summary, calendar, moment, amount)
    check_announced(summary, seen)
    if not seen:
        raise no_rows(line)


def read_preamble(
    rows: Iterator[tuple[int, list[str]]],
    summary: Summary,
    *,
    marks: tuple[str, ...],
    end_marks: tuple[str, ...],
) -> Header:
    """Read up to the header, taking holder, account, period and the announced number of rows."""
    last = 0
    for last, cells in rows:
        names = set(cells)
        if len(names & set(marks)) == len(marks) or (names & set(marks) and names & set(end_marks)):
            return Header(last, cells)
        read_about(" ".join(cell for cell in cells if cell), summary)
        if last > PREAMBLE_LINES:
            break
    raise missing(max(last, 1), marks[0])


def read_about(text: str, summary: Summary) -> None:
    """Take what a line beside the table says."""
    if found := HOLDER.search(text) or USER.search(text):
        summary.holder = summary.holder or found[1][:64]
    if found := ACCOUNT.search(text):
        summary.account = found[1][:64]
    if found := PERIOD.search(text):
        year, month, day, year2, month2, day2 = map(int, found.groups())
        try:
            summary.begin, summary.end = date(year, month, day), date(year2, month2, day2)
        except ValueError:
            summary.begin = summary.end = None
    if found := ANNOUNCED.match(text):
        summary.announced = int(found[1])


def _closing(rows: Iterator[tuple[int, list[str]]], cells: list[str], summary: Summary) -> None:
    read_about(" ".join(cells), summary)
    for _, cells in rows:
        read_about(" ".join(cells), summary)


def _row(
    line: int,
    cells: list[str],
    header: Header,
    summary: Summary,
    calendar: Calendar,
    moment: str,
    amount: str,
) -> Iterator[Row]:
    place = header.place

    def cell(*names: str) -> str:
        name = header.find(*names)
        return cells[place[name]] if name else ""

    value = read_amount(cell(amount), line=line, column=amount)
    when = cell(moment) or cell("交易创建时间", moment)
    occurred = calendar.moment(when, line=line, column=moment)
    direction, status = cell("收/支"), cell("交易状态")
    label = cell("交易分类", "类型")
    memo, other = cell("商品说明", "商品名称"), cell("交易对方")
    number = cell("交易订单号", "交易号")
    if direction not in ("收入", "支出", "不计收支", "其他", "/", ""):
        raise UnableToReadStatement.at(
            line,
            "direction_invalid",
            N_("Line %(line)s, column '%(column)s': this is not a direction of a payment."),
            column="收/支",
        )
    signed, category = settle(
        direction, status, label, memo, other, value, paid=bool(cell("收/付款方式", "资金状态"))
    )
    if signed is None:
        summary.skipped += 1
        if status not in NOTHING | CLOSED:
            summary.warn("status_unknown")
        return
    summary.count(line, occurred.date())
    base = number.split("_")[0]
    refunded = category is Category.REFUND and "交易号" in place
    yield Row(
        line=line,
        occurred_at=occurred,
        kind=EventKind.PAYMENT,
        amount=signed,
        category=category,
        counterparty=other,
        memo=memo,
        identity=f"{base}|R|{value}"
        if refunded
        else f"{number}|{'R' if category is Category.REFUND else 'P'}",
    )
    yield from _old_refund(line, cells, header, occurred, other, base, category)


def settle(
    direction: str, status: str, label: str, memo: str, other: str, value: Decimal, *, paid: bool
) -> tuple[Decimal | None, Category]:
    """Give the signed amount and category of a row, or None when no money moved."""
    text = f"{label} {memo} {other}"
    if status in NOTHING or value == 0 or (status in CLOSED and not (paid or direction in ("收入", "支出"))):
        return None, Category.UNKNOWN
    if status in REFUNDED or label == "退款":
        return value, Category.REFUND
    if status not in DONE | CLOSED and not status.endswith("成功"):
        return None, Category.UNKNOWN
    if direction in ("收入", "支出"):
        incoming = direction == "收入"
        return (value if incoming else -value), classify(label, memo, other, incoming)
    if status in CLOSED:  # paid, then given back by a refund row of its own
        return -value, classify(label, memo, other, False)
    incoming = MONEY_IN.search(text) is not None and "还款" not in text
    category = classify(label, memo, other, incoming)
    if "收益" in text:
        return value, Category.OTHER_INCOME
    if category not in (Category.LOAN, Category.OWN_TRANSFER, Category.REFUND):
        category = Category.OWN_TRANSFER
    return (value if incoming else -value), category


def _old_refund(
    line: int, cells: list[str], header: Header, occurred: datetime, other: str, base: str, category: Category
) -> Iterator[Row]:
    """Take the old export's refund column; the refund's own row, when listed, is the same event."""
    column = header.find("成功退款（元）", "成功退款(元)")
    if not column or category is Category.REFUND or not cells[header.place[column]]:
        return
    back = read_amount(cells[header.place[column]], line=line, column=column)
    if back > 0:
        yield Row(
            line=line,
            occurred_at=occurred,
            kind=EventKind.PAYMENT,
            amount=back,
            category=Category.REFUND,
            counterparty=other,
            identity=f"{base}|R|{back}",
        )
