"""A second engine for loans, written from the rules of docs/algorithms and not from the first one.

It is slow and plain on purpose: it walks every single day, counts money in whole cents, rates in whole
millionths and interest as a whole numerator over a whole denominator. Nothing is shared with the engine
but the terms, the events and the due dates.
"""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from loans.domain.calendar import due_dates, due_dates_from, roll_all
from loans.domain.day_count import days_360, is_month_end
from loans.domain.events import RANK, EventKind, LoanEvent
from loans.domain.terms import DayCount, Frequency, LoanTerms, OverdueInterest, RepaymentMethod

ONE_DAY = timedelta(days=1)
SCALE = 10**60
PARTS = ("principal", "interest", "fee", "penalty")
NOMINAL = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14, "MONTHLY": 30, "QUARTERLY": 90, "YEARLY": 360}
ONE_ROW = (RepaymentMethod.BULLET, RepaymentMethod.FLEXIBLE)
ACTUAL = (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT_ISDA)


def cents(amount: Any) -> int:
    whole = int(amount * 100)
    assert whole == amount * 100
    return whole


def divide(top: int, bottom: int, rounding: str) -> int:
    """Round top / bottom (never negative) to a whole number."""
    whole, rest = divmod(top, bottom)
    if rounding == "ROUND_DOWN" or rest * 2 < bottom:
        return whole
    if rest * 2 > bottom:
        return whole + 1
    return whole + (1 if rounding == "ROUND_HALF_UP" else whole % 2)


def nothing() -> dict[str, int]:
    return dict.fromkeys(PARTS, 0)


@dataclass
class Line:
    """One instalment."""

    number: int
    start: date
    due: date
    weight: int
    amortises: bool = True
    defers: bool = False
    fallen: bool = False
    closed: bool = False  # settled ahead
    asked: dict[str, int] = field(default_factory=nothing)
    paid: dict[str, int] = field(default_factory=nothing)
    gone: dict[str, int] = field(default_factory=nothing)  # waived, lost or moved
    moved: dict[str, int] = field(default_factory=nothing)
    kept: int = 0
    ask: int | None = None  # share of the sales of the period; None: nothing was reported
    extra: int = 0
    charges: list[tuple[str, date, int]] = field(default_factory=list)
    penalty: int = 0  # cents x day units
    units: int = 1
    year: int = 365

    def settled(self, part: str) -> int:
        return self.paid[part] + self.gone[part]


