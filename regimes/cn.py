"""Mainland China, a network micro-lender. Not legal advice."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

from regimes.profile import Regime

REGIME = Regime(
    code="cn",
    name="Mainland China, network micro-lender",
    currency="CNY",
    country="CN",
    minimum_age=18,
    students_excluded=True,
    min_limit=Decimal("50.00"),
    max_limit_person=Decimal("200000.00"),
    max_limit_business=Decimal("10000000.00"),
    max_annual_rate=Decimal("0.24"),
    max_penalty_annual_rate=Decimal("0.24"),
    max_term_months=36,
    max_bullet_months=12,
    reading_seconds=5,
    cooling_off_days=0,
    adverse_notice_days=30,
    human_review_right=True,
    forbidden_purposes=("PROPERTY", "SECURITIES", "DERIVATIVES", "EQUITY", "DEBT_REPAYMENT"),
    contact_opens=time(8, 0),
    contact_closes=time(22, 0),
    max_contacts_a_day=3,
    bank_account_wait_hours=24,
    review_answer_days=15,  # the law gives a right to a person and names no number
    sources=(
        ("max_limit_person", "Measures for micro-loan companies, January 2025: consumer <= CNY 200,000"),
        ("max_limit_business", "Measures for micro-loan companies, January 2025: business <= CNY 10,000,000"),
        ("max_annual_rate", "Micro-lender cost guide, December 2025: above 24 % stops at once"),
        ("max_bullet_months", "Internet loan measures, 2020: one year at most when repaid at once"),
        ("students_excluded", "Notice of five bodies, March 2021"),
        ("contact_opens", "National standard on collections, March 2025: no contact 22:00-08:00"),
        ("max_contacts_a_day", "National standard on collections, March 2025: three effective calls a day"),
        ("reading_seconds", "Comprehensive-cost disclosure rule, in force 2026-08-01; seconds not seen"),
        ("human_review_right", "Personal Information Protection Law, article 24"),
    ),
    unverified=frozenset(
        {
            "review_answer_days",
            "reading_seconds",
            "max_penalty_annual_rate",
            "max_term_months",
            "adverse_notice_days",
            "forbidden_purposes",
            "bank_account_wait_hours",
            "minimum_age",
        }
    ),
)
