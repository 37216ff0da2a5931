"""Read any statement into lines for COPY: parsed, categorised, redacted and hashed; nothing else survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import BinaryIO, Final, TextIO

from regimes.errors import N_
from risk.evidence import alipay, bank, camt, invoices, ofx, wechat
from risk.evidence.parsed import Options, Row, Summary
from risk.evidence.redact import redact
from risk.evidence.refusals import UnableToReadStatement

Parser = Callable[[BinaryIO, Summary, Options], Iterator[Row]]
PARSERS: Final[dict[str, Parser]] = {
    "ALIPAY": alipay.parse,
    "WECHAT": wechat.parse,
    "BANK_CSV": bank.parse,
    "OFX": ofx.parse,
    "CAMT053": camt.parse,
    "INVOICES_SALES": invoices.parse_sales,
    "INVOICES_PURCHASE": invoices.parse_purchases,
}
COPY_COLUMNS: Final = (
    "kind", "category", "wallet", "occurred_at", "known_at", "line", "amount", "balance", "counterparty", "memo",
    "identity", "content",
)  # fmt: skip
ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def read(kind: str, stream: BinaryIO, options: Options) -> tuple[Summary, Iterator[Row]]:
    """Start reading a statement; the summary is whole when the rows have been taken."""
    parser = PARSERS.get(kind)
    if parser is None:
        raise UnableToReadStatement(
            "kind_unknown",
            N_("Choose one of these kinds of file: %(kinds)s."),
            field="kind",
            params={"kinds": ", ".join(PARSERS)},
        )
    summary = Summary()
    return summary, parser(stream, summary, options)


def digest(text: str) -> bytes:
    """Hash a text to 16 bytes."""
    return blake2b(text.encode(), digest_size=16).digest()


def party_number(name: str, key: bytes) -> int:
    """Give a name the number that it has in this installation; without the key it cannot be guessed."""
    name = " ".join(name.split())
    if not name:
        return 0
    return int.from_bytes(blake2b(name.encode(), digest_size=8, key=key[:64]).digest(), "big") >> 1


def copy_line(row: Row, *, prefix: str, key: bytes, memo: str, known_at: str = "\\N") -> str:
    """Write a row as one line of COPY's text format; without `known_at` it is known from its upload on."""
    told = f"{int(row.kind)}|{row.amount}|{row.balance}|{row.occurred_at.isoformat()}"
    if row.state:
        told += f"|{row.state}"
    return "\t".join(
        (
            str(int(row.kind)),
            str(int(row.category)),
            str(int(row.wallet)),
            row.occurred_at.isoformat(),
            known_at,
            str(row.line),
            str(row.amount),
            "\\N" if row.balance is None else str(row.balance),
            str(party_number(row.counterparty, key)),
            memo.translate(ESCAPES),
            "\\\\x" + digest(prefix + row.identity).hex(),
            "\\\\x" + digest(told).hex(),
        )
    )


def spool(kind: str, stream: BinaryIO, options: Options, out: TextIO, *, key: bytes) -> Summary:
    """Read a whole statement into `out`, one COPY line an event, and say what it was."""
    summary, rows = read(kind, stream, options)
    for row in rows:
        memo, redacted = redact(row.memo)
        summary.redacted += redacted
        prefix = f"{kind}|{summary.account if summary.own_numbers else ''}|"
        out.write(copy_line(row, prefix=prefix, key=key, memo=memo) + "\n")
    return summary
