"""Addresses of the first page, applying and drawing."""

from django.urls import path

from credit.urls_owner import owner_patterns
from credit.views import apply, autodebit, contract, control, draw, home, learn, limit, sales, sign, working

app_name = "credit"
urlpatterns = [
    path("", home.start, name="start"),
    path("for/<uuid:ref>/", home.home, name="home"),
    path("for/<uuid:ref>/apply/", apply.apply, name="apply"),
    path("applications/<uuid:ref>/", apply.application, name="application"),
    path("applications/<uuid:ref>/withdraw/", apply.withdraw, name="withdraw"),
    path("decisions/<uuid:ref>/review/", apply.review, name="review"),
    path("lines/<uuid:ref>/accept/", apply.accept, name="accept"),
    path("lines/<uuid:ref>/history/", limit.history, name="history"),
    path("lines/<uuid:ref>/freeze/", home.freeze, name="freeze"),
    path("lines/<uuid:ref>/unfreeze/", home.unfreeze, name="unfreeze"),
    path("changes/<uuid:ref>/review/", home.review_change, name="review-change"),
    path("lines/<uuid:ref>/draw/", draw.draw, name="draw"),
    path("lines/<uuid:ref>/draw/paper/", draw.paper, name="paper"),
    path("lines/<uuid:ref>/draw/invoice/", working.invoice, name="invoice"),
    path("lines/<uuid:ref>/draw/compare/", draw.compare, name="compare"),
    path("lines/<uuid:ref>/draw/cost/", sign.cost, name="cost"),
    path("lines/<uuid:ref>/draw/confirm/", sign.confirm, name="confirm"),
    path("for/<uuid:ref>/auto-debit/", autodebit.auto_debits, name="auto-debits"),
    path("learn/", learn.index, name="lessons"),
    path("learn/<slug:code>/", learn.lesson, name="lesson"),
    path("lines/<uuid:ref>/control/", control.control, name="control"),
    path("lines/<uuid:ref>/auto-debit/", autodebit.auto_debit, name="auto-debit"),
    path("loans/<uuid:ref>/sales/", sales.sales, name="sales"),
    path("loans/<uuid:ref>/contract/", contract.contract, name="contract"),
    path("drawdowns/<uuid:ref>/", sign.drawdown, name="drawdown"),
    *owner_patterns,
]
