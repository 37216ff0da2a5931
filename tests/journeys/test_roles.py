"""A short working day of each role of the desk, in a browser, on one portal: what it is there for, and one thing it may not do."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.officer import Officer, hire

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
FOLDER = os.environ.get("SCREENS", "")
ROLES = {
    "reviewer": "Credit officer", "reviewer2": "Credit officer", "collector": "Collector", "analyst": "Risk analyst",
    "finance": "Finance", "finance2": "Finance", "support": "Support", "auditor": "Auditor", "admin": "Administrator",
    "admin2": "Administrator",
}  # fmt: skip
# a customer whose loan is late comes over from another system: the books of a new portal have no past of their own
BOOK = """
import json
from django.utils import timezone
from accounts.models import Borrower, User
from credit.models import CreditLine
from credit.operations.imports import import_book
from ledger.queries import business_date
from loans.models import Loan
rows = {rows!r}
import_book(files={{name: "\\n".join(lines).encode() for name, lines in rows.items()}}, actor=User.objects.get(email={actor!r}),
            as_of=business_date(), now=timezone.now())
loan = Loan.objects.order_by("-pk")[0]
print(json.dumps({{"loan": str(loan.ref), "line": str(CreditLine.objects.get(borrower=loan.borrower).ref),
                   "borrower": str(loan.borrower.ref), "day": business_date().isoformat(),
                   "staff": {{u.email.partition("-")[0]: str(u.ref) for u in User.objects.filter(email__endswith={mark!r})}}}}))
"""


@dataclass
class Desk:
    """The staff, logged in when first asked for, and the customer whose loan is late."""

    portal: Portal
    browser: Any
    mark: str
    facts: dict[str, Any]
    officers: dict[str, Officer]

    def __getitem__(self, who: str) -> Officer:
        if who not in self.officers:
            officer = Officer(self.browser, self.portal, language="en")
            officer.log_in(f"{who}-{self.mark}")
            self.officers[who] = officer
        return self.officers[who]

    def propose(self, who: str, kind: str, reason: str, **fields: str) -> str:
        """Fill in a proposal's form and hand it in; return its address."""
        officer = self[who]
        officer.desk(f"proposals/new/{kind}/")
        for name, value in {**fields, "reason": reason}.items():
            field = officer.page.locator(f"[name={name}]").first
            tag = field.evaluate("(e) => e.type")
            if tag == "radio":
                officer.page.check(f"input[name={name}][value='{value}']")
            elif tag.startswith("select"):
                field.select_option(value)
            else:
                field.fill(value)
        officer.press("input[type=submit]")
        assert "Proposed." in officer.said(), officer.said()[:400]
        return str(officer.page.url)

    def approve(self, who: str, path: str) -> None:
        officer = self[who]
        officer.page.goto(path)
        officer.press("button[value=approve]")
        assert "Approved and done." in officer.said(), officer.said()[:400]


def picture(officer: Officer, name: str) -> None:
    """Take a page at a desk and on a phone, light and dark, and in Chinese, when pictures are asked for."""
    page = officer.page
    if not FOLDER:
        return
    url = page.url
    for language, width, scheme in (("en", 1280, "light"), ("en", 1280, "dark"), ("zh-hans", 390, "light")):
        officer.context.add_cookies(
            [{"name": "django_language", "value": language, "url": officer.portal.url}]
        )
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(url)
        page.screenshot(
            path=Path(FOLDER) / f"desk-{name}-{width}-{language}-{scheme}.png", full_page=width == 390
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, (name, width)
    officer.context.add_cookies([{"name": "django_language", "value": "en", "url": officer.portal.url}])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 844})
    page.goto(url)


@pytest.fixture(scope="module")
def desk(portal: Portal, chromium: Any) -> Desk:
    stamp = time.time_ns()
    mark = f"{stamp}@example.com"
    hire(portal, {f"{who}-{mark}": role for who, role in ROLES.items()})
    start, opened = (date.today() - timedelta(days=days) for days in (75, 120))
    rows = {
        "customers": ["customer_id,email,full_name,document,number,birth_date", f"c1,late-{stamp}@example.net,Mei Chen,PASSPORT,E{stamp % 10**8:08d},1990-05-06"],
        "lines": ["line_id,customer_id,limit,annual_rate,opened_date", f"l1,c1,20000.00,0.144,{opened}"],
        "loans": ["loan_id,line_id,principal,annual_rate,penalty_rate,method,instalments,start_date", f"n1,l1,6000.00,0.144,0.216,EQUAL_INSTALMENT,6,{start}"],
    }  # fmt: skip
    said = portal.shell(BOOK.format(rows=rows, actor=f"finance-{mark}", mark=mark))
    return Desk(portal, chromium, mark, json.loads(said.strip().splitlines()[-1]), {})


@pytest.fixture(autouse=True)
def nothing_broke(desk: Desk) -> Any:
    yield
    for officer in desk.officers.values():
        assert not officer.broken
        assert not officer.outside


def test_a_reviewer_changes_a_limit_with_a_colleague_and_freezes_a_line(desk: Desk) -> None:
    own = desk.propose(
        "reviewer", "limit_change", "Paid well elsewhere.", line_ref=desk.facts["line"], limit="18000.00"
    )
    assert "another person decides" in desk["reviewer"].said()
    desk["reviewer2"].page.goto(own)
    assert "18,000.00" in desk["reviewer2"].said()
    picture(desk["reviewer2"], "proposal")
    desk.approve("reviewer2", own)
    desk["reviewer"].desk(f"lines/{desk.facts['line']}/freeze/")
    desk["reviewer"].page.fill("[name=note], [name=reason]", "Asked us to.")
    desk["reviewer"].press("input[type=submit]")
    desk["reviewer"].desk("queue/")
    assert desk["reviewer"].page.request.get(f"{desk.portal.url}/desk/trail/").status == 403


