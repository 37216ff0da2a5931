"""Errors to Sentry, only for an operator who names a DSN, and never with what belongs to a person."""

from __future__ import annotations

from typing import Any

from lendportal.logs import redact

# whole parts of an event that hold what people typed
LEFT_OUT = ("data", "cookies", "headers", "env", "query_string")


def scrub(event: Any, hint: Any = None) -> Any:
    """Strike out personal data and secrets before an event leaves the process."""
    request = event.get("request")
    if isinstance(request, dict):
        for name in LEFT_OUT:
            request.pop(name, None)
    event.pop("user", None)
    event.pop("server_name", None)
    for frame in _frames(event):
        frame.pop("vars", None)
    return redact(event)


def _frames(event: dict[str, Any]) -> Any:
    for value in (event.get("exception") or {}).get("values") or ():
        yield from (value.get("stacktrace") or {}).get("frames") or ()


def set_up(*, dsn: str, environment: str) -> bool:
    """Start reporting when a DSN is given; tell whether it was."""
    if not dsn:
        return False
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=scrub,
        before_send_transaction=scrub,
        traces_sample_rate=0.0,
    )
    return True
