"""A borrower with everything that a page can show, put into a running portal by its own operations.

Run beside the portal: `tell()` prints one line of JSON with the address of every page and the cookie of who may see it.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Borrower, User
from credit import operations as credit_operations
from credit.models import CreditLine
from ledger.queries import business_date
from loans import operations as loan_operations
from loans.models import Loan
from tests.credit.factories import make_line
from tests.factories import (
    BankAccountFactory,
    BorrowerFactory,
    ConsentFactory,
    IdentityFactory,
    StaffFactory,
    UserFactory,
    card_number,
    prc_id,
)
from tests.web.places import PUBLIC, SIGNED_IN, candidates


def build(*, language: str = "en") -> dict[str, Any]:
    """Make a person with a line, a loan with a payment, and a plan offered for it."""
    stamp = time.time_ns()
    user = UserFactory(email=f"scene-{stamp}@example.com", language=language)
    person = BorrowerFactory(user=user, display_name="L***", language=language)
    born = date(1970, 1, 1) + timedelta(days=stamp // 1000 % 10_000)  # a number of her own each time
    IdentityFactory(
        borrower=person,
        full_name="李小明",
        number=prc_id(birth_date=born, order=stamp % 1000),
        birth_date=born,
    )
    ConsentFactory(borrower=person, purpose="CREDIT_DECISION")
    account = BankAccountFactory(
        borrower=person, bank_name="招商银行", holder_name="李小明", number=card_number(stamp % 10**12)
    )
    line = make_line(borrower=person, limit=Decimal(50_000), as_of=business_date())
    loan, drawdown = _draw(line, user, account.pk, "6000.00")
    payment = _pay(loan, user, account.pk, "400.00")
    request = loan_operations.request_hardship(
        loan_id=loan.pk, reason="JOB", wish="LOWER", text="", actor=user, as_of=business_date()
    )
    plan = loan_operations.offer_hardship_plan(
        request_id=request.pk,
        measures=[{"kind": "EXTENSION", "extra_instalments": "6"}],
        actor=StaffFactory(email=f"officer-{stamp}@example.com"),
        as_of=business_date(),
        words="Half a year more.",
    )
    loan_operations.make_calendar_feed(borrower=person, language=language, actor=user, as_of=business_date())
    return {
        "user": user,
        "plan": plan,
        "refs": {
            "borrower": person.ref,
            "line": line.ref,
            "loan": loan.ref,
            "drawdown": drawdown.ref,
            "collection": payment.ref,
            "application": line.application.ref,
        },
    }


def _draw(line: CreditLine, user: User, account_id: int, amount: str) -> tuple[Loan, Any]:
    drawdown = credit_operations.draw_down(
        line_id=line.pk,
        amount=Decimal(amount),
        instalment_count=12,
        repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS",
        scenario="EVERYDAY",
        terms_version="",
        bank_account_id=account_id,
        idempotency_key=uuid.uuid4().hex,
        actor=user,
        as_of=business_date(),
    )
    payout = drawdown.loan.payout
    loan_operations.confirm_payout(
        payout_id=payout.pk,
        provider_reference=f"scene-{payout.gateway_reference}",
        amount=payout.amount,
        currency="CNY",
        as_of=business_date(),
        now=timezone.now(),
    )
    return Loan.objects.get(pk=drawdown.loan_id), drawdown


def _pay(loan: Loan, user: User, account_id: int, amount: str) -> Any:
    row = loan_operations.start_collection(
        loan_id=loan.pk,
        amount=Decimal(amount),
        choice="FEWER_INSTALMENTS",
        idempotency_key=uuid.uuid4().hex,
        bank_account_id=account_id,
        actor=user,
        as_of=business_date(),
    )
    return loan_operations.confirm_collection(
        collection_id=row.pk,
        provider_reference=f"scene-{row.gateway_reference}",
        amount=row.amount,
        currency="CNY",
        as_of=business_date(),
        now=timezone.now(),
    )


def session_of(user: User) -> dict[str, str]:
    """Log somebody in and give the cookie."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    return {"name": settings.SESSION_COOKIE_NAME, "value": cookie.value}


def tell(*, language: str = "en") -> None:
    """Build the scene and print it."""
    scene = build(language=language)
    refs = {name: str(ref) for name, ref in scene["refs"].items()}
    line = refs["line"]
    asked = "scenario=EVERYDAY&amount=6000&instalment_count=12"
    account = Borrower.objects.get(ref=refs["borrower"]).bank_accounts.get().ref
    signed = f"{asked}&repayment_method=EQUAL_INSTALMENT&purpose=DAILY_GOODS&bank_account={account}"
    pages = dict(candidates(refs)) | {address: address for address in SIGNED_IN}
    pages |= {
        "compared": f"/lines/{line}/draw/?{asked}",
        "cost": f"/lines/{line}/draw/cost/?{signed}",
        "prepay-compared": f"/loans/{refs['loan']}/prepay/?amount=2000",
        "refused": f"/loans/{refs['loan']}/prepay/?amount=1e5",
        "missing": "/no-such-page/",
    }
    print(
        json.dumps(
            {
                "refs": refs,
                "plan": str(scene["plan"].ref),
                "cookie": session_of(scene["user"]),
                "pages": pages,
                "public": PUBLIC,
            }
        )
    )
