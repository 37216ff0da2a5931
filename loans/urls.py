"""Addresses of loans' pages."""

from django.urls import path

from loans.views import calculator, loan

app_name = "loans"
urlpatterns = [
    path("calculator/", calculator.calculator, name="calculator"),
    path("for/<uuid:ref>/loans/", loan.index, name="list"),
    path("loans/<uuid:ref>/", loan.detail, name="loan"),
    path("loans/<uuid:ref>/repay/", loan.repay, name="repay"),
    path("payments/<uuid:ref>/", loan.collection, name="collection"),
]
