"""Where the gateway finds us."""

from __future__ import annotations

from django.urls import path

from loans import api

urlpatterns = [
    path("gateway/sandbox/webhook/", api.sandbox_webhook, name="gateway-sandbox-webhook"),
    # a sender that drops the slash is answered, not sent elsewhere: a redirected POST loses its body
    path("gateway/sandbox/webhook", api.sandbox_webhook),
]
