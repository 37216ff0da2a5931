"""Month by month: decisions, draws, payments, losses and re-evaluations of one economy under one policy.

Who is lent to, how much, and what becomes of a limit is decided by the functions that decide for real people:
`decide`, `size_limits` and `reevaluate`. Only the people are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from credit.domain.decision import Applicant, Asked, Decided, Scored, decide
from credit.domain.limits_columns import MeansColumns, grades_of, size_limits
from credit.domain.line import FreezeReason, LineStatus
from credit.domain.policy import MOST_LIMIT, Ceiling, PolicyRules
from credit.domain.profit import REFERENCE, Economics
from credit.domain.reasons import reason
from credit.domain.reevaluation import Direction, LineView, reevaluate
from credit.twin.book import Loans
from credit.twin.diary import Diary
from credit.twin.economy import TERMS, Economy
from credit.twin.scoring import Score, conduct_columns
from risk.domain.events import Flags, Floats, Integers
from risk.domain.rollup import month_start
from risk.synthetic.lending import next_states

PRODUCT_MOST = (Decimal(200_000), Decimal(300_000))  # of a person, of a business
DRAWS_A_MONTH = 0.45  # chance that somebody with a need draws
LEAST_DRAW = 100.0
LEAVES = 0.02  # chance to pay everything back early
PANIC = 0.6  # part of what is available that is drawn before a payment is missed
STRAIN, STRAIN_FROM = 0.8, 0.30  # instalments beyond this part of income make a missed payment likelier
NEVER = 99.0
_TARGET = (reason("risk_higher"),)
_YEAR = 12.0


@dataclass(slots=True)
class Lines:
    """Hold the state of n borrowers' lines in columns; `limit` 0 is no line."""

    limit: Floats
    rate: Floats
    price: Integers
    grade: Integers
    opened: Integers
    status: list[str]
    why: list[str]
    raised: Integers
    cut: Integers
    streak: Floats
    since_late: Floats
    state: Integers
    closed: Flags

    @classmethod
    def none(cls, count: int) -> Lines:
        """Begin with nobody."""
        zeros, nothing = np.zeros(count), np.full(count, -1, dtype=np.int64)
        return cls(
            limit=zeros.copy(), rate=zeros.copy(), price=nothing.copy(), grade=nothing.copy(), opened=nothing.copy(),
            status=[""] * count, why=[""] * count, raised=nothing.copy(), cut=nothing.copy(), streak=zeros.copy(),
            since_late=np.full(count, NEVER), state=np.zeros(count, dtype=np.int64), closed=np.zeros(count, dtype=bool),
        )  # fmt: skip


