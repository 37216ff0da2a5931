"""Read bank statements as CSV by a mapping of columns: the borrower's, the remembered, or the guessed one.

A mapping says which column holds what: `date`, and either `amount` (signed) or `amount` with `direction`
or `credit` and `debit`; besides `time`, `balance`, `counterparty`, `memo`, `number`, `holder`, `account`,
`currency`, `label`; and two settings, `date_style` and `amount_style` (PLAIN or GROUPED).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.domain.events import Category, EventKind, Source
from risk.evidence.balance import Chain
from risk.evidence.categories import DIGITS, classify
from risk.evidence.parsed import Header, Options, Row, Summary, missing, no_rows
from risk.evidence.refusals import UnableToReadStatement
from risk.evidence.text import records
from risk.evidence.values import DATE_STYLES, Calendar, read_amount

PREAMBLE_LINES: Final = 30
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "date": (
        "date",
        "交易日期",
        "记账日期",
        "入账日期",
        "日期",
        "交易时间",
        "booking date",
        "transaction date",
    ),
    "time": ("time", "时间", "交易时刻"),
    "amount": ("amount", "交易金额", "金额", "发生额", "金额(元)", "金额（元）", "transaction amount"),
    "credit": (
        "credit",
        "贷方金额",
        "贷方发生额",
        "收入金额",
        "收入",
        "存入金额",
        "转入金额",
        "credit amount",
        "money in",
    ),
    "debit": (
        "debit",
        "借方金额",
        "借方发生额",
        "支出金额",
        "支出",
        "支取金额",
        "转出金额",
        "debit amount",
        "money out",
    ),
    "direction": ("direction", "借贷标志", "借贷", "收支", "收/支", "交易方向", "收支标志", "type", "dr/cr"),
    "balance": ("balance", "账户余额", "余额", "本次余额", "联机余额", "交易后余额", "余额(元)"),
    "counterparty": (
        "counterparty",
        "对方户名",
        "对方名称",
        "交易对方",
        "对手名称",
        "对方账户名",
        "payee",
        "name",
    ),
    "memo": ("memo", "摘要", "交易摘要", "用途", "附言", "交易说明", "备注", "description", "details"),
    "number": ("number", "交易流水号", "流水号", "交易号", "凭证号", "transaction id", "reference"),
    "holder": ("holder", "户名", "账户名称", "客户姓名", "account holder"),
    "account": ("account", "账号", "卡号", "本方账号", "account number"),
    "currency": ("currency", "币种", "货币"),
    "label": ("label", "category", "交易类型", "k_symbol"),
}
SETTINGS: Final = {"date_style": tuple(DATE_STYLES), "amount_style": ("PLAIN", "GROUPED")}
IN_WORDS: Final = frozenset(["贷", "收", "收入", "转入", "存入", "入", "in", "c", "cr", "credit", "+"])
OUT_WORDS: Final = frozenset(
    ["借", "支", "支出", "转出", "支取", "出", "out", "d", "dr", "debit", "withdrawal", "-"]
)
CNY: Final = frozenset({"", "CNY", "RMB", "人民币", "人民币元", "156", "01"})
HOLDER: Final = re.compile(
    r"(?:户名|姓名|账户名称|客户姓名|account holder)[:：,]?\s*([^\s,，:：]{2,64})", re.IGNORECASE
)
ACCOUNT: Final = re.compile(
    r"(?:账号|卡号|账户|account number)[:：,]?\s*([0-9*]{4}[0-9* ]{4,40})", re.IGNORECASE
)
ALIPAY: Final = re.compile("支付宝|alipay|余额宝|蚂蚁", re.IGNORECASE)
WECHAT: Final = re.compile("财付通|微信|tenpay|wechat", re.IGNORECASE)


def fingerprint(names: list[str]) -> str:
    """Give a header its hash: the same bank's export has the same."""
    return sha256("\x1f".join(name.casefold() for name in names).encode()).hexdigest()


def guess(names: list[str]) -> dict[str, str]:
    """Guess the mapping from the usual names of columns."""
    folded = {name.casefold(): name for name in names}
    found: dict[str, str] = {}
    for role, words in ROLES.items():
        for word in words:
            if word in folded and folded[word] not in found.values():
                found[role] = folded[word]
                break
    if "credit" in found and "debit" in found:
        found.pop("amount", None)
        found.pop("direction", None)
    else:
        found.pop("credit", None)
        found.pop("debit", None)
    return found


