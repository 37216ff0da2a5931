"""Each format says what it says: signs, refunds, neutral rows, holders, periods; and the parser never breaks."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.errors import Refusal
from risk.domain.events import SHANGHAI, Category, EventKind, Source
from risk.evidence import samples
from risk.evidence.categories import classify
from risk.evidence.parsed import Options, Row, Summary
from risk.evidence.reading import PARSERS, read
from risk.evidence.redact import export_cell, redact

OPTIONS = Options(as_of=date(2026, 11, 24))


def parse(kind: str, body: bytes | str) -> tuple[Summary, list[Row]]:
    summary, rows = read(kind, io.BytesIO(body.encode() if isinstance(body, str) else body), OPTIONS)
    return summary, list(rows)


def test_alipay_of_the_app() -> None:
    summary, rows = parse("ALIPAY", samples.alipay(holder="王小明"))
    moves = samples.life(1)
    assert (summary.holder, summary.account) == ("王小明", "138****0000")
    assert (summary.begin, summary.end) == (moves[0].at.date(), moves[-1].at.date())
    assert (len(rows), summary.skipped, summary.warnings) == (len(moves) + 3, 1, {})
    assert sum(r.amount for r in rows) == sum(m.amount for m in moves) + Decimal("1.37")
    by = {r.memo: r for r in rows}
    assert (by["退款-外套"].amount, by["退款-外套"].category) == (Decimal("199.00"), Category.REFUND)
    assert (by["外套"].amount, by["外套"].category) == (Decimal("-199.00"), Category.EVERYDAY)
    assert (by["余额宝-收益发放"].amount, by["余额宝-收益发放"].category) == (
        Decimal("1.37"),
        Category.OTHER_INCOME,
    )
    assert (by["信用卡还款"].amount, by["信用卡还款"].category) == (Decimal("-1200.00"), Category.LOAN)
    assert (by["工资"].category, by["房租"].category) == (Category.SALARY, Category.HOUSING)
    assert len({r.identity for r in rows}) == len(rows)
    assert rows[-1].occurred_at == moves[0].at.replace(tzinfo=SHANGHAI)


def test_alipay_resaved_as_utf8_says_the_same() -> None:
    body = samples.alipay()
    assert parse("ALIPAY", body.decode("gb18030"))[1] == parse("ALIPAY", body)[1]


def test_alipay_of_the_old_web_site() -> None:
    summary, rows = parse("ALIPAY", samples.alipay_old(holder="王小明"))
    assert (summary.holder, summary.account) == ("王小明", "wang@example.com")
    refunds = [r for r in rows if r.category is Category.REFUND]
    assert refunds
    assert all(r.amount == Decimal("12.00") and r.identity.endswith("|R|12.00") for r in refunds)
    assert len(rows) - len(refunds) == len(samples.life(1))


def test_wechat() -> None:
    summary, rows = parse("WECHAT", samples.wechat())
    assert (summary.source, summary.begin) == (Source.WECHAT, date(2026, 8, 1))
    assert summary.skipped == 1
    by = {(r.memo, r.amount > 0): r for r in rows}
    assert by["外套", True].category is Category.REFUND
    assert by["外套", False].amount == Decimal("-199.00")
    neutral = [r for r in rows if r.category is Category.OWN_TRANSFER]
    assert sorted(r.amount for r in neutral) == [Decimal("-1000.00"), Decimal("-500.00")]
    assert {r.category for r in rows if r.memo == "工资"} == {Category.SALARY}
    assert {r.amount for r in rows if r.category is Category.LOAN} == {Decimal("-1200.00")}


def test_bank_of_china_like() -> None:
    summary, rows = parse(
        "BANK_CSV", samples.bank_csv_chinese(3, holder="王小明", account="6222021234567890123")
    )
    english_summary, english = parse("BANK_CSV", samples.bank_csv(3))
    assert (summary.holder, summary.account, summary.descending) == ("王小明", "6222021234567890123", True)
    assert (english_summary.descending, english_summary.own_numbers, summary.own_numbers) == (
        False,
        False,
        True,
    )
    assert [(r.occurred_at, r.amount, r.balance) for r in reversed(rows)] == [
        (r.occurred_at, r.amount, r.balance) for r in english
    ]


def test_ofx() -> None:
    summary, rows = parse("OFX", samples.ofx(4, account="6222021234567890456"))
    moves = samples.life(4)
    assert summary.account == "6222021234567890456"
    assert [(r.amount, r.memo) for r in rows] == [(m.amount, m.memo) for m in moves]
    assert rows[0].occurred_at == moves[0].at.replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("20260901", datetime(2026, 9, 1, 4, tzinfo=UTC)),
        ("20260901120000", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("20260901120000.000[-5:EST]", datetime(2026, 9, 1, 17, tzinfo=UTC)),
    ],
)
def test_ofx_moments(stamp: str, moment: datetime) -> None:
    text = f"<OFX><STMTTRN><DTPOSTED>{stamp}</DTPOSTED><TRNAMT>-1.5</TRNAMT><FITID>1</FITID></STMTTRN></OFX>"
    assert parse("OFX", text)[1][0].occurred_at == moment


def test_camt053() -> None:
    summary, rows = parse("CAMT053", samples.camt053(5, holder="王小明"))
    assert (summary.holder, summary.account) == ("王小明", "6222****0123")
    assert [(r.amount, r.counterparty) for r in rows] == [(m.amount, m.other) for m in samples.life(5)]


def test_invoices() -> None:
    head = "发票代码,发票号码,开票日期,购方名称,金额,税额,价税合计,发票状态\n"
    summary, rows = parse(
        "INVOICES_SALES",
        head + "1,1,2026-09-01,甲,100.00,3.00,103.00,正常\n1,2,2026-09-02,甲,100.00,3.00,103.00,作废\n"
        "1,3,2026-09-03,乙,-50.00,-1.50,-51.50,红字\n1,4,2026-09-04,乙,20.00,0.60,20.60,红冲\n",
    )
    assert [(r.kind, r.amount) for r in rows] == [
        (EventKind.SALE, Decimal("103.00")),
        (EventKind.SALE_VOID, Decimal("103.00")),
        (EventKind.SALE, Decimal("-51.50")),
        (EventKind.SALE, Decimal("-20.60")),
    ]
    english = "invoice_no,date,partner_id,amount,tax,total,status\n9,2026-09-01,A1,1.00,0.10,1.10,void\n8,2026-09-01,A1,1.00,0.10,1.10,valid\n"
    purchase_summary, bought = parse("INVOICES_PURCHASE", english)
    assert [(r.kind, r.amount, r.counterparty) for r in bought] == [
        (EventKind.PURCHASE, Decimal("1.10"), "A1")
    ]
    assert purchase_summary.skipped == 1


@pytest.mark.parametrize(
    ("label", "memo", "other", "incoming", "wanted"),
    [
        ("", "7月工资", "某某科技有限公司", True, Category.SALARY),
        ("", "payroll March", "ACME", True, Category.SALARY),
        ("餐饮美食", "订单", "某店", False, Category.DINING),
        ("", "美团外卖", "", False, Category.DINING),
        ("", "借呗还款", "", False, Category.LOAN),
        ("", "", "中国体育彩票", False, Category.GAMBLING),
        ("", "透支利息", "", False, Category.PENALTY),
        ("转账", "房租", "张三", False, Category.HOUSING),
        ("转账", "", "张三", True, Category.TRANSFER),
        ("", "whatever", "", False, Category.UNKNOWN),
        ("", "whatever", "", True, Category.OTHER_INCOME),
        ("", "超市", "", True, Category.OTHER_INCOME),
        ("household", "", "", False, Category.HOUSING),
    ],
)
def test_categories(label: str, memo: str, other: str, incoming: bool, wanted: Category) -> None:
    assert classify(label, memo, other, incoming) is wanted


def test_redaction_and_export() -> None:
    assert redact("转给 13800138000 张") == ("转给 *** 张", True)
    assert redact("2026年8月 3笔 128.50") == ("2026年8月 3笔 128.50", False)
    for start in "=+-@\t\r":
        assert export_cell(start + "x") == "'" + start + "x"
    assert export_cell("餐厅") == "餐厅"


def test_samples_are_the_same_each_time_and_fit_their_borrower() -> None:
    for kind in PARSERS:
        name, body = samples.sample(kind, seed=77, holder="赵敏", end=date(2026, 11, 20))
        assert (name, body) == samples.sample(kind, seed=77, holder="赵敏", end=date(2026, 11, 20))
        assert body != samples.sample(kind, seed=78, holder="赵敏", end=date(2026, 11, 20))[1]
        summary, rows = parse(kind, body)
        assert summary.holder in ("赵敏", "")
        assert len(rows) > 50, kind


def test_cells_are_split_as_spreadsheets_write_them() -> None:
    body = 'date,amount,memo\n2026-01-01,1.00,"a ""quoted"", and\nbroken line"\n2026-01-02,2.00,5" screen\n'
    _, rows = parse("BANK_CSV", body)
    assert [(r.memo, r.line) for r in rows] == [('a "quoted", and broken line', 2), ('5" screen', 4)]


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(PARSERS)),
    place=st.floats(0, 1),
    junk=st.one_of(st.binary(max_size=12), st.text(max_size=6).map(lambda t: t.encode("utf-8", "replace"))),
    cut=st.booleans(),
)
def test_damage_anywhere_is_refused_or_read_never_a_crash(
    kind: str, place: float, junk: bytes, cut: bool
) -> None:
    body = samples.sample(
        kind,
        seed=1,
        holder="赵敏",
        end=date(2026, 11, 20),
    )[1][:20_000]
    at = int(place * len(body))
    damaged = body[:at] + junk + (b"" if cut else body[at + len(junk) :])
    try:
        _, rows = parse(kind, damaged)
    except Refusal:
        return
    assert all(isinstance(r.amount, Decimal) and r.amount.is_finite() for r in rows)
    assert Counter(type(r.occurred_at) for r in rows).keys() <= {datetime}
