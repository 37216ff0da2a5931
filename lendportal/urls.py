"""Every address of the portal."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from lendportal import health

handler400 = "lendportal.errors.bad_request"
handler403 = "lendportal.errors.permission_denied"
handler404 = "lendportal.errors.not_found"
handler500 = "lendportal.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    # /livez and /readyz are answered by health.HealthMiddleware
    path("metrics", health.metrics, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path(settings.ADMIN_PATH, admin.site.urls),
]
# each room owns its paths below "/" (pages) and "/api/v1/" (api_urls)
for room in ("accounts", "credit", "loans", "risk", "ledger"):
    if find_spec(f"{room}.api_urls"):
        urlpatterns.append(path("api/v1/", include(f"{room}.api_urls")))
for room in ("accounts", "credit", "loans", "risk", "ledger"):
    if find_spec(f"{room}.urls"):
        urlpatterns.append(path("", include(f"{room}.urls")))
urlpatterns.append(path("", include("loans.urls_gateway")))
urlpatterns.append(path("accounts/", include("allauth.urls")))
