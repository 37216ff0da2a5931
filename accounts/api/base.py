"""The view that every address of the API is made from, and how each is written down in the schema."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.authentication import CSRFCheck, SessionAuthentication
from rest_framework.exceptions import NotFound as NoSuchPage
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import access, queries
from accounts.api.replies import AnsweredBefore, begin, check_match, end, keep_body, tag
from accounts.api.strict import NoQuery, StrictSerializer, UnableToReadQuery, read, read_query, write
from accounts.models import Borrower, StoredReply, User
from regimes.errors import N_, Refusal

PROBLEM = "application/problem+json"
SAFE = frozenset({"GET", "HEAD"})


class UnableToTrust(Refusal):
    """Refuse a write that does not show the token of the session."""

    http_status = 403


class SessionLogin(SessionAuthentication):
    """The log-in of the pages. Without one the answer is 401; a write shows the session's token too."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="lendportal"'

    def enforce_csrf(self, request: Request) -> None:
        check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type]
        # the check looks for the token in the form too: of our Request it would parse the body, which is then gone for the key
        http = request._request
        keep_body(http)
        check.process_request(http)
        if check.process_view(http, None, (), {}):  # type: ignore[arg-type]
            raise UnableToTrust("csrf_failed", N_("Your page expired. Reload and try again."))


class SessionLoginScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Say in the schema how one logs in."""

    target_class = "accounts.api.base.SessionLogin"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The portal's log-in. A write also sends the header X-CSRFToken.",
        }


class PortalSchema(AutoSchema):
    """Name each operation by its method and its view: `getLoans`, `postDrawdowns`."""

    def get_operation_id(self) -> str:
        return self.method.lower() + type(self.view).__name__

    def get_description(self) -> str:  # type: ignore[override]
        """Say nothing beside the summary: docstrings speak to us."""
        return ""

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]


class PortalView(APIView):
    """One address: reads strictly, asks `access` for the object, calls one operation or query, translates."""

    schema = PortalSchema()
    authentication_classes: Sequence[type[SessionLogin]] = (SessionLogin,)
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    query: ClassVar[type[StrictSerializer]] = NoQuery
    asked: dict[str, Any]
    own_key = False  # whether the operation itself remembers what a key did, for good
    reply: StoredReply | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "HEAD" or str(request.method).lower() in self.implemented():
            kind = self.query if request.method in SAFE else NoQuery
            self.asked = read_query(kind, request._request.GET)

        if request.method not in SAFE:
            # an operation with a key of its own tells a repeat by itself, but not before the state that it changed is compared
            if not self.own_key or "If-Match" in request.headers:
                self.reply = begin(request)
            check_match(request, reads="get" in self.implemented())

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a repeat as the first was answered."""
        if isinstance(exc, AnsweredBefore):
            return exc.response()
        return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep the answer of a write under its key, tag that of a read, and say what is left of the rate."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.reply is not None:
            end(self.reply, answer)
        if request.method in SAFE and answer.status_code == 200:
            wanted = request.headers.get("If-None-Match", "")
            answer.add_post_render_callback(lambda done: tag(done, wanted))
        for name, value in getattr(self.request, "rate_left", {}).items():
            answer[name] = value
        return answer

    def implemented(self) -> set[str]:
        return {name for name in self.http_method_names if hasattr(self, name)}

    def get_throttles(self) -> list[BaseThrottle]:
        """Count writes; reading is free."""
        return [] if self.request.method in SAFE else list(super().get_throttles())

    @property
    def user(self) -> User:
        """Give who is logged in; nobody else comes this far."""
        return cast(User, self.request.user)

    def body(self, kind: type[StrictSerializer]) -> dict[str, Any]:
        """Read the body, or refuse it with the field that is wrong."""
        return read(kind, self.request.data)

    def borrower(self, ref: object, roles: Collection[str] | None = None) -> Borrower:
        """Give a borrower for whom the caller may act, or 404."""
        return access.own_borrower(user=self.user, ref=ref, roles=roles)

    def borrowers(self) -> list[Borrower]:
        """Give the borrower that the query names, or all for whom the caller may act."""
        if "borrower" in self.asked:
            return [self.borrower(self.asked["borrower"])]
        return [acting.borrower for acting in queries.borrowers_of(user=self.user)]

    def rows(self, rows: QuerySet[Any], kind: type[serializers.Serializer[Any]]) -> Response:
        """Answer one page of a list, newest first."""
        return self.pages(rows, lambda found: [write(kind, row) for row in found])

    def pages(self, rows: QuerySet[Any], write: Callable[[list[Any]], Any]) -> Response:
        """Answer one page of a list, newest first, written as the caller says."""
        pages = api_settings.DEFAULT_PAGINATION_CLASS()  # type: ignore[operator, misc]
        try:
            found = pages.paginate_queryset(rows, self.request, view=self)
        except NoSuchPage:
            raise UnableToReadQuery(
                "query_invalid", N_("This is no place in the list. Begin at its first page."), field="cursor"
            ) from None
        return pages.get_paginated_response(write(found))


class ProblemOut(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; see docs/api.md.")
    detail = serializers.CharField(help_text="A sentence in the caller's language.")
    field = serializers.CharField(allow_null=True, help_text="The field at fault.")
    request_id = serializers.CharField(help_text="As in the header X-Request-ID and in the logs.")


REPEATS = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=False,
    description="1 to 255 printable ASCII characters. A repeat within two days gives the first answer.",
)
MATCHES = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=False,
    description="The ETag of what was read: another state is refused with 412 and nothing is done.",
)
READING = (400, 401, 403, 404, 429, 503)
WRITING = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503)


def documented(
    summary: str,
    *,
    request: Any = None,
    response: Any,
    status: int = 200,
    query: type[serializers.Serializer[Any]] | None = None,
    parameters: Sequence[Any] = (),
    **more: Any,
) -> Callable[[Any], Any]:
    """Write an address into the schema, with every refusal that it may answer."""
    writes = request is not None or status != 200 or more.pop("writes", False)
    answers: dict[Any, Any] = {status: response}
    answers |= {(code, PROBLEM): ProblemOut for code in (WRITING if writes else READING)}
    if writes:
        named = {getattr(parameter, "name", "") for parameter in parameters}
        parameters = [*parameters, *([] if "Idempotency-Key" in named else [REPEATS]), MATCHES]
    else:
        answers[304] = OpenApiResponse(description="As the `If-None-Match` of the caller: unchanged.")
    return extend_schema(
        summary=summary,
        request=request,
        responses=answers,
        parameters=[*parameters, *([query] if query else [])],
        **more,
    )


def paged(kind: type[serializers.Serializer[Any]]) -> Any:
    """Describe a page of a list."""
    return inline_serializer(
        name=f"{kind.__name__.removesuffix('Out')}Page",
        fields={
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
            "results": kind(many=True),
        },
    )


def wake_on_commit(wake: Callable[..., Any], *args: Any) -> None:
    """Nudge a worker once the rows that it will look for are there."""
    transaction.on_commit(partial(wake, *args))
