"""Artefacts: the exact bytes of a model, its manifest and a signature; verified before anything is parsed.

The manifest is canonical JSON that names the sha256 of the model's text; the Ed25519 signature is over the
manifest's bytes. So one flipped, missing or added byte anywhere is found before LightGBM, which crashes on
broken text, sees it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from regimes.errors import N_, Refusal

FORMAT = "lendportal-risk-model/1"
FILES = ("model.txt", "manifest.json", "manifest.sig")
LARGEST = 64 * 1024 * 1024


class UnableToLoadModel(Refusal):
    """Refuse a model whose bytes are not what somebody trusted signed, or that does not fit this code."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """Hold the three parts of a model."""

    model_text: bytes
    manifest: bytes
    signature: bytes

    @property
    def model_sha256(self) -> str:
        return hashlib.sha256(self.model_text).hexdigest()

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self.manifest).hexdigest()


def canonical(document: dict[str, Any]) -> bytes:
    """Write JSON in the one form that is signed; NaN is not JSON and is refused."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(*, model_text: bytes, manifest: dict[str, Any], signing_seed: bytes) -> Artefact:
    """Put the model's sha256 into the manifest and sign it."""
    key = Ed25519PrivateKey.from_private_bytes(signing_seed)
    document = manifest | {
        "format": FORMAT,
        "model_sha256": hashlib.sha256(model_text).hexdigest(),
        "model_bytes": len(model_text),
        "signed_by": base64.b64encode(public_bytes(signing_seed)).decode(),
    }
    written = canonical(document)
    return Artefact(model_text, written, key.sign(written))


def public_bytes(signing_seed: bytes) -> bytes:
    """Give the public half of a signing seed."""
    key = Ed25519PrivateKey.from_private_bytes(signing_seed).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def verify(artefact: Artefact, *, trusted: Sequence[bytes]) -> dict[str, Any]:
    """Check signature, then sha256, then format; give the manifest. Nothing is parsed before it is trusted."""
    if not trusted:
        raise UnableToLoadModel("no_trusted_key", N_("No public key is trusted to sign models."))
    if not any(_signed_by(key, artefact) for key in trusted):
        raise UnableToLoadModel(
            "bad_signature", N_("The model's manifest is not signed by a trusted key, or was changed.")
        )
    document = json.loads(artefact.manifest)
    if document.get("format") != FORMAT:
        raise UnableToLoadModel(
            "wrong_format", N_("The model is of a format that this version does not read.")
        )
    if document.get("model_sha256") != artefact.model_sha256:
        raise UnableToLoadModel("bad_digest", N_("The model's text is not the one that was signed."))
    return dict(document)


def _signed_by(key: bytes, artefact: Artefact) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(artefact.signature, artefact.manifest)
    except (InvalidSignature, ValueError):
        return False
    return True


def write_folder(folder: Path, artefact: Artefact) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(
        FILES, (artefact.model_text, artefact.manifest, artefact.signature), strict=True
    ):
        (folder / name).write_bytes(content)


def read_folder(folder: Path) -> Artefact:
    """Read the three files; a missing or huge one is refused by name."""
    parts = []
    for name in FILES:
        path = folder / name
        if not path.is_file():
            raise UnableToLoadModel(
                "file_missing", N_("The model's file %(name)s is missing."), params={"name": name}
            )
        if path.stat().st_size > LARGEST:
            raise UnableToLoadModel(
                "file_too_big", N_("The model's file %(name)s is too big."), params={"name": name}
            )
        parts.append(path.read_bytes())
    return Artefact(*parts)
