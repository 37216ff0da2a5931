"""Made-up names of other sides and memos by category, Chinese and English: what the n-gram classifier learns from.

Stems are words of the trade; around them stand places, family names and forms of firms. Nothing here is taken from a real
statement. Half of the stems are in no table of words (`categories.py`): those are what the classifier is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.domain.events import Category, Integers

STEMS: Final[dict[Category, tuple[str, str]]] = {
    Category.DINING: (
        "牛肉面 馄饨 饺子馆 麻辣烫 米线 煎饼 包子铺 豆浆 寿司 串串香 卤味 烤鸭 川菜馆 私房菜 茶餐厅 甜品 鲜榨果汁 酸菜鱼 黄焖鸡 螺蛳粉 冒菜 小龙虾 汤包 粥铺",
        "diner bistro grill bakery sushi ramen dumpling burger steakhouse tavern deli kitchen eatery brasserie teahouse dessert barbecue taqueria",
    ),
    Category.EVERYDAY: (
        "便民店 杂货铺 粮油 文具 五金 花店 干洗店 蔬菜摊 水产 鲜肉铺 化妆品 童装 女装 内衣 洗护 粮食店 日杂 钟表 眼镜 美发沙龙 裁缝 副食品 生活馆 屈臣氏 名创优品",
        "grocer convenience corner-shop drugstore barber hairdresser laundry florist stationery hardware butcher fishmonger cosmetics boutique tailor shoes household-goods",
    ),
    Category.MEDICAL: (
        "卫生院 卫生服务中心 大药房 中医馆 骨科 妇产 儿科 康复中心 理疗 针灸 医学检验 疫苗接种 助听器 牙医 医药连锁 急诊 护理站",
        "physician doctor surgery orthodontist optometrist medicine chemist physiotherapy vaccination laboratory paediatric maternity ambulance nursing",
    ),
    Category.EDUCATION: (
        "中学 小学 英语班 钢琴课 书法班 补习 自习室 夏令营 职业技能 托管班 画室 舞蹈班 留学 网课 教材 考研 奥数 早教",
        "college academy tutoring kindergarten textbook training-centre language-lessons piano-lessons exam-prep nursery seminar learning classes workshop campus",
    ),
    Category.ELECTRONICS: (
        "通讯器材 相机 耳机 平板 笔记本 显示器 家电城 维修手机 电子科技 摄影器材 智能家居 键盘 投影仪 充电器 芯片 打印机",
        "gadgets camera headphones tablet notebook monitor appliances phone-repair printer keyboard projector console smartphone audio semiconductor",
    ),
    Category.TRAVEL: (
        "客运站 长途汽车 网约车 代驾 汽车租赁 旅行社 景区门票 轮渡 青年旅舍 宾馆 度假村 加气站 洗车 汽修 轮胎 充电桩 通行费 货拉拉 共享汽车 旅馆",
        "airways cab rideshare rental-car ferry coach-station hostel inn resort motel tollway service-station garage tyres bus train tickets touring shuttle",
    ),
    Category.HOUSING: (
        "房东 中介费 押金 小区业主 置业 家具城 地板 瓷砖 窗帘 保洁 搬家 床垫 灯饰 橱柜 管道疏通 公租房 停车位租 房屋维修 民宅",
        "landlady letting lease condo apartment furniture flooring curtains plumber movers cleaning-service mattress tiles estate-agent housing mortgage-home",
    ),
    Category.UTILITIES: (
        "供电局 供水公司 煤气 暖气费 供热 有线电视 网络费 流量包 座机 垃圾处理费 电力公司 水务集团 天然气 广电网络 通信费 手机缴费",
        "power-company waterworks heating broadband sewage energy gas-supply phone-bill cable-tv waste-collection wifi mobile-plan utility hydro",
    ),
    Category.ENTERTAINMENT: (
        "剧院 影院 台球 保龄球 密室逃脱 剧本杀 桌游 游乐园 动物园 水上乐园 演唱会 酒吧 夜店 网咖 手游 点券 瑜伽馆 滑雪 溜冰 钓鱼",
        "theatre movies bowling billiards arcade theme-park zoo concert nightclub pub streaming esports yoga skating karaoke festival museum amusement",
    ),
    Category.GAMBLING: (
        "刮刮乐 竞彩 赛马 老虎机 百家乐 德州扑克 时时彩 六合彩 赌场 下注 体育竞猜 足彩 棋牌室 麻将馆",
        "bookmaker poker slots roulette jackpot sportsbook bingo wager blackjack baccarat raffle totalizator",
    ),
    Category.INSURANCE: (
        "车险 寿险 意外险 健康险 重疾险 财险 投保 续保 人保 太平洋产险 百万医疗险 养老险 保单",
        "assurance underwriters policy-premium car-cover life-cover health-plan annuity indemnity mutual-cover reinsurance",
    ),
    Category.FEES: (
        "短信费 账户管理 挂失费 开户费 汇款手续 公证费 律师费 认证费 签证费 工商年检 制卡费 代办费",
        "service-levy account-maintenance wire-handling notary stamp-duty card-issuing administration-cost passport-office processing levy",
    ),
    Category.LOAN: (
        "借款 月供 应还 借贷 小贷 度小满 有钱花 京东金条 车贷 消费贷 信用贷 融资租赁 招联 马上金融 还本付息",
        "lending instalment borrower-repay financing repayment credit-line payday leasing microfinance overdraft-repay debt-service",
    ),
    Category.TRADE: (
        "原材料 建材经销 贸易有限公司 服装加工 包装厂 物流专线 钢材 面料 农资 进货 仓储 模具 印刷厂 化工 海产批发部 五金配件厂",
        "trading manufacturing distributors packaging freight logistics raw-materials textiles steel warehouse printing-works importers components factory",
    ),
}  # fmt: skip
PLACES: Final = [
    "城东",
    "南门",
    "人民路",
    "中山路",
    "万达",
    "高新区",
    "解放路",
    "江北",
    "西湖",
    "金山",
    "吉祥",
    "幸福",
    "新华",
    "东风",
    "华联",
    "宏达",
    "龙泉",
    "五一",
    "学府",
    "阳光",
]
FAMILIES: Final = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许", "傅", "沈", "曾", "彭", "吕"]  # fmt: skip
GIVEN: Final = ["伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平", "刚", "桂英", "建国", "志强", "秀兰", "晓东", "婷婷", "子涵", "浩然", "欣怡", "宇轩", "思远", "雨桐"]  # fmt: skip
SYLLABLES: Final = [
    "鑫",
    "瑞",
    "恒",
    "泰",
    "盛",
    "昌",
    "嘉",
    "诚",
    "信",
    "达",
    "佳",
    "铭",
    "创",
    "益",
    "隆",
    "源",
    "博",
    "凯",
    "润",
    "鼎",
    "安",
    "康",
    "兴",
    "旺",
    "天",
    "海",
    "科",
    "美",
    "德",
    "宝",
    "众",
    "联",
]
FORMS: Final = ["店", "有限公司", "商行", "中心", "部", "馆", "连锁", "（旗舰店）", "服务部", "经营部"]
TOWNS: Final = [
    "Riverside",
    "Oakwood",
    "Hilltop",
    "Union",
    "Park",
    "Central",
    "Harbour",
    "Lake",
    "Spring",
    "Maple",
    "Golden",
    "Sunrise",
    "Eastgate",
    "Queens",
]
NAMES: Final = [
    "Smith",
    "Jones",
    "Lee",
    "Wang",
    "Brown",
    "Garcia",
    "Miller",
    "Davis",
    "Wilson",
    "Taylor",
    "Chen",
    "Clark",
    "Lewis",
    "Walker",
    "Young",
    "King",
]
FIRST: Final = [
    "Anna",
    "John",
    "Mary",
    "Peter",
    "Linda",
    "David",
    "Susan",
    "James",
    "Laura",
    "Kevin",
    "Emma",
    "Oliver",
    "Grace",
    "Henry",
    "Lucy",
    "Daniel",
]
ENDINGS: Final = ("", "", " Ltd", " Co", " Inc", " #12", " London", " Store 4")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Hold texts with their categories; `stem` numbers the word that each was made around, `is_chinese` its language."""

    texts: list[str]
    category: Integers
    stem: Integers
    is_chinese: Integers


