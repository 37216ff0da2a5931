"""A text column that is sealed in the database and opened only where it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from accounts.crypto.person import open_value, seal_for
from accounts.crypto.seal import Sealed, nothing, place, seal

if TYPE_CHECKING:
    _Text = models.TextField[Any, Any]
else:
    _Text = models.TextField


class SealedAttribute(DeferredAttribute):
    """Open the value on access: rows that are only listed cost no decryption."""

    field: EncryptedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            return open_value(sealed=value, aad=self.field.aad(instance))
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(_Text):
    """Keep a text encrypted, tied to its table, its column and the row's `ref`.

    A model with a property `key_holder` has its values sealed by the key of that holder, any other by the portal's. It
    cannot be searched or set by `QuerySet.update`: keep a blind index beside it, and save instances.
    """

    descriptor_class = SealedAttribute

    def __init__(self, *args: Any, row: str = "ref", **kwargs: Any) -> None:
        self.row = row
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.row != "ref":
            kwargs["row"] = self.row
        return name, path, args, kwargs

    def aad(self, instance: models.Model) -> bytes:
        meta = instance._meta.concrete_model._meta  # type: ignore[union-attr]
        return place(table=meta.db_table, column=str(self.column), row=str(getattr(instance, self.row) or ""))

    def from_db_value(self, value: str | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        return value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        sealed = self.sealed(model_instance, str(value))
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def sealed(self, instance: models.Model, plaintext: str) -> Sealed:
        """Seal a text for this column of a row, under its holder's key."""
        empty = nothing(plaintext)
        if empty is not None:
            return empty
        holder = getattr(instance, "key_holder", None)
        if holder is None:
            return seal(plaintext=plaintext, aad=self.aad(instance))
        return seal_for(holder=holder, plaintext=plaintext, aad=self.aad(instance))

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, Sealed):
            return value.token
        raise TypeError(f"{self.name} is encrypted: search by its blind index, and write by save()")

    def value_to_string(self, obj: models.Model) -> str:
        value = obj.__dict__.get(self.attname)
        return value.token if isinstance(value, Sealed) else ""
