"""Set aside for losses: one statement over the book, and one journal a portfolio with the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max, Q

from accounts.models import User
from ledger.domain.chart import Role
from ledger.domain.journal import JournalDraft, lines_from
from ledger.domain.money import ZERO
from ledger.operations import post_journals
from ledger.queries import business_date
from loans.domain.engine import fold
from loans.domain.provisions import DEFAULT_RULES, FORBEARANCE, PD_PLACES, ProvisionRules
from loans.domain.state import LoanState
from loans.models import Loan, ProvisionRun
from loans.operations.events import EARNINGS_LOCK, read_events
from loans.sql import interest_by, penalty_by
from regimes.errors import N_, Refusal


class UnableToPostProvisions(Refusal):
    """Refuse provisions of a day that they cannot be made for."""


@dataclass(frozen=True, slots=True)
class PostedProvisions:
    """Show what a run did: the lines that changed, and by how much each portfolio's allowance grew."""

    run: ProvisionRun | None  # None when nothing changed
    changed: int
    growth: dict[tuple[str, str], Decimal]


# The loans of which nothing happened after the day are read by statement, like the night does; the few others are
# folded as they were known on the day and come in by arrays.
LINES: Final = f"""
WITH band AS (
    SELECT * FROM unnest(%(names)s::text[], %(from_days)s::int[], %(rates)s::numeric[], %(stages)s::int[],
        %(default_rates)s::numeric[], %(loss_rates)s::numeric[])
        AS b (name, from_days, rate, stage, default_rate, loss_rate)
),
late AS (
    SELECT i.loan_id, min(i.due_date) AS oldest, sum({penalty_by("%(day)s::date")} - i.penalty_counted) AS penalty,
           coalesce(sum(i.fee_on_due) FILTER (WHERE i.due_date > l.projected_date), 0) AS fees
    FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
    WHERE i.outstanding > 0 AND i.due_date <= %(day)s AND l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise
      AND l.projected_date <= %(day)s
    GROUP BY 1
),
standing AS (
    SELECT l.id AS loan_id, l.maturity_date AS maturity,
           CASE WHEN %(day)s::date - late.oldest > l.grace_days THEN %(day)s::date - late.oldest ELSE 0 END AS days,
           l.principal_outstanding
           + greatest(0, coalesce(CASE WHEN t.accrual_after < %(day)s AND t.accrual_until >= %(day)s
                THEN {interest_by("%(day)s::date", row="t")}
                ELSE (SELECT {interest_by("%(day)s::date")} FROM loans_instalment i
                    WHERE i.loan_id = l.id AND i.accrual_until >= %(day)s ORDER BY i.accrual_until LIMIT 1) END,
                l.interest_earned) - l.interest_settled)
           + greatest(0, l.fees_earned + coalesce(late.fees, 0) - l.fees_settled)
           + greatest(0, l.penalty_earned + coalesce(late.penalty, 0) - l.penalty_settled) AS exposure
    FROM loans_loan l LEFT JOIN late ON late.loan_id = l.id LEFT JOIN loans_accrualline t ON t.loan_id = l.id
    WHERE l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise AND l.projected_date <= %(day)s
    UNION ALL
    SELECT * FROM unnest(%(loans)s::bigint[], %(maturities)s::date[], %(days)s::int[], %(exposures)s::numeric[])
),
forborne AS (
    SELECT DISTINCT loan_id FROM loans_event
    WHERE kind = ANY(%(forbearance)s) AND booked_date <= %(day)s AND booked_date > %(day)s::date - %(forborne_days)s::int
),
assessed AS (SELECT * FROM unnest(%(assessed)s::bigint[], %(assessed_rates)s::numeric[]) AS a (loan_id, default_rate)),
placed AS (
    SELECT s.loan_id, s.exposure, coalesce(s.days, 0) AS days, b.name AS band, b.rate, b.loss_rate,
           CASE WHEN b.stage = 1 AND f.loan_id IS NOT NULL THEN 2 ELSE b.stage END AS stage,
           CASE WHEN b.stage = 1 AND f.loan_id IS NOT NULL THEN greatest(b.default_rate, %(forborne_rate)s) ELSE b.default_rate END AS yearly,
           a.default_rate AS assessed,
           greatest(1, (extract(year FROM s.maturity) - extract(year FROM %(day)s::date)) * 12
             + extract(month FROM s.maturity) - extract(month FROM %(day)s::date)
             + (extract(day FROM s.maturity) > extract(day FROM %(day)s::date))::int) AS months
    FROM standing s
    JOIN LATERAL (SELECT * FROM band WHERE from_days <= coalesce(s.days, 0) ORDER BY from_days DESC LIMIT 1) b ON true
    LEFT JOIN forborne f USING (loan_id) LEFT JOIN assessed a USING (loan_id)
    WHERE s.exposure > 0
),
likely AS (
    SELECT *, CASE WHEN stage = 3 THEN 1 ELSE round(1 - power(
        1 - CASE WHEN assessed IS NULL THEN yearly WHEN stage = 1 THEN assessed ELSE greatest(yearly, assessed) END,
        (CASE WHEN stage = 1 THEN least(12, months) ELSE months END)::numeric(40, 30) / 12), 6) END AS default_rate
    FROM placed
),
judged AS (
    SELECT *, round(exposure * rate, 2) AS by_days, round(exposure * default_rate * loss_rate, 2) AS expected FROM likely
),
latest AS (
    SELECT DISTINCT ON (loan_id) loan_id, band, stage, days_past_due, exposure, default_rate, loss_rate, by_days, expected, amount
    FROM loans_provisionline ORDER BY loan_id, id DESC
),
wanted AS (
    SELECT coalesce(j.loan_id, p.loan_id) AS loan_id,
           CASE WHEN j.loan_id IS NOT NULL THEN 'HELD' WHEN l.status = 'WRITTEN_OFF' THEN 'WRITTEN_OFF' ELSE 'PAID' END AS reason,
           coalesce(j.days, 0) AS days, coalesce(j.band, p.band) AS band, coalesce(j.stage, p.stage) AS stage,
           coalesce(j.exposure, 0) AS exposure, coalesce(j.default_rate, 0) AS default_rate,
           coalesce(j.loss_rate, 0) AS loss_rate, coalesce(j.by_days, 0) AS by_days, coalesce(j.expected, 0) AS expected,
           CASE %(method)s WHEN 'BY_DAYS' THEN coalesce(j.by_days, 0) WHEN 'EXPECTED_LOSS' THEN coalesce(j.expected, 0)
                ELSE coalesce(greatest(j.by_days, j.expected), 0) END AS amount,
           coalesce(p.amount, 0) AS held, l.portfolio, l.currency
    FROM judged j FULL JOIN latest p ON p.loan_id = j.loan_id JOIN loans_loan l ON l.id = coalesce(j.loan_id, p.loan_id)
    WHERE (j.loan_id IS NULL AND p.exposure > 0) OR (j.loan_id IS NOT NULL AND
        (j.band, j.stage, j.days, j.exposure, j.default_rate, j.loss_rate, j.by_days, j.expected)
        IS DISTINCT FROM (p.band, p.stage, p.days_past_due, p.exposure, p.default_rate, p.loss_rate, p.by_days, p.expected))
       OR (j.loan_id IS NOT NULL AND p.amount IS DISTINCT FROM CASE %(method)s WHEN 'BY_DAYS' THEN j.by_days
            WHEN 'EXPECTED_LOSS' THEN j.expected ELSE greatest(j.by_days, j.expected) END)
),
written AS (
    INSERT INTO loans_provisionline (run_id, loan_id, as_of, reason, days_past_due, band, stage, exposure, default_rate,
                                     loss_rate, by_days, expected, amount)
    SELECT %(run)s, loan_id, %(day)s, reason, days, band, stage, exposure, default_rate, loss_rate, by_days, expected, amount
    FROM wanted ORDER BY loan_id RETURNING loan_id, amount
)
SELECT wanted.portfolio, wanted.currency, count(*), sum(written.amount - wanted.held)
FROM written JOIN wanted USING (loan_id) GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  constants


def post_provisions(
    *,
    as_of: date,
    rules: ProvisionRules = DEFAULT_RULES,
    default_rates: Mapping[int, Decimal] | None = None,
    actor: User | None = None,
) -> PostedProvisions:
    """Set aside what the rules ask for on a day and post the difference; a second run changes nothing.

    `default_rates` are twelve-month probabilities of default by loan, from whoever assesses borrowers; a loan that is
    not in it takes its band's.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # no event and no night beside us: what is read is one state of the book
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EARNINGS_LOCK])
            # one statement over the whole book: at a million loans it runs longer than a worker's statement may
            cursor.execute("SET LOCAL statement_timeout = 0")
        last = ProvisionRun.objects.aggregate(day=Max("as_of"), number=Max("number", filter=Q(as_of=as_of)))
        _check_day(as_of, last["day"])
        run = ProvisionRun(
            as_of=as_of,
            number=(last["number"] or 0) + 1,
            rules=rules.to_dict(),
            actor_id=actor.pk if actor else None,
        )
        with transaction.atomic():
            run.save(force_insert=True)
            found = _write_lines(run, rules, default_rates or {})
            transaction.set_rollback(not found)
        if not found:
            return PostedProvisions(None, 0, {})
        growth = {(portfolio, currency): amount for portfolio, currency, _, amount in found}
        drafts = [_draft(run, key, amount) for key, amount in growth.items() if amount]
        if drafts:
            post_journals(drafts=drafts)
        return PostedProvisions(run, sum(count for _, _, count, _ in found), growth)


