"""The demo's shop has one loan of each kind, and reports its sales."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import BankAccount
from credit.demo.working import trade
from credit.models import Drawdown, InvoiceAdvance
from credit.operations import reports_of
from ledger.operations import advance_business_date
from tests.credit.working.trade import arrive, half_year
from tests.factories import AS_OF
from tests.web.conftest import Scene
from tests.web.conftest import scene as scene

pytestmark = pytest.mark.django_db


def test_one_of_each_and_a_second_day_draws_nothing_more(scene: Scene) -> None:
    half_year(scene.shop_line, "40000.00")
    BankAccount.objects.filter(pk=scene.world.shop_account.pk).update(is_default=True)
    told = {"shop": scene.world.shop, "owner": scene.world.dora, "line": scene.shop_line}
    trade(**told, day=AS_OF, last=AS_OF + timedelta(100))
    assert not Drawdown.objects.exists(), "too early"
    trade(**told, day=AS_OF, last=AS_OF + timedelta(30))
    drawn = {row.scenario: row for row in Drawdown.objects.select_related("loan")}
    assert set(drawn) == {"INVOICE_ADVANCE", "SALES_SHARE"}
    assert InvoiceAdvance.objects.count() == 1
    loan = arrive(drawn["SALES_SHARE"])
    advance_business_date(to=date(2026, 5, 2))
    trade(**told, day=date(2026, 5, 2), last=date(2026, 5, 10))
    assert set(reports_of(loan_id=loan.pk)) == {"2026-04"}
    assert Drawdown.objects.count() == 2
