"""Hooks of allauth's second factors: secrets are sealed like every other secret of a person."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.crypto import Sealed, open_sealed, seal
from accounts.crypto.seal import place

AAD = place(table="mfa_authenticator", column="data", row="secret")


class MfaAdapter(DefaultMFAAdapter):
    """Keep authenticator secrets and recovery seeds encrypted."""

    def encrypt(self, text: str) -> str:
        return seal(plaintext=text, aad=AAD).token

    def decrypt(self, encrypted_text: str) -> str:
        return open_sealed(sealed=Sealed(encrypted_text), aad=AAD)
