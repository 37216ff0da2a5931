"""Every address of the portal."""

from __future__ import annotations

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

from lendportal import csp_reports, health

handler400 = "lendportal.errors.bad_request"
handler403 = "lendportal.errors.permission_denied"
handler404 = "lendportal.errors.not_found"
handler500 = "lendportal.errors.server_error"

# ReDoc writes its styles into the page and reads in a worker; nothing of it comes from elsewhere
redoc = csp_update({"style-src": ["'unsafe-inline'"], "worker-src": ["blob:"]})(
    SpectacularRedocView.as_view(url_name="schema")
)

urlpatterns: list[URLPattern | URLResolver] = [
    # /livez and /readyz are answered by health.HealthMiddleware
    path("csp-report/", csp_reports.receive, name="csp-report"),
    path("metrics", health.metrics, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/redoc", redoc, name="api-redoc"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path(settings.ADMIN_PATH, admin.site.urls),
    # each room owns its paths below "/api/v1/" and below "/"
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("merchants.api_urls")),
    path("api/v1/", include("risk.api_urls")),
    path("api/v1/", include("credit.api_urls")),
    path("api/v1/", include("loans.api_urls")),
    path("", include("accounts.urls")),
    path("", include("merchants.urls")),
    path("", include("risk.urls")),
    path("", include("credit.urls")),
    path("", include("loans.urls")),
    path("", include("loans.urls_gateway")),
    path("accounts/", include("allauth.urls")),
]
