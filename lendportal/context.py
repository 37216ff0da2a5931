"""What every template may know of the portal."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """Give templates the sandbox mark and the desk's path."""
    return {
        "is_sandbox": settings.SANDBOX,
        "admin_path": f"/{settings.ADMIN_PATH}",
        "regime_code": settings.REGIME,
    }
