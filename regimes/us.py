"""United States, federal numbers only; states add their own. Not legal advice."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

from regimes.profile import Regime

REGIME = Regime(
    code="us",
    name="United States (federal)",
    currency="USD",
    country="US",
    minimum_age=18,
    students_excluded=False,
    min_limit=Decimal("50.00"),
    max_limit_person=Decimal("50000.00"),
    max_limit_business=Decimal("300000.00"),
    max_annual_rate=Decimal("0.36"),
    max_penalty_annual_rate=Decimal("0.36"),
    max_term_months=84,
    max_bullet_months=12,
    reading_seconds=0,
    cooling_off_days=0,
    adverse_notice_days=30,
    human_review_right=False,
    forbidden_purposes=(),
    contact_opens=time(8, 0),
    contact_closes=time(21, 0),
    max_contacts_a_day=1,
    bank_account_wait_hours=24,
    review_answer_days=30,
    cut_notice_days=45,
    sources=(
        ("cut_notice_days", "Regulation Z, 1026.9(c): significant changes of open-end plans 45 days ahead"),
        ("review_answer_days", "Regulation B, 1002.9: reasons within 30 days"),
        ("adverse_notice_days", "Regulation B, 1002.9: within 30 days of a completed application"),
        ("max_annual_rate", "Military Lending Act: 36 %, used here for everybody"),
    ),
    unverified=frozenset(
        {
            "minimum_age",
            "max_limit_person",
            "max_limit_business",
            "max_penalty_annual_rate",
            "max_term_months",
            "max_bullet_months",
            "contact_opens",
            "contact_closes",
            "max_contacts_a_day",
            "bank_account_wait_hours",
        }
    ),
)
