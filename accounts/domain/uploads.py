"""Look at an uploaded paper before it is kept: a PDF, PNG or JPEG of a sane size, and nothing that runs."""

from __future__ import annotations

import struct
from typing import Final

from regimes.errors import N_, InvalidInput

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_PIXELS: Final = 50_000_000
PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
# names of a PDF that make a viewer run something; the bytes of an object stream are not looked into
_RUNS: Final = (b"/JavaScript", b"/JS ", b"/JS(", b"/Launch", b"/EmbeddedFile", b"/RichMedia")


class UnableToKeepPaper(InvalidInput):
    """Refuse an uploaded paper."""


class PaperTooLarge(UnableToKeepPaper):
    http_status = 413


class PaperOfOtherKind(UnableToKeepPaper):
    http_status = 415


def check_paper(content: bytes, *, field: str = "paper") -> str:
    """Return the media type of a paper, judged by its bytes alone; refuse what is empty, too large or of another kind."""
    if not content:
        raise UnableToKeepPaper("file_empty", N_("The file is empty."), field=field)
    if len(content) > MOST_BYTES:
        raise PaperTooLarge("file_too_large", N_("Choose a file of at most 4 MB."), field=field)
    if content.startswith(b"%PDF-"):
        _check_pdf(content, field)
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        _check_pixels(_png_size(content), field)
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        _check_pixels(_jpeg_size(content), field)
        return JPEG
    raise PaperOfOtherKind("file_kind", N_("Choose a PDF, a PNG or a JPEG."), field=field)


def _check_pdf(content: bytes, field: str) -> None:
    if b"%%EOF" not in content[-2048:]:
        raise UnableToKeepPaper("file_damaged", N_("The file is damaged. Save it again."), field=field)
    if b"/Encrypt" in content:
        raise UnableToKeepPaper(
            "file_locked", N_("The file asks for a password. Take the password away."), field=field
        )
    if any(name in content for name in _RUNS):
        raise UnableToKeepPaper(
            "file_runs_code", N_("The file contains a program. Print it to a new PDF."), field=field
        )


def _check_pixels(size: tuple[int, int] | None, field: str) -> None:
    if size is None or 0 in size:
        raise UnableToKeepPaper("file_damaged", N_("The file is damaged. Save it again."), field=field)
    if size[0] * size[1] > MOST_PIXELS:
        raise UnableToKeepPaper(
            "image_too_large", N_("The picture has too many pixels. Make it smaller."), field=field
        )


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < 45 or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame's header."""
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return int(width), int(height)
        if length < 2:
            return None
        at += 2 + length
    return None
