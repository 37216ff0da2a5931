"""Money: one parser for every door, one rounding, parts that add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.money import (
    CURRENCY,
    HALF_EVEN,
    HALF_UP,
    UnableToReadAmount,
    UnableToUseCurrency,
    format_amount,
    is_money,
    parse_amount,
    round_money,
    round_to_multiple,
    split_amount,
)

BAD = [
    "NaN", "Infinity", "-Infinity", "-0", "-1", "+5", "1e5", "1E5", "1_000", "1,000", "３００", "٣", " 5 ", "5 ", "\t5",
    "5\n", "0x10", "1.005", "1.", ".5", "00", "01", "0.001", "100000000000000", "1000000000000", "", None, True, 1, 1.5,
    [], {}, Decimal(5), b"5", "1.5.0", "五", "1\u200b", "²", "5元",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=repr)
def test_it_refuses_what_is_not_an_amount(text: object) -> None:
    with pytest.raises(UnableToReadAmount) as refused:
        parse_amount(text)
    assert refused.value.code == "amount_invalid"
    assert str(refused.value) == "Enter an amount such as 1500.00."
    assert refused.value.http_status == 400


@pytest.mark.parametrize(
    ("text", "value"), [("0", "0.00"), ("0.01", "0.01"), ("5", "5.00"), ("1500.5", "1500.50")]
)
def test_it_reads_an_amount(text: str, value: str) -> None:
    assert str(parse_amount(text)) == value


def test_it_refuses_out_of_range() -> None:
    for text, code in (("49.99", "amount_too_small"), ("300000.01", "amount_too_large")):
        with pytest.raises(UnableToReadAmount) as refused:
            parse_amount(text, minimum=Decimal(50), maximum=Decimal(300000), field="limit")
        assert (refused.value.code, refused.value.field) == (code, "limit")
    assert parse_amount("50", minimum=Decimal(50)) == 50


def test_places_follow_the_currency() -> None:
    assert parse_amount("1.234", currency="KWD") == Decimal("1.234")
    with pytest.raises(UnableToReadAmount):
        parse_amount("1.5", currency="JPY")
    for currency in ("XXX", "cny", "", "CNYX"):
        with pytest.raises(UnableToUseCurrency):
            parse_amount("1", currency=currency)


@given(st.integers(0, 10**14 - 1))
def test_what_is_written_is_read_back(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert parse_amount(format_amount(amount)) == amount


@given(st.text(max_size=20))
def test_only_the_canonical_form_is_read(text: str) -> None:
    try:
        amount = parse_amount(text)
    except UnableToReadAmount:
        return
    assert text in (format_amount(amount), str(amount.normalize()), f"{amount:.1f}", f"{amount:.0f}")


def test_halves() -> None:
    assert round_money(Decimal("1.005")) == Decimal("1.01")
    assert round_money(Decimal("1.005"), rounding=HALF_EVEN) == Decimal("1.00")
    assert round_money(Decimal("1.5"), currency="JPY", rounding=HALF_UP) == 2
    assert round_to_multiple(Decimal("1432.86"), multiple=Decimal(5)) == 1435


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any),
    st.sampled_from(sorted(CURRENCY)),
)
def test_a_split_adds_up(total: int, weights: list[int], currency: str) -> None:
    amount = Decimal(total).scaleb(-CURRENCY[currency])
    parts = split_amount(amount, weights, currency=currency)
    assert sum(parts) == amount
    assert all(is_money(part, currency=currency) for part in parts)
    unit = Decimal(1).scaleb(-CURRENCY[currency])
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - amount * weight / sum(weights)) <= unit


def test_a_split_needs_weights() -> None:
    for weights in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="weights"):
            split_amount(Decimal(1), weights)
