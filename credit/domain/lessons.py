"""Short pieces about borrowing, each with the scenarios and situations in which it helps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from regimes.errors import N_

# situations of one draw by one borrower
FIRST, HEAVY, FULL, LATE_BEFORE, LONG, AT_THE_END, SEVERAL, SHORT_OF_RECORDS = (
    "first",  # nothing was ever drawn
    "heavy",  # instalments above a third of the income
    "full",  # little of the limit is left
    "late_before",  # something was late in the last year
    "long",  # two years or more
    "at_the_end",  # principal at the end
    "several",  # other loans run
    "short_of_records",  # the income is not known
)
SITUATIONS: Final = frozenset({FIRST, HEAVY, FULL, LATE_BEFORE, LONG, AT_THE_END, SEVERAL, SHORT_OF_RECORDS})


@dataclass(frozen=True, slots=True)
class Lesson:
    """One piece: a title, one sentence that stands alone, and the rest. Texts are message ids."""

    code: str
    icon: str
    title: str
    lead: str
    body: tuple[str, ...]
    scenarios: frozenset[str] = frozenset()
    situations: frozenset[str] = frozenset()

    def weight(self, *, scenario: str, situations: Collection[str]) -> int:
        """Say how well the piece fits: what is true of the borrower counts more than what the money is for."""
        return 2 * len(self.situations & set(situations)) + (scenario in self.scenarios)


LESSONS: Final[tuple[Lesson, ...]] = (
    Lesson(
        "first-loan",
        "hand",
        N_("Your first loan here"),
        N_("Borrow less than you can: the limit is what we allow, not what you need."),
        (
            N_("Draw what the thing costs, no more. You can draw again tomorrow, and what you do not draw costs nothing."),
            N_("Look at one number only, the annual rate with everything included, and compare it with any other offer."),
            N_("Put the due date a day or two after your pay day, and let the instalment be paid automatically."),
        ),
        situations=frozenset({FIRST}),
    ),
    Lesson(
        "a-third",
        "chart",
        N_("The third that should stay yours"),
        N_("When instalments take more than a third of what comes in, one bad month is enough to be late."),
        (
            N_("Count rent, food, school and care first. What is left after them is what instalments may come from."),
            N_("A longer term makes the month lighter and the whole dearer. Choose the shortest term whose month you can bear."),
            N_("If the month looks tight before you begin, borrow less or wait: it does not get wider by signing."),
        ),
        situations=frozenset({HEAVY, SHORT_OF_RECORDS}),
    ),
    Lesson(
        "at-the-end",
        "clock",
        N_("When the principal waits for the last day"),
        N_("Small payments now mean one very large one at the end. Begin saving for it in the first month."),
        (
            N_("Divide the principal by the number of months and put that much aside each month, where you do not spend it."),
            N_("If nothing will come in by the last day that pays for it, take equal instalments instead."),
            N_("You can repay parts early at any time: each part saves its interest from that day on."),
        ),
        situations=frozenset({AT_THE_END}),
    ),
    Lesson(
        "long-terms",
        "up",
        N_("What a long term costs"),
        N_("Twice as long is nearly twice the interest, even though each month looks cheaper."),
        (
            N_("Compare the total cost of two terms, not their instalments: the difference is what the lighter month costs."),
            N_("Do not pay for something longer than it lasts: a phone of two years is not paid over three."),
            N_("When a good month comes, pay a part early and choose fewer instalments: that saves the most."),
        ),
        situations=frozenset({LONG}),
        scenarios=frozenset({"ELECTRONICS"}),
    ),
    Lesson(
        "loan-for-loan",
        "warn",
        N_("Never a loan for a loan"),
        N_("Borrowing here to pay somebody else hides the hole and makes it deeper."),
        (
            N_("It is also forbidden: the contract does not allow this money to pay other debts."),
            N_("Write down every debt with its annual rate. Pay the dearest first and only the minimum on the others."),
            N_("If you cannot keep up, tell each lender early and ask for a plan. Here it stands at each loan."),
        ),
        situations=frozenset({SEVERAL, FULL}),
    ),
    Lesson(
        "being-late",
        "bell",
        N_("What a late day does"),
        N_("Each late day costs a higher rate, stops new draws, and stays visible for years once it is reported."),
        (
            N_("Most late payments are forgotten ones. Automatic payment and the calendar link cost nothing."),
            N_("A part is better than nothing: what you pay stops costing the same day."),
            N_("If it will be late, ask for a plan before the due date: most plans are easier then."),
        ),
        situations=frozenset({LATE_BEFORE}),
    ),
    Lesson(
        "care",
        "hand",
        N_("Borrowing for treatment"),
        N_("Ask first what your insurance, your employer or the clinic pays, and in how many parts."),
        (
            N_("Get the price in writing before you borrow, and borrow that price without the extras that you were offered at the desk."),
            N_("Beauty clinics that arrange a loan for you earn from it. Take a night before you sign anything there."),
            N_("If income falls because of the illness, ask for a plan at once: it is one of the reasons that we know."),
        ),
        scenarios=frozenset({"MEDICAL"}),
    ),
    Lesson(
        "learning",
        "doc",
        N_("Borrowing to learn"),
        N_("A course is worth its loan if it would be worth its price. Ask who was hired after it, and see proof."),
        (
            N_("Pay the course in parts as it is held, not everything on the first day: schools close, the loan stays."),
            N_("Whoever promises a job or a certificate for sure is not telling the truth."),
            N_("If the course is cancelled, ask for your money back at once and pay the loan with it."),
        ),
        scenarios=frozenset({"EDUCATION"}),
    ),
    Lesson(
        "travel",
        "globe",
        N_("Borrowing to travel"),
        N_("Be finished paying for one journey before the next one begins."),
        (
            N_("Book what can be cancelled, and keep the loan shorter than the time until the next holiday."),
            N_("Set the sum before you go. What is spent on the way on credit is the dearest part of a journey."),
        ),
        scenarios=frozenset({"TRAVEL"}),
    ),
    Lesson(
        "stock",
        "shop",
        N_("Borrowing for stock"),
        N_("Borrow for goods that are sold before the instalment is due, and only for those."),
        (
            N_("The term follows the goods: stock that turns in two months is paid in two or three."),
            N_("Leave half a month of costs untouched in the account. Sales come later than planned."),
            N_("If one customer is most of your sales, ask what happens to the instalments when that customer pays late."),
        ),
        scenarios=frozenset({"WORKING_CAPITAL", "SALES_SHARE", "INVOICE_ADVANCE"}),
    ),
    Lesson(
        "fraud",
        "lock",
        N_("How to tell that it is not us"),
        N_("Nobody of ours asks for a code, a password, or a fee before you get money."),
        (
            N_("We never ask you to move money to a “safe account”, to raise a score, or to delete an entry."),
            N_("Open the portal yourself, from your own bookmark, and look whether the message stands there too."),
            N_("If money has gone already, call your bank and 110 first, then freeze your line here with one press."),
        ),
        situations=frozenset({FIRST}),
    ),
)  # fmt: skip
BY_CODE: Final = {lesson.code: lesson for lesson in LESSONS}


def fitting(
    *, scenario: str, situations: Collection[str], read: Collection[str] = (), most: int = 2
) -> list[Lesson]:
    """Choose the pieces for one draw: the best fit first, of equals those not read yet.

    >>> [lesson.code for lesson in fitting(scenario="TRAVEL", situations=["heavy"])]
    ['a-third', 'travel']
    """
    assert set(situations) <= SITUATIONS, set(situations) - SITUATIONS
    weighed = [
        (-lesson.weight(scenario=scenario, situations=situations), lesson.code in read, place, lesson)
        for place, lesson in enumerate(LESSONS)
    ]
    return [lesson for weight, _read, _place, lesson in sorted(weighed, key=lambda item: item[:3]) if weight][
        :most
    ]
