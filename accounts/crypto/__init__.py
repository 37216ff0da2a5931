"""Encryption of single fields, and blind indexes to find them by."""

from accounts.crypto.fields import EncryptedTextField
from accounts.crypto.index import blind_index
from accounts.crypto.seal import Sealed, Tampered, UnknownKey, key_id_of, open_sealed, seal

__all__ = [
    "EncryptedTextField",
    "Sealed",
    "Tampered",
    "UnknownKey",
    "blind_index",
    "key_id_of",
    "open_sealed",
    "seal",
]
