"""The one place where refusals become HTTP: problem documents (RFC 9457) for the API, pages for people.

Services raise `regimes.errors.Refusal`; Django and DRF raise their own. Whatever the source, an API answer has a
stable `code`, the `field` at fault, a translated `detail` and the `request_id` that the logs carry too.
"""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as marked
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from regimes.errors import Refusal

log = structlog.get_logger(__name__)
PROBLEM = "application/problem+json"
# a server that we stand on is away: nothing is wrong with the request, and the same one may be sent again
AWAY = (OperationalError, InterfaceError, RedisError)
# both languages; read once, so that a full disk or a broken template cannot take it away
OUR_FAULT = (Path(__file__).parents[1] / "templates" / "500.html").read_text("utf-8")
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

# status -> (code, sentence) where nothing closer is known
SENTENCES: dict[int, tuple[str, str]] = {
    400: ("invalid", marked("This request is not valid. Check it and try again.")),
    401: ("not_authenticated", marked("Log in first, then try again.")),
    403: ("permission_denied", marked("You are not allowed to do this.")),
    404: ("not_found", marked("There is nothing here, or it is not yours.")),
    405: ("method_not_allowed", marked("This address does not accept that method.")),
    406: ("not_acceptable", marked("This address answers in JSON only.")),
    409: ("conflict", marked("Something changed meanwhile. Look again, then retry.")),
    413: ("too_large", marked("This request is too large.")),
    415: ("unsupported_media_type", marked("Send JSON with the content type application/json.")),
    429: ("throttled", marked("Too many requests. Wait %(wait)s seconds, then try again.")),
    500: ("server_error", marked("Something went wrong on our side. Your money is safe; try again later.")),
    503: ("unavailable", marked("The portal is busy. Try again in a moment.")),
}
CODES = {"parse_error": "json_invalid", "authentication_failed": "not_authenticated"}


def refusal_text(refusal: Refusal) -> str:
    """Translate a refusal's sentence and fill in its numbers."""
    sentence = gettext(refusal.message)
    return sentence % refusal.params if refusal.params else sentence


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    request: HttpRequest | None,
    field: str | None = None,
    errors: Any = None,
) -> dict[str, Any]:
    """Lay out a problem document."""
    document: dict[str, Any] = {
        "type": f"urn:lendportal:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "field": field,
        "request_id": getattr(request, "request_id", None),
    }
    if errors:
        document["errors"] = errors
    return document


def general(status: int, request: HttpRequest | None, **params: Any) -> dict[str, Any]:
    """Lay out the problem document of a bare status."""
    code, sentence = SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    text = gettext(sentence)
    return problem(status=status, code=code, detail=text % params if params else text, request=request)


def refusal_document(refusal: Refusal, request: HttpRequest | None) -> dict[str, Any]:
    return problem(
        status=refusal.http_status,
        code=refusal.code,
        detail=refusal_text(refusal),
        request=request,
        field=refusal.field,
    )


# ---- DRF -------------------------------------------------------------------------------------------------------------
def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Be DRF's exception handler."""
    request = context.get("request")
    http = getattr(request, "_request", request)
    if isinstance(error, Refusal):
        document, headers = refusal_document(error, http), _how_to_log_in(error, context)
    elif isinstance(error, AWAY):
        log.warning("server_away", exc_info=error)
        document, headers = general(503, http), {"Retry-After": "2"}
    else:
        if isinstance(error, Http404):
            error = exceptions.NotFound()
        elif isinstance(error, PermissionDenied):
            error = exceptions.PermissionDenied()
        elif isinstance(error, DjangoValidationError):
            error = exceptions.ValidationError(error.messages)
        if not isinstance(error, exceptions.APIException):
            return None
        document, headers = _from_drf(error, http)
    set_rollback()
    return Response(document, status=document["status"], headers=headers, content_type=PROBLEM)


