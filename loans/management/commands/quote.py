"""Quote loans: JSON lines in, JSON lines out."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loans.domain.events import EventKind
from loans.domain.quote_lines import answer_lines
from loans.domain.state import LoanStatus
from loans.domain.terms import (
    DayCount,
    Frequency,
    HolidayRoll,
    LoanTerms,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
)

MEANING = {
    "principal": 'amount lent, such as "12000.00"',
    "annual_rate": 'nominal annual rate as a fraction, such as "0.18"',
    "repayment_method": " | ".join(RepaymentMethod),
    "instalment_count": "1 to 600; BULLET and FLEXIBLE: periods until the one due date",
    "start_date": "day of the payout, YYYY-MM-DD",
    "frequency": " | ".join(Frequency),
    "every": "every so many of the frequency",
    "currency": "three letters",
    "first_due_date": "first due date, if not one period after the start",
    "due_day": "day of the month, 1 to 31, clipped to the month's length",
    "day_count": " | ".join(DayCount),
    "rounding": "ROUND_HALF_UP | ROUND_HALF_EVEN | ROUND_DOWN | ROUND_UP",
    "instalment_rounding": "rounding of the level part, if not as rounding",
    "instalment_multiple": 'the level part is a multiple of this, such as "1.00"',
    "agreed_instalment": "level instalment named by the contract",
    "fees": "list of {name, timing AT_PAYOUT | EACH_INSTALMENT, amount, rate}",
    "penalty_rate": "annual, on overdue principal only",
    "grace_days": "days after a due date without penalty and without being overdue",
    "overdue_interest": " | ".join(OverdueInterest),
    "allocation_order": "penalty, fee, interest, principal in any order, for what is due",
    "advance_order": "the same for what is not due yet",
    "prepayment_policy": " | ".join(PrepaymentPolicy),
    "interest_rounding": "ONCE a period | EACH_SEGMENT of one balance",
    "rest": "DAILY | PERIOD: when a payment lowers the balance that bears interest",
    "early_interest": "TO_DAY | TO_PERIOD_END: how far interest runs on early money",
    "cooling_off_days": "days in which a WITHDRAWAL is possible",
    "cooling_off_interest": "whether a withdrawal owes the interest of its days",
    "holiday_roll": " | ".join(HolidayRoll),
    "holidays": "list of dates that are no business days",
    "weekends_are_holidays": "true or false",
    "working_days": "list of weekend days that are business days all the same",
    "principal_grace_periods": "first periods that owe interest only",
    "interest_grace_periods": "first periods whose interest falls due after them",
    "step_weights": "STEP: one weight an instalment",
    "custom_due_dates": "CUSTOM frequency: one date an instalment",
    "custom_principals": "CUSTOM: one amount an instalment",
    "sales_share": "SALES_SHARE: part of reported sales",
    "period_cap": "SALES_SHARE: most that one period asks for",
    "expected_sales": "SALES_SHARE: sales of a period for which nothing is reported",
}


ANSWER = {
    "the loan": {
        "id": "as asked",
        "as_of": "the day of the answer",
        "status": " | ".join(LoanStatus),
        "currency": "of every amount",
    },
    "instalments: a list, one an instalment": {
        "number": "in the order of making; a reschedule goes on counting",
        "from_date, due_date": "its period",
        "principal, interest, fee, penalty, total": "what it asks for; penalty through as_of",
        "paid": "of the total",
        "balance_after": "principal that is left when it is paid",
        "days_past_due": "on as_of, 0 within the days of grace",
    },
    "totals": {
        "received": "principal less the fees kept back from the payout",
        "principal, interest, fees, penalties": "sums over the instalments, kept fees in fees",
        "repayments": "everything that is paid",
        "cost": "repayments less received",
    },
    "annual_rates: of the contract as agreed, every fee included; null where no rate exists": {
        "nominal": "of the terms",
        "pboc_irr": "internal rate of return of the dated flows, as PBOC notice 2021 No. 3 asks",
        "us_apr": "actuarial, Regulation Z Appendix J",
        "eu_aprc": "Directive 2008/48/EC",
    },
    "payoff: null before the payout; paying total on as_of closes the loan": {
        "principal, interest, fee, penalty": "every component",
        "credit": "of the borrower, taken off",
        "total": "what is to pay",
    },
    "error: instead of all that, for a bad line; the rest go on": {
        "line": "its number, from 1, beside error",
        "code": "stable, such as principal_not_positive",
        "message": "a sentence for a person",
        "field": "what it is about, or null",
    },
}


def describe() -> str:
    """Describe every field of a line."""
    lines = [
        'One JSON object a line: {"terms": {...}, "events": [...], "as_of": "2026-01-31", "id": any}',
        "Money and rates are strings. The answer has instalments, totals, annual_rates (nominal,",
        'pboc_irr, us_apr, eu_aprc) and payoff; a bad line gets {"line", "error": {code, message, field}}.',
        "",
        "terms:",
    ]
    for field in fields(LoanTerms):
        needed = "required" if field.default is MISSING else f"default {_default(field.default)}"
        lines.append(f"  {field.name} ({needed}): {MEANING[field.name]}")
    lines += [
        "",
        "events (optional): {kind, value_date, amount, ref, sequence, recorded_date, data}",
        "  kind: " + " | ".join(EventKind),
        "  data by kind: REPAYMENT prepayment; REVERSAL reverses; CHARGE_BACK repayment;",
        "    FEE component, due_date; WAIVER component; RATE_CHANGE annual_rate; PAUSE until;",
        "    RESCHEDULE and RE_AGE instalment_count, first_due_date, annual_rate, frequency;",
        "    EXTENSION extra_instalments",
        "as_of (default: the start date): the day that the answer is for",
        "id (optional): anything; it comes back with the answer",
        "",
        "answer, one object a line; money and rates are strings:",
    ]
    for group, meanings in ANSWER.items():
        lines.append(f"  {group}")
        lines += [f"    {name}: {meaning}" for name, meaning in meanings.items()]
    return "\n".join(lines).replace("%", "%%")


def _default(value: Any) -> str:
    if value == () or value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


class Command(BaseCommand):
    """Answer quotes from a file or from standard input."""

    help = describe()
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the help."""
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take an optional file."""
        parser.add_argument("file", nargs="?", help="JSON lines; standard input if left out")

    def handle(self, *args: Any, file: str | None = None, **options: Any) -> None:
        """Write one answer a line."""
        if file is None:
            self._answer(sys.stdin)
            return
        path = Path(file)
        if not path.is_file():
            raise CommandError(f"There is no file {file}.", returncode=2)
        with path.open(encoding="utf-8") as lines:
            self._answer(lines)

    def _answer(self, lines: Any) -> None:
        for answer in answer_lines(lines):
            self.stdout.write(answer)
