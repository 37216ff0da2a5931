"""The demo's named shop trades on: one loan repaid by a share of its sales, one advance on an invoice, sales reported."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import BankAccount, Borrower, User
from credit import operations
from credit.domain.working import STEP, ShareRules
from credit.models import CreditLine, Drawdown, Invoice, Product
from credit.queries import debt_of_line, expected_sales, most_on_sales
from loans.domain.sales import month_after, month_asked, period_name
from regimes.errors import Refusal
from risk.evidence.operations import import_statement

LAST_DAYS = 60  # of the demo: so that both loans still run when a visitor comes
CUSTOMERS = ("长江贸易有限公司", "东湖食品批发部", "南山餐饮管理有限公司")
LONG = 40  # days until the customer pays


def trade(*, shop: Borrower, owner: User, line: CreditLine, day: date, last: date) -> None:
    """Do what the shop's owner does on a day; what is done already, or refused today, is left."""
    if line.status != CreditLine.Status.ACTIVE or (last - day).days > LAST_DAYS:
        return
    drawn = set(Drawdown.objects.filter(line=line).values_list("scenario", flat=True))
    if "INVOICE_ADVANCE" not in drawn:
        _advance(shop, owner, line, day)
    if "SALES_SHARE" not in drawn:
        _share(owner, line, day)
    else:
        _report(owner, line, day)


def _room(line: CreditLine, part: int) -> Decimal:
    room = line.limit - debt_of_line(line_id=line.pk).exposure
    return room / part // STEP * STEP


def _share(owner: User, line: CreditLine, day: date) -> None:
    product = Product.objects.get(scenario="SALES_SHARE", is_active=True)
    rules = product.terms().working
    assert isinstance(rules, ShareRules)
    try:
        expected = expected_sales(business_id=line.borrower_id, as_of=day)
        most = most_on_sales(line=line, rules=rules, count=6, expected=expected)
        _draw(owner, line, product, min(most, _room(line, 3)), 6, "SALES_SHARE", day)
    except Refusal:
        return


def _advance(shop: Borrower, owner: User, line: CreditLine, day: date) -> None:
    product = Product.objects.get(scenario="INVOICE_ADVANCE", is_active=True)
    amount = _room(line, 4)
    if amount < product.minimum_amount:
        return
    invoice = Invoice.objects.filter(business=shop, advances=None).order_by("-pk").first()
    try:
        if invoice is None or invoice.due_date <= day:
            invoice = _put_forward(shop, owner, amount * 2, day)
        _draw(owner, line, product, amount, 1, "BULLET", day, invoice=invoice)
    except Refusal:
        return


def _put_forward(shop: Borrower, owner: User, amount: Decimal, day: date) -> Invoice:
    """Upload a list of three invoices, and name the first of them."""
    rows = ["发票号码,开票日期,购方名称,价税合计,发票状态"]
    issued = day - timedelta(days=3)
    numbers = [f"2633{issued:%Y%m%d}{at:08d}" for at in range(1, len(CUSTOMERS) + 1)]
    for at, (number, customer) in enumerate(zip(numbers, CUSTOMERS, strict=True)):
        rows.append(f"{number},{issued},{customer},{amount * (at + 2) / 2:.2f},正常")
    import_statement(
        borrower_id=shop.pk,
        kind="INVOICES_SALES",
        stream=io.BytesIO("\n".join(rows).encode()),
        file_name=f"invoices-{issued}.csv",
        as_of=day,
        now=datetime.combine(day, time(10), ZoneInfo(settings.TIME_ZONE)),
        actor=owner,
        isolated=False,
    )
    return operations.register_invoice(
        business=shop,
        number=numbers[0],
        code="",
        customer_name=CUSTOMERS[0],
        due_date=day + timedelta(days=LONG),
        actor=owner,
        as_of=day,
    )


def _draw(
    owner: User,
    line: CreditLine,
    product: Product,
    amount: Decimal,
    count: int,
    method: str,
    day: date,
    *,
    invoice: Invoice | None = None,
) -> None:
    account = BankAccount.objects.filter(borrower_id=line.borrower_id, is_default=True).first()
    if account is None or amount < product.minimum_amount:
        return
    operations.draw_down(
        line_id=line.pk,
        amount=amount,
        instalment_count=count,
        repayment_method=method,
        purpose="STOCK",
        scenario=product.scenario,
        bank_account_id=account.pk,
        idempotency_key=f"demo-{product.code}-{day}",
        actor=owner,
        as_of=day,
        terms_version=product.terms().terms_version,
        invoice=invoice.ref if invoice is not None else None,
    )


def _report(owner: User, line: CreditLine, day: date) -> None:
    """Report the month that the next due date asks about, once it is over, a little above what was expected."""
    drawdown = Drawdown.objects.select_related("loan").filter(line=line, scenario="SALES_SHARE").first()
    if drawdown is None or not drawdown.loan.is_live:
        return
    due_date = operations.coming_due_date(loan_id=drawdown.loan_id, as_of=day)
    if due_date is None:
        return
    month, expected = month_asked(due_date), drawdown.loan.agreed.expected_sales
    told = operations.reports_of(loan_id=drawdown.loan_id)
    if expected is None or day < month_after(month) or period_name(month) in told:
        return
    try:
        operations.report_month(
            drawdown_id=drawdown.pk, month=month, amount=expected * 11 // 10, actor=owner, as_of=day
        )
    except Refusal:
        return
