"""What makes the portal installable: the manifest, the service worker, and the page for when there is no connection."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

SHELL = ("css/tokens.css", "css/base.css", "css/components.css", "icons/sprite.svg", "icons/logo.svg")


@require_safe
@cache_control(max_age=3600, public=True)
@vary_on_headers("Accept-Language", "Cookie")
def manifest(request: HttpRequest) -> JsonResponse:
    """Name the portal for the home screen."""
    sizes = (("icons/icon-192.png", "192x192"), ("icons/icon-512.png", "512x512"))
    icons = [
        {"src": static(name), "sizes": size, "type": "image/png", "purpose": "any"} for name, size in sizes
    ]
    icons.append(
        {
            "src": static("icons/maskable-512.png"),
            "sizes": "512x512",
            "type": "image/png",
            "purpose": "maskable",
        }
    )
    return JsonResponse(
        {
            "name": "lendportal",
            "short_name": "lendportal",
            "description": _("Borrow what you need and can repay. We show every cost before you sign."),
            "lang": "en" if get_language() == "en" else "zh-Hans",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": "#0a5648",
            "background_color": "#f4f6f4",
            "icons": icons,
        },
        content_type="application/manifest+json",
    )


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """Give the worker, with the names of the files that the offline page needs: new names, new cache."""
    files = [static(name) for name in SHELL]
    answer = render(request, "pwa/worker.js", {"files": files}, content_type="text/javascript; charset=utf-8")
    answer["Service-Worker-Allowed"] = "/"
    return answer


@require_safe
@cache_control(max_age=3600, public=True)
def offline(request: HttpRequest) -> HttpResponse:
    """Say in both languages that there is no connection, and that no money moved because of it."""
    return render(request, "pwa/offline.html")
