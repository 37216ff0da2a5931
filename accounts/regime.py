"""The jurisdiction in force, as the settings name it."""

from __future__ import annotations

from django.conf import settings

import regimes


def current_regime() -> regimes.Regime:
    """Return the rules that bind this portal."""
    return regimes.get(settings.REGIME)
