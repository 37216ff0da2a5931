"""A column of free text as one number: what its words and n-grams say of the outcome, learned out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.domain.columns import Column, ColumnKind, is_missing
from risk.domain.events import Floats, Integers
from risk.domain.ngrams import rows_of

WIDTH = 1 << 15
FOLDS = 4
LEAST_DISTINCT, LEAST_WORDS, LEAST_CHARACTERS = 30, 1.5, 5.0
STRENGTH = 0.5  # inverse of the ridge
MOST_ROWS = 40_000


def is_prose(column: Column) -> bool:
    """Tell whether a text column has words to learn from, rather than names of categories."""
    if column.kind is not ColumnKind.TEXT:
        return False
    known = [t for t in column.texts if not is_missing(t)]
    distinct = set(known)
    if len(distinct) < LEAST_DISTINCT:
        return False
    words = float(np.mean([len(t.split()) for t in distinct]))
    wide = float(np.mean([sum(1 for c in t if ord(c) > 0x2E7F) for t in distinct]))
    return words >= LEAST_WORDS or wide >= LEAST_CHARACTERS


@dataclass(frozen=True, slots=True)
class Words:
    """Hold the weight of each hashed gram, and the level of a text without any."""

    weights: Floats
    level: float

    def score(self, texts: Sequence[str]) -> Floats:
        """Give log-odds, NaN for a missing text."""
        known = {t: 0.0 for t in texts if not is_missing(t)}
        begins, columns, values = rows_of(list(known), WIDTH)
        products = np.concatenate([[0.0], np.cumsum(self.weights[columns] * values)])
        sums = products[begins[1:]] - products[begins[:-1]]
        table = dict(zip(known, (self.level + sums).tolist(), strict=True))
        return np.array([table.get(t, np.nan) for t in texts])


def learn_words(column: Column, bad: Integers, weight: Floats) -> tuple[Words, Floats]:
    """Learn from a column; give also the training column itself, each row from the other folds."""
    rng = np.random.default_rng(13)
    fold = rng.integers(0, FOLDS, len(bad))
    own = np.full(len(bad), np.nan)
    for part in range(FOLDS):
        mine = np.flatnonzero(fold == part)
        found = _fit(column.texts, np.flatnonzero(fold != part), bad, weight)
        own[mine] = found.score([column.texts[r] for r in mine])
    return _fit(column.texts, np.arange(len(bad)), bad, weight), own


def _fit(texts: Sequence[str], rows: Integers, bad: Integers, weight: Floats) -> Words:
    rows = np.array([r for r in rows if not is_missing(texts[r])], dtype=np.int64)
    if len(rows) > MOST_ROWS:
        rows = np.random.default_rng(17).choice(rows, MOST_ROWS, replace=False)
    if len(rows) == 0 or bad[rows].min() == bad[rows].max():
        return Words(np.zeros(WIDTH), 0.0)
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    begins, columns, values = rows_of([texts[r] for r in rows], WIDTH)
    matrix: Any = csr_matrix((values, columns, begins), shape=(len(rows), WIDTH))
    model = LogisticRegression(C=STRENGTH, solver="liblinear", tol=1e-2, random_state=7)
    model.fit(matrix, bad[rows], sample_weight=weight[rows] / weight[rows].mean())
    return Words(np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0]))
