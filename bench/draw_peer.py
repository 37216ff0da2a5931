"""The peer of `bench_draw`: the transaction of a draw as pgbench runs it, on the same tables with the same rows.

Both scripts are made from one draft of the real operation, so that they write the same columns: what differs from draw to
draw (keys, references, the line) is an expression, everything else a literal.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lendportal.embedded.postgres import Postgres

_scripts: dict[str, str] = {}


def _rows(first: date) -> dict[str, Any]:
    """Draft one draw by the code of the operation."""
    from accounts.operations import AuditDraft, new_entry, new_notice
    from accounts.rows import columns_of
    from credit.models import CreditLine, Drawdown
    from credit.queries import loan_terms
    from loans.operations import draft_loan
    from tests.credit.factories import account_of

    line = CreditLine.objects.select_related("borrower").order_by("pk")[0]
    terms = loan_terms(
        line=line, amount=Decimal("50.00"), instalment_count=12, repayment_method="EQUAL_INSTALMENT", as_of=first
    )  # fmt: skip
    account = account_of(line.borrower)
    draft = draft_loan(
        borrower_id=line.borrower_id, terms=terms, bank_account_id=account.pk, reference=uuid.uuid4(), as_of=first
    )  # fmt: skip
    loan, plain, plan, payout = draft.arguments()
    draw = Drawdown(
        line=line, product_id=1, amount=Decimal("50.00"), purpose="DAILY_GOODS", scenario="EVERYDAY",
        bank_account_id=account.pk, limit_at_draw=line.limit, request_hash="0" * 64, drawn_date=first,
        actor_id=line.borrower.user_id,
    )  # fmt: skip
    act = AuditDraft(
        actor=line.borrower.user, action="line.draw_down", object_type="credit.Drawdown", object_ref=str(draw.ref),
        after={"amount": "50.00", "line": str(line.ref), "purpose": "DAILY_GOODS"},
    )  # fmt: skip
    notice = new_notice(
        borrower_id=line.borrower_id, kind="draw_accepted", dedup_key="",
        params={"amount": "50.00", "line_ref": str(line.ref), "account_last4": account.number_last4},
    )  # fmt: skip
    rows = {
        "loan": loan,
        "plain": plain,
        "plan": plan,
        "payout": payout,
        **{
            name: columns_of(row)
            for name, row in (("draw", draw), ("entry", new_entry(act)), ("notice", notice))
        },
    }
    return json.loads(json.dumps(rows, default=str))  # type: ignore[no-any-return]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _insert(table: str, row: dict[str, Any], changing: dict[str, str]) -> str:
    row = {**row, **dict.fromkeys(changing)}
    values = [changing.get(name) or _literal(value) for name, value in row.items()]
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(values)})"


def _gate(line: str, borrower: str, account: str, today: date) -> str:
    """Give the statement that a draw asks under the lock, with its parameters put in."""
    from credit.queries import gate

    said = {
        "lines": f"ARRAY[{line}]::bigint[]", "line": line, "key": "gen_random_uuid()::text", "borrower": borrower,
        "is_business": "false", "scenario": "'EVERYDAY'", "family": "'PERSONAL'", "account": account,
        "account_ref": "NULL::uuid", "as_of": f"'{today}'::date",
    }  # fmt: skip
    return re.sub(r"%\((\w+)\)s", lambda found: said[found[1]], gate._GATE)


LOCK = """SELECT l.*, b.*, w.* FROM credit_creditline l JOIN accounts_borrower b ON b.id = l.borrower_id
LEFT JOIN accounts_contactpreference w ON w.borrower_id = b.id WHERE l.id = {line} FOR UPDATE OF l"""


def install(*, first: date) -> None:
    """Write both scripts, and the function that the second one calls."""
    from django.db import connection

    from accounts.models import BankAccount
    from credit.models import CreditLine

    rows = _rows(first)
    lines = sorted(CreditLine.objects.values_list("pk", "borrower_id"))
    top = lines[-1][0]
    # made one after the other in an empty database, so their keys run side by side
    gap = lines[0][1] - lines[0][0]
    accounts = dict(BankAccount.objects.values_list("borrower_id", "pk"))
    account_gap = accounts[lines[0][1]] - lines[0][0]
    assert all(b - pk == gap and accounts[b] - pk == account_gap for pk, b in lines)
    start = f"\\set line random({lines[0][0]}, {top})\n\\set borrower :line + {gap}\n\\set account :line + {account_gap}\n"
    _scripts["client"] = start + _client_side(rows, first)
    _scripts["function"] = start + "SELECT bench_draw(:line, :borrower, :account);\n"
    with connection.cursor() as cursor:
        cursor.execute(_function(rows, first))


def _client_side(rows: dict[str, Any], today: date) -> str:
    fresh, now = "gen_random_uuid()", "statement_timestamp()"
    own = {"borrower_id": ":borrower", "bank_account_id": ":account"}
    loan = _insert("loans_loan", rows["loan"], {**own, "ref": fresh, "reference": fresh, "created_at": now})
    plan = [
        _insert("loans_instalment", {**rows["plain"], **row}, {"loan_id": ":loan"}) for row in rows["plan"]
    ]
    head = plan[0].partition(" VALUES ")[0]
    plan_rows = ", ".join(text.partition(" VALUES ")[2] for text in plan)
    payout = _insert("loans_payout", rows["payout"], {
        "loan_id": ":loan", "bank_account_id": ":account", "ref": fresh, "gateway_reference": fresh, "created_at": now,
    })  # fmt: skip
    draw = _insert("credit_drawdown", rows["draw"], {
        "line_id": ":line", "loan_id": ":loan", "bank_account_id": ":account", "ref": fresh, "created_at": now,
        "idempotency_key": fresh + "::text", "limit_change_id": ":change", "exposure_before": "0",
    })  # fmt: skip
    entry = _insert("accounts_auditentry", rows["entry"], {"object_ref": fresh + "::text"})
    notice = _insert("accounts_notice", rows["notice"], {
        "borrower_id": ":borrower", "ref": fresh, "dedup_key": fresh + "::text", "language": "'en'", "created_at": now,
    })  # fmt: skip
    change = (
        "SELECT id AS change FROM credit_limitchange WHERE line_id = :line ORDER BY id DESC LIMIT 1 \\gset\n"
    )
    gate = _gate(":line", ":borrower", ":account", today)
    statements = [
        "BEGIN;",
        LOCK.format(line=":line") + ";",
        " ".join(gate.split()) + ";",
        change,
        loan + " RETURNING id AS loan \\gset\n",
        f"{head} VALUES {plan_rows};",
        *(text + ";" for text in (payout, draw, entry, notice)),
        "COMMIT;",
    ]
    return "\n".join(statements) + "\n"


def _function(rows: dict[str, Any], today: date) -> str:
    """One call: lock, ask, and the portal's own function that writes."""
    said = {name: _literal(row) + "::jsonb" for name, row in rows.items()}
    fresh = "gen_random_uuid()"
    return f"""
    CREATE FUNCTION bench_draw(wanted bigint, owner bigint, paid bigint) RETURNS bigint LANGUAGE plpgsql AS $bench$
    DECLARE
        known record;
        change bigint;
        made bigint;
    BEGIN
        {LOCK.format(line="wanted").replace("SELECT l.*, b.*, w.*", "PERFORM 1")};
        FOR known IN {_gate("wanted", "owner", "paid", today).replace("%%", "%")} LOOP NULL; END LOOP;
        SELECT id INTO change FROM credit_limitchange WHERE line_id = wanted ORDER BY id DESC LIMIT 1;
        SELECT draw_id INTO made FROM credit_write_draw(
            {said["loan"]} || jsonb_build_object('borrower_id', owner, 'bank_account_id', paid, 'ref', {fresh}, 'reference', {fresh}),
            {said["plain"]}, {said["plan"]},
            {said["payout"]} || jsonb_build_object('bank_account_id', paid, 'ref', {fresh}, 'gateway_reference', {fresh}),
            {said["draw"]} || jsonb_build_object('line_id', wanted, 'bank_account_id', paid, 'ref', {fresh},
                'idempotency_key', {fresh}, 'limit_change_id', change, 'exposure_before', 0),
            {said["entry"]} || jsonb_build_object('object_ref', {fresh}),
            {said["notice"]} || jsonb_build_object('borrower_id', owner, 'ref', {fresh}, 'dedup_key', {fresh}));
        RETURN made;
    END
    $bench$"""


def pgbench(postgres: Postgres) -> Path:
    """Find pgbench beside the server, or the system's."""
    own = postgres.bindir / "pgbench"
    if own.exists():
        return own
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    if system:
        return system[-1]
    raise SystemExit("there is no pgbench beside the server and none in /usr/lib/postgresql")


def run(postgres: Postgres, script: str, *, clients: int, seconds: float) -> float:
    """Run a script; give transactions a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(_scripts[script])
        file.flush()
        done = subprocess.run(
            [
                str(pgbench(postgres)),
                "-n",
                "-M",
                "prepared",
                "-c",
                str(clients),
                "-j",
                "1",
                "-T",
                str(max(int(seconds), 1)),
                "-f",
                file.name,
                "-h",
                str(postgres.sockets),
                "-U",
                postgres.role,
                "lendportal",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    told = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or told is None:
        raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}")
    if "failed transactions: 0" not in done.stdout and "failed" in done.stdout:
        raise SystemExit(done.stdout)
    return float(told[1])