def complete(mapping: Mapping[str, str]) -> str:
    """Name the first role that a mapping lacks, or nothing."""
    if "date" not in mapping:
        return "date"
    if "amount" in mapping or ("credit" in mapping and "debit" in mapping):
        return ""
    return "amount"


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse a mapping with unknown roles, settings or one column used twice."""
    for role, value in mapping.items():
        allowed = SETTINGS.get(role)
        known = role in ROLES or (allowed is not None and value in allowed)
        if not known or not isinstance(value, str) or not 0 < len(value) <= 200:
            raise _bad_mapping(str(role))
    columns = [value for role, value in mapping.items() if role in ROLES]
    twice = [column for column, times in Counter(columns).items() if times > 1]
    if twice:
        raise _bad_mapping(twice[0])
    lacking = complete(mapping)
    if lacking:
        raise _bad_mapping(lacking)


def _bad_mapping(name: str) -> UnableToReadStatement:
    return UnableToReadStatement(
        "mapping_invalid",
        N_("Choose one column for the date and one for the amount, each column once (see '%(name)s')."),
        field="mapping",
        params={"name": name[:64]},
    )


def parse(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the events of a bank statement, filling the summary on the way."""
    summary.source = Source.BANK_CSV
    rows = records(stream)
    header = _header(rows, summary, options)
    reader = _Reader(header, summary, options)
    seen, line = 0, header.line
    for line, cells in rows:
        header.check(line, cells)
        seen += 1
        row = reader.row(line, cells)
        if row is not None:
            yield row
    if not seen:
        raise no_rows(line)
    summary.descending = reader.chain.finish()


def _header(rows: Iterator[tuple[int, list[str]]], summary: Summary, options: Options) -> Header:
    """Find the header: the first line that has every column of the mapping, or a guessable one."""
    first: Header | None = None
    duplicated: UnableToReadStatement | None = None
    lone = ""
    for line, cells in rows:
        lone = lone or cells[0]
        try:
            header = Header(line, cells)
        except UnableToReadStatement as twice:  # a preamble may well say a word twice
            duplicated = duplicated or twice
            header = None
        if header is not None and len(header.place) > 1:
            if _suits(header, summary, options):
                return header
            if first is None or len(header.place) > len(first.place):
                first = header
        _about(" ".join(cells), summary)
        if line > PREAMBLE_LINES:
            break
    if duplicated is not None and (first is None or duplicated.params["line"] <= first.line):
        raise duplicated
    raise _no_header(first, options.mapping, lone)


def _suits(header: Header, summary: Summary, options: Options) -> bool:
    """Tell whether a header has what the chosen, remembered or guessed mapping wants, and take it."""
    mark = fingerprint(header.names)
    chosen = options.mapping or options.remembered.get(mark, {})
    use = {role: name for role, name in chosen.items() if role in ROLES} or guess(header.names)
    if complete(use) or any(name not in header.place for name in use.values()):
        return False
    summary.fingerprint, summary.columns = mark, header.names
    summary.mapping = dict(use) | {role: value for role, value in chosen.items() if role in SETTINGS}
    return True


def _about(text: str, summary: Summary) -> None:
    """Take what a line above the table says."""
    if found := HOLDER.search(text):
        summary.holder = summary.holder or found[1]
    if found := ACCOUNT.search(text):
        summary.account = summary.account or found[1].replace(" ", "")


def _no_header(first: Header | None, mapping: Mapping[str, str], lone: str) -> UnableToReadStatement:
    if first is None:
        sign = next((mark for mark in (";", "\t", "|") if lone.count(mark) > 1), "")
        if not sign:
            return missing(1, "date")
        return UnableToReadStatement.at(
            1,
            "delimiter_wrong",
            N_("Line %(line)s: the columns are not separated by commas. Save the file as CSV with commas."),
        )
    for role, name in mapping.items():
        if role in ROLES and name not in first.place:
            return missing(first.line, name)
    lacking = complete(guess(first.names)) or "date"
    return UnableToReadStatement.at(
        first.line,
        "column_missing",
        N_("Line %(line)s: column '%(column)s' is missing."),
        column=lacking,
        params={"columns": first.names, "guess": guess(first.names), "fingerprint": fingerprint(first.names)},
    )


