"""Ground floor: jurisdictions as data, and the one base class of refusals."""

from __future__ import annotations

from regimes import cn, cn_demo, eu, us
from regimes.profile import Regime

REGIMES: dict[str, Regime] = {module.REGIME.code: module.REGIME for module in (cn_demo, cn, us, eu)}


def get(name: str) -> Regime:
    """Return the rules of a jurisdiction, or raise KeyError that names those there are."""
    try:
        return REGIMES[name.lower()]
    except KeyError:
        raise KeyError(f"no regime {name!r}; there are {', '.join(REGIMES)}") from None


__all__ = ["REGIMES", "Regime", "get"]
