"""Addresses of loans in the API."""

from django.urls import path

from loans import api_hardship, api_history, api_v1

app_name = "loans-api"
urlpatterns = [
    path("loans", api_v1.Loans.as_view(), name="loans"),
    path("loans/<uuid:ref>", api_v1.LoanDetail.as_view(), name="loan"),
    path("loans/<uuid:ref>/payoff", api_v1.Payoff.as_view(), name="payoff"),
    path("loans/<uuid:ref>/repayments", api_v1.Repayments.as_view(), name="repayments"),
    path("loans/<uuid:ref>/as-known", api_history.AsKnown.as_view(), name="as-known"),
    path(
        "loans/<uuid:ref>/events/<int:sequence>/changes",
        api_history.EventChanges.as_view(),
        name="event-changes",
    ),
    path("loans/<uuid:ref>/statement", api_history.Statement.as_view(), name="statement"),
    path("loans/<uuid:ref>/hardship", api_hardship.Hardship.as_view(), name="hardship"),
    path("loans/<uuid:ref>/prepayment", api_hardship.PrepayChoices.as_view(), name="prepayment"),
    path("hardship/<uuid:ref>/withdraw", api_hardship.WithdrawHardship.as_view(), name="hardship-withdraw"),
    path("plans/<uuid:ref>/accept", api_hardship.AcceptPlan.as_view(), name="plan-accept"),
    path("plans/<uuid:ref>/decline", api_hardship.DeclinePlan.as_view(), name="plan-decline"),
    path("calendar", api_hardship.Calendar.as_view(), name="calendar"),
    path("calendar/revoke", api_hardship.RevokeCalendar.as_view(), name="calendar-revoke"),
    path("repayments/<uuid:ref>", api_v1.Repayment.as_view(), name="repayment"),
    path("quotes", api_v1.Quotes.as_view(), name="quotes"),
]