class Reference:
    """Fold one loan by walking its days."""

    def __init__(self, terms: LoanTerms, events: list[LoanEvent], until: date) -> None:
        self.terms, self.mode = terms, str(terms.rounding)
        self.rate = int(terms.annual_rate * 10**6)
        self.penalty_rate = int(terms.penalty_rate * 10**6)
        self.lines: list[Line] = []
        self.running = self.credit = self.disbursed = 0
        self.numerator = self.earned_before = self.carry = self.deferred = self.taken = 0
        self.level = self.per_weight = 0
        self.weight_base = 1
        self.planned = self.down = self.written_off = False
        self.pauses: list[tuple[date, date]] = []
        self.recovered = 0
        self.paid_by: dict[str, list[tuple[Line, str, int]]] = {}
        self.walk(self.standing(events), until)

    @staticmethod
    def standing(events: list[LoanEvent]) -> list[LoanEvent]:
        undone = {e.data["reverses"] for e in events if e.kind is EventKind.REVERSAL}
        left = [e for e in events if e.kind is not EventKind.REVERSAL and e.ref not in undone]
        return sorted(left, key=lambda e: (e.value_date, RANK[e.kind], e.sequence))

    def walk(self, events: list[LoanEvent], until: date) -> None:
        queue = [e for e in events if e.value_date <= until]
        if not queue:
            return
        self.day = queue[0].value_date
        while True:
            self.fall_due()
            while queue and queue[0].value_date == self.day:
                event = queue.pop(0)
                getattr(self, event.kind.lower())(event)
                self.fall_due()
            if self.day == until:
                break
            self.night()
            self.day += ONE_DAY
            self.after_maturity()

    # -- time ----------------------------------------------------------------------------------------

    @property
    def k(self) -> int:
        return sum(1 for line in self.lines if line.fallen)

    def coming(self) -> list[Line]:
        return [line for line in self.lines if not line.fallen]

    def open_lines(self) -> list[Line]:
        return [line for line in self.coming() if not line.closed]

    def arrears(self) -> int:
        return sum(x.asked["principal"] - x.settled("principal") for x in self.lines if x.fallen)

    def base(self) -> int:
        base = self.running
        if self.terms.overdue_interest is OverdueInterest.CONTINUES:
            base += self.arrears()
        if self.terms.repayment_method is RepaymentMethod.FLAT and base:
            base = self.disbursed
        return base

    def day_weight(self, day: date) -> int:
        if self.terms.day_count is DayCount.ACT_ACT_ISDA:
            return 365 if isleap(day.year) else 366
        return 1

    def plain_year(self) -> int:
        if self.terms.day_count is DayCount.ACT_ACT_ISDA:
            return 365 * 366
        return 365 if self.terms.day_count is DayCount.ACT_365F else 360

    def period(self) -> tuple[int, int]:
        coming = self.coming()
        return (coming[0].units, coming[0].year) if coming else (1, self.plain_year())

    def night(self) -> None:
        weight = self.day_weight(self.day)
        self.numerator += self.base() * self.rate * self.period()[0] * weight
        paused = any(a <= self.day < b for a, b in self.pauses)
        for line in self.lines:
            begins = line.due + timedelta(days=self.terms.grace_days)
            if line.fallen and self.day >= begins and not paused:
                unpaid = line.asked["principal"] - line.settled("principal")
                line.penalty += max(unpaid, 0) * weight

    def earned(self) -> int:
        return divide(self.numerator, self.period()[1] * 10**6, self.mode)

    def after_maturity(self) -> None:
        if self.lines and not self.coming():
            earned = self.earned()
            if earned:
                self.lines[-1].asked["interest"] += earned
                self.earned_before += earned
                self.numerator -= earned * self.period()[1] * 10**6

    def fall_due(self) -> None:
        while True:
            coming = self.coming()
            if not coming or coming[0].due > self.day:
                return
            self.fall_one(coming[0], is_last=len(coming) == 1)
            if self.credit:
                self.use_credit()

    def fall_one(self, line: Line, *, is_last: bool) -> None:
        earned = self.earned()
        own = earned + self.carry - self.taken
        regular = self.regular(line, own)
        self.earned_before += earned
        self.numerator = self.carry = self.taken = 0
        if line.closed and not is_last:
            self.carry = own
            line.asked["interest"] = line.settled("interest")
        elif line.defers:
            self.deferred += own - line.settled("interest")
            line.asked["interest"] = line.settled("interest")
        else:
            if line.closed:
                line.kept = line.settled("interest")
            line.asked["interest"] = own + self.deferred + line.kept
            self.deferred = 0
        line.asked["principal"] = line.paid["principal"] + regular
        self.running -= regular
        line.fallen = True

    # -- plan ----------------------------------------------------------------------------------------

    def last_open(self) -> Line:
        opened = self.open_lines()
        return opened[-1] if opened else self.coming()[0]

    def regular(self, line: Line, own: int) -> int:
        if line is self.last_open() or self.lines.index(line) > self.lines.index(self.last_open()):
            return self.running
        if line.closed:
            return 0
        wanted = self.target(line, own) - (line.paid["principal"] - line.extra)
        return min(max(wanted, 0), self.running)

    def target(self, line: Line, own: int) -> int:
        if not line.amortises:
            return 0
        if self.terms.repayment_method is RepaymentMethod.SALES_SHARE:
            return (
                self.share(self.terms.expected_sales or Decimal(0)) if line.ask is None else line.ask
            ) - own
        self.plan()
        if self.terms.repayment_method is RepaymentMethod.EQUAL_INSTALMENT:
            return self.level - own
        mode = "ROUND_DOWN" if self.down else self.mode
        return divide(self.per_weight * line.weight, self.weight_base, mode)

    def plan(self) -> None:
        if self.planned:
            return
        self.planned = True
        if self.terms.repayment_method is RepaymentMethod.EQUAL_INSTALMENT:
            self.level = self.find_level()
        else:
            self.find_parts()

    def find_parts(self) -> None:
        coming = self.coming()
        opened = [x for x in self.open_lines() if x.amortises]
        weight = sum(x.weight for x in opened)
        self.per_weight, self.weight_base, self.down = 0, max(weight, 1), False
        if not weight:
            return
        first = opened[0]
        own = first.paid["principal"] - first.extra if first is coming[0] else 0
        self.per_weight = self.running + own
        before = sum(divide(self.per_weight * x.weight, self.weight_base, self.mode) for x in opened[:-1])
        self.down = before >= self.per_weight and len(opened) > 1 and opened[-1].weight > 0

    def line_units(self, start: date, end: date) -> int:
        return sum(self.day_weight(start + ONE_DAY * i) for i in range((end - start).days))

    def find_level(self) -> int:
        coming = self.coming()
        first = next((x for x in coming if x.amortises), None)
        last = self.last_open()
        if first is None or coming.index(first) > coming.index(last):
            return self.running
        value, final = 0, SCALE  # of 1 with every open line, of 1 with the last, at a line's start
        worth = {}
        for line in reversed(coming[: coming.index(last) + 1]):
            year = line.year * 10**6
            interest = self.rate * line.units * self.line_units(line.start, line.due)
            discount = SCALE * year // (year + interest)
            value = discount * (value if line.closed else value + SCALE) // SCALE
            final = discount * final // SCALE
            worth[id(line)] = (value, final)
        if first is not coming[0]:
            owed, per = self.running, 1
            value, final = worth[id(first)]
        else:
            units, year = self.period()
            per = year * 10**6
            rest = self.base() * self.rate * units * self.line_units(self.day, first.due)
            own = 0 if first.closed else first.paid["principal"] - first.extra
            owed = (self.running + own + self.carry - self.taken) * per + self.numerator + rest
            following = coming[1] if len(coming) > 1 else None
            value, final = worth.get(id(following), (0, SCALE))
            value += 0 if first.closed else SCALE
        if not value:
            return self.running
        level = divide(owed * SCALE, value * per, self.mode)
        if first is not last and level * per * (value - final) >= owed * SCALE:
            level = divide(owed * SCALE, value * per, "ROUND_DOWN")
        return level

    # -- what is owed ----------------------------------------------------------------------------------

    def running_interest(self) -> int:
        opened = self.open_lines()
        used = opened[0].settled("interest") - opened[0].kept if opened else 0
        return self.earned() + self.carry + self.deferred - self.taken - used

    def derived_penalty(self, line: Line) -> int:
        return divide(line.penalty * self.penalty_rate, self.plain_year() * 10**6, self.mode)

    def charged(self, line: Line, part: str, through: date | None) -> int:
        return sum(a for p, d, a in line.charges if p == part and (through is None or d <= through))

    def unpaid(self, line: Line, part: str, *, later: bool = False) -> int:
        if part in ("principal", "interest"):
            return line.asked[part] - line.settled(part) if line.fallen else 0
        owed = self.charged(line, part, None if later else self.day)
        if part == "penalty":
            owed += self.derived_penalty(line)
        return max(owed - line.settled(part), 0)

    def payoff(self) -> int:
        total = self.running + max(self.running_interest(), 0)
        for line in self.lines:
            total += self.unpaid(line, "principal") + self.unpaid(line, "interest")
            total += self.unpaid(line, "fee", later=True) + self.unpaid(line, "penalty", later=True)
        return total

    # -- money -----------------------------------------------------------------------------------------

    def put(self, line: Line, part: str, amount: int, log: list[tuple[Line, str, int]]) -> None:
        assert amount > 0
        if part == "principal" and not line.fallen:
            self.running -= amount
        line.paid[part] += amount
        log.append((line, part, amount))

    def pay_due(self, money: int, log: list[tuple[Line, str, int]]) -> int:
        for line in list(self.lines):
            for part in self.terms.allocation_order:
                share = min(money, self.unpaid(line, part))
                if share > 0:
                    self.put(line, part, share, log)
                    money -= share
        return money

    def pay_later_charges(self, part: str, money: int, log: list[tuple[Line, str, int]]) -> int:
        for line in self.lines:
            share = min(money, self.unpaid(line, part, later=True)) if line.charges else 0
            if share > 0:
                self.put(line, part, share, log)
                money -= share
        return money

    def pay_interest(self, money: int, log: list[tuple[Line, str, int]]) -> int:
        share = min(money, self.running_interest())
        if share <= 0 or not self.coming():
            return money
        if not self.open_lines():
            self.reopen()
        self.put(self.open_lines()[0], "interest", share, log)
        return money - share

    def reopen(self) -> None:
        line = self.lines[-1]
        line.closed, line.kept, self.planned = False, line.settled("interest"), False

    def use_credit(self) -> list[tuple[Line, str, int]]:
        log: list[tuple[Line, str, int]] = []
        left = self.pay_due(self.credit, log)
        left = self.pay_later_charges("fee", left, log)
        self.credit = self.pay_later_charges("penalty", left, log)
        return log

    def repayment(self, event: LoanEvent) -> None:
        log = self.paid_by.setdefault(event.ref, [])
        money = self.pay_due(cents(event.amount) + self.credit, log)
        self.credit = 0
        policy = str(event.data.get("prepayment", self.terms.prepayment_policy))
        if policy == "PAY_AHEAD":
            for line in self.open_lines():
                if money:
                    money = self.pay_line_ahead(line, money, log)
        for part in self.terms.advance_order:
            if part == "interest":
                money = self.pay_interest(money, log)
            elif part == "principal":
                money = self.prepay(money, policy, log)
            else:
                money = self.pay_later_charges(part, money, log)
        money = self.pay_interest(money, log)
        money = self.pay_later_charges("fee", money, log)
        self.credit = self.pay_later_charges("penalty", money, log)

    def room(self, line: Line) -> int:
        if line is self.last_open():
            return self.running
        own = line.settled("interest")
        if line is self.open_lines()[0]:
            own += max(self.running_interest(), 0)
        wanted = self.target(line, own) - (line.paid["principal"] - line.extra)
        return min(max(wanted, 0), self.running)

    def pay_line_ahead(self, line: Line, money: int, log: list[tuple[Line, str, int]]) -> int:
        first = line is self.open_lines()[0]
        for part in self.terms.advance_order:
            if part == "principal":
                room = self.room(line)
            elif part == "interest":
                room = self.running_interest() if first else 0
            else:
                room = self.charged(line, part, None) - line.settled(part)
            share = min(money, room)
            if share > 0:
                self.put(line, part, share, log)
                money -= share
        whole = line.paid["principal"] - line.extra and self.room(line) <= 0
        whole = whole and not (first and self.running_interest() > 0)
        unpaid = any(self.charged(line, p, None) > line.settled(p) for p in ("fee", "penalty"))
        if whole and not unpaid:
            line.closed = True
            if first:
                self.taken += line.settled("interest") - line.kept
        return money

    def prepay(self, money: int, policy: str, log: list[tuple[Line, str, int]]) -> int:
        opened = self.open_lines()
        if policy == "FEWER_INSTALMENTS":
            while money and self.running and len(opened) > 1:
                line = opened.pop()
                own = line.paid["principal"] - line.extra
                room = min(max(self.target(line, 0) - own, 0), self.running)
                if min(money, room) > 0:
                    self.put(line, "principal", min(money, room), log)
                    money -= min(money, room)
                if line.paid["principal"] - line.extra - own == room:
                    line.closed = True
        share = min(money, self.running)
        if share and opened:
            self.put(opened[0], "principal", share, log)
            opened[0].extra += share
            self.planned = self.planned and policy == "FEWER_INSTALMENTS"
            money -= share
        return money

    # -- events ------------------------------------------------------------------------------------------

    def payout(self, event: LoanEvent) -> None:
        assert not self.lines, "one payout in the histories of the reference"
        self.disbursed = self.running = cents(event.amount)
        self.build(due_dates(self.terms), self.terms.frequency, self.weights())
        count, terms = len(self.lines), self.terms
        for index, line in enumerate(self.lines[:-1]):
            line.amortises = index >= terms.principal_grace_periods
            line.defers = index < terms.interest_grace_periods
        assert count

    def weights(self) -> list[int]:
        terms, count = self.terms, self.terms.instalment_count
        if terms.repayment_method in (RepaymentMethod.EQUAL_PRINCIPAL, RepaymentMethod.FLAT):
            return [1] * count
        if terms.repayment_method is RepaymentMethod.STEP:
            return [int(weight) for weight in terms.step_weights]
        if terms.repayment_method is RepaymentMethod.CUSTOM:
            return [cents(part) for part in terms.custom_principals]
        return [0] * (count - 1) + [1]

    def build(self, dates: list[date], frequency: Frequency, weights: list[int]) -> None:
        terms, start = self.terms, self.day
        number = max((line.number for line in self.lines), default=0)
        one_row = terms.repayment_method in ONE_ROW
        for due, weight in zip(dates, weights[-len(dates) :], strict=True):
            number += 1
            line = Line(number, start, due, weight)
            if terms.day_count in ACTUAL:
                line.units, line.year = 1, self.plain_year()
            else:
                line.year = 360 * max((due - start).days, 1)
                if terms.day_count is DayCount.THIRTY_360_NOMINAL:
                    line.units = NOMINAL[frequency] * (terms.instalment_count if one_row else 1)
                else:
                    line.units = max(days_360(terms.day_count, start, due, termination=dates[-1]), 0)
            self.lines.append(line)
            start = due
        self.planned = False

    def sales(self, event: LoanEvent) -> None:
        coming = self.coming()
        if coming:
            before = 0 if "period" in event.data else coming[0].ask or 0
            coming[0].ask = self.capped(before + self.share(event.amount))

    def share(self, sales: Decimal) -> int:
        return self.capped(divide(cents(sales) * int(self.terms.sales_share * 10**6), 10**6, self.mode))

    def capped(self, ask: int) -> int:
        return ask if self.terms.period_cap is None else min(ask, cents(self.terms.period_cap))

    def refund(self, event: LoanEvent) -> None:
        self.credit -= cents(event.amount)

    def fee(self, event: LoanEvent) -> None:
        due = date.fromisoformat(event.data.get("due_date", self.day.isoformat()))
        home = next((line for line in self.lines if line.due >= due), self.lines[-1])
        home.charges.append((event.data.get("component", "fee"), due, cents(event.amount)))
        self.use_credit()

    def waiver(self, event: LoanEvent) -> None:
        part, left = event.data["component"], cents(event.amount)
        for line in self.lines:
            share = min(left, self.unpaid(line, part))
            line.gone[part] += share
            left -= share
        if left and part == "interest" and self.open_lines():
            self.open_lines()[0].gone["interest"] += left

    def rate_change(self, event: LoanEvent) -> None:
        self.rate = round(float(event.data["annual_rate"]) * 10**6)
        if self.terms.repayment_method is RepaymentMethod.EQUAL_INSTALMENT:
            self.planned = False

    def pause(self, event: LoanEvent) -> None:
        self.pauses.append((self.day, date.fromisoformat(event.data["until"])))

    def recovery(self, event: LoanEvent) -> None:
        self.recovered += cents(event.amount)

    def write_off(self, event: LoanEvent) -> None:
        unpaid, charges = self.cut()
        if self.running or unpaid or charges:
            line = Line(max((x.number for x in self.lines), default=0) + 1, self.day, self.day, 0)
            line.fallen, line.charges = True, [(p, self.day, a) for p, _, a in charges]
            line.asked["principal"], line.asked["interest"] = self.running, unpaid
            self.lines.append(line)
            self.running = 0
        self.use_credit()
        for line in self.lines:
            for part, share in {p: self.unpaid(line, p) for p in PARTS}.items():
                line.gone[part] += share
        self.written_off = True

    def cut(self) -> tuple[int, list[tuple[str, date, int]]]:
        unpaid = self.running_interest()
        self.earned_before += self.earned()
        self.numerator = self.carry = self.deferred = self.taken = 0
        charges = []
        for line in self.coming():
            if any(line.paid.values()) or any(line.gone.values()):
                line.asked["principal"] = line.settled("principal")
                line.asked["interest"] = line.settled("interest")
                line.fallen = line.closed = True
                line.due = min(line.due, self.day)
            else:
                charges += line.charges
                self.lines.remove(line)
        return unpaid, charges

    def spread(self, event: LoanEvent, count: int, first: date, *, arrears: bool) -> None:
        owed = any(self.unpaid(line, part) for line in self.lines for part in PARTS)
        if not self.running and not (arrears and (self.arrears() or owed)):
            return
        anchor = self.terms.due_day
        if anchor is None and is_month_end(first):
            anchor = max(self.terms.start_date.day, first.day)
        self.deferred, charges = self.cut()
        if arrears:
            charges += self.move_arrears()
        series = due_dates_from(first, count=count, frequency=self.terms.frequency, anchor_day=anchor)
        even = self.terms.repayment_method in (
            RepaymentMethod.EQUAL_PRINCIPAL,
            RepaymentMethod.FLAT,
            RepaymentMethod.STEP,
            RepaymentMethod.CUSTOM,
        )
        weights = [1] * count if even else [0] * (count - 1) + [1]
        before = len(self.lines)
        self.build(roll_all(self.terms, series), self.terms.frequency, weights)
        fresh = self.lines[before:]
        for part, due, amount in charges:
            due = max(due, fresh[0].due)
            home = next((line for line in fresh if line.due >= due), fresh[-1])
            home.charges.append((part, due, amount))

    def move_arrears(self) -> list[tuple[str, date, int]]:
        charges = []
        for line in [x for x in self.lines if x.fallen]:
            for part, share in {p: self.unpaid(line, p) for p in PARTS}.items():
                line.gone[part] += share
                line.moved[part] += share
                if part == "principal":
                    self.running += share
                elif part == "interest":
                    self.deferred += share
                elif share:
                    charges.append((part, self.day, share))
        return charges

    def reschedule(self, event: LoanEvent) -> None:
        first = date.fromisoformat(event.data["first_due_date"])
        self.spread(event, event.data["instalment_count"], first, arrears=False)

    def re_age(self, event: LoanEvent) -> None:
        first = date.fromisoformat(event.data["first_due_date"])
        self.spread(event, event.data["instalment_count"], first, arrears=True)

    def extension(self, event: LoanEvent) -> None:
        opened = self.open_lines()
        if opened:
            count = len(opened) + event.data["extra_instalments"]
            self.spread(event, count, opened[0].due, arrears=False)
