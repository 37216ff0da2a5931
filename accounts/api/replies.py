"""Idempotency of every write, and an ETag on every read: what the views of the API share."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import StoredReply
from accounts.operations.replies import ReplyRunning, claim_reply, keep_reply


class AnsweredBefore(Exception):
    """Carry the first answer to a repeat."""

    def __init__(self, reply: StoredReply) -> None:
        self.reply = reply
        super().__init__(reply.pk)

    def response(self) -> Response:
        """Give the stored answer, marked as such."""
        body = json.loads(self.reply.answer) if self.reply.answer else None
        return Response(body, status=self.reply.http_status, headers={"Idempotency-Replayed": "true"})


def begin(request: Request) -> StoredReply | None:
    """Claim the key of a write, or raise with the first answer; None without a key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    try:
        body = request._request.body
    except (RequestDataTooBig, OSError):
        return None  # the parser refuses it in its own words
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


__all__ = ["AnsweredBefore", "ReplyRunning", "begin", "end", "tag"]
