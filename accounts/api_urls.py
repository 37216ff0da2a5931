"""Addresses of people and businesses in the API."""

from django.urls import path

from accounts.api import businesses, people

app_name = "accounts-api"
urlpatterns = [
    path("me", people.Me.as_view(), name="me"),
    path("consents", people.Consents.as_view(), name="consents"),
    path("consents/withdraw", people.WithdrawConsent.as_view(), name="consent-withdraw"),
    path("identity", people.IdentityOfBorrower.as_view(), name="identity"),
    path("bank-accounts", people.BankAccounts.as_view(), name="bank-accounts"),
    path("businesses", businesses.Businesses.as_view(), name="businesses"),
    path("businesses/<uuid:ref>", businesses.Business.as_view(), name="business"),
    path("businesses/<uuid:ref>/members", businesses.Members.as_view(), name="members"),
    path("businesses/<uuid:ref>/members/<uuid:member_ref>", businesses.Member.as_view(), name="member"),
    path("notices", people.Notices.as_view(), name="notices"),
    path("notices/read", people.ReadNotices.as_view(), name="notices-read"),
]