def draw_corpus(*, seed: int, each: int = 12) -> Corpus:
    """Make `each` texts around every stem, and as many names of people for transfers between people."""
    rng = np.random.default_rng([seed, 41])
    texts, category, stem, chinese = list[str](), list[int](), list[int](), list[int]()
    number = 0
    for member, languages in STEMS.items():
        for is_chinese, words in zip((1, 0), languages, strict=True):
            for word in words.split():
                made = [
                    _chinese(rng, word) if is_chinese else _english(rng, word.replace("-", " "))
                    for _ in range(each)
                ]
                texts += made
                category += [int(member)] * each
                stem += [number] * each
                chinese += [is_chinese] * each
                number += 1
    for is_chinese in (1, 0):
        for _ in range(20):
            texts += [_person(rng, bool(is_chinese)) for _ in range(each)]
            category += [int(Category.TRANSFER)] * each
            stem += [number] * each
            chinese += [is_chinese] * each
            number += 1
    for is_chinese in (1, 0):
        for _ in range(40):  # names of firms that say nothing of the trade, and what is no word at all
            texts += [_nothing(rng, bool(is_chinese)) for _ in range(each)]
            category += [int(Category.UNKNOWN)] * each
            stem += [number] * each
            chinese += [is_chinese] * each
            number += 1
    return Corpus(texts, np.array(category), np.array(stem), np.array(chinese))


