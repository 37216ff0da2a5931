"""Tables of the desk: page by page by key, the same number of statements however many rows, and none shifts another."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Notice
from loans.models import Instalment
from tests.credit.factories import make_line
from tests.credit.test_draw_down import draw
from tests.desk.test_work_pages import at_desk
from tests.factories import BorrowerFactory
from tests.loans import factories

pytestmark = pytest.mark.django_db
GOAL = 20


@pytest.fixture
def notices() -> int:
    from accounts.operations import queue_notice

    queue_notice(borrower_id=BorrowerFactory().pk, kind="identity_checked", dedup_key="first", params={})
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO accounts_notice (ref, borrower_id, channel, kind, params, language, dedup_key, status, attempts, last_error)
               SELECT gen_random_uuid(), borrower_id, channel, kind, params, language, 'n' || g, status, 0, '' FROM accounts_notice, generate_series(1, 219) g"""
        )  # fmt: skip
    return Notice.objects.count()


def statements(client: Client, url: str) -> tuple[int, str]:
    with CaptureQueriesContext(connection) as seen:
        page = client.get(url)
    assert page.status_code == 200, url
    assert not [
        q["sql"] for q in seen.captured_queries if "COUNT(*)" in q["sql"] and "accounts_notice" in q["sql"]
    ]
    return len(seen), page.content.decode()


def keys(page: str) -> list[int]:
    return [int(found) for found in re.findall(r"/notice/(\d+)/change/", page)]


def test_every_row_is_seen_once_though_rows_come_meanwhile(notices: int) -> None:
    client, url = at_desk("Administrator"), reverse("admin:accounts_notice_changelist")
    client.get(url)
    seen: list[int] = []
    page_url = url + "?channel__exact=IN_APP"
    while page_url:
        count, page = statements(client, page_url)
        assert count <= GOAL
        seen += keys(page)
        older = re.search(r'<a href="([^"]+)" rel="next">', page)
        page_url = url + older[1].replace("&amp;", "&") if older else ""
        assert "channel__exact=IN_APP" in page_url or not page_url, "the filter stays"
        last = Notice.objects.order_by("pk")[0]
        Notice.objects.create(borrower=last.borrower, channel="IN_APP", kind=last.kind, params={}, language="en", dedup_key=f"new-{len(seen)}", status="PENDING")  # fmt: skip
    assert len(seen) == len(set(seen)) == notices
    assert seen == sorted(seen, reverse=True)


def test_a_key_that_is_none_a_search_and_a_sorted_column(notices: int) -> None:
    client, url = at_desk("Administrator"), reverse("admin:accounts_notice_changelist")
    assert client.get(url, {"before": "x"}).status_code == 302, "Django leads back to the whole list"
    assert client.get(url, {"before": "9" * 30}).status_code == 302
    assert keys(client.get(url, {"before": "0"}).content.decode()) == []
    found = client.get(url, {"q": "first"}).content.decode()
    assert len(keys(found)) == 1
    page = client.get(url, {"o": "1"}).content.decode()
    assert f"{notices} notices" in page, "who sorts by a column gets counted pages"


def test_instalments_are_paged_by_key_and_never_counted() -> None:
    for _ in range(5):
        factories.active_loan()
    client, url = at_desk("Finance"), reverse("admin:loans_instalment_changelist")
    wanted = sorted(Instalment.objects.values_list("pk", flat=True), reverse=True)
    assert len(wanted) > 50
    seen: list[int] = []
    page_url = url
    while page_url:
        with CaptureQueriesContext(connection) as asked:
            page = client.get(page_url).content.decode()
        assert not [
            q for q in asked.captured_queries if "COUNT(*)" in q["sql"] and "loans_instalment" in q["sql"]
        ]
        seen += [int(found) for found in re.findall(r"/instalment/(\d+)/change/", page)]
        older = re.search(r'<a href="([^"]+)" rel="next">', page)
        page_url = url + older[1].replace("&amp;", "&") if older else ""
    assert list(dict.fromkeys(seen)) == wanted


def test_a_journal_s_sum_costs_no_walk_over_the_ledger() -> None:
    factories.active_loan()
    client, url = at_desk("Finance"), reverse("admin:ledger_journal_changelist")
    assert "1,200.00" in client.get(url).content.decode()
    with CaptureQueriesContext(connection) as seen:
        client.get(url)
    (statement,) = [q["sql"] for q in seen.captured_queries if 'FROM "ledger_journal"' in q["sql"] and "total_amount" in q["sql"]]  # fmt: skip
    assert "GROUP BY" not in statement.replace('GROUP BY U0."journal_id"', "").replace("GROUP BY 1", "")


def test_pages_hold_their_number_of_statements(notices: int, scene_of_bench: Any) -> None:
    from bench.bench_desk import pages

    client = scene_of_bench
    over = {}
    for name, path in pages():
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            client.get(path)
        if len(seen) > GOAL:
            over[name] = len(seen)
    assert over == {}


@pytest.fixture
def scene_of_bench() -> Client:
    """Loans in every state that pages show, and an officer who has every role."""
    from datetime import date

    from django.contrib.auth.models import Group

    from ledger.operations import advance_business_date
    from loans.operations import accrue, age_loans
    from tests.credit.test_applications import apply, person

    factories.active_loan()
    day = date(2026, 5, 20)
    advance_business_date(to=day)
    factories.active_loan(as_of=day)
    age_loans(as_of=day)
    accrue(as_of=day)
    apply(person())
    return at_desk(*Group.objects.values_list("name", flat=True))


def test_a_draw_s_paper_costs_no_statement_of_its_own() -> None:
    client, url = at_desk("Administrator"), reverse("admin:credit_drawdown_changelist")
    line = make_line(limit=5_000)
    draw(line, idempotency_key="first")
    client.get(url)
    one, _page = statements(client, url)
    for number in range(6):
        draw(line, idempotency_key=f"key-{number}")
    many, page = statements(client, url)
    assert page.count("300.00") >= 7
    assert many == one
