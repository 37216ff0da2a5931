"""A share of sales: what is lent on it, how sales come in, what a due date asks and why."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice
from credit import operations, queries
from credit.models import CreditLine, Product
from credit.operations import Report
from ledger.queries import business_date
from loans.domain.sales import EXPECTED, OWNER, RECORDS, asked_of
from loans.models import Collection, Instalment, Loan, LoanEventRow
from regimes.errors import Refusal
from tests.credit.test_night import close
from tests.credit.working.trade import D, arrive, draw, give, half_year, month_of_sales
from tests.factories import AS_OF
from tests.web.conftest import Scene
from tests.web.conftest import scene as scene

pytestmark = pytest.mark.django_db
APRIL, MAY_DUE = date(2026, 4, 1), date(2026, 5, 10)


def refused(call: object, **values: object) -> Refusal:
    with pytest.raises(Refusal) as found:
        call(**values)  # type: ignore[operator]
    return found.value


@pytest.fixture
def line(scene: Scene) -> CreditLine:
    half_year(scene.shop_line)
    return scene.shop_line


@pytest.fixture
def loan(line: CreditLine) -> Loan:
    return arrive(draw(line, "SALES_SHARE", "3000.00"))


def test_it_refuses_a_share_of_what_nobody_knows(scene: Scene) -> None:
    assert (
        refused(draw, line=scene.shop_line, scenario="SALES_SHARE", amount="3000.00").code == "sales_unknown"
    )
    half_year(scene.shop_line, months=2)
    assert (
        refused(draw, line=scene.shop_line, scenario="SALES_SHARE", amount="3000.00").code == "sales_unknown"
    )


def test_it_refuses_old_records_too_much_and_a_second_at_a_time(line: CreditLine) -> None:
    late = AS_OF + timedelta(61)
    old = refused(draw, line=line, scenario="SALES_SHARE", amount="3000.00", as_of=late)
    assert (old.code, old.field) == ("sales_stale", "scenario")
    much = refused(draw, line=line, scenario="SALES_SHARE", amount="9000.00")
    assert (much.code, much.field) == ("sales_too_low", "amount")
    most = D(str(much.params["most"]))
    assert 3000 < most < 6 * 720
    arrive(draw(line, "SALES_SHARE", f"{most:.2f}"))
    again = refused(draw, line=line, scenario="SALES_SHARE", amount="1000.00", key="k2")
    assert again.code == "share_running"
    assert draw(
        line, "WORKING_CAPITAL", "100.00", key="k3", repayment_method="EQUAL_INSTALMENT", instalment_count=3
    )


def test_the_product_and_its_terms_are_in_the_contract(line: CreditLine) -> None:
    drawdown = draw(line, "SALES_SHARE", "3000.00", terms_version="share-of-sales@1")
    terms = drawdown.loan.agreed
    assert (terms.sales_share, terms.period_cap, terms.expected_sales) == (
        D("0.06"),
        D("750.00"),
        D("12000.00"),
    )
    assert terms.annual_rate == line.annual_rate
    dues = [row.due_date for row in drawdown.loan.instalments.order_by("number")]
    assert (dues[0], dues[-1], len(dues)) == (MAY_DUE, date(2026, 10, 10), 6)
    first = drawdown.loan.instalments.get(number=1)
    assert first.principal_due + first.interest_due == D("720.00"), "6 % of the 12,000.00 that are expected"
    worst = queries.worst_case(terms)
    assert worst.instalments[-1].due.principal == D("3000.00")
    assert worst.totals.interest > sum(row.interest_due for row in drawdown.loan.instalments.all())


def report(loan: Loan, amount: str, *, month: date = APRIL, as_of: date = date(2026, 5, 2)) -> Report:
    return operations.report_month(
        drawdown_id=loan.drawdown.pk, month=month, amount=D(amount), actor=None, as_of=as_of
    )


class TestReports:
    def test_it_refuses_the_wrong_month_an_open_one_and_a_late_one(self, loan: Loan) -> None:
        wrong = refused(report, loan=loan, amount="1.00", month=date(2026, 3, 1))
        assert (wrong.code, wrong.field, wrong.params["wanted"]) == (
            "sales_period_closed",
            "period",
            "2026-04",
        )
        early = refused(report, loan=loan, amount="1.00", as_of=date(2026, 4, 30))
        assert (early.code, early.params["day"]) == ("sales_period_open", "2026-05-01")
        late = refused(report, loan=loan, amount="1.00", as_of=MAY_DUE)
        assert (late.code, late.params["wanted"]) == ("sales_period_closed", "2026-05")
        for amount in ("-1.00", "1.001"):
            assert refused(report, loan=loan, amount=amount).code == "amount_invalid"

    def test_it_refuses_another_kind_of_loan(self, line: CreditLine) -> None:
        other = arrive(draw(line, "WORKING_CAPITAL", "600.00", repayment_method="EQUAL_INSTALMENT"))
        assert refused(report, loan=other, amount="1.00").code == "loan_not_by_sales"

    def test_it_refuses_less_than_the_records_show_and_takes_more(self, line: CreditLine, loan: Loan) -> None:
        give(line, month_of_sales(APRIL, "10000.00", first=5000), as_of=date(2026, 5, 2), name="april.csv")
        less = refused(report, loan=loan, amount="9999.99")
        assert (less.code, less.field, less.params["seen"]) == ("sales_below_records", "amount", "10000.00")
        assert report(loan, "10500.00").asked.asked == D("630.00")

    def test_a_report_is_asked_and_told_and_a_repeat_is_not_a_second(self, loan: Loan) -> None:
        told = report(loan, "12340.00")
        assert (told.asked.asked, told.asked.sales, told.asked.is_capped) == (
            D("740.40"),
            D("12340.00"),
            False,
        )
        row = Instalment.objects.get(loan=loan, number=1)
        assert row.outstanding == D("740.40")
        again = report(loan, "12340.00")
        assert again.is_repeat
        assert again.event == told.event
        assert LoanEventRow.objects.filter(loan=loan, kind="SALES").count() == 1
        assert Notice.objects.filter(kind="sales_asked").values("dedup_key").distinct().count() == 1

    def test_another_figure_takes_the_place_of_the_first_up_to_the_cap(self, loan: Loan) -> None:
        report(loan, "12340.00")
        anew = report(loan, "20000.00")
        assert (anew.before, anew.asked.asked, anew.asked.is_capped) == (D("12340.00"), D("750.00"), True)
        assert Instalment.objects.get(loan=loan, number=1).outstanding == D("750.00")
        least = report(loan, "0.00")
        assert least.asked.asked == 0
        row = Instalment.objects.get(loan=loan, number=1)
        assert (row.principal_due, row.outstanding) == (0, row.interest_due), "interest is always asked"


class TestNights:
    """The books move day by day; each night does what the ones before left."""

    def run_to(self, day: date) -> None:
        from ledger.operations import advance_business_date

        advance_business_date(to=day)

    def test_records_are_read_once_and_a_higher_report_stands(self, line: CreditLine, loan: Loan) -> None:
        as_of = date(2026, 5, 3)
        give(line, month_of_sales(APRIL, "10000.00", first=5000), as_of=as_of, name="april.csv")
        assert operations.read_sales(as_of=date(2026, 4, 30)) == {"sales_read": 0}
        assert operations.read_sales(as_of=as_of) == {"sales_read": 1}
        assert operations.read_sales(as_of=as_of) == {"sales_read": 0}
        row = operations.reports_of(loan_id=loan.pk)["2026-04"]
        assert (row.amount, row.data["source"]) == (D("10000.00"), RECORDS)
        report(loan, "11000.00", as_of=as_of)
        assert operations.read_sales(as_of=as_of) == {"sales_read": 0}
        assert operations.reports_of(loan_id=loan.pk)["2026-04"].data["source"] == OWNER

    def test_half_a_month_of_records_is_no_month(self, line: CreditLine, loan: Loan) -> None:
        rows = [row for row in month_of_sales(APRIL, "10000.00", first=5000) if "-04-30" not in row]
        give(line, rows, as_of=date(2026, 5, 3), name="half.csv")
        assert operations.read_sales(as_of=date(2026, 5, 3)) == {"sales_read": 0}

    def test_the_owner_is_reminded_twice_of_what_is_asked_instead(self, loan: Loan) -> None:
        sent = [
            operations.remind_of_sales(as_of=day)
            for day in (
                date(2026, 4, 30),
                date(2026, 5, 1),
                date(2026, 5, 2),
                date(2026, 5, 7),
                date(2026, 5, 8),
            )
        ]
        assert [bool(count) for count in sent] == [False, True, False, True, False]
        notice = Notice.objects.filter(kind="sales_missing").first()
        assert notice is not None
        assert notice.params["asked"] == "720.00"
        report(loan, "100.00", as_of=date(2026, 5, 8))
        assert operations.remind_of_sales(as_of=date(2026, 5, 9)) == 0

    def test_without_a_report_the_expected_share_is_asked_and_pulled(
        self, line: CreditLine, loan: Loan
    ) -> None:
        operations.set_auto_debit(line_id=line.pk, is_on=True, actor=None)
        self.run_to(date(2026, 5, 9))
        assert close(date(2026, 5, 9)).status == "DONE"
        assert not Collection.objects.exists()
        assert close(MAY_DUE).status == "DONE", "the books balance"
        pulled = Collection.objects.get()
        assert (pulled.amount, pulled.requested_date) == (D("720.00"), MAY_DUE)
        asked = asked_of(terms=loan.agreed, due_date=MAY_DUE, reports={})
        assert (asked.source, asked.asked, asked.month) == (EXPECTED, D("720.00"), APRIL)
        assert business_date() == date(2026, 5, 11)

    def test_the_night_asks_a_share_of_what_the_records_show(self, line: CreditLine, loan: Loan) -> None:
        operations.set_auto_debit(line_id=line.pk, is_on=True, actor=None)
        give(line, month_of_sales(APRIL, "8000.00", first=5000), as_of=date(2026, 5, 3), name="april.csv")
        self.run_to(date(2026, 5, 9))
        close(MAY_DUE)
        assert Collection.objects.get().amount == D("480.00")


def test_it_can_be_offered_in_another_version(scene: Scene) -> None:
    rules = {"kind": "SALES_SHARE", "share": "0.08", "cap": "0.20", "due_day": 15, "price": "0.95"}
    drafted = operations.draft_product(
        code="share-of-sales", changes={"working_rules": rules}, actor=scene.world.bob
    )
    operations.activate_product(product_id=drafted.pk, actor=scene.world.erin)
    half_year(scene.shop_line)
    terms = draw(scene.shop_line, "SALES_SHARE", "3000.00").loan.agreed
    assert (terms.sales_share, terms.period_cap, terms.due_day) == (D("0.08"), D("600.00"), 15)
    assert terms.annual_rate == Decimal("0.114000")
    for wrong in (
        None,
        {"kind": "SALES_SHARE", "share": "2"},
        {**rules, "due_day": 31},
        {"kind": "BARTER"},
        {**rules, "more": "1"},
    ):
        found = refused(
            operations.draft_product,
            code="share-of-sales",
            changes={"working_rules": wrong},
            actor=scene.world.bob,
        )
        assert (found.code, found.field) == ("product_field_invalid", "working_rules")
    assert Product.objects.filter(code="share-of-sales", is_active=True).count() == 1


def test_nobody_applies_for_it(scene: Scene) -> None:
    codes = [row.code for row in queries.products(borrower=scene.world.shop)]
    assert codes == ["working-capital"]
    found = refused(
        operations.submit_application, borrower=scene.world.dora_person, product_code="share-of-sales",
        requested_amount=D(5000), purpose="STOCK", actor=scene.world.dora, as_of=AS_OF, now=None, occupation="",
    )  # fmt: skip
    assert found.code in ("product_invalid", "step_missing")