class Twin:
    """Run one economy under one policy; `run` gives the diary of what happened."""

    def __init__(
        self,
        economy: Economy,
        *,
        policy: PolicyRules,
        ceiling: Ceiling,
        score: Score,
        keep_loan_months: bool = False,
        watch: Callable[[int, Twin], None] | None = None,
    ) -> None:
        self.economy, self.policy, self.ceiling, self.score = economy, policy, ceiling, score
        self.first = economy.people.world.first_application
        self.prices = [min(grade.annual_rate, ceiling.annual_rate) for grade in policy.grades]
        self.loans = Loans(self.prices, self.first, economy.months)
        self.lines = Lines.none(len(economy))
        self.balance: Floats = np.zeros(len(economy))
        self.instalments: Floats = np.zeros(len(economy))
        self.economics = Economics.of(policy.profit or REFERENCE)
        self.diary = Diary(economy, keep_loan_months=keep_loan_months)
        self.watch = watch

    def run(self, progress: Callable[[int], None] = lambda month: None) -> Diary:
        """Lend for the economy's months, then let everything run off."""
        for month in range(self.economy.horizon):
            self.diary.open(month, month_start(self.first + month))
            if month < self.economy.months:
                self.reevaluate(month)
                self.decide(month)
            self.live_through(month)
            progress(month)
        self.diary.finish()
        return self.diary

    # ---- the lender -------------------------------------------------------------------------------------------------

    def decide(self, month: int) -> None:
        """Decide this month's applications, each by the real rule; what is referred is not lent."""
        economy, lines = self.economy, self.lines
        arrived = np.flatnonzero(economy.arrival == month)
        chances = self.score.at_application(economy.signal[arrived])
        for who, pd in zip(arrived.tolist(), chances.tolist(), strict=True):
            decided = self._decide_one(who, Decimal(repr(pd)))
            self.diary.count_decision(decided)
            if decided.limit > 0:
                place = next(k for k, grade in enumerate(self.policy.grades) if grade.name == decided.grade)
                lines.limit[who], lines.rate[who] = float(decided.limit), float(decided.annual_rate)
                lines.price[who] = lines.grade[who] = place
                lines.opened[who], lines.status[who] = month, LineStatus.ACTIVE
        self.diary.opened(arrived[lines.limit[arrived] > 0])

    def _decide_one(self, who: int, pd: Decimal) -> Decided:
        economy = self.economy
        is_business = bool(economy.is_business[who])
        return decide(
            policy=self.policy,
            ceiling=self.ceiling,
            applicant=Applicant(
                is_business=is_business,
                age=int(economy.people.age[who]),
                is_student=False,
                is_blocked=False,
                days_past_due=0,
                worst_days_past_due_12m=0,
                means=self._means(np.array([who])).at(0),
            ),
            scored=Scored(pd, "", _TARGET),
            asked=Asked(
                Decimal(int(economy.asked[who])),
                PRODUCT_MOST[is_business],
                Decimal(repr(float(economy.lot[who]))),
            ),
        )

    def _means(self, who: Integers) -> MeansColumns:
        economy = self.economy
        return MeansColumns(
            economy.is_business[who], economy.seen_income[who], economy.debts[who], np.zeros(len(who))
        )

    def reevaluate(self, month: int) -> None:
        """Look at every open line, each by the real rule, at targets sized for all at once."""
        lines = self.lines
        who = np.flatnonzero((lines.limit > 0) & ~lines.closed & (lines.opened < month))
        if len(who) == 0:
            return
        chances = self.score.with_conduct(self.conduct(who, month))
        targets = self._targets(who, chances)
        if self.watch is not None:
            self.watch(month, self)
        as_of, following = month_start(self.first + month), month_start(self.first + month + 1)
        use = np.round(self.balance[who] / lines.limit[who], 4).tolist()
        overdue = np.round(self.instalments[who], 2).tolist()
        for row, at in enumerate(who.tolist()):
            late = int(lines.state[at]) * 30
            view = LineView(
                status=lines.status[at],
                freeze_reason=lines.why[at],
                limit=Decimal(int(lines.limit[at])),
                as_of=as_of,
                last_raised_on=self._day(int(lines.raised[at])),
                last_cut_on=self._day(int(lines.cut[at])),
                changed_this_period=False,
                days_past_due=late,
                overdue_amount=Decimal(repr(overdue[row])) if late else Decimal(0),
                on_time_streak=int(lines.streak[at]),
                utilisation=Decimal(repr(use[row])),
                consent_given=True,
                pd=Decimal(repr(float(chances[row]))),
                problem="",
                score_reasons=(),
                target=Decimal(int(targets[row])),
                target_reasons=_TARGET,
            )
            self._apply(at, month, view, reevaluate(view, policy=self.policy, next_review=following))

    def _targets(self, who: Integers, chances: Floats) -> Floats:
        """Size what the policy would give today, as the re-evaluation of real lines does."""
        lines, sized = self.lines, np.zeros(len(who))
        grade = grades_of(self.policy, chances)
        some = (grade < len(self.policy.grades)) & (chances < float(self.policy.cut_offs.refer_below))
        at = who[some]
        if len(at):
            sized[some] = size_limits(
                policy=self.policy,
                ceiling=self.ceiling,
                grade=grade[some],
                means=self._means(at),
                asked=np.full(len(at), float(MOST_LIMIT)),
                pd=chances[some],
                limit=lines.limit[at],
                utilisation=self.balance[at] / lines.limit[at],
            ).limit
        return sized

    def _apply(self, at: int, month: int, view: LineView, verdict: Any) -> None:
        lines, direction = self.lines, verdict.direction
        if direction is Direction.KEEP:
            return
        self.diary.count_change(direction, view.limit, verdict.limit)
        lines.limit[at] = float(verdict.limit)
        if direction is Direction.UP:
            lines.raised[at] = month
        elif direction is Direction.DOWN:
            lines.cut[at] = month
        elif direction is Direction.FREEZE:
            lines.status[at], lines.why[at] = LineStatus.FROZEN, verdict.freeze_reason
        elif direction is Direction.UNFREEZE:
            lines.status[at], lines.why[at] = LineStatus.ACTIVE, FreezeReason.NONE

    def _day(self, month: int) -> Any:
        return None if month < 0 else month_start(self.first + month)

    def conduct(self, who: Integers, month: int) -> Floats:
        """Say what is known of open lines."""
        lines = self.lines
        return conduct_columns(
            signal=self.economy.signal[who],
            months_on_book=(month - lines.opened[who]).astype(np.float64),
            streak=lines.streak[who],
            since_late=lines.since_late[who],
            utilisation=self.balance[who] / lines.limit[who],
        )

    # ---- the people -------------------------------------------------------------------------------------------------

    def live_through(self, month: int) -> None:
        """Let people draw, pay, fall behind, recover, leave and default; then close the month's accounts."""
        economy, lines = self.economy, self.lines
        at = self.loans.places()
        borrower = self.loans.columns["borrower"][at]
        behind = self.loans.due(at, month) - self.loans.columns["paid"][at]
        has_due = np.bincount(borrower, weights=behind > 0, minlength=len(economy)) > 0
        strain = STRAIN * np.clip(self.instalments / economy.people.income - STRAIN_FROM, 0.0, 1.0)
        hazard = economy.people.eta + 1.2 * economy.stress(month) + strain
        state = next_states(
            lines.state, hazard, miss_level=economy.people.world.miss_level, luck=economy.luck[:, month],
            cure=economy.cure[:, month],
        )  # fmt: skip
        state = np.where(has_due, state, 0)
        if month == economy.horizon - 1:
            state = np.where(has_due, 3, state)  # long after the last due date: what is still behind is lost
        before, lines.state = lines.state, state
        if month < economy.months:
            self._draw(month, will_miss=(before == 0) & (state > 0))
        self._pay(at, month)
        self._keep_books(month, before, has_due)

    def _draw(self, month: int, *, will_miss: Flags) -> None:
        economy, lines = self.economy, self.lines
        able = np.array([status == LineStatus.ACTIVE for status in lines.status]) & ~lines.closed
        room = np.where(able, lines.limit - self.balance, 0.0)
        gap = economy.need * economy.season[month] - self.balance
        wants = (economy.draw_luck[:, month] < DRAWS_A_MONTH) & (gap > 0) & (lines.state == 0)
        amount = np.where(wants, np.minimum(gap, room) * economy.draw_share[:, month], 0.0)
        amount = np.where(will_miss, np.maximum(room, 0.0) * PANIC * economy.draw_share[:, month], amount)
        amount = np.floor(np.minimum(amount, room) / LEAST_DRAW) * LEAST_DRAW
        who = np.flatnonzero(amount >= LEAST_DRAW)
        self.loans.add(
            borrower=who, month=month, kind=economy.term[who, month], price=lines.price[who],
            cents=np.rint(amount[who] * 100).astype(np.int64),
        )  # fmt: skip
        self.diary.drew(who, amount[who])

    def _pay(self, old: Integers, month: int) -> None:
        """Pay what is due unless behind; leave early; write off what is lost. `old` are loans drawn before this month."""
        economy, lines, loans = self.economy, self.lines, self.loans
        columns = loans.columns
        borrower = columns["borrower"][old]
        state = lines.state[borrower]
        leaves = (lines.state == 0) & (economy.leave_luck[:, month] < LEAVES)
        had = columns["paid"][old]
        reached = np.maximum(loans.due(old, month) - state, had)
        reached = np.where(state >= 3, had, reached)
        interest = loans.interest_paid(old, reached) - loans.interest_paid(old, had)
        owed = loans.balance(old)
        columns["paid"][old] = np.where(leaves[borrower], _all_of(loans, old), reached)
        lost = np.where(state >= 3, owed, 0)
        share = np.clip(economy.recovery[borrower] * np.exp(-0.3 * economy.stress(month)[borrower]), 0, 1)
        recovered = np.floor(lost * share).astype(np.int64)
        left = np.where(state >= 3, 0, loans.balance(old))
        self.diary.paid(old, loans, month, state, owed, left, interest, lost, recovered)
        loans.live[old] = (left > 0) & (state < 3)
        lines.closed |= lines.state >= 3

    def _keep_books(self, month: int, before: Integers, has_due: Flags) -> None:
        """Sum what each borrower owes and earns the lender in the month."""
        lines, loans, count = self.lines, self.loans, len(self.economy)
        at = loans.places()
        borrower = loans.columns["borrower"][at]
        owed = loans.balance(at) / 100.0
        start = self.balance
        self.balance = np.bincount(borrower, weights=owed, minlength=count).astype(np.float64)
        following = np.minimum(loans.columns["paid"][at] + 1, _all_of(loans, at))
        due = loans.principal_paid(at, following) - loans.principal_paid(at, loans.columns["paid"][at])
        self.instalments = np.bincount(borrower, weights=due / 100.0, minlength=count).astype(np.float64)
        on_time = has_due & (lines.state == 0)
        lines.streak = np.where(lines.state > 0, 0.0, lines.streak + on_time)
        lines.since_late = np.where(lines.state > 0, 0.0, np.minimum(lines.since_late + 1, NEVER))
        open_lines = (lines.limit > 0) & ~lines.closed & (month < self.economy.months)
        unused = np.where(open_lines, np.maximum(lines.limit - self.balance, 0.0), 0.0)
        exposure = self.balance + self.economics.drawn_at_default * unused
        costs = self.economics.capital * exposure / _YEAR + self.economics.account_cost / _YEAR * open_lines
        funding = self.economics.funding * 0.5 * (start + self.balance) / _YEAR
        self.diary.close(
            balance=self.balance, funding=funding, costs=costs, limit=np.where(open_lines, lines.limit, 0.0),
            before=before, state=lines.state,
        )  # fmt: skip


def _all_of(loans: Loans, at: Integers) -> Integers:
    """Give the number of instalments of each loan."""
    return np.asarray(np.asarray(TERMS)[loans.columns["kind"][at]])
