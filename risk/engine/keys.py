"""The keys that sign and verify models, from settings; the sandbox makes its own once."""

from __future__ import annotations

import os
import secrets

from django.conf import settings

from regimes.errors import N_
from risk.engine.artefact import UnableToLoadModel, public_bytes


def signing_seed() -> bytes:
    """Give the seed that signs. Outside production a machine without one makes its own, mode 0600."""
    configured = settings.ENV["LENDPORTAL_MODEL_SIGNING_KEY"]
    if configured:
        return bytes(configured)
    if settings.PRODUCTION:
        raise UnableToLoadModel(
            "no_signing_key", N_("Set LENDPORTAL_MODEL_SIGNING_KEY where models are trained.")
        )
    path = settings.PORTAL_HOME / "keys" / "model_signing.seed"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    seed = secrets.token_bytes(32)
    with os.fdopen(handle, "wb") as file:
        file.write(seed)
    return seed


def trusted_keys() -> tuple[bytes, ...]:
    """Give the public keys that may sign a model."""
    configured = tuple(bytes(key) for key in settings.ENV["LENDPORTAL_MODEL_PUBLIC_KEYS"] or ())
    if configured or settings.PRODUCTION:
        return configured
    return (public_bytes(signing_seed()),)
