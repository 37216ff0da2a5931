"""Addresses of evidence in the API."""

from django.urls import path

from risk import api

app_name = "risk-api"
urlpatterns = [
    path("evidence", api.Evidence.as_view(), name="evidence"),
    path("evidence/sandbox-person", api.SandboxPerson.as_view(), name="sandbox-person"),
]
