"""Working capital over the API: a quote that says what is expected, invoices, draws, reports of sales."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from credit.models import Drawdown, InvoiceAdvance
from ledger.operations import advance_business_date
from tests.api.conftest import Caller, Scene
from tests.credit.working.trade import CUSTOMER, NUMBER, arrive, draw, give, half_year, invoice_row, register
from tests.web.conftest import signed_in
from tests.web.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(scene: Scene) -> Caller:
    return Caller(scene.world.dora)


def line(scene: Scene) -> str:
    return f"/lines/{scene.shop_line.ref}"


def drawn(scene: Scene, **more: object) -> dict[str, object]:
    return {
        "amount": "3000.00", "currency": "CNY", "instalment_count": 6, "repayment_method": "SALES_SHARE",
        "scenario": "SALES_SHARE", "purpose": "STOCK", "bank_account": str(scene.world.shop_account.ref),
        "terms_version": "share-of-sales@1", **more,
    }  # fmt: skip


class TestShare:
    ASKED = "amount=3000.00&scenario=SALES_SHARE&repayment_method=SALES_SHARE&instalment_count=6"

    def test_it_refuses_with_code_field_and_the_way_on(self, scene: Scene, dora: Caller) -> None:
        thin = dora.get(f"{line(scene)}/quote?{self.ASKED}")
        assert (thin.status_code, thin.json()["code"]) == (409, "sales_unknown")
        half_year(scene.shop_line)
        much = dora.get(f"{line(scene)}/quote?{self.ASKED.replace('3000', '9000')}").json()
        assert much["code"] == "sales_too_low"
        assert "repays" in str(much)
        sent = dora.post(f"{line(scene)}/drawdowns", drawn(scene, amount="9000.00"), key="k1")
        assert (sent.status_code, sent.json()["code"]) == (409, "sales_too_low")

    def test_a_quote_names_what_is_expected_and_what_is_worst(self, scene: Scene, dora: Caller) -> None:
        half_year(scene.shop_line)
        told = dora.get(f"{line(scene)}/quote?{self.ASKED}").json()
        assert told["basis"] == "EXPECTED_SALES"
        expected, worst, most = told["cases"]
        assert (expected["first_asked"], most["first_asked"]) == ("720.00", "750.00")
        assert Decimal(worst["last_asked"]) > 3000
        assert worst["last_date"] == "2026-10-10"
        assert Decimal(worst["cost"]) > Decimal(expected["cost"])
        assert Decimal(told["annual_rates"]["pboc_irr"]) == Decimal(expected["annual_rate"])
        assert any("Without a report we ask" in sentence for sentence in told["how_repaid"])
        plain = dora.get(
            f"{line(scene)}/quote?amount=500.00&scenario=WORKING_CAPITAL&repayment_method=BULLET&instalment_count=1"
        ).json()
        assert (plain["basis"], plain["how_repaid"], plain["cases"]) == ("AGREED", [], [])

    def test_sales_are_reported_replaced_and_repeated(self, scene: Scene, dora: Caller) -> None:
        half_year(scene.shop_line)
        sent = dora.post(f"{line(scene)}/drawdowns", drawn(scene), key="k1")
        assert sent.status_code == 201, sent.json()
        loan = arrive(Drawdown.objects.get(ref=sent.json()["ref"]))
        advance_business_date(to=date(2026, 5, 2))
        url = f"/loans/{loan.ref}/sales"
        body = {"period": "2026-04", "amount": "12340.00", "currency": "CNY"}
        sent = dora.post(url, body)
        assert sent.status_code == 200, sent.json()
        first = sent.json()
        assert (first["asked"], first["changed"], first["replaced"]) == ("740.40", True, None)
        assert first["words"] == "6% of sales of ¥12,340.00 in 2026-04 = ¥740.40, at most ¥750.00"
        again = dora.post(url, body).json()
        assert (again["changed"], again["replaced"]) == (False, None)
        other = dora.post(url, body | {"amount": "0.00"}).json()
        assert (other["asked"], other["replaced"], other["told_by"]) == ("0.00", "12340.00", "OWNER")
        rows = dora.get(url).json()
        assert [row["told_by"] for row in rows[:2]] == ["OWNER", "EXPECTED"]
        zh = Caller(scene.world.dora, language="zh-hans").get(url).json()
        assert "销售额" in zh[0]["words"]

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({"period": "2026-03"}, "sales_period_closed", "period"),
            ({"period": "2026-5"}, "period_invalid", "period"),
            ({"period": "2026-13"}, "period_invalid", "period"),
            ({"amount": "-1.00"}, "amount_invalid", "amount"),
            ({"amount": "1e9"}, "amount_invalid", "amount"),
            ({"currency": "USD"}, "currency_invalid", "currency"),
            ({"more": "x"}, "unknown_field", "more"),
        ],
    )
    def test_bad_reports(
        self, scene: Scene, dora: Caller, body: dict[str, str], code: str, field: str
    ) -> None:
        half_year(scene.shop_line)
        loan = arrive(draw(scene.shop_line, "SALES_SHARE", "3000.00"))
        advance_business_date(to=date(2026, 5, 2))
        sent = dora.post(
            f"/loans/{loan.ref}/sales",
            {"period": "2026-04", "amount": "5.00", "currency": "CNY", **body},
        )
        assert sent.status_code == 400
        assert code in str(sent.json())
        assert field in str(sent.json())
        other = dora.get(f"/loans/{scene.shop_loan.ref}/sales")
        assert other.json()["code"] == "loan_not_by_sales"
        vic = Caller(scene.world.vic)
        assert vic.get(f"/loans/{loan.ref}/sales").status_code == 200
        assert vic.post(
            f"/loans/{loan.ref}/sales", {"period": "2026-04", "amount": "5.00", "currency": "CNY"}
        ).status_code in (403, 404)


class TestInvoices:
    def test_from_the_list_to_the_draw(self, scene: Scene, dora: Caller) -> None:
        give(scene.shop_line, [invoice_row()])
        listed = dora.get(f"{line(scene)}/invoices").json()
        assert listed["put_forward"] == []
        [seen] = listed["unpaid"]
        assert (seen["tail"], seen["amount"], seen["most"]) == ("…5678", "10000.00", "8000.00")
        body = {"row": seen["row"], "number": NUMBER, "customer_name": CUSTOMER, "due_date": "2026-04-20"}
        wrong = dora.post(f"{line(scene)}/invoices", body | {"customer_name": "别家"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "customer_mismatch")
        kept = dora.post(f"{line(scene)}/invoices", body)
        assert kept.status_code == 201, kept.json()
        assert (kept.json()["most"], kept.json()["why_not"]) == ("8000.00", None)
        terms = {"scenario": "INVOICE_ADVANCE", "repayment_method": "BULLET", "instalment_count": 1}
        query = "&".join(f"{name}={value}" for name, value in terms.items())
        quoted = dora.get(f"{line(scene)}/quote?amount=8000.00&{query}&invoice={kept.json()['ref']}").json()
        assert quoted["instalments"][0]["due_date"] == "2026-05-05"
        assert quoted["annual_rates"]["nominal"] == "0.108000"
        none = dora.get(f"{line(scene)}/quote?amount=8000.00&{query}").json()
        assert none["code"] == "invoice_required"
        sent = drawn(
            scene, amount="8000.00", terms_version="invoice-advance@1", invoice=kept.json()["ref"], **terms
        )
        done = dora.post(f"{line(scene)}/drawdowns", sent, key="k1")
        assert done.status_code == 201, done.json()
        again = dora.post(f"{line(scene)}/drawdowns", sent, key="k1")
        assert again.json()["ref"] == done.json()["ref"]
        twice = dora.post(f"{line(scene)}/drawdowns", sent, key="k2")
        assert (twice.status_code, twice.json()["code"]) == (409, "invoice_pledged")
        assert InvoiceAdvance.objects.count() == 1
        after = dora.get(f"{line(scene)}/invoices").json()
        assert after["put_forward"][0]["why_not"]["code"] == "invoice_pledged"
        assert after["unpaid"] == []

    def test_only_who_may_draw_for_the_business(self, scene: Scene) -> None:
        for user in (scene.world.charlie, scene.world.alice, scene.world.vic):
            assert Caller(user).get(f"{line(scene)}/invoices").status_code in (403, 404)
        own = Caller(scene.world.alice).get(f"/lines/{scene.line.ref}/invoices")
        assert (own.status_code, own.json()["code"]) == (409, "line_family")


def test_the_desk_shows_what_stands_behind_a_loan(scene: Scene) -> None:
    from django.contrib.auth.models import Group

    from accounts.operations import enrol_totp
    from tests.factories import UserFactory
    from tests.world import TOTP_SECRET

    half_year(scene.shop_line)
    share = arrive(draw(scene.shop_line, "SALES_SHARE", "3000.00"))
    give(scene.shop_line, [invoice_row()], name="i.csv")
    advance = arrive(
        draw(scene.shop_line, "INVOICE_ADVANCE", "8000.00", key="k2", invoice=register(scene.shop_line).ref)
    )
    officer = UserFactory(is_staff=True)
    enrol_totp(user=officer, secret=TOTP_SECRET)
    officer.groups.add(Group.objects.get(name="Credit officer"))
    desk = signed_in(officer)
    loan = words(desk.get(reverse("admin:loans_loan_change", args=[share.pk])).content)
    assert "6% of sales, at most ¥750.00 a month; ¥12,000.00 a month are expected" in loan
    invoice = words(desk.get(reverse("admin:loans_loan_change", args=[advance.pk])).content)
    assert "¥8,000.00 on invoice …5678 over ¥10,000.00 to 长江***" in invoice
    assert CUSTOMER not in invoice
    for name in ("credit_invoice", "credit_invoiceadvance"):
        table = desk.get(reverse(f"admin:{name}_changelist"))
        assert table.status_code == 200
        assert "…5678" in words(table.content)
        assert NUMBER not in table.content.decode()
    assert {share.portfolio, advance.portfolio} == {"SALES_SHARE", "INVOICE_ADVANCE"}
