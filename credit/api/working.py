"""Working capital: invoices put forward, sales reported."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import DateField, PortalView, RefField, StrictSerializer, TextField, documented
from credit import access, operations, queries
from credit.api.answers import AskedOut, InvoiceOut, InvoicesOut, SalesReportOut
from credit.api.lines import LineView
from credit.domain.working import AdvanceRules, UnableToAdvance, UnableToReportSales, most_advanced
from credit.models import CreditLine, Product
from credit.views.sales import read_month
from ledger.queries import business_date
from loans.api_fields import AmountField, CurrencyField
from loans.domain.sales import Asked, asked_of, period_name
from loans.models import Instalment
from loans.views.words import asked_words
from regimes.errors import N_, Refusal


class InvoiceBody(StrictSerializer):
    number = TextField(most=30, help_text="As it is printed.")
    code = TextField(most=30, required=False, blank=True, help_text="Only older invoices have one.")
    customer_name = TextField(most=120, help_text="Exactly as on the invoice.")
    due_date = DateField(help_text="By when the customer pays.")
    row = RefField(required=False, help_text="Of an unpaid invoice in the answer: the number must be its.")


class SalesBody(StrictSerializer):
    period = TextField(most=7, help_text="The month, such as 2026-10.")
    amount = AmountField(zero=True, help_text="All sales of the month; 0.00 where nothing was sold.")
    currency = CurrencyField()


class Invoices(LineView):
    @documented("List invoices that can be advanced on", response=InvoicesOut)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        line = self.line(ref, spending=True)
        rules, as_of = _rules(line), business_date()
        standing = queries.registered_invoices(line=line, rules=rules, as_of=as_of)
        unpaid = queries.unpaid_invoices(line=line, rules=rules, as_of=as_of)
        found = {
            "put_forward": [_standing(row) for row in standing],
            "unpaid": [
                {
                    "row": uuid.UUID(bytes=row.sale.identity),
                    "tail": row.sale.tail,
                    "issue_date": row.sale.day,
                    "amount": row.sale.amount,
                    "most": most_advanced(rules, row.sale.amount),
                }
                for row in unpaid
            ],
        }
        return Response(InvoicesOut(found).data)

    @documented("Put an invoice forward", request=InvoiceBody, response=InvoiceOut, status=201)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        line, asked = self.line(ref, spending=True), self.body(InvoiceBody)
        rules, as_of = _rules(line), business_date()
        row = asked.pop("row", None)
        kept = operations.register_invoice(
            business=line.borrower,
            **{"code": "", **asked},
            identity=row.bytes if row else None,
            actor=self.user,
            as_of=as_of,
        )
        standing = queries.registered_invoices(line=line, rules=rules, as_of=as_of)
        found = next(each for each in standing if each.invoice.pk == kept.pk)
        return Response(InvoiceOut(_standing(found)).data, status=201)


def _rules(line: CreditLine) -> AdvanceRules:
    product = Product.objects.filter(scenario="INVOICE_ADVANCE", family=line.family, is_active=True).first()
    rules = product.terms().working if product is not None else None
    if not isinstance(rules, AdvanceRules):
        raise UnableToAdvance(
            "line_family", N_("Only a business line is advanced on invoices."), field="line"
        )
    return rules


def _standing(row: queries.InvoiceStanding) -> dict[str, Any]:
    from accounts.pages import sentence

    why = row.refusal
    return {
        "invoice": row.invoice,
        "most": row.most,
        "why_not": {"code": why.code, "text": sentence(why)} if isinstance(why, Refusal) else None,
    }


class Sales(PortalView):
    @documented("See what is asked of sales", response=AskedOut(many=True))
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        drawdown = _drawdown(self, ref, access.READERS)
        reports = operations.reports_of(loan_id=drawdown.loan_id)
        terms = drawdown.loan.agreed
        days = Instalment.objects.filter(loan_id=drawdown.loan_id).order_by("due_date", "number")
        rows = [
            _asked(asked_of(terms=terms, due_date=day, reports=reports))
            for day in days.values_list("due_date", flat=True)
        ]
        return Response(AskedOut(rows, many=True).data)

    @documented("Report a month's sales", request=SalesBody, response=SalesReportOut)
    def post(self, request: Request, ref: uuid.UUID) -> Response:
        drawdown = _drawdown(self, ref, access.SPENDERS)
        asked = self.body(SalesBody)
        told = operations.report_month(
            drawdown_id=drawdown.pk,
            month=read_month(asked["period"]),
            amount=asked["amount"],
            actor=self.user,
            as_of=business_date(),
        )
        found = {
            **_asked(told.asked),
            "replaced": None if told.is_repeat else told.before,
            "changed": not told.is_repeat,
        }
        return Response(SalesReportOut(found).data)


def _drawdown(view: PortalView, ref: uuid.UUID, roles: tuple[str, ...]) -> Any:
    drawdown = access.own_drawdown_of_loan(user=view.user, loan_ref=ref, roles=roles)
    if drawdown.loan.agreed.expected_sales is None:
        raise UnableToReportSales(
            "loan_not_by_sales", N_("This loan is not repaid by a share of sales."), field="loan"
        )
    return drawdown


def _asked(row: Asked) -> dict[str, Any]:
    return {
        "period": period_name(row.month),
        "due_date": row.due_date,
        "sales": row.sales,
        "share": row.share,
        "cap": row.cap,
        "asked": row.asked,
        "told_by": row.source,
        "words": asked_words(row),
    }
