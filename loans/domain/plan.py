"""How much principal an instalment asks for: level payments, parts, or all at the end.

Three families cover every way of repaying. LEVEL keeps principal plus interest equal; PARTS gives each row
a weight (equal principal: 1, interest first: 0 ... 0 1, steps and custom amounts: their own); SALES asks
what the reported sales allow. The last open row always takes what is left, so a loan ends with its tenor
and at zero whatever was rounded on the way.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from ledger.domain.money import EXACT, ZERO, round_to_multiple
from loans.domain.day_count import actual_units
from loans.domain.rows import I, P, Row
from loans.domain.terms import PrepaymentPolicy, RepaymentMethod

if TYPE_CHECKING:
    from loans.domain.book import Book, Part

ONE = Decimal(1)


class Plan:
    """Plan the principal of the rows that are not due yet."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.level = ZERO  # LEVEL: the instalment
        self.whole = ZERO  # PARTS: what all weights share
        self.weights = ONE  # PARTS: the sum of the weights
        self.down = False  # PARTS: round down, where rounding up would end the loan early
        self.stale = True
        self.changed = False  # by an event, so that an instalment named by the contract is void
        # For each row, the value at its period's start of 1 paid with it and every later open row, and
        # of 1 paid with the last row alone. Kept until a rate or the set of open rows changes.
        self.annuity: dict[int, tuple[Decimal, Decimal]] | None = None
        method = book.terms.repayment_method
        self.is_level = method is RepaymentMethod.EQUAL_INSTALMENT
        self.is_sales = method is RepaymentMethod.SALES_SHARE
        self.expected_ask = self.share_of(book.terms.expected_sales or ZERO) if self.is_sales else ZERO

    def bound_to(self, book: Book) -> Plan:
        """Copy the plan for a projection."""
        self.refresh()
        other = Plan(book)
        other.level, other.down = self.level, self.down
        other.whole, other.weights = self.whole, self.weights
        other.stale, other.annuity, other.changed = self.stale, self.annuity, self.changed
        return other

    def invalidate(self, *, rates: bool = False) -> None:
        """Plan anew before the next use; `rates` if rates, dates or open rows changed."""
        self.stale = self.changed = True
        if rates:
            self.annuity = None

    def last_open(self) -> int:
        """Return the index of the row that takes what is left."""
        rows = self.book.rows
        index = len(rows) - 1
        while index > self.book.k and rows[index].frozen:
            index -= 1
        return index

    # -- what one row asks --------------------------------------------------------------------------

    def regular_principal(self, index: int, own_interest: Decimal) -> Decimal:
        """Return the principal that falls due with a row, beyond what was paid on it early."""
        book = self.book
        row = book.rows[index]
        if index >= self.last_open():
            return book.running
        if row.frozen or not book.running:
            return ZERO
        wanted = self.target(row, own_interest) - row.own_principal_paid
        return min(max(wanted, ZERO), book.running)

    def target(self, row: Row, own_interest: Decimal) -> Decimal:
        """Return the principal of a row's own instalment."""
        if not row.amortises:
            return ZERO
        if self.is_sales:
            return (row.ask if row.told else self.expected_ask) - own_interest
        self.refresh()
        if self.is_level:
            return self.level - own_interest
        return self.share(row)

    def share_of(self, sales: Decimal) -> Decimal:
        """Return what a period asks of its sales: the share, up to the cap."""
        terms = self.book.terms
        ask = self.book.round(sales * terms.sales_share)
        return ask if terms.period_cap is None else min(ask, terms.period_cap)

    def room_ahead(self, index: int, day: date) -> Decimal:
        """Return how much principal a later row can take as its own instalment."""
        book = self.book
        if index >= self.last_open():
            return book.running
        row = book.rows[index]
        interest = row.settled(I)
        if row is book.open_row():
            interest += max(book.running_interest(day), ZERO)
        wanted = self.target(row, interest) - row.own_principal_paid
        return min(max(wanted, ZERO), book.running)

    def prepay(self, money: Decimal, day: date, policy: PrepaymentPolicy, parts: list[Part]) -> Decimal:
        """Pay principal early: from the last row backwards, or evenly off all that remain."""
        book = self.book
        money_left = money
        if policy is PrepaymentPolicy.FEWER_INSTALMENTS:
            while money_left and book.running:
                money_left = self.fill_tail(money_left, day, parts)
        part = min(money_left, book.running)
        row = book.open_row()
        if part > 0 and row is not None:
            book.pay(row, P, part, day, parts)
            row.extra += part
            self.invalidate()
            money_left -= part
        return money_left

    def fill_tail(self, money: Decimal, day: date, parts: list[Part]) -> Decimal:
        """Put principal on the last open row; a row that is full is done with."""
        book = self.book
        index = self.last_open()
        row = book.rows[index]
        if row is book.open_row():
            room = book.running
        else:
            room = max(self.target(row, ZERO), ZERO) - row.own_principal_paid
            room = min(room, book.running) if room > 0 else ZERO
        put = min(money, room)
        if put > 0:
            book.pay(row, P, put, day, parts)
        if row is book.open_row():
            row.extra += put
            return ZERO if not put else money - put
        if put == room:
            row.frozen = True
            self.annuity = None
        return money - put

    # -- levels ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Find the level instalment or the principal part for what is left."""
        if not self.stale:
            return
        self.stale = False
        if self.is_level:
            self.level = self.find_level()
        elif not self.is_sales:
            self.find_part()

    def round_level(self, amount: Decimal, *, down: bool = False) -> Decimal:
        """Round a level amount to the multiple of the terms or to the minor unit."""
        book = self.book
        rounding = ROUND_DOWN if down else book.terms.instalment_rounding or book.rounding
        multiple = book.terms.instalment_multiple
        if multiple is not None:
            return round_to_multiple(amount, multiple=multiple, rounding=rounding)
        return amount.quantize(book.unit, rounding, EXACT)

    def share(self, row: Row) -> Decimal:
        """Return a row's part of the principal: one division last, so that a tie is a tie."""
        return self.round_level(self.whole * row.weight / self.weights, down=self.down)

    def first_amortising(self) -> int:
        """Return the first row of now that pays principal."""
        rows = self.book.rows
        index = self.book.k
        while index < len(rows) and not rows[index].amortises:
            index += 1
        return index

    def find_level(self) -> Decimal:
        """Return the instalment whose discounted sum is what is owed now."""
        book = self.book
        agreed = book.terms.agreed_instalment
        if agreed is not None and not self.changed:
            return agreed
        index = self.first_amortising()
        last = self.last_open()
        if index >= len(book.rows) or index > last:
            return book.running
        annuity = self.annuities()
        if index > book.k:
            owed, value, final = book.running, *annuity[index]
        else:
            row = book.rows[index]
            due = row.due_date
            interest = book.exact_interest(due) + book.carry - book.attributed
            owed = book.running + interest
            if not row.frozen:
                owed += row.own_principal_paid
            later, final = annuity.get(index + 1, (ZERO, ONE))
            value = later + (ZERO if row.frozen else ONE)
        if not value:
            return book.running
        level = self.round_level(owed / value)
        # A level rounded up so far that the loan would end before its last row is rounded down instead.
        if index < last and level * (value - final) >= owed:
            level = self.round_level(owed / value, down=True)
        return level

    def annuities(self) -> dict[int, tuple[Decimal, Decimal]]:
        """Return for each later row what 1 with every open row from it on is worth at its start."""
        if self.annuity is not None:
            return self.annuity
        book = self.book
        found: dict[int, tuple[Decimal, Decimal]] = {}
        value, final = ZERO, ONE
        for index in range(self.last_open(), book.k - 1, -1):
            row = book.rows[index]
            discount = ONE / (ONE + self.factor(row))
            value = discount * (value if row.frozen else value + ONE)
            final = discount * final
            found[index] = (value, final)
        self.annuity = found
        return found

    def factor(self, row: Row) -> Decimal:
        """Return the interest on 1 over a row's whole period."""
        day_units, year = row.scale
        units = day_units * actual_units(self.book.terms.day_count, row.from_date, row.due_date)
        return self.book.rate * units / year

    def find_part(self) -> None:
        """Find what the weights of the open rows share."""
        book = self.book
        last = self.last_open()
        opened = [row for row in book.rows[book.k : last + 1] if not row.frozen and row.amortises]
        weight = sum((row.weight for row in opened), ZERO)
        self.whole, self.weights, self.down = ZERO, weight or ONE, False
        if not weight:
            return
        own = opened[0].own_principal_paid if opened[0] is book.rows[book.k] else ZERO
        self.whole = book.running + own
        before_last = sum((self.share(row) for row in opened[:-1]), ZERO)
        self.down = before_last >= self.whole and len(opened) > 1 and opened[-1].weight > 0
