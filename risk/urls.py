"""Addresses of evidence's pages."""

from django.urls import path

from risk.views import evidence

app_name = "risk"
urlpatterns = [
    path("for/<uuid:ref>/evidence/", evidence.evidence, name="evidence"),
    path("for/<uuid:ref>/evidence/sandbox/", evidence.sandbox_person, name="sandbox"),
    path("for/<uuid:ref>/evidence/sample/<slug:kind>/", evidence.sample_file, name="sample"),
    path("for/<uuid:ref>/evidence/<uuid:source_ref>/", evidence.source, name="source"),
]
