"""Realistic statements of people who do not exist, one writer a format; the same seed gives the same bytes.

`python -m risk.evidence.samples static/samples` writes the files offered for download; `sample` makes one in the
name of a borrower and up to a date, so that the sandbox can be tried with a statement that fits.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

BEGIN = date(2026, 8, 1)
END = date(2026, 10, 31)
HOLDER = "**"  # a masked holder is compared with nobody
ACCOUNT = "6222****0123"


@dataclass(frozen=True)
class Movement:
    """One thing that happened, before a format writes it."""

    at: datetime
    amount: Decimal
    other: str
    memo: str
    alipay: str
    wechat: str


SHOPS = (
    ("永辉超市", "日用品", "日用百货", "商户消费", 20, 260, 9),
    ("美团外卖", "外卖订单", "餐饮美食", "商户消费", 15, 70, 18),
    ("滴滴出行", "快车", "交通出行", "商户消费", 12, 60, 8),
    ("瑞幸咖啡", "咖啡", "餐饮美食", "扫二维码付款", 9, 32, 12),
    ("叮当快药大药房", "感冒药", "医疗健康", "商户消费", 20, 120, 1),
    ("中国移动", "话费充值", "充值缴费", "商户消费", 50, 100, 1),
    ("国家电网", "电费", "充值缴费", "商户消费", 80, 240, 1),
    ("小米商城", "手机配件", "数码电器", "商户消费", 49, 399, 1),
    ("万达影城", "电影票", "文化休闲", "商户消费", 40, 120, 2),
)


def life(seed: int = 1, begin: date = BEGIN, end: date = END) -> list[Movement]:
    """Live some months: salary, rent, shops, transfers; oldest first."""
    dice = random.Random(seed)  # noqa: S311  no secret is drawn
    found: list[Movement] = []
    day = begin
    while day <= end:
        if day.day == 10:
            found.append(_at(dice, day, 9, "8650.00", "杭州某某科技有限公司", "工资", "收入", "转账"))
        if day.day == 1:
            found.append(_at(dice, day, 10, "-2400.00", "自如公寓", "房租", "住房物业", "商户消费"))
        if day.day == 20:
            found.append(_at(dice, day, 20, "-1200.00", "招商银行", "信用卡还款", "信用借还", "信用卡还款"))
        for name, memo, alipay, wechat, low, high, often in SHOPS:
            if dice.random() < often / 30:
                amount = f"-{dice.randint(low * 100, high * 100) / 100:.2f}"
                found.append(_at(dice, day, dice.randint(7, 22), amount, name, memo, alipay, wechat))
        if dice.random() < 0.05:
            found.append(
                _at(dice, day, 21, f"-{dice.randint(1, 5) * 100}.00", "李雷", "转账", "转账红包", "转账")
            )
        day += timedelta(days=1)
    return sorted(found, key=lambda m: m.at)


def _at(dice: random.Random, day: date, hour: int, amount: str, *rest: str) -> Movement:
    at = datetime.combine(day, time(hour, dice.randint(0, 59), dice.randint(0, 59)))
    return Movement(at, Decimal(amount), *rest)


def _numbers(moves: list[Movement]) -> Iterator[tuple[str, Movement]]:
    for place, move in enumerate(moves):
        yield f"{move.at:%Y%m%d}22001{place:015d}", move


def alipay(
    seed: int = 1, *, moves: list[Movement] | None = None, holder: str = HOLDER, account: str = "138****0000"
) -> bytes:
    """Write the bill that the Alipay app e-mails: GB18030, preamble, newest first, a purchase given back."""
    moves = life(seed) if moves is None else moves
    head = "交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,"
    body: list[str] = []
    for number, move in _numbers(moves):
        neutral = move.alipay == "信用借还"
        side = "不计收支" if neutral else ("收入" if move.amount > 0 else "支出")
        state = "还款成功" if neutral else "交易成功"
        body.append(
            f"{move.at:%Y-%m-%d %H:%M:%S},{move.alipay},{move.other},/,{move.memo},{side},{abs(move.amount)},余额宝,"
            f"{state},{number}\t,M{number[-12:]}\t,,"
        )
    last = moves[-1].at
    body.append(
        f"{last + timedelta(minutes=1):%Y-%m-%d %H:%M:%S},服饰装扮,某服装店,abc***@qq.com,外套,不计收支,199.00,余额宝,"
        f"交易关闭,{last:%Y%m%d}9901\t,M1\t,,"
    )
    body.append(
        f"{last + timedelta(minutes=2):%Y-%m-%d %H:%M:%S},退款,某服装店,abc***@qq.com,退款-外套,不计收支,199.00,余额宝,"
        f"退款成功,{last:%Y%m%d}9902\t,M1\t,,"
    )
    body.append(
        f"{last + timedelta(minutes=3):%Y-%m-%d %H:%M:%S},投资理财,余额宝,/,余额宝-收益发放,不计收支,1.37,余额宝,"
        f"交易成功,{last:%Y%m%d}9903\t,\t,,"
    )
    body.append(
        f"{last + timedelta(minutes=4):%Y-%m-%d %H:%M:%S},日用百货,某超市,/,未付款的订单,不计收支,88.00,,"
        f"交易关闭,{last:%Y%m%d}9904\t,\t,,"
    )
    body.reverse()
    lines = [
        "-" * 84,
        "导出信息：",
        f"姓名：{holder}",
        f"支付宝账户：{account}",
        f"起始时间：[{moves[0].at:%Y-%m-%d} 00:00:00]    终止时间：[{last:%Y-%m-%d} 23:59:59]",
        "导出交易类型：[全部]",
        f"导出时间：[{last + timedelta(days=1):%Y-%m-%d} 09:00:00]",
        f"共{len(body)}笔记录",
        "收入：3笔 25950.00元",
        "支出：100笔 9000.00元",
        "不计收支：6笔 4000.00元",
        "",
        "特别提示：",
        "1.本明细仅展示当前账单中的交易，不包括已删除的记录；",
        "2.本明细仅供个人对账使用。",
        "",
        "------------------------支付宝（中国）网络技术有限公司  电子客户回单------------------------",
        head,
        *body,
    ]
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def alipay_old(seed: int = 1, *, moves: list[Movement] | None = None, holder: str = HOLDER) -> bytes:
    """Write the older export of the web site: padded cells, a refund column and a closing summary."""
    moves = life(seed) if moves is None else moves
    body = []
    for number, move in _numbers(moves):
        neutral = move.alipay == "信用借还"
        side = "" if neutral else ("收入" if move.amount > 0 else "支出")
        state = "还款成功" if neutral else "交易成功"
        flow = "资金转移" if neutral else ("已收入" if move.amount > 0 else "已支出")
        when = f"{move.at:%Y-%m-%d %H:%M:%S}"
        body.append(
            f"{number}\t,\t,{when} ,{when} ,{when} ,其他（包括阿里巴巴和外部商家）,即时到账交易,{move.other}   ,"
            f"{move.memo}  ,{abs(move.amount):<9},{side:<6},{state:<8},0.00     ,"
            f"{'12.00' if number.endswith('05') and side == '支出' else '0.00'}     , ,{flow}     ,"
        )
    body.reverse()
    lines = [
        "支付宝交易记录明细查询",
        "账号:[wang@example.com]",
        f"起始日期:[{moves[0].at:%Y-%m-%d} 00:00:00]    终止日期:[{moves[-1].at:%Y-%m-%d} 23:59:59]",
        "---------------------------------交易记录明细列表------------------------------------",
        (
            "交易号                  ,商家订单号               ,交易创建时间              ,付款时间                ,"
            "最近修改时间              ,交易来源地     ,类型              ,交易对方            ,商品名称                ,"
            "金额（元）   ,收/支     ,交易状态    ,服务费（元）   ,成功退款（元）  ,备注                  ,资金状态     ,"
        ),
        *body,
        "-" * 84,
        f"共{len(body)}笔记录",
        "已收入:3笔,25950.00元",
        "已支出:100笔,9000.00元",
        f"导出时间:[{moves[-1].at:%Y-%m-%d} 23:59:59]    用户:{holder}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def wechat(seed: int = 2, *, moves: list[Movement] | None = None) -> bytes:
    """Write a WeChat Pay bill: UTF-8 with a mark, newest first, a refund and neutral rows."""
    moves = life(seed) if moves is None else moves
    body: list[str] = []
    for number, move in _numbers(moves):
        neutral = move.wechat == "信用卡还款"
        side = "/" if neutral else ("收入" if move.amount > 0 else "支出")
        state = "支付成功" if move.amount < 0 else "已存入零钱"
        body.append(
            f'{move.at:%Y-%m-%d %H:%M:%S},{move.wechat},{move.other},"{move.memo}",{side},¥{abs(move.amount)},零钱,'
            f'{state},"{number}\t","M{number[-12:]}\t","/"'
        )
    last = moves[-1].at
    for after, kind, other, memo, side, amount, state in (
        (1, "商户消费", "某服装店", "外套", "支出", "¥199.00", "已全额退款"),
        (2, "某服装店-退款", "某服装店", "外套", "收入", "¥199.00", "已全额退款"),
        (3, "零钱提现", "招商银行(1234)", "/", "/", "¥500.00", "提现已到账"),
        (4, "转入零钱通-来自零钱", "/", "/", "中性交易", "¥1000.00", "支付成功"),
        (5, "商户消费", "某网店", "没有付成", "支出", "¥10.00", "支付失败"),
    ):
        body.append(
            f'{last + timedelta(minutes=after):%Y-%m-%d %H:%M:%S},{kind},{other},"{memo}",{side},{amount},零钱,'
            f'{state},"{last:%Y%m%d}880{after}\t","/","/"'
        )
    body.reverse()
    pad = "," * 8
    lines = [
        "微信支付账单明细" + pad,
        "微信昵称：[小明]" + pad,
        f"起始时间：[{moves[0].at:%Y-%m-%d} 00:00:00] 终止时间：[{last:%Y-%m-%d} 23:59:59]" + pad,
        "导出类型：[全部]" + pad,
        f"导出时间：[{last + timedelta(days=1):%Y-%m-%d} 09:00:00]" + pad,
        pad,
        f"共{len(body)}笔记录" + pad,
        "收入：4笔 26149.00元" + pad,
        "支出：100笔 9000.00元" + pad,
        "中性交易：5笔 5100.00元" + pad,
        "注：" + pad,
        "1. 充值/提现/理财通购买/零钱通存取/信用卡还款等交易，将计入中性交易" + pad,
        "2. 本明细仅展示当前账单中的交易，不包括已删除的记录" + pad,
        "3. 本明细仅供个人对账使用" + pad,
        pad,
        "----------------------微信支付账单明细列表--------------------" + pad,
        "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注",
        *body,
    ]
    return b"\xef\xbb\xbf" + ("\r\n".join(lines) + "\r\n").encode()


def bank_csv(seed: int = 3, *, moves: list[Movement] | None = None, opening: str = "5000.00") -> bytes:
    """Write a bank's CSV with a running balance, oldest first, in English columns."""
    moves = life(seed) if moves is None else moves
    balance = Decimal(opening)
    lines = ["date,time,amount,balance,counterparty,memo"]
    for move in moves:
        balance += move.amount
        lines.append(
            f"{move.at:%Y-%m-%d},{move.at:%H:%M:%S},{move.amount},{balance},{move.other},{move.memo}"
        )
    return ("\n".join(lines) + "\n").encode()