def _check_day(as_of: date, last: date | None) -> None:
    today = business_date()
    if as_of > today:
        raise UnableToPostProvisions(
            "provision_day_not_over",
            N_("The books have not reached %(date)s yet."),
            field="as_of",
            params={"date": as_of.isoformat()},
        )
    if last is not None and as_of < last:
        raise UnableToPostProvisions(
            "provision_day_passed",
            N_("Provisions are posted through %(date)s. Choose that day or a later one."),
            field="as_of",
            params={"date": last.isoformat()},
        )


def _write_lines(
    run: ProvisionRun, rules: ProvisionRules, default_rates: Mapping[int, Decimal]
) -> list[tuple[str, str, int, Decimal]]:
    folded = [_folded(loan, run.as_of) for loan in _to_fold(run.as_of)]
    standing = [row for row in folded if row is not None]
    bands = rules.bands
    asked: dict[str, Any] = {
        "day": run.as_of, "run": run.pk, "method": rules.method.value,
        "names": [band.name for band in bands], "from_days": [band.from_days for band in bands],
        "rates": [band.rate for band in bands], "stages": [band.stage for band in bands],
        "default_rates": [band.default_rate for band in bands], "loss_rates": [band.loss_rate for band in bands],
        "forborne_rate": rules.forborne_band.default_rate, "forborne_days": rules.forborne_days,
        "forbearance": [kind.value for kind in FORBEARANCE],
        "loans": [row[0] for row in standing], "maturities": [row[1] for row in standing],
        "days": [row[2] for row in standing], "exposures": [row[3] for row in standing],
        "assessed": list(default_rates), "assessed_rates": [_rate(rate) for rate in default_rates.values()],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LINES, asked)
        return list(cursor.fetchall())