def test_a_collector_is_told_whom_not_to_call_and_takes_a_promise(desk: Desk) -> None:
    officer = desk["collector"]
    officer.desk("collections/")
    picture(officer, "collections")
    officer.press(f"a[href*='{desk.facts['loan']}']")
    assert "Days past due" in officer.said()
    officer.page.select_option("[name=whom]", "OTHER")
    officer.page.select_option("[name=reached]", "yes")
    officer.press("form:has(input[value=call]) button")
    assert "no relatives" in officer.said()
    day = date.fromisoformat(desk.facts["day"]) + timedelta(days=2)
    officer.page.fill("[name=amount]", "50.00")
    officer.page.fill("[name=pay_by_date]", day.isoformat())
    officer.press("form:has(input[value=promise]) button")
    assert "The promise is written down." in officer.said()
    picture(officer, "case")


def test_an_analyst_reads_the_portfolio_and_drills_into_no_person(desk: Desk) -> None:
    officer = desk["analyst"]
    officer.desk("portfolio/balances/")
    assert "Principal outstanding" in officer.said()
    picture(officer, "portfolio")
    officer.desk("portfolio/vintages/")
    officer.press("tbody a >> nth=0")
    assert officer.page.locator("table tbody tr").count() >= 1
    officer.desk("monitoring/")
    picture(officer, "monitoring")
    officer.desk("laboratory/")
    assert (
        officer.page.request.get(f"{desk.portal.url}/desk/people/{desk.facts['borrower']}/whole/").status
        == 403
    )


def test_finance_finds_the_loan_of_an_unknown_payment_with_a_colleague(desk: Desk, tmp_path: Path) -> None:
    officer, day = desk["finance"], desk.facts["day"]
    file = tmp_path / "bank.csv"
    file.write_text(f"date,reference,amount,text\n{day},unknown-{desk.mark[:9]},120.00,from Mei Chen\n")
    officer.desk("books/bank/")
    officer.page.set_input_files("[name=file]", str(file))
    officer.press("form[enctype] button")
    assert "At the bank, not with us" in officer.said()
    picture(officer, "bank")
    officer.press("button[name=line]")
    assert "Held in suspense." in officer.said()
    picture(officer, "suspense")
    officer.press("a[href*='suspense_match']")
    officer.page.fill("[name=loan_ref]", desk.facts["loan"])
    officer.page.fill("[name=reason]", "She wrote to us.")
    officer.press("input[type=submit]")
    assert "Proposed." in officer.said()
    desk.approve("finance2", officer.page.url)
    officer.desk("books/suspense/")
    assert "Nothing waits in suspense." in officer.said()
    officer.desk("books/")
    picture(officer, "trial-balance")


def test_support_sees_people_masked_and_proposes(desk: Desk) -> None:
    officer = desk["support"]
    officer.desk("accounts/borrower/")
    assert "Mei Chen" not in officer.said()
    picture(officer, "people")
    for path in ("books/bank/", "collections/", "trail/", "ledger/journal/"):
        assert officer.page.request.get(f"{desk.portal.url}/desk/{path}").status == 403, path
    officer.desk("proposals/new/erasure/")
    officer.page.fill("[name=borrower_ref]", desk.facts["borrower"])
    officer.page.fill("[name=reason]", "asked for it")
    officer.press("input[type=submit]")
    assert officer.page.locator(".errornote, .errorlist").count(), "who owes is not erased"


def test_an_auditor_finds_who_did_it_and_can_do_nothing(desk: Desk) -> None:
    officer = desk["auditor"]
    officer.desk("trail/")
    picture(officer, "trail")
    assert "proposal.executed" in officer.said()
    officer.desk("ledger/journal/")
    assert officer.page.locator("a.addlink").count() == 0
    officer.desk("operations/")
    assert officer.page.locator("#content form[method=post] button").count() == 0
    answer = officer.page.request.post(f"{desk.portal.url}/desk/books/suspense/", data={"line": "1"})
    assert answer.status == 403


def test_an_administrator_gives_a_role_with_a_colleague_and_touches_no_money(desk: Desk) -> None:
    staff = desk.facts["staff"]
    own = desk.propose(
        "admin", "role_grant", "Helps out.", user_ref=staff["support"], role="Collector", is_granted="yes"
    )
    desk.approve("admin2", own)
    officer = desk["admin"]
    officer.desk("operations/")
    picture(officer, "operations")
    assert officer.page.request.get(f"{desk.portal.url}/desk/books/close/").status == 403
    assert desk["support"].page.request.get(f"{desk.portal.url}/desk/collections/").status == 200
    assert "waiver" not in officer.page.content()


def test_emergency_access_opens_what_two_people_gave_and_everybody_sees_it(desk: Desk) -> None:
    officer = desk["analyst"]
    person = f"{desk.portal.url}/desk/accounts/borrower/"
    assert officer.page.request.get(person).status == 403
    own = desk.propose(
        "analyst", "break_glass", "Nobody answers.", user_ref=desk.facts["staff"]["analyst"], minutes="30"
    )
    desk.approve("admin", own)
    officer.desk("accounts/borrower/")
    assert officer.page.locator("tbody tr").count() >= 1
    assert "Mei Chen" not in officer.said(), "masked until a reason is given"
    desk["auditor"].desk()
    assert "Emergency access is in use" in desk["auditor"].said()
    picture(desk["auditor"], "emergency")
