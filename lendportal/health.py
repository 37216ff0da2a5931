"""Three doors for machines: is the process alive, is it ready for visitors, and its figures."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


class HealthMiddleware:
    """Answer /livez and /readyz first of all: a probe knows neither the host's name nor https."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/livez":
            return livez(request)
        if request.path_info == "/readyz":
            return readyz(request)
        return self.get_response(request)


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """Tell that this process answers; asks nothing of any other."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Tell whether database, cache and migrations are as they should be.

    The run's token is repeated, so that a starter does not take an older server on the same port for its own.
    """
    checks: dict[str, Any] = {}
    for name, check in (("database", _database), ("cache", _cache), ("migrations", _migrations)):
        began = time.monotonic()
        try:
            check()
        except Exception as error:  # every failure is an answer here, and its text may hold an address
            checks[name] = {"ok": False, "error": type(error).__name__}
        else:
            checks[name] = {"ok": True, "ms": round((time.monotonic() - began) * 1000, 1)}
    ready = all(row["ok"] for row in checks.values())
    body = {"status": "ok" if ready else "unavailable", "checks": checks, "run": settings.RUN_TOKEN or None}
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    word = secrets.token_hex(8)
    cache.set("readyz", word, timeout=30)
    if cache.get("readyz") is None:
        raise RuntimeError("the cache forgets")


def _migrations() -> None:
    if not _migrated():
        _migrated.cache_clear()
        raise RuntimeError("migrations are pending")


@lru_cache(maxsize=1)
def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give Prometheus its figures, to whoever shows the token."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(shown.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    from lendportal.metrics import register

    register()
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
