"""Addresses of loans' pages."""

from django.urls import path

from loans.views import calculator, hardship, loan, papers, prepay, withdrawing

app_name = "loans"
urlpatterns = [
    path("calculator/", calculator.calculator, name="calculator"),
    path("for/<uuid:ref>/loans/", loan.index, name="list"),
    path("loans/<uuid:ref>/", loan.detail, name="loan"),
    path("loans/<uuid:ref>/repay/", loan.repay, name="repay"),
    path("loans/<uuid:ref>/hardship/", hardship.hardship, name="hardship"),
    path("hardship/<uuid:ref>/withdraw/", hardship.withdraw, name="hardship-withdraw"),
    path("plans/<uuid:ref>/accept/", hardship.accept, name="plan-accept"),
    path("plans/<uuid:ref>/decline/", hardship.decline, name="plan-decline"),
    path("loans/<uuid:ref>/prepay/", prepay.prepay, name="prepay"),
    path("loans/<uuid:ref>/withdraw/", withdrawing.withdraw, name="withdraw"),
    path("loans/<uuid:ref>/statement/", papers.statement, name="statement"),
    path("for/<uuid:ref>/calendar/", papers.calendar, name="calendar"),
    path("calendar/<str:token>.ics", papers.calendar_feed, name="calendar-feed"),
    path("payments/<uuid:ref>/", loan.collection, name="collection"),
    path("payments/<uuid:ref>/receipt/", papers.receipt, name="receipt"),
]