class _Reader:
    """Read the records of one statement, following its balance."""

    def __init__(self, header: Header, summary: Summary, options: Options) -> None:
        self.header, self.summary, self.mapping = header, summary, summary.mapping
        self.place = {role: header.place[name] for role, name in self.mapping.items() if role in ROLES}
        self.grouped = self.mapping.get("amount_style") == "GROUPED"
        self.calendar = Calendar(as_of=options.as_of, style=self.mapping.get("date_style", ""))
        self.chain = Chain(column=self.mapping.get("balance", ""), date_column=self.mapping["date"])
        self.seen: dict[int, int] = {}
        summary.own_numbers = "number" in self.place

    def cell(self, cells: list[str], role: str) -> str:
        place = self.place.get(role)
        return "" if place is None else cells[place]

    def number(self, cells: list[str], role: str, line: int) -> Decimal:
        return read_amount(
            cells[self.place[role]], line=line, column=self.mapping[role], grouped=self.grouped
        )

    def row(self, line: int, cells: list[str]) -> Row | None:
        """Read one record, or None when it moves nothing and tells no balance."""
        summary = self.summary
        self._who(line, cells)
        occurred = self.calendar.moment(
            self.cell(cells, "date"), line=line, column=self.mapping["date"], time=self.cell(cells, "time")
        )
        amount = self._amount(line, cells)
        balance = self.number(cells, "balance", line) if self.cell(cells, "balance") else None
        self.chain.follow(line, occurred.date(), amount, balance)
        if amount == 0 and balance is None:
            summary.skipped += 1
            return None
        summary.count(line, occurred.date())
        memo, other, label = (self.cell(cells, role) for role in ("memo", "counterparty", "label"))
        number = self.cell(cells, "number")
        if not number:
            told = f"{occurred.isoformat()}|{amount}|{balance}|{other}|{memo}"
            mark = hash(told)  # of this process, for this file only: 300,000 texts would fill the memory
            times = self.seen.get(mark, 0) + 1
            self.seen[mark] = times
            number = f"{told}|{times}"
        return Row(
            line=line,
            occurred_at=occurred,
            kind=EventKind.PAYMENT if amount else EventKind.BALANCE,
            amount=amount,
            category=classify(label, memo, other, amount > 0) if amount else Category.UNKNOWN,
            balance=balance,
            counterparty=other,
            memo=memo or label,
            identity=number,
            wallet=wallet_of(memo.translate(DIGITS), other),
        )

    def _amount(self, line: int, cells: list[str]) -> Decimal:
        if "amount" not in self.place:
            credit = self.number(cells, "credit", line) if self.cell(cells, "credit") else None
            debit = self.number(cells, "debit", line) if self.cell(cells, "debit") else None
            if (credit is None and debit is None) or (credit and debit):
                raise UnableToReadStatement.at(
                    line,
                    "amount_invalid",
                    N_("Line %(line)s: give an amount in one of the columns '%(column)s'."),
                    column=f"{self.mapping['credit']} / {self.mapping['debit']}",
                )
            return (credit or Decimal("0.00")) - abs(debit or Decimal("0.00"))
        amount = self.number(cells, "amount", line)
        if "direction" not in self.place:
            return amount
        word = self.cell(cells, "direction").casefold()
        if word in IN_WORDS:
            return abs(amount)
        if word in OUT_WORDS:
            return -abs(amount)
        raise UnableToReadStatement.at(
            line,
            "direction_invalid",
            N_("Line %(line)s, column '%(column)s': this is not a direction of a payment."),
            column=self.mapping["direction"],
        )

    def _who(self, line: int, cells: list[str]) -> None:
        summary = self.summary
        if self.cell(cells, "currency").upper() not in CNY:
            raise UnableToReadStatement.at(
                line,
                "currency_unsupported",
                N_("Line %(line)s, column '%(column)s': only accounts in CNY are read."),
                column=self.mapping["currency"],
            )
        for name in ("holder", "account"):
            told = self.cell(cells, name)[:64]
            if told and getattr(summary, name) and getattr(summary, name) != told:
                summary.warn(f"several_{name}s")
            elif told:
                setattr(summary, name, told)


@lru_cache(maxsize=16_384)
def wallet_of(memo: str, other: str) -> Source:
    """Tell through which wallet a bank account paid; give the memo without its digits."""
    text = f"{memo} {other}"
    if ALIPAY.search(text):
        return Source.ALIPAY
    return Source.WECHAT if WECHAT.search(text) else Source.UNKNOWN
