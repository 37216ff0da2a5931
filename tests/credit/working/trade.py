"""A shop's trade for tests of working capital: sales of whole months in a file, open invoices, customers who pay."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from credit import operations
from credit.models import CreditLine, Drawdown, Invoice
from loans import operations as loan_operations
from loans.models import Loan
from risk.evidence.operations import import_statement
from tests.credit.factories import account_of
from tests.factories import AS_OF, NOW

D = Decimal
HEAD = "发票号码,开票日期,购方名称,价税合计,发票状态"
CUSTOMER = "长江贸易有限公司"
NUMBER = "26332000000012345678"
ISSUED = date(2026, 2, 20)


def give(line: CreditLine, rows: list[str], *, as_of: date = AS_OF, name: str = "s.csv") -> None:
    """Upload a list of sales invoices."""
    stream = io.BytesIO("\n".join([HEAD, *rows]).encode())
    import_statement(
        borrower_id=line.borrower_id, kind="INVOICES_SALES", stream=stream, file_name=name, mapping=None, as_of=as_of,
        now=NOW, isolated=False,
    )  # fmt: skip


def month_of_sales(month: date, amount: str, *, first: int) -> list[str]:
    """Sell an amount in a month, in four equal parts spread from its first day to its last."""
    last = (month + timedelta(32)).replace(day=1) - timedelta(1)
    days = [month, month.replace(day=10), month.replace(day=20), last]
    part = D(amount) / 4
    return [f"{first + at:08d},{day.isoformat()},客户{at},{part:.2f},正常" for at, day in enumerate(days)]


def half_year(line: CreditLine, amount: str = "12000.00", *, months: int = 6) -> None:
    """Give the sales of whole months before the books' day."""
    rows = []
    for back in range(months, 0, -1):
        index = AS_OF.year * 12 + AS_OF.month - 1 - back
        rows += month_of_sales(date(index // 12, index % 12 + 1, 1), amount, first=1000 + back * 10)
    give(line, rows)


def invoice_row(amount: str = "10000.00", *, number: str = NUMBER, customer: str = CUSTOMER, state: str = "正常",
                day: date = ISSUED) -> str:  # fmt: skip
    return f"{number},{day.isoformat()},{customer},{amount},{state}"


def register(line: CreditLine, **values: Any) -> Invoice:
    return operations.register_invoice(
        **{
            "business": line.borrower, "number": NUMBER, "code": "", "customer_name": CUSTOMER,
            "due_date": date(2026, 4, 20), "actor": None, "as_of": AS_OF, **values,
        }
    )  # fmt: skip


def draw(
    line: CreditLine, scenario: str, amount: str, *, key: str = "k1", as_of: date = AS_OF, **values: Any
) -> Drawdown:
    method, count = ("SALES_SHARE", 6) if scenario == "SALES_SHARE" else ("BULLET", 1)
    return operations.draw_down(
        **{
            "line_id": line.pk, "amount": D(amount), "instalment_count": count, "repayment_method": method,
            "purpose": "STOCK", "scenario": scenario, "bank_account_id": account_of(line.borrower).pk,
            "idempotency_key": key, "actor": None, "as_of": as_of, **values,
        }
    )  # fmt: skip


def arrive(drawdown: Drawdown, *, as_of: date = AS_OF) -> Loan:
    """Let the money arrive."""
    loan_operations.confirm_payout(
        payout_id=drawdown.loan.payout.pk, provider_reference=f"p{drawdown.pk}", amount=drawdown.amount,
        currency="CNY", as_of=as_of, now=NOW,
    )  # fmt: skip
    return Loan.objects.get(pk=drawdown.loan_id)
