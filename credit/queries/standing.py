"""Where one applicant stands: what an application asks of a borrower before the facts are collected, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from accounts.models import Borrower
from credit.queries.home import Readiness


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold what is at hand, and what stands in the way of an application."""

    ready: Readiness
    has_evidence: bool
    consents: frozenset[str]
    born: date | None  # of the person, or of the youngest confirmed owner
    excluded_until: date | None
    open_since: date | None  # the day of the application that waits for its answer
    declined_date: date | None
    declined_policy_id: int | None
    own_lines: dict[str, int]  # lines that are not closed, by family


# Asked after the borrower's row is locked, never in the statement that locks it: a statement that waited for a lock goes on
# with what it saw before.
_STANDING = """
WITH who AS (
    SELECT b.id FROM accounts_borrower b WHERE b.id = %(id)s AND NOT %(business)s
    UNION ALL SELECT b.id FROM accounts_businessmember m JOIN accounts_borrower b ON b.user_id = m.user_id
    WHERE %(business)s AND m.business_id = %(id)s AND m.role = 'OWNER' AND m.is_active
),
known AS (
    SELECT count(*) AS many, max(i.birth_date) AS born FROM accounts_identity i JOIN who ON who.id = i.borrower_id
    WHERE i.status = 'VERIFIED'
),
line AS (SELECT family, id, opened_date, status FROM credit_creditline WHERE borrower_id = %(id)s),
decline AS (
    SELECT decided_date, policy_id FROM credit_application WHERE borrower_id = %(id)s AND status = 'DECLINED'
    ORDER BY decided_date DESC, id DESC LIMIT 1
)
SELECT known.many > 0, known.born,
       ARRAY(SELECT purpose FROM accounts_consent WHERE borrower_id = %(id)s AND withdrawn_at IS NULL),
       EXISTS (SELECT FROM line WHERE opened_date IS NOT NULL),
       EXISTS (SELECT FROM accounts_bankaccount WHERE borrower_id = %(id)s AND removed_at IS NULL AND verified_at IS NOT NULL),
       EXISTS (SELECT FROM risk_evidencesource WHERE borrower_id = %(id)s),
       (SELECT until_date FROM credit_selfexclusion WHERE borrower_id = %(id)s AND ended_date IS NULL),
       (SELECT submitted_date FROM credit_application
         WHERE borrower_id = %(id)s AND status IN ('DRAFT', 'SUBMITTED', 'REFERRED') LIMIT 1),
       (SELECT decided_date FROM decline), (SELECT policy_id FROM decline),
       (SELECT json_object_agg(family, id) FROM line WHERE status <> 'CLOSED')
FROM known"""


def standing_of(*, borrower: Borrower) -> Standing:
    """Say where a borrower stands now."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"id": borrower.pk, "business": borrower.is_business})
        row: Any = cursor.fetchone()
    identity, born, consents, line, bank_account, evidence, excluded, waiting, declined, policy, lines = row
    return Standing(
        ready=Readiness(identity, "CREDIT_DECISION" in consents, line, bank_account),
        has_evidence=evidence,
        consents=frozenset(consents),
        born=born,
        excluded_until=excluded,
        open_since=waiting,
        declined_date=declined,
        declined_policy_id=policy,
        own_lines=lines or {},
    )
