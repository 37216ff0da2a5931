"""Read stored decisions as columns: one binary COPY a block, with every figure in a field of fixed width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from django.db import connection, transaction

from credit.domain.limits_columns import MeansColumns
from credit.domain.policy import Ceiling
from credit.laboratory.columns import MISSING, OUTCOMES, Floats, Integers, Stored
from credit.replay import ceiling_of
from risk.domain.registry import FEATURE_NAMES, registry_digest

BLOCK: Final = 100_000
WIDTH: Final = len(FEATURE_NAMES) * 8
_HEADER = len(b"PGCOPY\n\xff\r\n\0") + 8
_NAN = "'NaN'::float8"
_FIELDS: Final = (
    ("id", ">i8", "d.id"),
    ("borrower", ">i8", "p.borrower_id"),
    ("day", ">i4", "d.decided_date"),
    ("outcome", ">i2", f"(array_position(ARRAY{list(OUTCOMES)}, d.outcome::text) - 1)::int2"),
    ("limit", ">f8", 'd."limit"::float8'),
    ("rate", ">f8", "d.annual_rate::float8"),
    ("pd", ">f8", f"coalesce(d.pd::float8, {_NAN})"),
    ("problem", ">i2", f"coalesce(array_position(ARRAY{list(MISSING)}, i.problem) - 1, -1)::int2"),
    ("business", ">i2", "a.is_business::int::int2"),
    ("age", ">f8", f"coalesce(a.age, {_NAN})"),
    ("student", ">f8", f"coalesce(a.is_student::int::float8, {_NAN})"),
    ("blocked", ">i2", "a.is_blocked::int::int2"),
    ("late", ">f8", "a.days_past_due"),
    ("worst", ">f8", "a.worst_days_past_due_12m"),
    ("odd", ">i2", "coalesce(a.is_evidence_odd, false)::int::int2"),
    ("income", ">f8", f"coalesce(m.monthly_income, {_NAN})"),
    ("instalments", ">f8", "m.monthly_instalments"),
    ("others", ">f8", "m.other_limits"),
    ("asked", ">f8", "k.amount"),
    ("most", ">f8", "k.product_maximum"),
    ("lot", ">f8", "k.lot"),
    ("ceiling", ">i4", "hashtext(i.ceiling::text)"),
    ("region", ">i4", "coalesce(nullif(left(n.region_code, 2), '')::int, 0)"),
)
_FACTS: Final = (
    ("segment", ">i2", "coalesce(s.segment, 0)::int2"),
    ("scored", ">i2", f"(s.outcome = 'SCORED' AND s.registry_digest = '{registry_digest()}')::int::int2"),
    ("facts", f"V{WIDTH}", f"CASE WHEN length(s.facts) = {WIDTH} THEN s.facts ELSE decode(repeat('00', {WIDTH}), 'hex') END"),
)  # fmt: skip
_FROM = """
  FROM (SELECT * FROM credit_decision
         WHERE id > {after} AND decided_date BETWEEN '{first}' AND '{last}' AND decided_by_id IS NULL
           AND inputs <> '{{}}'
         ORDER BY id LIMIT {block}) d
  JOIN credit_application p ON p.id = d.application_id
  CROSS JOIN LATERAL jsonb_to_record(d.inputs) AS i(applicant jsonb, asked jsonb, ceiling jsonb, problem text)
  CROSS JOIN LATERAL jsonb_to_record(i.applicant) AS a(is_business bool, age float8, is_student bool, is_blocked bool,
       days_past_due float8, worst_days_past_due_12m float8, is_evidence_odd bool, means jsonb)
  CROSS JOIN LATERAL jsonb_to_record(a.means) AS m(monthly_income float8, monthly_instalments float8, other_limits float8)
  CROSS JOIN LATERAL jsonb_to_record(i.asked) AS k(amount float8, product_maximum float8, lot float8)
  LEFT JOIN LATERAL (SELECT region_code FROM accounts_identity
       WHERE borrower_id = p.borrower_id AND status = 'VERIFIED' ORDER BY id DESC LIMIT 1) n ON true"""
_WITH_FACTS = "\n  LEFT JOIN risk_assessment s ON s.id = d.assessment_id"


@dataclass(frozen=True, slots=True)
class Block:
    """Hold a block of decisions: the rows as read, and the facts as `decide_columns` takes them."""

    rows: Any
    stored: Stored
    ceilings: dict[int, Ceiling]

    def __len__(self) -> int:
        return len(self.rows)


def blocks(*, first: date, last: date, with_facts: bool = False, size: int = BLOCK) -> Iterator[Block]:
    """Yield the engine's decisions of a period in the order of their keys."""
    after, known = 0, dict[int, Ceiling]()
    while True:
        rows = _copy(first, last, after, with_facts, size)
        if len(rows) == 0:
            return
        after = int(rows["id"].max())
        unknown = set(np.unique(rows["ceiling"]).tolist()) - set(known)
        for key in unknown:
            sample = int(rows["id"][np.flatnonzero(rows["ceiling"] == key)[0]])
            known[key] = _ceiling_of(sample)
        yield Block(rows, _stored(rows), known)


