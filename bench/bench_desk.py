"""Count the statements of every page of the desk over a large book, and time them: `python -m bench.bench_desk [--loans 100000]`.

The book is the one of `bench_night`, one loan in ten late, with as many notices, entries of the audit trail and referred
applications copied set-wise beside it. Every page is asked for by a role that may see it, twice; the second is counted. Goal: at
most 20 statements a page, whatever the number of rows.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from bench.bench_night import columns, copy_loans, own_database, seed_loans

GOAL = 20
SKIPPED = ("logout", "password_change", "jsi18n", "autocomplete", "view_on_site", "r/", "login")


def multiply(table: str, wanted: int, own: dict[str, str]) -> None:
    """Copy the newest row of a table until there are `wanted`; `own` says in SQL what each copy has for itself, by `g`."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        names = columns(cursor, table, ("id", *own))
        mine = "".join(f", {name}" for name in own)
        said = "".join(f", {value}" for value in own.values())
        cursor.execute(
            f"""INSERT INTO {table} ({names}{mine}) SELECT {names}{said} FROM generate_series(1, %s) g,
                (SELECT * FROM {table} ORDER BY id DESC LIMIT 1) one""",
            [wanted],
        )  # fmt: skip


def fill(loans: int) -> None:
    """Fill the book and what stands beside it."""
    from datetime import UTC, datetime

    from django.db import connection

    from accounts.models import Borrower, User
    from accounts.operations import queue_notice
    from credit.models import Application, Product
    from credit.queries import active_policy
    from ledger.queries import business_date

    seeds = seed_loans()
    copy_loans(seeds, loans)
    borrower, product = Borrower.objects.all()[0], Product.objects.order_by("pk")[0]
    queue_notice(borrower_id=borrower.pk, kind="identity_checked", dedup_key="bench", params={})
    Application.objects.create(
        borrower=borrower, product=product, policy=active_policy(), requested_amount=5000, purpose=product.purposes[0],
        status="REFERRED", submitted_date=business_date(), submitted_at=datetime.now(UTC),
    )  # fmt: skip
    multiply("accounts_notice", loans, {"ref": "gen_random_uuid()", "dedup_key": "'bench-' || g"})
    multiply("accounts_auditentry", loans, {"sequence": "1000000 + g"})
    many = min(loans // 10, 5_000)  # a borrower has one open application
    people = [Borrower(kind="PERSON", display_name=f"P{n}", user=User.objects.create(email=f"p{n}@example.org")) for n in range(many)]  # fmt: skip
    Borrower.objects.bulk_create(people)
    multiply(
        "credit_application", many, {"ref": "gen_random_uuid()", "borrower_id": f"{people[0].pk - 1} + g"}
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def pages() -> list[tuple[str, str]]:
    """List (name, path) of every page of the desk that can be asked for without a form."""
    import re

    from django.apps import apps
    from django.urls import NoReverseMatch, reverse

    from credit.models import Application
    from lendportal.desk.routes import DESK
    from loans.models import Loan

    loan, late = Loan.objects.filter(status="ACTIVE")[0], Loan.objects.filter(status="OVERDUE")[0]
    application = Application.objects.order_by("-pk")[0]
    fills: dict[str, list[Any]] = {
        "general_ledger": ["1101"], "loan_statement": [loan.ref], "loan_as_known": [loan.ref], "loan_changes": [loan.ref, 2],
        "collection_case": [late.ref], "review": [application.ref], "calendar_year": [2026], "policy_new": [1],
    }  # fmt: skip
    found = []
    for name in DESK:
        try:
            found.append((name, reverse(f"admin:{name}", args=fills.get(name, []))))
        except NoReverseMatch:
            continue
    for report in ("balances", "roll", "vintages", "cash-flow"):
        found.append((f"report {report}", f"{reverse('admin:portfolio')}{report}/"))
    for model in apps.get_models():
        info = f"{model._meta.app_label}_{model._meta.model_name}"
        try:
            found.append((f"table {info}", reverse(f"admin:{info}_changelist")))
            row = model._default_manager.order_by("-pk").first()
            if row is not None:
                found.append((f"row of {info}", reverse(f"admin:{info}_change", args=[row.pk])))
        except NoReverseMatch:
            continue
    return [
        (name, path) for name, path in found if not re.search("|".join(SKIPPED), path.removeprefix("/desk/"))
    ]


def measure() -> int:
    """Print statements and milliseconds of every page; return how many have too many."""
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import User
    from accounts.operations import enrol_totp

    user = User.objects.create_user(email="desk@example.org", password=None, is_staff=True)
    user.groups.set(Group.objects.all())
    enrol_totp(user=user, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    rows: list[tuple[int, float, str, str, int]] = []
    for name, path in pages():
        client.get(path)
        begun = time.perf_counter()
        with CaptureQueriesContext(connection) as seen:
            status = client.get(path).status_code
        spent = (time.perf_counter() - begun) * 1000
        slowest = max((float(query["time"]) for query in seen.captured_queries), default=0.0)
        rows.append((len(seen), spent, name, f"{slowest * 1000:.0f}", status))
    rows.sort(key=lambda row: -row[0])
    print(f"{'page':<44} {'status':>6} {'statements':>10} {'ms':>8} {'slowest, ms':>11}")
    for count, spent, name, slowest, status in rows:
        print(f"{name:<44} {status:>6} {count:>10} {spent:>8.0f} {slowest:>11}", flush=True)
    return sum(count > GOAL for count, *_rest in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=100_000)
    arguments = parser.parse_args()
    with own_database():
        begun = time.perf_counter()
        fill(arguments.loans)
        print(f"{arguments.loans:,} loans filled in {time.perf_counter() - begun:.0f} s", flush=True)
        over = measure()
        print(f"pages over {GOAL} statements: {over}")
        return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
