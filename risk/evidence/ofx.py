"""Read OFX bank statements, the old SGML form (1.x) and the XML form (2.x), a line at a time.

Only flat `<TAG>value` pairs are read, so there is nothing that an entity could expand; a DOCTYPE or an
ENTITY is refused. OFX tells no running balance, only the closing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.domain.events import SHANGHAI, EventKind, Source
from risk.evidence.bank import CNY, wallet_of
from risk.evidence.categories import DIGITS, classify
from risk.evidence.parsed import Options, Row, Summary, no_rows
from risk.evidence.refusals import NotAStatement, UnableToReadStatement
from risk.evidence.text import clean, text_lines
from risk.evidence.values import DATE_INVALID, Calendar, read_amount

TAG: Final = re.compile(r"<(/?)([A-Za-z0-9.]{1,40})>([^<]*)")
STAMP: Final = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:\.\d+)?(?:\[([+-]?\d{1,2})(?:\.\d+)?(?::\w+)?\])?"
)
NOT_OFX: Final = N_("This is not an OFX file.")
LABELS: Final = {
    "FEE": "手续费",
    "SRVCHG": "服务费",
    "ATM": "取现",
    "CASH": "现金",
    "XFER": "转账",
    "INT": "interest credited",
}


def parse(stream: BinaryIO, summary: Summary, options: Options) -> Iterator[Row]:
    """Yield the transactions of an OFX statement."""
    summary.source = Source.OFX
    calendar = Calendar(as_of=options.as_of)
    fields: dict[str, str] = {}
    inside = is_ofx = closed = False
    start = line = 1
    for line, text in text_lines(stream):
        if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
            raise NotAStatement("not_ofx", NOT_OFX, field="file")
        for closing, tag, value in TAG.findall(text):
            tag, value = tag.upper(), clean(unescape(value))
            if tag == "OFX":
                is_ofx, closed = True, bool(closing)
            elif tag == "STMTTRN":
                if closing:
                    yield _row(start, fields, summary, calendar)
                inside, fields, start = not closing, {}, line
            elif inside and not closing:
                fields[tag] = value
            elif tag in ("ACCTID", "CURDEF") and not closing:
                _about(line, tag, value, summary)
        if not is_ofx and line > 40:
            break
    if not is_ofx:
        raise NotAStatement("not_ofx", NOT_OFX, field="file")
    if inside or not closed:
        raise UnableToReadStatement.at(
            line, "statement_cut", N_("Line %(line)s: the file ends too early. Export it again.")
        )
    if not summary.rows:
        raise no_rows(line)


def _about(line: int, tag: str, value: str, summary: Summary) -> None:
    if tag == "CURDEF" and value.upper() not in CNY:
        raise UnableToReadStatement.at(
            line,
            "currency_unsupported",
            N_("Line %(line)s, column '%(column)s': only accounts in CNY are read."),
            column=tag,
        )
    if tag == "ACCTID":
        if summary.account and summary.account != value:
            summary.warn("several_accounts")
        summary.account = summary.account or value[:64]


def _row(line: int, fields: dict[str, str], summary: Summary, calendar: Calendar) -> Row:
    for name in ("TRNAMT", "DTPOSTED", "FITID"):
        if not fields.get(name):
            raise UnableToReadStatement.at(
                line, "column_missing", N_("Line %(line)s: column '%(column)s' is missing."), column=name
            )
    amount = read_amount(fields["TRNAMT"], line=line, column="TRNAMT")
    occurred = _stamp(fields["DTPOSTED"], line)
    calendar.check(occurred.date(), line=line, column="DTPOSTED")
    summary.count(line, occurred.date())
    memo, other = fields.get("MEMO", ""), fields.get("NAME", "")
    label = LABELS.get(fields.get("TRNTYPE", "").upper(), "")
    return Row(
        line=line,
        occurred_at=occurred,
        kind=EventKind.PAYMENT if amount else EventKind.BALANCE,
        amount=amount,
        category=classify(label, memo, other, amount > 0),
        counterparty=other,
        memo=memo,
        identity=fields["FITID"],
        wallet=wallet_of(memo.translate(DIGITS), other),
    )


def _stamp(text: str, line: int) -> datetime:
    """Read `YYYYMMDD[HHMMSS][.mmm][[+8:CST]]`; a day without a time stands at noon in Shanghai."""
    found = STAMP.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day = int(found[1]), int(found[2]), int(found[3])
        if found[4] is None:
            return datetime(year, month, day, 12, tzinfo=SHANGHAI)
        moment = datetime(year, month, day, int(found[4]), int(found[5]), int(found[6] or 0), tzinfo=UTC)
        return (moment - timedelta(hours=int(found[7] or 0))).astimezone(SHANGHAI)
    except (ValueError, OverflowError):
        raise UnableToReadStatement.at(line, "date_invalid", DATE_INVALID, column="DTPOSTED") from None
