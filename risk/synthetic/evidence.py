"""Draw dated evidence of the synthetic people: payments, bills, invoices, transfers, enquiries.

Events of one chunk of people are drawn together; the chunks are independent streams of the seed, so memory
is bounded by the chunk. Balances follow from the payments by an accounting identity, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from risk.domain.events import Category, EventColumns, EventKind, Floats, Integers, concatenate
from risk.domain.ordering import in_time
from risk.domain.rollup import days_of_months
from risk.synthetic.population import People

CHUNK = 1000
SHOPS = 400
# category, purchases a month, log of the mean amount as a share of income, spread
SPENDING: tuple[tuple[Category, float, float, float], ...] = (
    (Category.EVERYDAY, 5.0, -4.1, 0.7),
    (Category.DINING, 3.0, -4.6, 0.6),
    (Category.ENTERTAINMENT, 0.8, -4.4, 0.8),
    (Category.TRAVEL, 0.3, -2.9, 0.8),
    (Category.ELECTRONICS, 0.15, -2.4, 0.7),
    (Category.MEDICAL, 0.2, -3.4, 0.9),
    (Category.EDUCATION, 0.15, -2.8, 0.7),
    (Category.HOUSING, 0.6, -2.5, 0.4),
    (Category.GAMBLING, 0.05, -3.6, 1.0),
    (Category.CASH, 0.6, -3.0, 0.7),
)
FESTIVE = np.array([1.20, 1.30, 0.95, 1.0, 1.0, 1.05, 1.0, 1.0, 1.05, 1.1, 1.25, 1.1])
WEEK = np.array([0.9, 0.9, 0.9, 0.95, 1.1, 1.2, 1.05])  # Thursday first: day 0 of the epoch was one


@dataclass(slots=True)
class _Draft:
    """Gather parts; `at` is the place of the person in the chunk."""

    at: list[Integers]
    occurred: list[Integers]
    kind: list[Integers]
    category: list[Integers]
    cents: list[Integers]
    party: list[Integers]

    def add(
        self,
        at: Integers,
        occurred: Integers,
        kind: EventKind,
        category: Category | Integers,
        cents: Integers | Floats,
        party: Integers | int = 0,
    ) -> None:
        count = len(at)
        self.at.append(at)
        self.occurred.append(occurred)
        self.kind.append(np.full(count, kind, dtype=np.int8))
        self.category.append(np.broadcast_to(np.asarray(category, dtype=np.int8), count))
        self.cents.append(np.rint(cents).astype(np.int64))
        self.party.append(np.broadcast_to(np.asarray(party, dtype=np.int64), count))


def draw_evidence(people: People, *, months_after: int = 0, chunk: int = CHUNK) -> Iterator[EventColumns]:
    """Yield the events of everyone, a chunk of people at a time, in order of person and time."""
    for number, start in enumerate(range(0, len(people), chunk)):
        who = np.arange(start, min(start + chunk, len(people)))
        yield _chunk(people, who, people.world.stream("evidence", number), months_after)


def _chunk(people: People, who: Integers, rng: np.random.Generator, months_after: int) -> EventColumns:
    months = people.world.months_before + months_after
    first = people.application[who] - people.world.months_before
    calendar = first[:, None] + np.arange(months)[None, :]  # (people, months) of month numbers
    day0 = days_of_months(calendar)
    draft = _Draft([], [], [], [], [], [])
    _income(people, who, rng, draft, day0)
    _spending(people, who, rng, draft, day0, calendar)
    _bills(people, who, rng, draft, day0)
    _transfers(people, who, rng, draft, day0)
    _other_lenders(people, who, rng, draft, day0)
    _business(people, who, rng, draft, day0, calendar)
    _sweeps(people, who, rng, draft, day0)
    return _finish(people, who, rng, draft)


def _moment(day: Integers, minute: Integers) -> Integers:
    """Turn a Shanghai day and minute of the day into minutes of the epoch."""
    return np.asarray(day * 1440 + minute - 480, dtype=np.int64)


def _income(people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers) -> None:
    stability, income = people.stability[who], people.income[who]
    missed = 1 / (1 + np.exp(3.3 + 0.60 * stability))
    pay_day = rng.integers(0, 26, len(who))
    employed = ~people.is_business[who]
    paid = (rng.random(day0.shape) >= missed[:, None]) & employed[:, None]
    spread = 0.08 * np.exp(-0.40 * stability)
    amounts = income[:, None] * np.exp(spread[:, None] * rng.normal(size=day0.shape))
    slip = np.where(rng.random(day0.shape) < 0.1, rng.integers(0, 3, day0.shape), 0)
    at, month = np.nonzero(paid)
    moment = _moment(day0[at, month] + pay_day[at] + slip[at, month], rng.integers(540, 660, len(at)))
    draft.add(at, moment, EventKind.PAYMENT, Category.SALARY, amounts[at, month] * 100, 1_000_000 + who[at])
    extra = rng.poisson(0.25 * np.exp(-0.3 * stability)[:, None], day0.shape)
    at, month = _repeat(extra)
    moment = _moment(day0[at, month] + rng.integers(0, 28, len(at)), rng.integers(480, 1320, len(at)))
    gig = income[at] * 0.10 * np.exp(rng.normal(0, 0.6, len(at)))
    draft.add(
        at, moment, EventKind.PAYMENT, Category.OTHER_INCOME, gig * 100, rng.integers(1, SHOPS, len(at))
    )


def _repeat(counts: Integers) -> tuple[Integers, Integers]:
    """List (row, column) as many times as counted."""
    flat = np.repeat(np.arange(counts.size), counts.ravel())
    return flat // counts.shape[1], flat % counts.shape[1]


def _spending(
    people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers, calendar: Integers
) -> None:
    discipline, burden, income = people.discipline[who], people.burden[who], people.income[who]
    level = np.exp(0.12 * burden - 0.07 * discipline + 0.15 * rng.normal(size=len(who)))
    night = 1 / (1 + np.exp(2.9 + 0.45 * discipline - 0.5 * rng.normal(size=len(who))))
    lean = {
        Category.GAMBLING: np.exp(-0.6 * discipline + 0.3 * burden + 0.75 * rng.normal(size=len(who))),
        Category.CASH: np.exp(0.25 * burden - 0.1 * discipline + 0.6 * rng.normal(size=len(who))),
        Category.ENTERTAINMENT: np.exp(-0.2 * discipline + 0.5 * rng.normal(size=len(who))),
    }
    season = FESTIVE[calendar % 12]
    for category, often, share, spread in SPENDING:
        rate = often * lean.get(category, np.ones(len(who)))[:, None] * season
        at, month = _repeat(rng.poisson(np.minimum(rate, 25.0)))
        count = len(at)
        day = day0[at, month] + (rng.random(count) * 28).astype(np.int64)
        day = day + (rng.random(count) > WEEK[day % 7] / 1.2)  # a quiet day's errand is often put off
        late = rng.random(count) < night[at]
        minute = np.where(
            late, rng.integers(0, 299, count), 420 + (rng.beta(2.2, 1.8, count) * 960).astype(np.int64)
        )
        amount = income[at] * level[at] * np.exp(share + spread * rng.normal(size=count))
        shop = 1 + (rng.random(count) ** 2.0 * SHOPS).astype(np.int64) + 1000 * int(category)
        draft.add(at, _moment(day, minute), EventKind.PAYMENT, category, -amount * 100, shop)
        if category in (Category.ELECTRONICS, Category.TRAVEL):
            back = rng.random(count) < 0.06
            when = _moment(day + 3, minute)
            draft.add(
                at[back], when[back], EventKind.PAYMENT, Category.REFUND, amount[back] * 100, shop[back]
            )


def _bills(people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers) -> None:
    habit = people.bill_habit[who]
    tendency = 1 / (1 + np.exp(-habit))
    for number, share in enumerate((0.02, 0.012, 0.03)):
        has = rng.random(len(who)) < (1.0, 0.85, 0.5)[number]
        at, month = np.nonzero(np.broadcast_to(has[:, None], day0.shape))
        count = len(at)
        due_day = day0[at, month] + (5 + 8 * number + who[at] % 5)
        late = rng.random(count) < tendency[at]
        delay = np.where(
            late, 1 + np.minimum(rng.exponential(6, count), 40).astype(np.int64), -rng.integers(0, 5, count)
        )
        cents = np.rint(people.income[who][at] * share * np.exp(0.15 * rng.normal(size=count)) * 100)
        due = _moment(due_day, np.full(count, 600))
        draft.add(at, due, EventKind.BILL_DUE, Category.UTILITIES, cents, 900 + number)
        draft.add(
            at[late], due[late] + 1440, EventKind.BILL_LATE, Category.UTILITIES, cents[late], 900 + number
        )
        paid = _moment(due_day + delay, rng.integers(480, 1300, count))
        draft.add(at, paid, EventKind.PAYMENT, Category.UTILITIES, -cents, 900 + number)


def _transfers(
    people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers
) -> None:
    wish = 0.9 * np.exp(0.15 * people.burden[who])
    at, month = _repeat(rng.poisson(np.broadcast_to(wish[:, None], day0.shape)))
    count = len(at)
    friend = people.neighbours[who[at], (rng.random(count) * people.degree[who[at]]).astype(np.int64)]
    comes = rng.random(count) < 1 / (1 + np.exp(0.1 - 0.35 * people.burden[who[at]]))
    amount = people.income[who[at]] * 0.04 * np.exp(0.9 * rng.normal(size=count))
    moment = _moment(day0[at, month] + rng.integers(0, 28, count), rng.integers(420, 1380, count))
    signed = np.where(comes, amount, -amount) * 100
    draft.add(at, moment, EventKind.PAYMENT, Category.TRANSFER, signed, 2_000_000 + friend)


def _other_lenders(
    people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers
) -> None:
    burden, income = people.burden[who], people.income[who]
    owes = rng.random(len(who)) < 1 / (1 + np.exp(0.5 - 1.0 * burden))
    burden_share = 0.09 * np.exp(0.40 * burden + 0.32 * rng.normal(size=len(who)))
    paid_in = np.broadcast_to(owes[:, None], day0.shape) & (rng.random(day0.shape) < 0.95)
    at, month = np.nonzero(paid_in)
    moment = _moment(day0[at, month] + 15 + who[at] % 7, rng.integers(480, 1200, len(at)))
    draft.add(
        at, moment, EventKind.PAYMENT, Category.LOAN, -(income * burden_share)[at] * 100, 3000 + who[at] % 9
    )
    drawn = rng.random(day0.shape) < (0.08 * owes * np.exp(0.3 * burden))[:, None]
    at, month = np.nonzero(drawn)
    moment = _moment(day0[at, month] + rng.integers(0, 28, len(at)), rng.integers(480, 1400, len(at)))
    draft.add(
        at,
        moment,
        EventKind.PAYMENT,
        Category.LOAN,
        income[at] * np.exp(rng.normal(-0.5, 0.4, len(at))) * 100,
        3000 + who[at] % 9,
    )
    asks = np.exp(-1.8 + 0.48 * burden - 0.20 * people.stability[who] + 0.35 * rng.normal(size=len(who)))
    at, month = _repeat(rng.poisson(np.broadcast_to(asks[:, None], day0.shape)))
    moment = _moment(day0[at, month] + rng.integers(0, 28, len(at)), rng.integers(480, 1200, len(at)))
    draft.add(
        at, moment, EventKind.ENQUIRY, Category.LOAN, np.zeros(len(at)), 3100 + rng.integers(0, 30, len(at))
    )


def _business(
    people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers, calendar: Integers
) -> None:
    shop = np.flatnonzero(people.is_business[who])
    if len(shop) == 0:
        return
    mine = who[shop]
    wealth, stability, discipline = people.wealth[mine], people.stability[mine], people.discipline[mine]
    trend = 0.006 * wealth + 0.004 * stability + 0.006 * rng.normal(size=len(mine))
    ages = np.arange(day0.shape[1]) - people.world.months_before
    volume = 10.0 * np.exp(0.25 * wealth + 0.2 * rng.normal(size=len(mine)))
    uneven = 0.16 * np.exp(-0.35 * stability)
    rate = volume[:, None] * np.exp(trend[:, None] * ages) * FESTIVE[calendar[shop] % 12]
    rate = rate * rng.gamma(
        1 / uneven[:, None] ** 2, uneven[:, None] ** 2, rate.shape
    )  # negative binomial counts
    at, month = _repeat(rng.poisson(np.minimum(rate, 120.0)))
    count = len(at)
    day = day0[shop][at, month] + rng.integers(0, 28, count)
    amount = people.income[mine][at] * 0.24 * np.exp(0.7 * rng.normal(size=count))
    pool = np.maximum(3, 14 * np.exp(0.3 * stability + 0.4 * rng.normal(size=len(mine))))
    skew = np.exp(0.5 - 0.3 * stability + 0.3 * rng.normal(size=len(mine)))
    customer = (rng.random(count) ** (1 + skew[at]) * pool[at]).astype(np.int64) + 5_000_000 + 1000 * mine[at]
    moment = _moment(day, rng.integers(540, 1260, count))
    draft.add(shop[at], moment, EventKind.SALE, Category.TRADE, amount * 100, customer)
    receipt = _moment(day + rng.integers(0, 3, count), rng.integers(540, 1260, count))
    draft.add(shop[at], receipt, EventKind.PAYMENT, Category.TRADE, amount * 100, customer)
    return_rate = rng.beta(1.2, 40 * np.exp(0.35 * discipline), len(mine))
    back = rng.random(count) < return_rate[at]
    later = _moment(day[back] + 4, np.full(int(back.sum()), 720))
    draft.add(shop[at[back]], later, EventKind.SALE, Category.TRADE, -amount[back] * 100, customer[back])
    draft.add(shop[at[back]], later, EventKind.PAYMENT, Category.TRADE, -amount[back] * 100, customer[back])
    void = rng.random(count) < 0.02 * np.exp(-0.3 * discipline[at])
    draft.add(
        shop[at[void]],
        moment[void] + 60,
        EventKind.SALE_VOID,
        Category.TRADE,
        amount[void] * 100,
        customer[void],
    )
    cost = 0.52 * np.exp(0.08 * people.burden[mine] + 0.06 * rng.normal(size=len(mine)))
    _purchases(people, mine, shop, rng, draft, day0[shop], rate, cost)


def _purchases(
    people: People,
    mine: Integers,
    shop: Integers,
    rng: np.random.Generator,
    draft: _Draft,
    day0: Integers,
    rate: Floats,
    cost: Floats,
) -> None:
    at, month = _repeat(rng.poisson(4.0, day0.shape))
    count = len(at)
    monthly = people.income[mine][at] * 0.24 * 1.28 * rate[at, month] * cost[at]
    amount = monthly / 4.0 * np.exp(0.3 * rng.normal(size=count) - 0.045)
    suppliers = 3 + mine[at] % 4
    supplier = 6_000_000 + 10 * mine[at] + (rng.random(count) ** 1.5 * suppliers).astype(np.int64)
    moment = _moment(day0[at, month] + rng.integers(0, 28, count), rng.integers(540, 1100, count))
    draft.add(shop[at], moment, EventKind.PURCHASE, Category.TRADE, amount * 100, supplier)
    draft.add(shop[at], moment, EventKind.PAYMENT, Category.TRADE, -amount * 100, supplier)


def _sweeps(people: People, who: Integers, rng: np.random.Generator, draft: _Draft, day0: Integers) -> None:
    """Move money between the account and the wealth fund at month's end, so that balances stay alive.

    A person keeps a buffer of their own size while the fund lasts; the fund itself never goes below zero.
    """
    at, cents = np.concatenate(draft.at), np.concatenate(draft.cents)
    moment = np.concatenate(draft.occurred)
    payment = np.concatenate(draft.kind) == EventKind.PAYMENT
    months = day0.shape[1]
    limits = np.c_[day0, day0[:, -1] + 31]
    day = (moment + 480) // 1440
    month = np.clip((day - day0[at, 0]) // 31, 0, months - 1)
    month = np.where(
        day >= limits[at, np.minimum(month + 1, months)], np.minimum(month + 1, months - 1), month
    )
    cell = (at * months + month)[payment]
    net = np.bincount(cell, weights=cents[payment], minlength=len(who) * months).reshape(len(who), months)
    income = people.income[who] * 100
    target = (
        income
        * 0.6
        * np.exp(
            0.30 * people.wealth[who]
            + 0.2 * people.stability[who]
            - 0.25 * people.burden[who]
            + 0.45 * rng.normal(size=len(who))
        )
    )
    fund = np.floor(income * 2.0 * np.exp(0.6 * people.wealth[who] - 0.4 * people.burden[who]))
    balance = np.floor(target)
    opening = balance.copy()
    sweep, charge = np.zeros_like(net), np.zeros_like(net)
    for m in range(months):
        balance = balance + net[:, m]
        charge[:, m] = np.where(balance < 0, np.rint(-0.01 * balance), 0.0)
        balance = balance - charge[:, m]
        wanted = np.rint(target * np.exp(0.2 * rng.normal(size=len(who))) - balance)
        moved = np.minimum(wanted, fund)
        fund, balance = fund - moved, balance + moved
        sweep[:, m] = moved
    rows, column = np.nonzero(sweep)
    last_day = np.c_[day0[:, 1:], day0[:, -1:] + 30][rows, column] - 1
    draft.add(
        rows,
        _moment(last_day, np.full(len(rows), 1435)),
        EventKind.PAYMENT,
        Category.OWN_TRANSFER,
        sweep[rows, column],
    )
    rows, column = np.nonzero(charge)
    last_day = np.c_[day0[:, 1:], day0[:, -1:] + 30][rows, column] - 1
    draft.add(
        rows,
        _moment(last_day, np.full(len(rows), 1430)),
        EventKind.PAYMENT,
        Category.PENALTY,
        -charge[rows, column],
    )
    before = _moment(day0[:, 0], np.zeros(len(who), dtype=np.int64))
    draft.add(np.arange(len(who)), before, EventKind.PAYMENT, Category.OWN_TRANSFER, opening)


def _finish(people: People, who: Integers, rng: np.random.Generator, draft: _Draft) -> EventColumns:
    at, occurred = np.concatenate(draft.at), np.concatenate(draft.occurred)
    order = in_time(at, occurred)
    at, occurred = at[order], occurred[order]
    kind, cents = np.concatenate(draft.kind)[order], np.concatenate(draft.cents)[order]
    payment = kind == EventKind.PAYMENT
    running = np.cumsum(np.where(payment, cents, 0))
    starts = np.flatnonzero(np.r_[True, at[1:] != at[:-1]])
    before = np.r_[0, running[starts[1:] - 1]]
    balance = np.where(
        payment, (running - before[np.cumsum(np.r_[True, at[1:] != at[:-1]]) - 1]) / 100.0, np.nan
    )
    count = len(at)
    late = rng.random(count) < people.world.late_arriving_share
    known = occurred + np.where(late, rng.integers(1, 45, count) * 1440, 0)
    events = EventColumns(
        subject=people.subject[who][at],
        occurred=occurred,
        known=known,
        kind=kind.astype(np.int8),
        category=np.concatenate(draft.category)[order].astype(np.int8),
        cents=cents,
        balance=balance,
        counterparty=np.concatenate(draft.party)[order],
    )
    return _outage(people, events)


def _outage(people: People, events: EventColumns) -> EventColumns:
    """Lose a calendar month of every source, if the world has such a month."""
    month = people.world.outage_month
    if month is None:
        return events
    first, after = (int(days_of_months(np.array([m]))[0]) for m in (month, month + 1))
    day = (events.occurred + 480) // 1440
    return events.take((day < first) | (day >= after))


def all_events(people: People, *, months_after: int = 0) -> EventColumns:
    """Draw everything at once; for small worlds."""
    return concatenate(list(draw_evidence(people, months_after=months_after)))