def bank_csv_chinese(
    seed: int = 3, *, moves: list[Movement] | None = None, holder: str = HOLDER, account: str = ACCOUNT
) -> bytes:
    """Write a Chinese bank's CSV: GB18030, a preamble, debit and credit apart, newest first."""
    balance = Decimal("5000.00")
    body = []
    for number, move in _numbers(life(seed) if moves is None else moves):
        balance += move.amount
        debit = f"{-move.amount}" if move.amount < 0 else ""
        credit = f"{move.amount}" if move.amount > 0 else ""
        body.append(
            f"{move.at:%Y%m%d},{move.at:%H:%M:%S},{debit},{credit},{balance},{move.other},{move.memo},{number},人民币"
        )
    body.reverse()
    lines = [
        "中国某某银行个人账户交易明细",
        f"户名：{holder},账号：{account}",
        "交易日期,时间,支出金额,收入金额,账户余额,对方户名,摘要,交易流水号,币种",
        *body,
    ]
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def ofx(seed: int = 4, *, moves: list[Movement] | None = None, account: str = ACCOUNT) -> bytes:
    """Write an OFX 1.x statement."""
    entries = "\n".join(
        f"<STMTTRN>\n<TRNTYPE>{'CREDIT' if move.amount > 0 else 'DEBIT'}\n"
        f"<DTPOSTED>{move.at:%Y%m%d%H%M%S}[+8:CST]\n<TRNAMT>{move.amount}\n<FITID>{number}\n"
        f"<NAME>{escape(move.other)}\n<MEMO>{escape(move.memo)}\n</STMTTRN>"
        for number, move in _numbers(life(seed) if moves is None else moves)
    )
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:UTF-8\nCHARSET:NONE\nCOMPRESSION:NONE\n"
        "OLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX>\n<BANKMSGSRSV1>\n<STMTTRNRS>\n<STMTRS>\n<CURDEF>CNY\n"
        "<BANKACCTFROM>\n<BANKID>102100\n<ACCTID>"
        f"{account}\n<ACCTTYPE>CHECKING\n</BANKACCTFROM>\n"
        f"<BANKTRANLIST>\n{entries}\n</BANKTRANLIST>\n<LEDGERBAL>\n<BALAMT>1000.00\n<DTASOF>20261031\n</LEDGERBAL>\n"
        "</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n</OFX>\n"
    ).encode()


