"""The sandbox: China's rules with the consumer cap of banks and consumer-finance companies, so that 300,000 can be shown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from regimes import cn

REGIME = replace(
    cn.REGIME,
    code="cn_demo",
    name="Demonstration (China)",
    max_limit_person=Decimal("300000.00"),
    max_limit_business=Decimal("300000.00"),
    sources=(
        *cn.REGIME.sources,
        (
            "max_limit_person",
            "Notice on consumer finance, March 2025: internet consumer loans 200,000 -> 300,000",
        ),
    ),
    unverified=cn.REGIME.unverified | {"max_limit_person", "max_limit_business"},
)
