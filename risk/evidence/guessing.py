"""Guess what a payment was for by the n-grams of its words, where the table of words is silent.

A softmax regression over hashed n-grams (`domain/ngrams.py`), with firms that say nothing as a class of their own. It is
fitted where it is used, once a process, from made-up names: the same everywhere, and no file that could be swapped.
`train_risk_model` fits it too, measures it on words that it never saw, and writes the figures into the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np

from risk.domain.events import Category, Flags, Floats, Integers
from risk.domain.ngrams import rows_of
from risk.evidence.corpus import Corpus, draw_corpus

WIDTH: Final = 1 << 13
STEPS, PACE, MOMENTUM, RIDGE = 80, 0.1, 0.9, 0.15
SURE: Final = 0.60  # a guess below this stays UNKNOWN
SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Guesser:
    """Hold the weight of each hashed gram for each category: `weights` has shape (WIDTH, categories)."""

    categories: tuple[Category, ...]
    weights: Floats
    level: Floats

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Give an array (n, categories)."""
        begins, columns, values = rows_of(texts, WIDTH)
        score = np.tile(self.level, (len(texts), 1))
        for row in range(len(texts)):
            part = slice(begins[row], begins[row + 1])
            score[row] += values[part] @ self.weights[columns[part]]
        return _softmax(score)


def _softmax(score: Floats) -> Floats:
    odds = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit(corpus: Corpus, rows: Flags | None = None) -> Guesser:
    """Fit by gradient steps with momentum, a fixed number of them: no threshold at which another machine would stop."""
    from scipy.sparse import csr_matrix

    chosen = np.flatnonzero(np.ones(len(corpus.texts), dtype=bool) if rows is None else rows)
    kinds, place = np.unique(corpus.category[chosen], return_inverse=True)
    begins, columns, values = rows_of([corpus.texts[r] for r in chosen], WIDTH)
    x: Any = csr_matrix((values, columns, begins), shape=(len(chosen), WIDTH))
    back, truth = x.T.tocsr(), np.eye(len(kinds))[place]
    weights, level = np.zeros((WIDTH, len(kinds))), np.zeros(len(kinds))
    speed, drift = np.zeros_like(weights), np.zeros_like(level)
    for _ in range(STEPS):
        gap = _softmax(x @ weights + level) - truth
        speed = MOMENTUM * speed - PACE * (back @ gap + RIDGE * weights)
        drift = MOMENTUM * drift - PACE * 0.01 * gap.sum(axis=0)
        weights, level = weights + speed, level + drift
    return Guesser(tuple(Category(int(k)) for k in kinds), weights, level)


@cache
def guesser() -> Guesser:
    """Give the classifier of this version of the code."""
    return fit(draw_corpus(seed=SEED))


@lru_cache(maxsize=16_384)
def guess_category(text: str) -> Category:
    """Guess the category of an outgoing payment; UNKNOWN unless it is sure.

    >>> [guess_category(t).name for t in ("老刘牛肉面", "Hilltop Ramen", "x9")]
    ['DINING', 'DINING', 'UNKNOWN']
    """
    [chances] = guesser().probabilities([text])
    best = int(np.argmax(chances))
    return guesser().categories[best] if chances[best] >= SURE else Category.UNKNOWN


def measure(*, seed: int = SEED, parts: int = 5) -> dict[str, Any]:
    """Measure on texts around words that training did not see (held out by word), by language, and on new names of known words.

    `all` counts every text, a guess that is not made as wrong; `sure` only those that it dared, `told` how many these were.
    """
    corpus = draw_corpus(seed=seed)
    part: Integers = np.random.default_rng([seed, 43]).integers(0, parts, int(corpus.stem.max()) + 1)[
        corpus.stem
    ]
    right, sure = np.zeros(len(part), dtype=bool), np.zeros(len(part), dtype=bool)
    for number in range(parts):
        mine = np.flatnonzero(part == number)
        found = fit(corpus, part != number)
        chances = found.probabilities([corpus.texts[r] for r in mine])
        best = chances.argmax(axis=1)
        kinds = np.array([int(c) for c in found.categories])
        right[mine] = kinds[best] == corpus.category[mine]
        sure[mine] = chances.max(axis=1) >= SURE
    report: dict[str, Any] = {"texts": len(part), "categories": len(set(corpus.category.tolist()))}
    for name, chosen in (("chinese", corpus.is_chinese == 1), ("english", corpus.is_chinese == 0)):
        report[name] = {
            "all": round(float((right & sure)[chosen].mean()), 4),
            "sure": round(float(right[chosen & sure].mean()), 4) if (chosen & sure).any() else None,
            "told": round(float(sure[chosen].mean()), 4),
        }
    fresh = draw_corpus(seed=seed + 1)
    chances = guesser().probabilities(fresh.texts)
    known = np.array([int(c) for c in guesser().categories])[chances.argmax(axis=1)] == fresh.category
    dared = chances.max(axis=1) >= SURE
    report["known_words"] = {
        "all": round(float((known & dared).mean()), 4),
        "sure": round(float(known[dared].mean()), 4),
        "told": round(float(dared.mean()), 4),
    }
    return report
