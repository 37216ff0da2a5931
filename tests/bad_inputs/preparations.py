"""What a row may find when it knocks: a frozen line, a loan that is over, an account that is not confirmed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import BankAccount, Borrower, Consent, Identity
from credit.models import Application, CreditLine
from loans.models import Loan
from loans.operations import start_collection
from tests.api.conftest import Scene
from tests.factories import AS_OF, NOW
from tests.loans.factories import repay


def _line(**values: object) -> Callable[[Scene], None]:
    def prepare(scene: Scene) -> None:
        CreditLine.objects.filter(pk=scene.line.pk).update(**values)

    return prepare


def _account(**values: object) -> Callable[[Scene], None]:
    def prepare(scene: Scene) -> None:
        BankAccount.objects.filter(pk=scene.world.alice_account.pk).update(**values)

    return prepare


def overdue(scene: Scene) -> None:
    Loan.objects.filter(pk=scene.loan.pk).update(status="OVERDUE", days_past_due=3, bucket="DPD_1_30")


def no_identity(scene: Scene) -> None:
    Identity.objects.filter(borrower=scene.world.alice_person).update(status="REJECTED")


def no_consent(scene: Scene) -> None:
    Consent.objects.filter(borrower=scene.world.alice_person, purpose="CREDIT_DECISION").update(
        withdrawn_at=NOW
    )


def blocked(scene: Scene) -> None:
    Borrower.objects.filter(pk=scene.world.alice_person.pk).update(status="BLOCKED")


def _application(scene: Scene, status: str, **values: object) -> None:
    first = scene.line.application
    Application.objects.create(
        borrower=first.borrower,
        product=first.product,
        policy=first.policy,
        requested_amount=first.requested_amount,
        purpose=first.purpose,
        status=status,
        submitted_date=AS_OF,
        submitted_at=NOW,
        **values,
    )


def open_application(scene: Scene) -> None:
    _application(scene, "REFERRED")


def declined(scene: Scene) -> None:
    _application(scene, "DECLINED", decided_date=AS_OF)


def no_evidence(scene: Scene) -> None:
    """Leave Alice without a line and without records."""
    CreditLine.objects.filter(pk=scene.line.pk).update(status="OFFERED", opened_date=None)


def withdrawn(scene: Scene) -> None:
    Application.objects.filter(pk=scene.line.application_id).update(status="WITHDRAWN", decided_date=None)


def paid_off(scene: Scene) -> None:
    repay(scene.loan, "1200.00", on=AS_OF)


def under_way(scene: Scene) -> None:
    _collect(scene, "1100.00", uuid.uuid4().hex)


def paid_with_key(scene: Scene) -> None:
    _collect(scene, "100.00", "known-key")


def _collect(scene: Scene, amount: str, key: str) -> None:
    start_collection(
        loan_id=scene.loan.pk,
        amount=Decimal(amount),
        choice=None,
        idempotency_key=key,
        bank_account_id=scene.world.alice_account.pk,
        actor=scene.world.alice,
        as_of=AS_OF,
    )


def drawn_with_key(scene: Scene) -> None:
    from tests.api.conftest import Caller, draw_body

    path = f"/lines/{scene.line.ref}/drawdowns"
    answer = Caller(scene.world.alice).post(path, draw_body(scene), key="known-key")
    assert answer.status_code == 201, answer.content


def verified_fay(scene: Scene) -> None:
    from tests.factories import IdentityFactory

    IdentityFactory(borrower=scene.world.fay.borrower)


PREPARATIONS: dict[str, Callable[[Scene], None]] = {
    "frozen by the borrower": _line(status="FROZEN", freeze_reason="BORROWER"),
    "frozen by risk": _line(status="FROZEN", freeze_reason="RISK"),
    "closed": _line(status="CLOSED"),
    "offered": _line(status="OFFERED", opened_date=None, offer_until=AS_OF),
    "offer over": _line(status="OFFERED", opened_date=None, offer_until=date(2026, 1, 1)),
    "expired": _line(valid_until=date(2026, 3, 1)),
    "account unverified": _account(verified_at=None),
    "account new": _account(usable_from=NOW + timedelta(days=1)),
    "account removed": _account(removed_at=NOW, is_default=False),
    "overdue": overdue,
    "no identity": no_identity,
    "no consent": no_consent,
    "blocked": blocked,
    "open application": open_application,
    "declined": declined,
    "no evidence": no_evidence,
    "withdrawn": withdrawn,
    "paid off": paid_off,
    "under way": under_way,
    "paid with known-key": paid_with_key,
    "drawn with known-key": drawn_with_key,
    "Fay is verified": verified_fay,
}
