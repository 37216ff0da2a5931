"""Turn the bytes of an upload into records: strict, streaming, bounded in time and memory.

Lines are cut as bytes first, which is safe in UTF-8 and GB18030 because no character of theirs contains
a line feed, a comma or a quote as a trail byte. So a broken byte is told with its line, and nothing but
the current record is ever held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from regimes.errors import N_
from risk.evidence.refusals import (
    NOT_CSV,
    SAVE_AS_UTF8,
    NotAStatement,
    StatementTooLarge,
    UnableToReadStatement,
)

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 300_000
MAX_LINE_BYTES: Final = 256 * 1024
MAX_CELL: Final = 8_192
MAX_COLUMNS: Final = 100
MAX_RECORD_LINES: Final = 20
CHUNK: Final = 64 * 1024

MAGIC: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b",
    b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"MZ\x90", b"\x7fELF", b"BZh", b"RIFF", b"SQLite format",
)  # fmt: skip
UTF16: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
BOM: Final = b"\xef\xbb\xbf"
# Words of the headers and preambles of Chinese statements: GB18030 is believed only when it shows one,
# because nearly any Latin-1 text happens to be valid GB18030.
CHINESE_HEADER: Final = re.compile(
    "支付宝|微信|交易|金额|日期|时间|余额|摘要|对方|收入|支出|借方|贷方|发票|账号|户名|账户|备注"
)
CONTROL: Final = re.compile("[\x01-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def lines_of(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Iterator[tuple[int, bytes]]:
    """Yield (line number, bytes) with any newline (LF, CRLF, CR), refusing what is too big on the way."""
    held, number, total, after_cr = b"", 0, 0, False
    while chunk := stream.read(CHUNK):
        total += len(chunk)
        if total > max_bytes:
            raise too_large(max_bytes)
        if after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
        after_cr = chunk[-1:] == b"\r"
        parts = (held + chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
        held = parts.pop()
        for part in parts:
            number += 1
            _check_line(number, part)
            yield number, part
        _check_line(number + 1, held)
    if held:
        yield number + 1, held


def too_large(max_bytes: int = MAX_BYTES) -> StatementTooLarge:
    """Refuse by size."""
    return StatementTooLarge(
        "file_too_large",
        N_("The file is larger than %(megabytes)s MB. Export a shorter period."),
        field="file",
        params={"megabytes": max_bytes // (1024 * 1024)},
    )


def _check_line(number: int, line: bytes) -> None:
    if len(line) > MAX_LINE_BYTES:
        raise UnableToReadStatement.at(
            number, "line_too_long", N_("Line %(line)s: the line is too long to be a row of a statement.")
        )


def detect(first: bytes) -> str:
    """Tell the encoding from the first bytes, or refuse the file."""
    if not first:
        raise UnableToReadStatement.at(
            1, "file_empty", N_("The file is empty. Export the statement again and upload it.")
        )
    if first.startswith(MAGIC) or (b"\x00\x00\x00" in first[:64] and not first.startswith(UTF16)):
        raise NotAStatement("not_csv", NOT_CSV, field="file")
    if first.startswith(UTF16):
        raise unreadable(1)
    end = max(first.rfind(b"\n"), first.rfind(b"\r"))
    whole = first if end < 0 or len(first) < CHUNK else first[: end + 1]
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = whole.count(b"\n", 0, wrong.start) + 1
    else:
        return "utf-8"
    try:
        if CHINESE_HEADER.search(whole.decode("gb18030")):
            return "gb18030"
    except UnicodeDecodeError:
        pass
    raise unreadable(line)


def unreadable(line: int) -> UnableToReadStatement:
    """Refuse an encoding at a line."""
    return UnableToReadStatement.at(line, "encoding_invalid", SAVE_AS_UTF8)


class _Peeked:
    """Give back the bytes that were looked at before the rest."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self.first, self.rest = first, rest

    def read(self, size: int) -> bytes:
        if self.first:
            given, self.first = self.first[:size], self.first[size:]
            return given
        return self.rest.read(size)


def text_lines(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) in the encoding that the file shows, without the byte order mark."""
    first = b""
    while len(first) < CHUNK and (more := stream.read(CHUNK - len(first))):
        first += more
    encoding = detect(first)
    first = first.removeprefix(BOM)
    for number, line in lines_of(_Peeked(first, stream), max_bytes=max_bytes):  # type: ignore[arg-type]
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            raise unreadable(number) from None
        if "\x00" in text:
            raise unreadable(number)
        yield number, text


def records(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, cells) of each record; blank lines are passed over.

    The comma separates, a double quote encloses, a doubled quote stands for itself. A quote inside an
    unquoted cell is an ordinary character (bill exports write `5" screen`).
    """
    lines = text_lines(stream, max_bytes=max_bytes)
    for number, text in lines:
        if not text.strip(", \t"):
            continue
        if '"' not in text:
            cells = text.split(",")
        else:
            cells = _quoted(number, text, lines)
        if len(cells) > MAX_COLUMNS:
            raise UnableToReadStatement.at(
                number,
                "too_many_columns",
                N_("Line %(line)s: more than %(limit)s columns."),
                params={"limit": MAX_COLUMNS},
            )
        if len(text) > MAX_CELL and any(len(cell) > MAX_CELL for cell in cells):
            raise UnableToReadStatement.at(
                number,
                "cell_too_long",
                N_("Line %(line)s: a cell has more than %(limit)s characters."),
                params={"limit": MAX_CELL},
            )
        yield number, [clean(cell) for cell in cells]


def _quoted(number: int, text: str, lines: Iterator[tuple[int, str]]) -> list[str]:
    """Split a record with quotes, taking further lines while a quote is open."""
    cells: list[str] = []
    place, taken = 0, 1
    while True:
        start = place
        while start < len(text) and text[start] in " \t":
            start += 1
        if start < len(text) and text[start] == '"':
            end = start + 1
            cell = ""
            while True:
                close = text.find('"', end)
                if close < 0:
                    nxt = next(lines, None) if taken < MAX_RECORD_LINES else None
                    if nxt is None or len(text) > MAX_LINE_BYTES:
                        raise UnableToReadStatement.at(
                            number, "quote_not_closed", N_("Line %(line)s: quote not closed.")
                        )
                    taken += 1
                    text += "\n" + nxt[1]
                    continue
                cell += text[end:close]
                if text[close + 1 : close + 2] == '"':
                    cell += '"'
                    end = close + 2
                    continue
                break
            comma = text.find(",", close + 1)
            cell += text[close + 1 : comma if comma >= 0 else len(text)].strip()
        else:
            comma = text.find(",", place)
            cell = text[place : comma if comma >= 0 else len(text)]
        cells.append(cell)
        if comma < 0:
            return cells
        place = comma + 1


def clean(cell: str) -> str:
    """Trim a cell and take out characters that nobody can see."""
    cell = cell.strip(" \t\u3000\xa0")
    return cell if cell.isascii() and cell.isprintable() else CONTROL.sub(" ", cell).strip()
