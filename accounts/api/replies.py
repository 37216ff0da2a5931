"""Idempotency of every write, and an ETag on every read: what the views of the API share."""

from __future__ import annotations

import copy
import hashlib
import json
from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException
from django.urls import Resolver404, resolve
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import StoredReply
from accounts.operations.replies import ReplyRunning, claim_reply, keep_reply
from regimes.errors import N_, Refusal


class AnsweredBefore(Exception):
    """Carry the first answer to a repeat."""

    def __init__(self, reply: StoredReply) -> None:
        self.reply = reply
        super().__init__(reply.pk)

    def response(self) -> Response:
        """Give the stored answer, marked as such."""
        body = json.loads(self.reply.answer) if self.reply.answer else None
        return Response(body, status=self.reply.http_status, headers={"Idempotency-Replayed": "true"})


def keep_body(http: HttpRequest) -> None:
    """Read the body of a write with a key before anybody reads it as a form, so that it can still be hashed."""
    if "Idempotency-Key" in http.headers:
        with suppress(RequestDataTooBig, OSError):
            http.body  # noqa: B018  reading keeps it


def begin(request: Request) -> StoredReply | None:
    """Claim the key of a write, or raise with the first answer; None without a key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    try:
        body = request._request.body
    except (RequestDataTooBig, RawPostDataException, OSError):
        return None  # a large file, or the parser refuses it in its own words
    content = f"{request.method}\n{request.get_full_path()}\n".encode() + body
    reply = claim_reply(
        caller=f"user:{request.user.pk}",
        key=key,
        request_hash=hashlib.sha256(content).hexdigest(),
        now=timezone.now(),
    )
    if reply.http_status is not None:
        raise AnsweredBefore(reply)
    return reply


def end(reply: StoredReply, response: Response) -> None:
    """Keep the answer once it is written."""
    keep_reply(
        reply=reply,
        http_status=response.status_code,
        answer=response.rendered_content.decode() if response.data is not None else "",
    )


def tag(response: Any, wanted: str) -> None:
    """Write the ETag of a rendered answer; who has the same is told so, without the body."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    known = {part.strip().removeprefix("W/") for part in wanted.split(",")}
    if etag in known or wanted.strip() == "*":
        response.status_code = 304
        response.content = b""


class UnableToMatch(Refusal):
    """Refuse a write that was meant for another state of the thing."""

    http_status = 412


def check_match(request: Request, *, reads: bool) -> None:
    """Refuse a write whose `If-Match` is not the ETag that a read gives now.

    The read is that of the same address, or, for an act such as `/freeze`, that of the thing acted on. It is asked as the
    caller would ask it. What must never happen twice or beyond a limit is guarded by locks, not by this courtesy.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    path = request.path_info if reads else request.path_info.rpartition("/")[0]
    known = {part.strip() for part in wanted.split(",")}
    answer = _read(request, path)
    if answer is not None and answer.status_code == 404:
        return  # not there or not the caller's: the write itself says so
    if answer is None or answer.get("ETag") not in known:
        raise UnableToMatch(
            "precondition_failed", N_("This changed since you read it. Read it again, then decide.")
        )


def _read(request: Request, path: str) -> Any:
    """Read an address for the caller; None where no address is."""
    try:
        found = resolve(path)
    except Resolver404:
        return None
    asked = copy.copy(request._request)
    asked.__dict__.pop("headers", None)
    left_out = (
        "HTTP_IF_MATCH",
        "HTTP_IF_NONE_MATCH",
        "HTTP_X_SIGNATURE",
        "HTTP_IDEMPOTENCY_KEY",
        "CONTENT_LENGTH",
    )
    asked.META = {name: value for name, value in asked.META.items() if name not in left_out}
    asked.META |= {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "PATH_INFO": path}
    asked.method, asked.path, asked.path_info, asked.GET = "GET", path, path, QueryDict()  # type: ignore[misc]
    answer = found.func(asked, *found.args, **found.kwargs)
    if hasattr(answer, "render") and not answer.is_rendered:
        answer.render()
    return answer


__all__ = ["AnsweredBefore", "ReplyRunning", "UnableToMatch", "begin", "check_match", "end", "tag"]
