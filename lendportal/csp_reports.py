"""Take in what browsers say that the content policy stopped: one line in the log each, nothing kept of the visitor."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.sign_in.limits import TooManyTries, count_try

log = structlog.get_logger(__name__)
MOST_BYTES = 8_000
ALLOWED = 20  # a network, in fifteen minutes: a broken page tells the same thing a thousand times


@csrf_exempt  # a browser sends it by itself, without a form; nothing is written but the log
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Log a report; one that is too long, no report, or one too many is dropped without a word."""
    try:
        count_try(what="csp-report", subject=request.META.get("REMOTE_ADDR", ""), allowed=ALLOWED)
        report = json.loads(request.body) if len(request.body) <= MOST_BYTES else {}
        found = report["csp-report"]
        seen = {
            "directive": _word(found.get("effective-directive") or found.get("violated-directive")),
            "blocked": _place(found.get("blocked-uri")),
            "page": _place(found.get("document-uri")),
        }
    except (TooManyTries, ValueError, LookupError, TypeError, AttributeError):
        return HttpResponse(status=204)
    log.warning("csp_violation", **seen)
    return HttpResponse(status=204)


def _word(value: Any) -> str:
    return str(value or "")[:60].encode("ascii", "replace").decode()


def _place(value: Any) -> str:
    """Keep scheme, host and path: what follows may hold a secret of the visitor."""
    parts = urlsplit(str(value or "")[:500])
    return _word(
        f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.scheme or parts.path
    )
