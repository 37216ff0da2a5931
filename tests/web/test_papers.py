"""Contracts, statements, receipts, the calendar and automatic payment, as people keep them."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from icalendar import Calendar
from pypdf import PdfReader

from accounts.papers import Paper, Section, harmless, to_csv, to_pdf
from credit import operations as credit_operations
from credit.models import Drawdown
from ledger.operations import advance_business_date
from loans import operations
from loans.models import CalendarFeed, Collection, Loan, LoanEventRow
from tests.loans.factories import NOW, active_loan, confirm
from tests.web.conftest import AS_OF, Scene, signed_in
from tests.web.pages import hidden, words


@pytest.fixture
def loan(scene: Scene) -> Loan:
    return active_loan(account=scene.world.alice_account)


@pytest.fixture
def drawn(scene: Scene) -> Drawdown:
    found = credit_operations.draw_down(
        line_id=scene.line.pk,
        amount=Decimal("6000.00"),
        instalment_count=12,
        repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS",
        scenario="EVERYDAY",
        terms_version="",
        bank_account_id=scene.world.alice_account.pk,
        idempotency_key=uuid.uuid4().hex,
        actor=scene.world.alice,
        as_of=AS_OF,
    )
    confirm(found.loan, as_of=AS_OF)
    return found


def paid(loan: Loan, amount: str, *, on: date = AS_OF) -> Collection:
    advance_business_date(to=on)
    row = operations.start_collection(
        loan_id=loan.pk,
        amount=Decimal(amount),
        choice="FEWER_INSTALMENTS",
        idempotency_key=uuid.uuid4().hex,
        bank_account_id=loan.bank_account_id,
        actor=None,
        as_of=on,
    )
    return operations.confirm_collection(
        collection_id=row.pk,
        provider_reference=f"bank-{row.gateway_reference}",
        amount=row.amount,
        currency="CNY",
        as_of=on,
        now=NOW,
    )


def pdf_text(content: bytes) -> str:
    reader = PdfReader(io.BytesIO(content))
    # the reader gives each two-byte code as two letters
    return " ".join(" ".join(page.extract_text().replace("\0", "").split()) for page in reader.pages)


class TestContract:
    def test_strangers_find_none(self, scene: Scene, drawn: Drawdown) -> None:
        url = reverse("credit:contract", args=[drawn.loan.ref])
        assert signed_in(scene.world.charlie).get(url).status_code == 404
        assert Client().get(url).status_code == 302

    @pytest.mark.parametrize(
        ("language", "title", "name"),
        [("en", "Loan contract", "Alice Wong"), ("zh-hans", "借款合同", "Alice Wong")],
    )
    def test_the_pdf_embeds_its_font_and_says_what_the_page_says(
        self, scene: Scene, alice: Client, drawn: Drawdown, language: str, title: str, name: str
    ) -> None:
        alice.cookies["django_language"] = language
        url = reverse("credit:contract", args=[drawn.loan.ref])
        page, pdf = words(alice.get(url).content), alice.get(url + "?as=pdf")
        assert pdf["Content-Type"] == "application/pdf"
        assert len(pdf.content) < 200_000
        said = pdf_text(pdf.content)
        for part in (title, name, "6,000.00", "18.00%"):
            assert part in page, part
            assert part in said, part
        fonts = PdfReader(io.BytesIO(pdf.content)).pages[0]["/Resources"]["/Font"]
        descendants = [font.get_object()["/DescendantFonts"][0].get_object() for font in fonts.values()]
        assert all({"/FontFile2", "/FontFile3"} & set(d["/FontDescriptor"]) for d in descendants)

    def test_it_is_the_same_on_any_day(self, alice: Client, drawn: Drawdown) -> None:
        url = reverse("credit:contract", args=[drawn.loan.ref]) + "?as=pdf"
        first = alice.get(url).content
        paid(drawn.loan, "1000.00", on=AS_OF + timedelta(days=20))
        assert alice.get(url).content == first


class TestStatementAndReceipt:
    def test_a_statement_opens_moves_and_closes(self, alice: Client, loan: Loan) -> None:
        paid(loan, "300.00", on=AS_OF + timedelta(days=31))
        url = reverse("loans:statement", args=[loan.ref])
        said = words(alice.get(url).content)
        assert "You paid" in said
        csv = alice.get(url + "?as=csv").content.decode("utf-8-sig").splitlines()
        assert csv[0].startswith("date,event,paid_out")
        assert any(line.endswith(",300.00,0.00,918.00,918.00") or ",300.00,0.00," in line for line in csv)
        assert "Statement of a loan" in pdf_text(alice.get(url + "?as=pdf").content)

    @pytest.mark.parametrize(
        "query", ["from_date=soon&to_date=2026-03-02", "from_date=2026-03-02&to_date=2026-03-01"]
    )
    def test_it_refuses_a_period_that_is_none(self, alice: Client, loan: Loan, query: str) -> None:
        answer = alice.get(reverse("loans:statement", args=[loan.ref]) + "?" + query)
        assert answer.status_code == 400
        assert b"field-error" in answer.content or b"alert-bad" in answer.content

    def test_a_receipt_says_where_the_money_went(self, scene: Scene, alice: Client, loan: Loan) -> None:
        done = paid(loan, "300.00", on=AS_OF + timedelta(days=31))
        url = reverse("loans:receipt", args=[done.ref])
        said = words(alice.get(url).content)
        assert "of interest" in said
        assert "of principal" in said
        assert "¥300.00" in pdf_text(alice.get(url + "?as=pdf").content)
        assert signed_in(scene.world.charlie).get(url).status_code == 404

    def test_a_payment_on_its_way_has_no_receipt(self, alice: Client, loan: Loan) -> None:
        row = operations.start_collection(
            loan_id=loan.pk,
            amount=Decimal("10.00"),
            choice=None,
            idempotency_key="k",
            bank_account_id=loan.bank_account_id,
            actor=None,
            as_of=AS_OF,
        )
        assert alice.get(reverse("loans:receipt", args=[row.ref])).status_code == 302

    def test_no_cell_is_a_formula(self) -> None:
        assert [harmless(cell) for cell in ("=1+1", "@x", "-2+3", "-12.50", "+cmd", "ok")] == [
            "'=1+1",
            "'@x",
            "'-2+3",
            "-12.50",
            "'+cmd",
            "ok",
        ]
        paper = Paper("n", "t", "s", AS_OF, (Section(text=("x",)),), csv_head=("a",), csv_rows=(("=1",),))
        assert to_csv(paper) == b"\xef\xbb\xbfa\r\n'=1\r\n"
        assert to_pdf(paper).startswith(b"%PDF-")


class TestCalendar:
    def make(self, client: Client, scene: Scene) -> CalendarFeed:
        client.post(reverse("loans:calendar", args=[scene.world.alice_person.ref]), {"act": "make"})
        return CalendarFeed.objects.get(revoked_date=None)

    def test_it_holds_each_open_instalment_once_and_no_name(
        self, scene: Scene, alice: Client, loan: Loan
    ) -> None:
        feed = self.make(alice, scene)
        answer = Client().get(reverse("loans:calendar-feed", args=[feed.token]))
        assert answer["Content-Type"].startswith("text/calendar")
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        assert len(events) == len({str(event["uid"]) for event in events}) == 12
        assert events[0]["dtstart"].dt == date(2026, 4, 2)
        assert b"Alice" not in answer.content
        assert b"Lake" not in answer.content

    def test_it_follows_payments(self, scene: Scene, alice: Client, loan: Loan) -> None:
        feed = self.make(alice, scene)
        paid(
            loan, str(loan.next_due_amount or loan.instalments.get(number=1).outstanding), on=date(2026, 4, 2)
        )
        content = Client().get(reverse("loans:calendar-feed", args=[feed.token])).content.decode()
        assert content.count("Paid: ") == 1

    def test_a_revoked_and_a_guessed_link_are_alike(self, scene: Scene, alice: Client, loan: Loan) -> None:
        feed = self.make(alice, scene)
        old = feed.token
        new = self.make(alice, scene).token
        assert old != new
        alice.post(reverse("loans:calendar", args=[scene.world.alice_person.ref]), {"act": "revoke"})
        for token in (old, new, "guess", "x" * 300):
            assert Client().get(reverse("loans:calendar-feed", args=[token])).status_code == 404

    def test_strangers_make_none(self, scene: Scene) -> None:
        charlie = signed_in(scene.world.charlie)
        url = reverse("loans:calendar", args=[scene.world.alice_person.ref])
        assert charlie.post(url, {"act": "make"}).status_code == 404
        assert not CalendarFeed.objects.exists()


class TestPrepay:
    def test_it_refuses_more_than_everything(self, alice: Client, loan: Loan) -> None:
        answer = alice.get(reverse("loans:prepay", args=[loan.ref]) + "?amount=5000")
        assert answer.status_code == 409
        assert "More cannot be paid" in words(answer.content)
        assert 'value="5000"' in answer.content.decode()

    def test_the_three_ways_are_what_paying_does(self, scene: Scene, alice: Client, loan: Loan) -> None:
        url = reverse("loans:prepay", args=[loan.ref]) + "?amount=600"
        answer = alice.get(url)
        choices = {choice.code: choice for choice in answer.context["choices"]}
        assert set(choices) == {"PAY_AHEAD", "FEWER_INSTALMENTS", "SMALLER_INSTALMENTS"}
        assert choices["FEWER_INSTALMENTS"].rows_left < choices["SMALLER_INSTALMENTS"].rows_left == 12
        assert choices["FEWER_INSTALMENTS"].saved > choices["SMALLER_INSTALMENTS"].saved > 0
        row = paid(loan, "600.00")
        loan.refresh_from_db()
        promised = choices["FEWER_INSTALMENTS"]
        assert (loan.next_due_date, loan.next_due_amount) == (promised.next_date, promised.next_amount)
        assert loan.instalments.filter(outstanding__gt=0).count() == promised.rows_left
        assert row.choice == "FEWER_INSTALMENTS"

    def test_one_key_for_the_three_pays_once(self, scene: Scene, alice: Client, loan: Loan) -> None:
        page = alice.get(reverse("loans:prepay", args=[loan.ref]) + "?amount=600").content
        fields = hidden(page) | {"bank_account": str(scene.world.alice_account.ref)}
        repay = reverse("loans:repay", args=[loan.ref])
        assert alice.post(repay, fields | {"choice": "FEWER_INSTALMENTS"}).status_code == 302
        assert alice.post(repay, fields | {"choice": "FEWER_INSTALMENTS"}).status_code == 302
        assert alice.post(repay, fields | {"choice": "PAY_AHEAD"}).status_code == 422
        assert Collection.objects.get().amount == Decimal("600.00")


class TestAutoDebit:
    def test_on_off_and_each_try_with_its_outcome(self, scene: Scene, alice: Client, drawn: Drawdown) -> None:
        url = reverse("credit:auto-debit", args=[scene.line.ref])
        assert "It is off" in words(alice.get(url).content)
        alice.post(url, {"act": "on"})
        due = drawn.loan.instalments.get(number=1).due_date
        advance_business_date(to=due)
        for day in (due, due + timedelta(days=1)):
            credit_operations.start_auto_debits(as_of=day)
            for row in Collection.objects.exclude(status__in=["REFUSED", "CONFIRMED"]):
                operations.refuse_collection(collection_id=row.pk, reason="insufficient funds", now=NOW)
        said = words(alice.get(url).content)
        assert "It is on" in said
        assert said.count("insufficient funds") == 2
        alice.post(url, {"act": "off"})
        scene.line.refresh_from_db()
        assert not scene.line.auto_debit

    def test_it_is_not_turned_on_without_an_account(self, scene: Scene, alice: Client) -> None:
        from accounts.models import BankAccount

        BankAccount.objects.filter(borrower=scene.world.alice_person).update(verified_at=None)
        alice.post(reverse("credit:auto-debit", args=[scene.line.ref]), {"act": "on"})
        scene.line.refresh_from_db()
        assert not scene.line.auto_debit


class TestWithdrawing:
    def test_it_is_offered_only_where_the_contract_gives_it(self, alice: Client, loan: Loan) -> None:
        assert alice.get(reverse("loans:withdraw", args=[loan.ref])).status_code == 302
        alice.post(reverse("loans:withdraw", args=[loan.ref]))
        assert not LoanEventRow.objects.filter(kind="WITHDRAWAL").exists()

    def test_it_makes_everything_due_once(self, scene: Scene, alice: Client) -> None:
        loan = active_loan(account=scene.world.alice_account, cooling_off_days=14)
        day = AS_OF + timedelta(days=10)
        advance_business_date(to=day)
        url = reverse("loans:withdraw", args=[loan.ref])
        assert "Withdraw from the loan" in words(alice.get(reverse("loans:loan", args=[loan.ref])).content)
        assert "¥1,200.00" in words(alice.get(url).content)
        for _ in range(2):
            alice.post(url)
        assert LoanEventRow.objects.filter(kind="WITHDRAWAL").count() == 1
        loan.refresh_from_db()
        assert loan.next_due_amount >= Decimal("1200.00")