def camt053(
    seed: int = 5, *, moves: list[Movement] | None = None, holder: str = HOLDER, account: str = ACCOUNT
) -> bytes:
    """Write a camt.053 statement whose balances prove."""
    moves = life(seed) if moves is None else moves
    closing = Decimal("5000.00") + sum((move.amount for move in moves), Decimal(0))

    def balance(code: str, amount: Decimal, day: date) -> str:
        side = "DBIT" if amount < 0 else "CRDT"
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{abs(amount)}</Amt>'
            f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    entries = "".join(
        f'<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="CNY">{abs(move.amount)}</Amt>'
        f"<CdtDbtInd>{'CRDT' if move.amount > 0 else 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><DtTm>{move.at.isoformat()}+08:00</DtTm></BookgDt><NtryDtls><TxDtls><RltdPties>"
        f"<{'Dbtr' if move.amount > 0 else 'Cdtr'}><Pty><Nm>{escape(move.other)}</Nm></Pty>"
        f"</{'Dbtr' if move.amount > 0 else 'Cdtr'}></RltdPties><RmtInf><Ustrd>{escape(move.memo)}</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>\n"
        for number, move in _numbers(moves)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        "<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-01T09:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy><Ownr><Nm>{holder}</Nm></Ownr></Acct>\n"
        f"{balance('OPBD', Decimal('5000.00'), moves[0].at.date())}{balance('CLBD', closing, moves[-1].at.date())}\n{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def invoices(seed: int = 6, *, sales: bool = True, begin: date = BEGIN, end: date = END) -> bytes:
    """Write an invoice list with void and red-letter invoices."""
    dice = random.Random(seed + sales)  # noqa: S311
    lines = [f"发票代码,发票号码,开票日期,{'购方名称' if sales else '销方名称'},金额,税额,价税合计,发票状态"]
    number, day = 10_000_000 + (seed % 10_000) * 1_000, begin
    while day <= end:
        for _ in range(dice.randint(0, 3 if sales else 2)):
            number += 1
            net = Decimal(dice.randint(5_000, 900_000)) / 100
            tax = (net * Decimal("0.03")).quantize(Decimal("0.01"))
            state = dice.choices(("正常", "作废", "红字"), (92, 5, 3))[0]
            sign = -1 if state == "红字" else 1
            other = f"{dice.choice('甲乙丙丁戊己庚辛')}{dice.choice(('商贸', '餐饮', '建材'))}有限公司"
            lines.append(
                f"3300261130,{number},{day},{other},{net * sign},{tax * sign},{(net + tax) * sign},{state}"
            )
        day += timedelta(days=1)
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


def sample(kind: str, *, seed: int, holder: str, end: date, days: int = 180) -> tuple[str, bytes]:
    """Make a statement of a kind of evidence in a borrower's name, up to a day: (file name, content)."""
    begin = end - timedelta(days=days - 1)
    moves = life(seed, begin, end)
    account = f"62220{seed % 10**12:012d}88"
    made = {
        "ALIPAY": lambda: alipay(moves=moves, holder=holder),
        "WECHAT": lambda: wechat(moves=moves),
        "BANK_CSV": lambda: bank_csv_chinese(moves=moves, holder=holder, account=account),
        "OFX": lambda: ofx(moves=moves, account=account),
        "CAMT053": lambda: camt053(moves=moves, holder=holder, account=account),
        "INVOICES_SALES": lambda: invoices(seed, begin=begin, end=end),
        "INVOICES_PURCHASE": lambda: invoices(seed, sales=False, begin=begin, end=end),
    }
    ending = {"OFX": "ofx", "CAMT053": "xml"}.get(kind, "csv")
    return f"{kind.lower()}_{end:%Y%m%d}.{ending}", made[kind]()


FILES: dict[str, Callable[[], bytes]] = {
    "alipay.csv": alipay,
    "alipay_old.csv": alipay_old,
    "wechat.csv": wechat,
    "bank.csv": bank_csv,
    "bank_zh.csv": bank_csv_chinese,
    "bank.ofx": ofx,
    "bank_camt053.xml": camt053,
    "invoices_sales.csv": invoices,
    "invoices_purchase.csv": lambda: invoices(sales=False),
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in FILES.items():
        (folder / name).write_bytes(write())
