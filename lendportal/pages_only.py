"""Middleware that pages need and the API does not: a request of the API goes past it."""

from __future__ import annotations

from typing import Any

from csp.middleware import CSPMiddleware
from django.contrib.messages.middleware import MessageMiddleware

API = "/api/v1/"
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"  # if a browser shows an answer of the API: nothing in it is run


class Policy(CSPMiddleware):
    """Write the content policy of a page, with its nonce; an answer of the API has one that never changes."""

    def __call__(self, request: Any) -> Any:
        if not request.path_info.startswith(API):
            return super().__call__(request)
        response: Any = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", NO_PAGE)
        return response


class Messages(MessageMiddleware):
    """Keep what a page says after the next one; the API says everything in its answer."""

    def __call__(self, request: Any) -> Any:
        return self.get_response(request) if request.path_info.startswith(API) else super().__call__(request)
