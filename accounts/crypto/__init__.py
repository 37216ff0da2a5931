"""Encryption of single fields, and blind indexes to find them by."""

from accounts.crypto.fields import EncryptedTextField
from accounts.crypto.index import blind_index
from accounts.crypto.person import Shredded, destroy_keys, holder_of, keys_ready, open_keys, open_value
from accounts.crypto.seal import Sealed, Tampered, UnknownKey, key_id_of, open_sealed, seal

__all__ = [
    "EncryptedTextField",
    "Sealed",
    "Shredded",
    "Tampered",
    "UnknownKey",
    "blind_index",
    "destroy_keys",
    "holder_of",
    "key_id_of",
    "keys_ready",
    "open_keys",
    "open_sealed",
    "open_value",
    "seal",
]