def _pick(rng: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]


def _chinese(rng: np.random.Generator, word: str) -> str:
    form = int(rng.integers(6))
    if form == 0:
        return word
    if form == 1:
        return f"{_pick(rng, PLACES)}{word}"
    if form == 2:
        return f"老{_pick(rng, FAMILIES)}{word}"
    if form == 3:
        return f"{_pick(rng, PLACES)}{word}{_pick(rng, FORMS)}"
    if form == 4:
        return f"{word}-{int(rng.integers(10_000))}"
    return f"{_pick(rng, FAMILIES)}记{word}（{_pick(rng, PLACES)}店）"


def _english(rng: np.random.Generator, word: str) -> str:
    form = int(rng.integers(4))
    if form == 0:
        return f"{word}{_pick(rng, ENDINGS)}"
    if form == 1:
        return f"{_pick(rng, TOWNS)} {word}{_pick(rng, ENDINGS)}"
    if form == 2:
        return f"{_pick(rng, NAMES)}'s {word}"
    return f"{word.upper()} {int(rng.integers(1000))} {_pick(rng, TOWNS).upper()}"


def _nothing(rng: np.random.Generator, chinese: bool) -> str:
    if chinese:
        middle = "".join(_pick(rng, SYLLABLES) for _ in range(int(rng.integers(1, 4))))
        return _pick(rng, ("", *PLACES)) + middle + _pick(rng, ("", *FORMS))
    made = "".join(chr(97 + int(rng.integers(26))) for _ in range(int(rng.integers(2, 9))))
    return _pick(rng, (made, f"{made.title()}{_pick(rng, ENDINGS)}", f"{_pick(rng, TOWNS)} {made.title()}{_pick(rng, ENDINGS)}",
                       f"{_pick(rng, NAMES)} {_pick(rng, ('Holdings', 'Group', 'Enterprises', 'Partners'))}"))  # fmt: skip


def _person(rng: np.random.Generator, chinese: bool) -> str:
    if chinese:
        masked = rng.random() < 0.3
        return ("*" if masked else _pick(rng, FAMILIES)) + _pick(rng, GIVEN)
    return f"{_pick(rng, FIRST)} {_pick(rng, NAMES)}"
