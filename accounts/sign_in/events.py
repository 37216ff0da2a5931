"""One line in the log for each thing that happens at a door: who came in and how, who did not, which key was changed.

An account is named by its number, a login that was tried by an index that only we can make; no address, no code.
"""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth import signals as auth_signals

from accounts.crypto import blind_index

log = structlog.get_logger(__name__)


def _came_in(sender: Any, request: Any, user: Any, **more: Any) -> None:
    methods = request.session.get("account_authentication_methods", []) if request is not None else []
    log.info(
        "log_in", user_id=user.pk, staff=user.is_staff, by=[str(each.get("method", "")) for each in methods]
    )


def _went_out(sender: Any, user: Any = None, **more: Any) -> None:
    if user is not None:
        log.info("log_out", user_id=user.pk)


def _was_refused(sender: Any, credentials: dict[str, Any], **more: Any) -> None:
    login = str(credentials.get("email") or credentials.get("phone") or credentials.get("username") or "")
    log.warning("log_in_refused", login=blind_index(purpose="log", value=login.lower())[:16])


def _note(event: str) -> Any:
    def noted(sender: Any, user: Any = None, **more: Any) -> None:
        kind = getattr(more.get("authenticator"), "type", "")
        log.warning(event, user_id=getattr(user, "pk", None), kind=str(kind))

    return noted


NOTED = (
    (account_signals.password_changed, "password_changed"),
    (account_signals.password_reset, "password_reset"),
    (account_signals.email_changed, "login_changed"),
    (account_signals.login_code_rejected, "code_refused"),
    (account_signals.password_reset_code_rejected, "code_refused"),
    (mfa_signals.authenticator_added, "factor_added"),
    (mfa_signals.authenticator_removed, "factor_removed"),
    (mfa_signals.authenticator_reset, "factor_reset"),
    (mfa_signals.authentication_failed, "factor_refused"),
)


def listen() -> None:
    """Connect the lines to what happens; called once, when the room is ready."""
    auth_signals.user_logged_in.connect(_came_in, dispatch_uid="log_in")
    auth_signals.user_logged_out.connect(_went_out, dispatch_uid="log_out")
    auth_signals.user_login_failed.connect(_was_refused, dispatch_uid="log_in_refused")
    for signal, event in NOTED:
        signal.connect(_note(event), weak=False, dispatch_uid=f"log-{event}-{id(signal)}")
