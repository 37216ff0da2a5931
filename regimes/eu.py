"""European Union, consumer credit under Directive (EU) 2023/2225; member states add their own. Not legal advice."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

from regimes.profile import Regime

REGIME = Regime(
    code="eu",
    name="European Union",
    currency="EUR",
    country="EU",
    minimum_age=18,
    students_excluded=False,
    min_limit=Decimal("50.00"),
    max_limit_person=Decimal("100000.00"),
    max_limit_business=Decimal("300000.00"),
    max_annual_rate=Decimal("0.24"),
    max_penalty_annual_rate=Decimal("0.24"),
    max_term_months=84,
    max_bullet_months=12,
    reading_seconds=0,
    cooling_off_days=14,
    adverse_notice_days=30,
    human_review_right=True,
    forbidden_purposes=(),
    contact_opens=time(8, 0),
    contact_closes=time(20, 0),
    max_contacts_a_day=1,
    bank_account_wait_hours=24,
    sources=(
        ("max_limit_person", "Directive (EU) 2023/2225: credit up to EUR 100,000"),
        ("cooling_off_days", "Directive (EU) 2023/2225: withdrawal within 14 days"),
    ),
    unverified=frozenset(
        {
            "review_answer_days",
            "minimum_age",
            "max_limit_business",
            "max_annual_rate",
            "max_penalty_annual_rate",
            "max_term_months",
            "max_bullet_months",
            "adverse_notice_days",
            "human_review_right",
            "contact_opens",
            "contact_closes",
            "max_contacts_a_day",
            "bank_account_wait_hours",
        }
    ),
)