def _rate(rate: Decimal) -> Decimal:
    if not rate.is_finite() or not ZERO <= rate <= 1:
        raise UnableToPostProvisions(
            "default_rate_invalid", N_("A probability of default is between 0 and 1."), field="default_rates"
        )
    return rate.quantize(PD_PLACES)


def _to_fold(as_of: date) -> list[Loan]:
    """Return the loans that have moved on since the day, and those that no statement can follow."""
    moved_on = Q(projected_date__gt=as_of) | Q(set_wise=False, status__in=Loan.LIVE)
    return list(Loan.objects.filter(moved_on).exclude(status__in=("PENDING", "CANCELLED")).order_by("pk"))


def _folded(loan: Loan, as_of: date) -> tuple[int, date | None, int, Decimal] | None:
    """Return what is at stake in a loan as it was known on the day, or None when nothing is."""
    events = [event for event in read_events(loan_id=loan.pk) if event.recorded_date <= as_of]
    if not events:
        return None
    state = fold(loan.agreed, events, value_date=as_of)
    if state.status.value not in Loan.LIVE:
        return None
    return loan.pk, state.maturity_date, state.days_past_due, exposure_of(state)


def exposure_of(state: LoanState) -> Decimal:
    """Return what a borrower owes on the day of a state: principal, interest, fees and penalty."""
    settled = state.paid.plus(state.waived).plus(state.written_off)
    return (
        state.principal_outstanding
        + max(ZERO, state.interest_earned - settled.interest)
        + max(ZERO, state.fees_charged - settled.fee)
        + max(ZERO, state.penalty_earned - settled.penalty)
    )


def _draft(run: ProvisionRun, key: tuple[str, str], growth: Decimal) -> JournalDraft:
    portfolio, currency = key
    return JournalDraft(
        source=f"provision:{run.as_of}:{run.number}:{portfolio}:{currency}",
        leg="DELTA",
        kind="PROVISION",
        value_date=run.as_of,
        booked_date=run.as_of,
        postings=lines_from(
            {Role.PROVISION_EXPENSE: growth, Role.PROVISION_ALLOWANCE: -growth}, portfolio=portfolio
        ),
        currency=currency,
    )