def _how_to_log_in(refusal: Refusal, context: dict[str, Any]) -> dict[str, str]:
    """Say with a 401 how one shows who one is."""
    view = context.get("view")
    how = view.get_authenticate_header(view.request) if refusal.http_status == 401 and view else None
    return {"WWW-Authenticate": how} if how else {}


def _from_drf(
    error: exceptions.APIException, request: HttpRequest | None
) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.Throttled):
        wait = int(getattr(error, "wait", None) or 1)
        headers["Retry-After"] = str(wait)
        return general(429, request, wait=wait), headers
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if isinstance(error, exceptions.ValidationError):
        rows = list(_rows(error.detail))
        first = rows[0] if rows else {"field": None, "code": "invalid", "detail": ""}
        return (
            problem(
                status=400,
                code=str(first["code"]),
                detail=str(first["detail"]),
                request=request,
                field=first["field"],
                errors=rows,
            ),
            headers,
        )
    document = general(error.status_code, request)
    code = str(getattr(error.detail, "code", "") or document["code"])
    document["code"] = CODES.get(code, code)
    document["type"] = f"urn:lendportal:problem:{document['code']}"
    if isinstance(error, exceptions.ParseError):
        document["detail"] = str(error.detail)
    return document, headers


def _rows(detail: Any, field: str = "") -> Any:
    """Flatten DRF's nested errors into rows of field, code, detail."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            whole = name in {"non_field_errors", "__all__"}
            yield from _rows(inner, field if whole else f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from _rows(inner, f"{field}.{index}" if nested and field else field)
    else:
        yield {"field": field or None, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


# ---- Django ----------------------------------------------------------------------------------------------------------
def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a machine asks."""
    return request.path.startswith(("/api/", "/gateway/"))


def answer(request: HttpRequest, status: int, document: dict[str, Any]) -> HttpResponse:
    """Answer the API with a document and people with a page."""
    if wants_problem(request):
        return JsonResponse(
            document, status=status, content_type=PROBLEM, json_dumps_params={"ensure_ascii": False}
        )
    try:
        page = render(request, "problem.html", {"problem": document}, status=status)
    except TemplateDoesNotExist:
        page = HttpResponse(document["detail"], status=status, content_type="text/plain; charset=utf-8")
    return page


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 400, general(400, request))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    log.warning(
        "access_refused", user_id=getattr(request.user, "pk", None), path=request.path, method=request.method
    )
    return answer(request, 403, general(403, request))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 404, general(404, request))


def try_again(request: HttpRequest) -> HttpResponse:
    """Answer that a server of ours is away for the moment, without asking it for the page."""
    document = general(503, request)
    if wants_problem(request):
        response = answer(request, 503, document)
    else:
        page = OUR_FAULT.replace("{request_id}", str(document["request_id"] or "-"))
        response = HttpResponse(page, status=503, content_type="text/html; charset=utf-8")
    response["Retry-After"] = "2"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], AWAY):  # in a middleware, where no other handler of ours is asked
        return try_again(request)
    document = general(500, request)
    if wants_problem(request):
        return answer(request, 500, document)
    # the page is read, not rendered: whatever broke may be what a template needs
    page = OUR_FAULT.replace("{request_id}", str(document["request_id"] or "-"))
    return HttpResponse(page, status=500, content_type="text/html; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    document = general(403, request)
    document["code"] = "csrf_failed"
    document["detail"] = gettext("This page was open for too long. Go back, load it again and repeat.")
    return answer(request, 403, document)


class RequestIdMiddleware:
    """Give every request an id, in the logs and in the answer; believe a caller's id only when it is a plain word."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.setdefault("Cache-Control", "no-store")
        return response


class RefusalMiddleware:
    """Turn a refusal that a page did not handle into an answer, and a database that is away into a 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            wants_problem(request)
            and response.status_code >= 400
            and "json" not in response.get("Content-Type", "")
        ):
            return answer(request, response.status_code, general(response.status_code, request))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refusal):
            return answer(request, exception.http_status, refusal_document(exception, request))
        if isinstance(exception, AWAY):
            log.warning("server_away", exc_info=exception)
            return try_again(request)
        return None
