"""Say what a payment was for, from the source's own label, the memo and the name of the other side.

A table anybody can read: the first row whose words are found wins, so narrow words stand above wide ones.
The n-gram classifier (`guessing.py`) only fills in what would stay UNKNOWN here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from risk.domain.events import Category
from risk.evidence.guessing import guess_category

LABELS: Final[dict[str, Category]] = {
    # Alipay's own categories (交易分类)
    "餐饮美食": Category.DINING, "日用百货": Category.EVERYDAY, "交通出行": Category.TRAVEL,
    "医疗健康": Category.MEDICAL, "教育培训": Category.EDUCATION, "文化休闲": Category.ENTERTAINMENT,
    "爱车养车": Category.TRAVEL, "充值缴费": Category.UTILITIES, "住房物业": Category.HOUSING,
    "家居家装": Category.HOUSING, "数码电器": Category.ELECTRONICS, "运动户外": Category.ENTERTAINMENT,
    "美容美发": Category.EVERYDAY, "服饰装扮": Category.EVERYDAY, "母婴亲子": Category.EVERYDAY,
    "酒店旅游": Category.TRAVEL, "转账红包": Category.TRANSFER, "投资理财": Category.OWN_TRANSFER,
    "信用借还": Category.LOAN, "保险": Category.INSURANCE, "账户存取": Category.OWN_TRANSFER,
    "亲友代付": Category.TRANSFER, "退款": Category.REFUND, "生活服务": Category.EVERYDAY,
    "宠物": Category.EVERYDAY, "公益捐赠": Category.EVERYDAY,
    # WeChat's own kinds (交易类型)
    "转账": Category.TRANSFER, "微信红包": Category.TRANSFER, "群收款": Category.TRANSFER,
    "零钱提现": Category.OWN_TRANSFER, "零钱充值": Category.OWN_TRANSFER, "信用卡还款": Category.LOAN,
    "理财通购买": Category.OWN_TRANSFER, "亲属卡交易": Category.EVERYDAY,
    # k_symbol and the like in plain English bank exports
    "household": Category.HOUSING, "loan payment": Category.LOAN, "insurance": Category.INSURANCE,
    "statement fee": Category.FEES, "interest credited": Category.OTHER_INCOME,
    "sanction interest": Category.PENALTY, "pension": Category.SALARY,
}  # fmt: skip

_WORDS: Final[tuple[tuple[Category, str], ...]] = (
    (Category.PENALTY, "滞纳金|逾期|罚息|透支利息|违约金|sanction interest|overdraft interest|late fee|penalty"),
    (Category.GAMBLING, "彩票|体彩|福彩|博彩|棋牌|投注|lottery|casino|betting|gambl"),
    (Category.REFUND, "退款|退货|refund|reversal of purchase"),
    (Category.SALARY, "工资|薪资|薪酬|代发|奖金|劳务费|养老金|退休金|salary|payroll|wages|pension"),
    (Category.LOAN, "花呗|借呗|白条|微粒贷|网商贷|贷款|还贷|信用卡还款|消费金融|小额贷|分期还款|还款|放款|loan|mortgage repayment|credit card repay"),
    (Category.OWN_TRANSFER, "余额宝|零钱通|理财|基金|提现|定期存款|活期宝|转存|转入零钱|本人转账|own account|savings transfer|time deposit"),
    (Category.INSURANCE, "保险|保费|insurance|人寿|平安保|医保缴"),
    (Category.MEDICAL, "医院|药房|药店|诊所|门诊|挂号|体检|口腔|牙科|眼科|医疗|pharmacy|hospital|clinic|dental|medical"),
    (Category.EDUCATION, "学校|大学|学院|学费|培训|教育|幼儿园|书店|图书|课程|考试|驾校|tuition|school|university|course|bookshop"),
    (Category.ELECTRONICS, "数码|手机|电脑|电器|小米|华为|苹果|苏宁|electronics|computer|apple store|laptop"),
    (Category.ENTERTAINMENT, "游戏|电影|影城|视频会员|会员|音乐|直播|网吧|健身|体育馆|演出|ktv|steam|netflix|cinema|game|gym|spotify"),
    (Category.TRAVEL, "滴滴|打车|出行|地铁|公交|高铁|铁路|火车|航空|机票|机场|酒店|民宿|携程|加油|石化|石油|停车|高速|单车|taxi|uber|hotel|airline|railway|metro|petrol|fuel|parking"),
    (Category.UTILITIES, "电费|水费|燃气|话费|宽带|国家电网|自来水|中国移动|中国联通|中国电信|有线电视|充值缴费|electric|water bill|gas bill|telecom|mobile top-up|internet bill|utilities"),
    (Category.HOUSING, "房租|租金|物业|房贷|公寓|链家|自如|装修|家居|rent|landlord|property fee|household"),
    (Category.FEES, "手续费|服务费|年费|管理费|工本费|fee|commission|charge"),
    (Category.CASH, "取现|现金|ATM|取款|存现|cash|withdrawal atm"),
    (Category.TRADE, "货款|采购|供应商|经营|收钱码|商家收款|结算款|营业款|批发|supplier|wholesale|merchant settlement|invoice|takings"),
    (Category.DINING, "餐|饭|面馆|火锅|烧烤|咖啡|奶茶|美食|小吃|外卖|饿了么|美团|肯德基|麦当劳|星巴克|酒楼|食堂|烘焙|restaurant|cafe|coffee|mcdonald|kfc|starbucks|takeaway|pizza|noodle"),
    (Category.EVERYDAY, "超市|便利|百货|菜市场|生鲜|水果|商城|商店|淘宝|天猫|京东|拼多多|盒马|永辉|沃尔玛|快递|理发|洗衣|服饰|鞋|母婴|supermarket|grocery|store|market|mall|taobao|tmall|amazon|clothing"),
    (Category.TRANSFER, "转账|红包|汇款|转给|代付|收款|transfer|remittance"),
)  # fmt: skip
_PATTERNS: Final = tuple((category, re.compile(words, re.IGNORECASE)) for category, words in _WORDS)

WEAK: Final = frozenset({"转账", "转账红包", "群收款"})  # says how it was paid; the memo may say what for
ONLY_OUT: Final = frozenset(
    {
        Category.EVERYDAY, Category.DINING, Category.MEDICAL, Category.EDUCATION, Category.ELECTRONICS,
        Category.TRAVEL, Category.HOUSING, Category.UTILITIES, Category.ENTERTAINMENT, Category.GAMBLING,
        Category.FEES, Category.PENALTY, Category.INSURANCE,
    }
)  # fmt: skip
ONLY_IN: Final = frozenset({Category.SALARY, Category.OTHER_INCOME, Category.REFUND})


DIGITS: Final = str.maketrans("", "", "0123456789")


def classify(label: str, memo: str, counterparty: str, incoming: bool) -> Category:
    """Choose a category; income of no known kind stays plain income.

    >>> classify("", "7月工资", "某某科技有限公司", True).name
    'SALARY'
    >>> classify("餐饮美食", "", "", False).name
    'DINING'
    """
    # Numbers tell nothing of the purpose, and without them the same words come again and again.
    return _classify(label, memo.translate(DIGITS), counterparty.translate(DIGITS), incoming)


@lru_cache(maxsize=16_384)
def _classify(label: str, memo: str, counterparty: str, incoming: bool) -> Category:
    known = LABELS.get(label) or LABELS.get(label.casefold())
    if known is not None and label not in WEAK and _fits(known, incoming):
        return known
    text = memo if label in WEAK else f"{label} {memo} {counterparty}"
    for category, pattern in _PATTERNS:
        if pattern.search(text) and _fits(category, incoming):
            return category
    if known is not None:
        return known
    return Category.OTHER_INCOME if incoming else guess_category(f"{counterparty} {memo}".strip())


def _fits(category: Category, incoming: bool) -> bool:
    return category not in (ONLY_OUT if incoming else ONLY_IN)
