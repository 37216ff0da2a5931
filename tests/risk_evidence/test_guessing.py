"""What the table of words does not know is guessed by n-grams, Chinese and English, or left unknown."""

from __future__ import annotations

import numpy as np
import pytest

from risk.domain.events import Category
from risk.domain.ngrams import columns_of, grams
from risk.evidence.categories import classify
from risk.evidence.corpus import draw_corpus
from risk.evidence.guessing import SURE, fit, guess_category, guesser, measure


def test_it_is_right_when_it_is_sure_on_words_that_it_never_saw():
    found = measure()
    for language in ("chinese", "english"):
        assert found[language]["sure"] > 0.75, found
        assert found[language]["told"] > 0.12, found
    assert found["known_words"]["all"] > 0.85
    assert found["known_words"]["sure"] > 0.98


def test_the_figures_fall_when_the_labels_are_dealt_anew():
    corpus = draw_corpus(seed=3, each=6)
    rng = np.random.default_rng(1)
    shuffled = fit(
        type(corpus)(corpus.texts, rng.permutation(corpus.category), corpus.stem, corpus.is_chinese)
    )
    chances = shuffled.probabilities(draw_corpus(seed=4, each=6).texts)
    assert (chances.max(axis=1) >= SURE).mean() < 0.05


@pytest.mark.parametrize(
    ("memo", "other", "category"),
    [
        ("", "老刘馄饨（城东店）", Category.DINING),
        ("", "HILLTOP RAMEN 212", Category.DINING),
        ("", "城东竞彩店", Category.GAMBLING),
        ("", "Garcia's Bookmaker", Category.GAMBLING),
        ("", "鑫瑞恒", Category.UNKNOWN),
        ("", "Qzx Holdings", Category.UNKNOWN),
        ("", "", Category.UNKNOWN),
    ],
)
def test_it_fills_in_what_the_table_does_not_know(memo, other, category):
    assert classify("", memo, other, incoming=False) is category


def test_the_table_comes_first_and_income_is_never_guessed():
    assert classify("餐饮美食", "", "城东竞彩店", incoming=False) is Category.DINING
    assert classify("", "", "城东竞彩店", incoming=True) is Category.OTHER_INCOME


def test_two_processes_would_guess_alike():
    again = fit(draw_corpus(seed=7))
    assert np.array_equal(again.weights, guesser().weights)
    assert guess_category("Ｈｉｌｌｔｏｐ　ＲＡＭＥＮ") is guess_category("hilltop ramen")
    assert set(grams("面馆")) == {"面", "馆", "面馆"}
    assert len(columns_of("", 64)) == 0
