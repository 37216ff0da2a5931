"""The one door for the gateway: raw bytes in, a status out."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from kombu.exceptions import OperationalError as BrokerAway

from loans.gateways.message import MAX_BYTES
from loans.gateways.signature import HEADER
from loans.operations import receive_gateway_message
from loans.tasks import wake_webhook
from regimes.errors import Refusal

log = structlog.get_logger(__name__)


@csrf_exempt
@transaction.non_atomic_requests
def sandbox_webhook(request: HttpRequest) -> HttpResponse:
    """Take a message of the sandbox bank: 200 taken, 202 stored and of no effect, 401, 400, 405 or 413."""
    if request.method != "POST":
        return JsonResponse({"code": "method_not_allowed"}, status=405, headers={"Allow": "POST"})
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BYTES:
        return JsonResponse({"code": "message_too_large"}, status=413)
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        return JsonResponse({"code": "message_too_large"}, status=413)
    header = request.headers.get(HEADER)
    try:
        message = receive_gateway_message(
            provider="sandbox", body=body, signatures=[header] if header else [], now=timezone.now()
        )
    except Refusal as refusal:
        return JsonResponse({"code": refusal.code}, status=refusal.http_status)
    if message.state == "STORED":
        try:
            wake_webhook.apply_async(args=[message.pk], retry=False)
        except (BrokerAway, OSError):
            log.warning("webhook_wake_lost", message=message.pk)  # the sweeper finds the row
    quiet = message.state in ("PARKED", "IGNORED")
    return JsonResponse({"code": "stored" if quiet else "ok"}, status=202 if quiet else 200)