def _copy(first: date, last: date, after: int, with_facts: bool, size: int) -> Any:
    fields = _FIELDS + (_FACTS if with_facts else ())
    columns = ", ".join(expression for _, _, expression in fields)
    source = _FROM.format(after=after, first=first.isoformat(), last=last.isoformat(), block=size)
    ask = f"COPY (SELECT {columns}{source}{_WITH_FACTS if with_facts else ''} ORDER BY d.id) TO STDOUT (FORMAT BINARY)"
    with transaction.atomic(), connection.cursor() as cursor:
        # the plan reads every row of the block once: compiling it costs more than it saves
        cursor.execute("SET LOCAL jit = off")
        with cursor.copy(ask) as copy:
            found = b"".join(bytes(part) for part in copy)
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind, _ in fields:
        layout += [(f"{name}_length", ">i4"), (name, kind)]
    shape = np.dtype(layout)
    return np.frombuffer(found, dtype=shape, offset=_HEADER, count=(len(found) - _HEADER) // shape.itemsize)


def _stored(rows: Any) -> Stored:
    def floats(name: str) -> Floats:
        return np.asarray(rows[name], dtype=np.float64)

    return Stored(
        pd=floats("pd"),
        problem=np.asarray(rows["problem"], dtype=np.int64),
        age=floats("age"),
        is_student=floats("student"),
        is_blocked=rows["blocked"] == 1,
        days_past_due=floats("late"),
        worst_days_past_due=floats("worst"),
        is_evidence_odd=rows["odd"] == 1,
        means=MeansColumns(rows["business"] == 1, floats("income"), floats("instalments"), floats("others")),
        asked=floats("asked"),
        product_maximum=floats("most"),
        lot=floats("lot"),
    )


def facts_of_rows(rows: Any) -> Floats:
    """Give the facts that were scored, shape (n, features)."""
    packed = np.ascontiguousarray(rows["facts"])
    return packed.view("<f8").reshape(len(rows), len(FEATURE_NAMES)).astype(np.float64, copy=False)


def _ceiling_of(decision_id: int) -> Ceiling:
    from credit.models import Decision

    return ceiling_of(Decision.objects.values_list("inputs", flat=True).get(pk=decision_id)["ceiling"])


_OUTCOMES = """
SELECT d.id, coalesce(sum(o.principal), 0)::float8,
       coalesce(sum(CASE WHEN o.status = 'WRITTEN_OFF' THEN o.principal - x.principal
                         WHEN o.worst_days_past_due >= 90 THEN o.principal_outstanding END), 0)::float8,
       coalesce(sum(x.interest), 0)::float8, coalesce(max(o.worst_days_past_due), 0)
  FROM credit_decision d
  JOIN credit_creditline l ON l.application_id = d.application_id
  JOIN credit_drawdown w ON w.line_id = l.id
  JOIN loans_loan o ON o.id = w.loan_id
  LEFT JOIN LATERAL (SELECT coalesce(sum(t.interest_paid), 0) interest, coalesce(sum(t.principal_paid), 0) principal
                       FROM loans_instalment t WHERE t.loan_id = o.id) x ON true
 WHERE d.decided_date BETWEEN %s AND %s AND d.decided_by_id IS NULL AND d."limit" > 0 AND o.status <> 'CANCELLED'
 GROUP BY d.id ORDER BY d.id"""


@dataclass(frozen=True, slots=True)
class Realised:
    """Hold what became of the decisions that were lent on: ids ascending, money in units."""

    decision: Integers
    drawn: Floats
    lost: Floats  # written off, and what is owed on loans that were 90 days late
    interest: Floats
    worst_days: Integers


def realised(*, first: date, last: date) -> Realised:
    """Read what became of the lines that decisions of a period opened."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, [first, last])
        rows = cursor.fetchall()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 5)
    return Realised(
        table[:, 0].astype(np.int64),
        table[:, 1],
        table[:, 2],
        table[:, 3],
        table[:, 4].astype(np.int64),
    )
