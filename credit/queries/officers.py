"""What waits for an officer."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from credit.models import (
    Application,
    Decision,
    ReviewRequest,
)


def application_queue() -> QuerySet[Application]:
    """List the applications that wait for a person, oldest first."""
    return (
        Application.objects.filter(status=Application.Status.REFERRED)
        .select_related("borrower", "product", "policy")
        .prefetch_related("decisions")
        .order_by("submitted_at", "pk")
    )


def review_queue() -> QuerySet[ReviewRequest]:
    """List the borrowers' open requests for a person, the most urgent first."""
    return (
        ReviewRequest.objects.filter(status=ReviewRequest.Status.OPEN)
        .select_related("borrower", "decision", "limit_change")
        .order_by("answer_by_date", "pk")
    )


def decision_of(*, application: Application) -> Decision | None:
    """Give the newest decision of an application."""
    return application.decisions.order_by("-number").first()


def params_as_text(written: dict[str, Any]) -> dict[str, str]:
    """Give a reason's figures for the page."""
    return {str(name): str(value) for name, value in (written.get("params") or {}).items()}
