"""What every address of the API does alike; the rooms above import it from here."""

from accounts.api.base import (
    PortalView,
    SessionLogin,
    documented,
    paged,
    wake_on_commit,
)
from accounts.api.fields import (
    CountField,
    DateField,
    FlagField,
    MoneyField,
    RateField,
    RefField,
    TextField,
)
from accounts.api.strict import (
    ListQuery,
    NoBody,
    NoQuery,
    OneBorrowerQuery,
    OwnListQuery,
    StrictQuery,
    StrictSerializer,
    UnableToReadQuery,
    write,
)

__all__ = [
    "CountField",
    "DateField",
    "FlagField",
    "ListQuery",
    "MoneyField",
    "NoBody",
    "NoQuery",
    "OneBorrowerQuery",
    "OwnListQuery",
    "PortalView",
    "RateField",
    "RefField",
    "SessionLogin",
    "StrictQuery",
    "StrictSerializer",
    "TextField",
    "UnableToReadQuery",
    "documented",
    "paged",
    "wake_on_commit",
    "write",
]
