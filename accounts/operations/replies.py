"""Remember what a write was answered, so that its repeat is answered the same and done once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import StoredReply
from regimes.errors import N_, InvalidInput, Refusal

# A process that died with a request is followed by the next try after this. A statement may take 5 s in a request, and two of the
# same at once do no harm that money would feel: numbers, references and locks stand behind each write.
LEASE = timedelta(seconds=20)
KEPT = timedelta(days=2)
MOST_KEY = 255


class UnableToUseReplyKey(InvalidInput):
    """Refuse a key that is none."""


class ReplyMismatch(Refusal):
    """Refuse the same key with another request."""

    http_status = 422


class ReplyRunning(Refusal):
    """Refuse a repeat while the first is being worked on."""


def claim_reply(*, caller: str, key: str, request_hash: str, now: datetime) -> StoredReply:
    """Claim a key for a request, or return the row with the first answer."""
    if not 1 <= len(key) <= MOST_KEY or not key.isprintable() or not key.isascii():
        raise UnableToUseReplyKey(
            "idempotency_key_invalid", N_("An Idempotency-Key has at most 255 printable ASCII characters.")
        )
    with transaction.atomic():
        row, is_new = StoredReply.objects.get_or_create(
            caller=caller,
            key=key,
            defaults={"request_hash": request_hash, "claimed_until": now + LEASE},
        )
        if is_new:
            return row
        row = StoredReply.objects.select_for_update().get(pk=row.pk)
        if row.request_hash != request_hash:
            raise ReplyMismatch(
                "idempotency_mismatch", N_("This key was used for another request. Use a new key.")
            )
        if row.http_status is None:
            if row.claimed_until > now:
                raise ReplyRunning(
                    "idempotency_running", N_("The same request is being worked on. Ask again in a moment.")
                )
            row.claimed_until = now + LEASE
            row.save(update_fields=["claimed_until"])
    return row


def keep_reply(*, reply: StoredReply, http_status: int, answer: str) -> None:
    """Keep a success; a refusal is forgotten, so that the corrected request may use the key again."""
    if 200 <= http_status < 300:
        reply.http_status, reply.answer = http_status, answer
        reply.save(update_fields=["http_status", "answer"])
    else:
        StoredReply.objects.filter(pk=reply.pk, http_status=None).delete()


def forget_replies(*, now: datetime, limit: int = 10_000) -> int:
    """Forget what is older than two days."""
    old = StoredReply.objects.filter(created_at__lt=now - KEPT).order_by("pk").values_list("pk", flat=True)
    return StoredReply.objects.filter(pk__in=list(old[:limit])).delete()[0]
