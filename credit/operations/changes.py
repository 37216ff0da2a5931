"""Look at lines whose facts changed: a consent was withdrawn, newer records came or grew old, a loan was paid off.

The floors below know no lines and call nobody upstairs, so credit asks them, set-wise: one statement a cause finds
what happened and is not answered, and claims it. The claim and the look are one transaction, so a kill loses
neither. A line is looked at once a day for a cause at most; what happens later that day is answered the day after.
"""

from __future__ import annotations

from datetime import date

from django.db import connection, transaction

from credit.domain.reevaluation import Trigger
from credit.domain.rounds import STALE_MONTHS
from credit.operations.reevaluation import CHUNK, ReevaluationReport, reevaluate_lines

# each gives (line, what happened); what was before the line opened was known to the decision that opened it
_HAPPENINGS = {
    Trigger.CONSENT_WITHDRAWN: """
        SELECT l.id AS line_id, c.id AS source_id
          FROM accounts_consent c JOIN credit_creditline l ON l.borrower_id = c.borrower_id
         WHERE c.withdrawn_at > l.created_at AND c.purpose <> 'MARKETING'""",
    Trigger.PAID_OFF: """
        SELECT d.line_id, n.id AS source_id
          FROM loans_loan n JOIN credit_drawdown d ON d.loan_id = n.id JOIN credit_creditline l ON l.id = d.line_id
         WHERE n.status = 'CLOSED'""",
    Trigger.FRESH_EVIDENCE: """
        SELECT l.id AS line_id, e.id AS source_id
          FROM risk_evidencesource e JOIN credit_creditline l ON l.borrower_id = e.borrower_id
         WHERE e.created_at > l.created_at AND e.status <> 'IGNORED' AND e.new_rows + e.corrected_rows > 0""",
    # the newest month of records is past the age from which they no longer count; told once for each newest record
    Trigger.STALE_FEED: """
        SELECT l.id AS line_id, e.id AS source_id
          FROM credit_creditline l
          JOIN LATERAL (SELECT id, period_to FROM risk_evidencesource
                         WHERE borrower_id = l.borrower_id AND status <> 'IGNORED' AND period_to IS NOT NULL
                         ORDER BY period_to DESC, id DESC LIMIT 1) e ON true
         WHERE e.period_to < date_trunc('month', %(as_of)s::date) - make_interval(months => %(stale)s)""",
}
_CLAIM = """
WITH happened AS ({happenings}
           AND l.status IN ('ACTIVE', 'FROZEN') AND l.id BETWEEN %(first)s AND %(last)s),
open AS (SELECT h.line_id, h.source_id FROM happened h
          WHERE NOT EXISTS (SELECT 1 FROM credit_lookcause k
                             WHERE k.line_id = h.line_id AND k.trigger = %(trigger)s AND k.source_id = h.source_id)
            AND NOT EXISTS (SELECT 1 FROM credit_limitchange x
                             WHERE x.line_id = h.line_id AND x.trigger = %(trigger)s
                               AND x.effective_date = %(as_of)s)),
turn AS (SELECT DISTINCT line_id FROM open ORDER BY line_id LIMIT %(most)s),
claimed AS (INSERT INTO credit_lookcause (line_id, trigger, source_id)
            SELECT line_id, %(trigger)s, source_id FROM open JOIN turn USING (line_id)
            ON CONFLICT DO NOTHING RETURNING line_id)
SELECT DISTINCT line_id FROM claimed ORDER BY line_id
"""


def reevaluate_changed_lines(
    *, as_of: date, first_id: int = 0, last_id: int = 2**62, chunk: int = CHUNK, stale: bool = False
) -> ReevaluationReport:
    """Look at every line of a range with a happening that was not answered yet; `stale` asks for records that grew old, too.

    Records grow old by the day, so the night asks for it, and not every minute.
    """
    total = ReevaluationReport()
    for trigger in _HAPPENINGS:
        if trigger is Trigger.STALE_FEED and not stale:
            continue
        while True:
            with transaction.atomic():
                ids = _claim(trigger, as_of, first_id, last_id, chunk)
                total.add(reevaluate_lines(line_ids=ids, as_of=as_of, trigger=trigger, chunk=chunk))
            if len(ids) < chunk:
                break
    return total


def _claim(trigger: Trigger, as_of: date, first_id: int, last_id: int, most: int) -> list[int]:
    """Write down what is answered now and give its lines.

    One at a time: a second sweeper waits, and then sees what the first one claimed and looked at.
    """
    names = {
        "trigger": trigger.value, "as_of": as_of, "first": first_id, "last": last_id, "most": most,
        "stale": int(STALE_MONTHS),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('credit.changes'), hashtext(%s))", [trigger.value]
        )
        cursor.execute(_CLAIM.format(happenings=_HAPPENINGS[trigger]), names)
        return [line_id for (line_id,) in cursor.fetchall()]
