"""Working capital through the pages, in both languages: a share of sales, an advance on an invoice, sales reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import operations as accounts_operations
from credit import operations
from credit.models import Drawdown, DrawRequest, Invoice, InvoiceAdvance
from credit.papers import contract_paper
from ledger.operations import advance_business_date
from tests.credit.working.trade import CUSTOMER, NUMBER, arrive, draw, give, half_year, invoice_row, register
from tests.factories import AS_OF
from tests.web.conftest import Scene, signed_in
from tests.web.pages import hidden, words


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-03-02T02:00:00Z", tick=False) as stopped:
        yield stopped


@pytest.fixture
def dora(clock: time_machine.Coordinates, scene: Scene) -> Client:
    return signed_in(scene.world.dora)


def address(scene: Scene, name: str) -> str:
    return reverse(f"credit:{name}", args=[scene.shop_line.ref])


def wanted(scene: Scene, **more: object) -> dict[str, object]:
    return {
        "scenario": "SALES_SHARE", "amount": "3000.00", "instalment_count": 6, "repayment_method": "SALES_SHARE",
        "purpose": "STOCK", "bank_account": str(scene.world.shop_account.ref), **more,
    }  # fmt: skip


def chinese(client: Client, url: str, data: dict[str, object] | None = None) -> str:
    page = client.get(url, data or {}, headers={"accept-language": "zh-hans"})
    assert page.status_code == 200
    return words(page.content)


class TestShare:
    def test_it_refuses_at_the_field_what_sales_do_not_bear(self, scene: Scene, dora: Client) -> None:
        draw_page, cost = address(scene, "draw"), address(scene, "cost")
        nothing = words(dora.get(draw_page, {"scenario": "SALES_SHARE"}).content)
        assert "Give invoices or statements of 3 whole months first" in nothing
        assert "Give records" in nothing
        half_year(scene.shop_line)
        much = dora.get(cost, wanted(scene, amount="9000.00"))
        assert much.status_code == 409
        assert "The share of your expected sales repays 4,000.00" in words(much.content) or "repays" in words(
            much.content
        )
        assert 'aria-invalid="true"' in much.content.decode()

    def test_the_whole_cost_says_what_is_expected_and_what_is_worst(
        self, scene: Scene, dora: Client, clock: time_machine.Coordinates
    ) -> None:
        half_year(scene.shop_line)
        shown = words(dora.get(address(scene, "draw"), {"scenario": "SALES_SHARE"}).content)
        assert "¥12,000.00" in shown
        assert "6% · ¥720.00" in shown
        table = dora.get(address(scene, "cost"), wanted(scene))
        said = words(table.content)
        for sentence in (
            "Annual rate if sales are as expected (IRR)",
            "On day 10 of each month we ask 6% of your sales of the month before, first on 10 May 2026 for 2026-04",
            "at most ¥750.00 a month, and at least that month's interest",
            "Without a report we ask ¥720.00: the share, up to the cap, of the ¥12,000.00 a month",
            "What is left on 10 Oct 2026 is due on that day, whatever was sold.",
            "Sales as expected", "No sales at all", "So many that the cap is asked",
            "Each instalment if sales are as expected",
        ):  # fmt: skip
            assert sentence in said
        zh = chinese(dora, address(scene, "cost"), wanted(scene))
        assert "如果销售额符合预期" in zh
        assert "6%" in zh
        assert "expected" not in zh
        clock.shift(6)
        signed = dora.post(address(scene, "confirm"), {"seal": hidden(table.content)["seal"], "agree": "on"})
        assert signed.status_code == 302, words(signed.content)
        drawdown = Drawdown.objects.get()
        assert (drawdown.scenario, drawdown.loan.agreed.expected_sales) == (
            "SALES_SHARE",
            Decimal("12000.00"),
        )
        for language, title in (("en", "How it is repaid"), ("zh-hans", "如何还款")):
            with translation.override(language):
                paper = contract_paper(drawdown=drawdown)
            assert title in [section.title for section in paper.sections]

    def test_the_owner_reports_and_sees_what_is_asked_and_why(self, scene: Scene, dora: Client) -> None:
        half_year(scene.shop_line)
        loan = arrive(draw(scene.shop_line, "SALES_SHARE", "3000.00"))
        url = reverse("credit:sales", args=[loan.ref])
        assert "2026-04 is not over. You can report it from 1 May 2026 on." in words(dora.get(url).content)
        advance_business_date(to=date(2026, 5, 2))
        loan_page = words(dora.get(reverse("loans:loan", args=[loan.ref])).content)
        assert "6% of sales of ¥12,000.00 in 2026-04 = ¥720.00, at most ¥750.00" in loan_page
        assert "Expected: nothing is reported for this month yet." in loan_page
        told = dora.post(url, {"period": "2026-04", "amount": "12340.00"}, follow=True)
        said = words(told.content)
        assert "Sales of ¥12,340.00 are taken down for 2026-04. On 10 May 2026 ¥740.40 is asked." in said
        assert "reported by you" in said
        loan_page = words(dora.get(reverse("loans:loan", args=[loan.ref])).content)
        assert "6% of sales of ¥12,340.00 in 2026-04 = ¥740.40, at most ¥750.00" in loan_page
        assert "Sales of 2026-04 were reported" in loan_page
        again = words(dora.post(url, {"period": "2026-04", "amount": "12340.00"}, follow=True).content)
        assert "Nothing changed" in again
        other = words(dora.post(url, {"period": "2026-04", "amount": "12000.00"}, follow=True).content)
        assert "¥12,000.00 takes the place of ¥12,340.00 for 2026-04." in other
        none = words(dora.post(url, {"period": "2026-04", "amount": "0"}, follow=True).content)
        assert "The share is less than the interest of the month, so the interest is asked." in none
        assert "2026-04" in chinese(dora, url)

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ({"period": "2026-04", "amount": "-5"}, "Enter an amount such as 1500.00."),
            ({"period": "2026-04", "amount": ""}, "Enter an amount such as 1500.00."),
            ({"period": "2026-03", "amount": "5"}, "The next share is of the sales of 2026-04"),
            ({"period": "soon", "amount": "5"}, "Write the month as YYYY-MM."),
            ({"period": "2026-04", "amount": "5", "loan": "1"}, "This page does not take the field"),
        ],
    )
    def test_a_bad_report_is_said_and_keeps_what_was_typed(
        self, scene: Scene, dora: Client, sent: dict[str, str], said: str
    ) -> None:
        half_year(scene.shop_line)
        loan = arrive(draw(scene.shop_line, "SALES_SHARE", "3000.00"))
        advance_business_date(to=date(2026, 5, 2))
        page = dora.post(reverse("credit:sales", args=[loan.ref]), sent)
        assert page.status_code == 400
        assert said in words(page.content)

    def test_strangers_and_viewers_report_nothing(self, scene: Scene, dora: Client) -> None:
        half_year(scene.shop_line)
        loan = arrive(draw(scene.shop_line, "SALES_SHARE", "3000.00"))
        url = reverse("credit:sales", args=[loan.ref])
        assert "An owner or a finance member reports sales." in words(
            signed_in(scene.world.vic).get(url).content
        )
        for user, status in ((scene.world.vic, 404), (scene.world.charlie, 404), (scene.world.alice, 404)):
            assert signed_in(user).post(url, {"period": "2026-04", "amount": "1"}).status_code == status
        other = arrive(
            draw(
                scene.shop_line,
                "WORKING_CAPITAL",
                "600.00",
                key="k2",
                repayment_method="EQUAL_INSTALMENT",
                instalment_count=3,
            )
        )
        elsewhere = dora.get(reverse("credit:sales", args=[other.ref]))
        assert elsewhere.url == reverse("loans:loan", args=[other.ref])


class TestAdvance:
    def put(self, client: Client, scene: Scene, **more: str) -> object:
        sent = {
            "row": "",
            "number": NUMBER,
            "code": "",
            "customer_name": CUSTOMER,
            "due_date": "2026-04-20",
            **more,
        }
        return client.post(address(scene, "invoice"), sent)

    def test_an_invoice_is_put_forward_and_drawn_on(
        self, scene: Scene, dora: Client, clock: time_machine.Coordinates
    ) -> None:
        empty = words(dora.get(address(scene, "draw"), {"scenario": "INVOICE_ADVANCE"}).content)
        assert "Your records show no unpaid invoice." in empty
        give(scene.shop_line, [invoice_row()])
        page = dora.get(address(scene, "draw"), {"scenario": "INVOICE_ADVANCE"})
        assert "2026-02-20 · …5678 · ¥10,000.00 · up to ¥8,000.00" in words(page.content)
        wrong = self.put(dora, scene, customer_name="别家")
        assert wrong.status_code == 400  # type: ignore[attr-defined]
        assert "Write the customer's name exactly as on the invoice." in words(wrong.content)  # type: ignore[attr-defined]
        assert NUMBER in wrong.content.decode(), "what was typed stays"  # type: ignore[attr-defined]
        kept = self.put(dora, scene)
        found = Invoice.objects.get()
        assert f"invoice={found.ref}" in kept.url  # type: ignore[attr-defined]
        chosen = words(dora.get(kept.url).content)  # type: ignore[attr-defined]
        assert f"…5678 · {CUSTOMER} · up to ¥8,000.00" in chosen
        asked = {"scenario": "INVOICE_ADVANCE", "amount": "8000.01", "purpose": "STOCK", "invoice": str(found.ref),
                 "bank_account": str(scene.world.shop_account.ref)}  # fmt: skip
        much = dora.get(address(scene, "cost"), asked)
        assert much.status_code == 409
        assert "On this invoice at most 8000.00 is advanced." in words(much.content)
        table = dora.get(address(scene, "cost"), asked | {"amount": "8000.00"})
        said = words(table.content)
        for sentence in (
            "At most 80% of the invoice of ¥10,000.00 is advanced.",
            "by 5 May 2026 at the latest: 15 days after the invoice falls due on 20 Apr 2026",
            "Term until 5 May 2026",
            "pledged to nobody else",
        ):
            assert sentence in said
        assert "10.8" in said, "a tenth below the line's 12 %"
        assert "发票" in chinese(dora, address(scene, "cost"), asked | {"amount": "8000.00"})
        clock.shift(6)
        signed = dora.post(address(scene, "confirm"), {"seal": hidden(table.content)["seal"], "agree": "on"})
        assert signed.status_code == 302, words(signed.content)
        assert InvoiceAdvance.objects.get().amount == Decimal("8000.00")
        after = words(dora.get(address(scene, "draw"), {"scenario": "INVOICE_ADVANCE"}).content)
        assert "one invoice serves one draw" in after
        again = dora.post(address(scene, "confirm"), {"seal": hidden(table.content)["seal"], "agree": "on"})
        assert again.status_code == 302, "the same seal finds the same draw"
        assert Drawdown.objects.count() == 1
        with translation.override("en"):
            paper = contract_paper(drawdown=Drawdown.objects.get())
        titles = {section.title: section for section in paper.sections}
        assert ("Invoice number", NUMBER) in titles["The invoice"].pairs
        assert titles["How it is repaid"].text

    def test_two_members_and_an_invoice_that_was_paid_meanwhile(
        self, scene: Scene, dora: Client, clock: time_machine.Coordinates
    ) -> None:
        accounts_operations.set_second_approval(
            business=scene.world.shop, above=Decimal(500), actor=scene.world.dora, as_of=AS_OF
        )
        give(scene.shop_line, [invoice_row()])
        found = register(scene.shop_line)
        asked = {"scenario": "INVOICE_ADVANCE", "amount": "8000.00", "purpose": "STOCK", "invoice": str(found.ref),
                 "bank_account": str(scene.world.shop_account.ref)}  # fmt: skip
        table = dora.get(address(scene, "cost"), asked)
        clock.shift(6)
        signed = dora.post(address(scene, "confirm"), {"seal": hidden(table.content)["seal"], "agree": "on"})
        request = DrawRequest.objects.get()
        assert signed.url == reverse("credit:draw-request", args=[request.ref])
        assert request.invoice == found.ref
        fay = signed_in(scene.world.fay)
        page = fay.get(signed.url)
        assert "At most 80% of the invoice" in words(page.content)
        seal = hidden(page.content)["seal"]
        clock.shift(6)
        give(scene.shop_line, [invoice_row("9000.00")], name="altered.csv")
        gone = fay.post(
            reverse("credit:draw-request-approve", args=[request.ref]), {"seal": seal, "agree": "on"}
        )
        assert "Your records show another amount for this invoice now." in words(gone.content)
        assert "This can no longer be drawn. Nothing was borrowed." in words(gone.content)
        assert not Drawdown.objects.exists()
        give(scene.shop_line, [invoice_row("10000.00"), invoice_row("1.00", number="7")], name="right.csv")
        page = fay.get(signed.url)
        clock.shift(6)
        done = fay.post(
            reverse("credit:draw-request-approve", args=[request.ref]),
            {"seal": hidden(page.content)["seal"], "agree": "on"},
        )
        assert done.status_code == 302, words(done.content)
        assert InvoiceAdvance.objects.get().invoice_id == found.pk

    def test_strangers_put_nothing_forward(self, scene: Scene, dora: Client) -> None:
        give(scene.shop_line, [invoice_row()])
        for user in (scene.world.charlie, scene.world.alice, scene.world.vic):
            assert self.put(signed_in(user), scene).status_code in (403, 404)  # type: ignore[attr-defined]
        own = signed_in(scene.world.alice).post(reverse("credit:invoice", args=[scene.line.ref]), {})
        assert own.status_code == 302
        assert not Invoice.objects.exists()


def test_the_page_stays_within_its_questions(
    scene: Scene, dora: Client, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    half_year(scene.shop_line)
    give(scene.shop_line, [invoice_row()])
    register(scene.shop_line)
    operations.set_auto_debit(line_id=scene.shop_line.pk, is_on=False, actor=None)
    # invoices are held against the records, the group's names and what is owed on a customer's: eight questions more
    for scenario, most in (("SALES_SHARE", 12), ("INVOICE_ADVANCE", 20)):
        dora.get(address(scene, "draw"), {"scenario": scenario})
        with django_assert_max_num_queries(most):
            dora.get(address(scene, "draw"), {"scenario": scenario})
