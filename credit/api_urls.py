"""Addresses of applying, lines and draws in the API."""

from django.urls import path

from credit.api import applications, lines, working

app_name = "credit-api"
urlpatterns = [
    path("products", applications.Products.as_view(), name="products"),
    path("applications", applications.Applications.as_view(), name="applications"),
    path("applications/<uuid:ref>", applications.ApplicationDetail.as_view(), name="application"),
    path("applications/<uuid:ref>/withdraw", applications.WithdrawApplication.as_view(), name="withdraw"),
    path("applications/<uuid:ref>/review", applications.ReviewApplication.as_view(), name="review"),
    path("limit-changes/<uuid:ref>/review", applications.ReviewChange.as_view(), name="review-change"),
    path("lines", lines.Lines.as_view(), name="lines"),
    path("lines/<uuid:ref>", lines.LineDetail.as_view(), name="line"),
    path("lines/<uuid:ref>/accept", lines.AcceptLine.as_view(), name="accept"),
    path("lines/<uuid:ref>/freeze", lines.FreezeLine.as_view(), name="freeze"),
    path("lines/<uuid:ref>/unfreeze", lines.UnfreezeLine.as_view(), name="unfreeze"),
    path("lines/<uuid:ref>/auto-debit", lines.AutoDebit.as_view(), name="auto-debit"),
    path("lines/<uuid:ref>/quote", lines.LineQuote.as_view(), name="quote"),
    path("lines/<uuid:ref>/drawdowns", lines.Drawdowns.as_view(), name="drawdowns"),
    path("lines/<uuid:ref>/purpose-evidence", lines.PurposeEvidence.as_view(), name="purpose-evidence"),
    path("lines/<uuid:ref>/invoices", working.Invoices.as_view(), name="invoices"),
    path("loans/<uuid:ref>/sales", working.Sales.as_view(), name="sales"),
    path("drawdowns/<uuid:ref>", lines.DrawdownDetail.as_view(), name="drawdown"),
]
