"""Character n-grams and words of short texts, Chinese and English, as hashed columns: no vocabulary to keep or to lose.

A text is folded (NFKC, lower case, digits to 0), words of letters are taken whole and as runs of 3 to 4 characters with
their edges, and Chinese runs as single characters, pairs and triples. Each gram falls into one of `width` columns by CRC-32.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np

from risk.domain.events import Floats, Integers

MOST_CHARACTERS = 200
_RUN = re.compile(r"[a-z0]+|[^\W\d_a-z]+")
_DIGITS = re.compile(r"\d")


def fold(text: str) -> str:
    """Make texts alike that say the same.

    >>> fold("Ｓｔａｒｂｕｃｋｓ 星巴克（２３店）")
    'starbucks 星巴克(00店)'
    """
    return _DIGITS.sub("0", unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).lower())


def grams(text: str) -> Iterator[str]:
    """Give the grams of one text, each as often as it occurs.

    >>> sorted(grams("餐饮 tea"))
    ['=tea', '_te', '_tea', 'ea_', 'tea', 'tea_', '餐', '餐饮', '饮']
    """
    for found in _RUN.finditer(fold(text)):
        run = found.group()
        if run.isascii():
            if run.strip("0"):
                yield "=" + run
            framed = f"_{run}_"
            for size in (3, 4):
                for at in range(len(framed) - size + 1):
                    yield framed[at : at + size]
            continue
        for size in (1, 2, 3):
            for at in range(len(run) - size + 1):
                yield run[at : at + size]


@lru_cache(maxsize=100_000)
def columns_of(text: str, width: int) -> Integers:
    """Give the distinct hashed columns of a text, ascending; empty for a text without letters."""
    return np.array(sorted({crc32(g.encode()) % width for g in grams(text)}), dtype=np.int64)


def rows_of(texts: Sequence[str], width: int) -> tuple[Integers, Integers, Floats]:
    """Give a compressed sparse matrix of texts: (begin of each row, columns, values); every row has length one."""
    parts = [columns_of(text, width) for text in texts]
    sizes = np.array([len(p) for p in parts], dtype=np.int64)
    begins = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    columns = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return begins, columns, values
