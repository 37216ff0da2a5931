"""Stages between the password and the session."""

from __future__ import annotations

from typing import Any

from allauth.account.stages import EmailVerificationStage


class EmailStage(EmailVerificationStage):
    """Ask for the code sent by mail, unless the person signed up with a number, which the stage before has verified."""

    def handle(self) -> tuple[Any, bool]:
        user = self.login.user
        if user is not None and user.phone_verified_at is not None:
            return None, True
        return super().handle()  # type: ignore[no-any-return]
