"""What must hold of people, consents, notices and the audit trail; one statement each, no row means it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """The same shape as the ledger's, which this room may not import."""

    id: str
    title: str
    sql: str


INVARIANTS: list[Invariant] = [
    Invariant(
        "ACCOUNTS-1",
        "the audit trail is an unbroken chain of hashes",
        """
        SELECT id, shard, sequence FROM (
            SELECT e.id, e.shard, e.sequence, e.hash, accounts_audit_digest(e) AS digest, e.prev_hash,
                   lag(e.hash, 1, repeat('0', 64)) OVER chain AS before_it,
                   row_number() OVER chain AS place
            FROM accounts_auditentry e WINDOW chain AS (PARTITION BY e.shard ORDER BY e.sequence)
        ) entries WHERE hash <> digest OR prev_hash <> before_it OR sequence <> place
        """,
    ),
    Invariant(
        "ACCOUNTS-2",
        "names and numbers of people lie encrypted",
        r"""
        SELECT 'identity' AS what, id FROM accounts_identity
            WHERE number !~ '^(v[12]:[[:alnum:]]+:|v0:—?$)' OR full_name !~ '^(v[12]:[[:alnum:]]+:|v0:—?$)'
        UNION ALL SELECT 'bank account', id FROM accounts_bankaccount
            WHERE number !~ '^(v[12]:[[:alnum:]]+:|v0:—?$)' OR holder_name !~ '^(v[12]:[[:alnum:]]+:|v0:—?$)'
        UNION ALL SELECT 'user', id FROM accounts_user WHERE phone !~ '^(v[12]:[[:alnum:]]+:|v0:—?$)'
        """,
    ),
    Invariant(
        "ACCOUNTS-3",
        "every e-mail address is in its one canonical form",
        "SELECT id FROM accounts_user WHERE email <> lower(normalize(email, NFKC))",
    ),
    Invariant(
        "ACCOUNTS-4",
        "every open business has an active owner and a profile",
        """
        SELECT b.id FROM accounts_borrower b
        WHERE b.kind = 'BUSINESS' AND b.status <> 'ERASED' AND (
            NOT EXISTS (SELECT FROM accounts_businessmember m
                        WHERE m.business_id = b.id AND m.role = 'OWNER' AND m.is_active)
            OR NOT EXISTS (SELECT FROM accounts_businessprofile p WHERE p.borrower_id = b.id))
        """,
    ),
    Invariant(
        "ACCOUNTS-5",
        "only persons have identity documents",
        """
        SELECT i.id FROM accounts_identity i JOIN accounts_borrower b ON b.id = i.borrower_id WHERE b.kind <> 'PERSON'
        """,
    ),
    Invariant(
        "ACCOUNTS-6",
        "no notice is held by a sender that is gone, and none was tried for ever",
        """
        SELECT id, status, attempts FROM accounts_notice
        WHERE (status = 'CLAIMED' AND claimed_until < now() - interval '1 hour') OR attempts > 6
        """,
    ),
    Invariant(
        "ACCOUNTS-7",
        "every change of a consent is in the audit trail",
        """
        SELECT c.id FROM accounts_consent c JOIN accounts_borrower b ON b.id = c.borrower_id
        WHERE c.withdrawn_at IS NOT NULL AND c.given_by_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM accounts_auditentry e
            WHERE e.object_type = 'Borrower' AND e.object_ref = b.ref::text AND e.action LIKE 'consent.%')
        """,
    ),
    Invariant(
        "ACCOUNTS-8",
        "whatever needs two people was approved by another person, in time, as signed, and is in the audit trail",
        """
        SELECT p.id, p.kind, p.status FROM accounts_proposal p
        WHERE p.payload_sha256 <> encode(sha256(convert_to(p.payload, 'UTF8')), 'hex')
           OR p.checker_id = p.maker_id
           OR (p.status = 'EXECUTED' AND (
                   p.checker_id IS NULL OR p.executed_sha256 <> p.payload_sha256 OR p.decided_at > p.expires_at
                   OR NOT EXISTS (SELECT FROM accounts_auditentry e
                                  WHERE e.object_type = 'accounts.Proposal' AND e.object_ref = p.ref::text
                                    AND e.action = 'proposal.executed' AND e.actor_id = p.checker_id
                                    AND e.after ->> 'sha256' = p.payload_sha256)))
        """,
    ),
    Invariant(
        "ACCOUNTS-9",
        "every emergency role was approved by two people and lasts at most four hours",
        """
        SELECT t.id FROM accounts_temporaryrole t LEFT JOIN accounts_proposal p ON p.id = t.proposal_id
        WHERE p.kind IS DISTINCT FROM 'break_glass' OR p.status <> 'EXECUTED' OR p.checker_id = t.user_id
           OR t.ends_at > t.starts_at + interval '4 hours' OR t.ended_at > t.ends_at
        """,
    ),
]
