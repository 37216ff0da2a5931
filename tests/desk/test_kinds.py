"""Each kind of act that needs two people, done through the proposals as an officer does it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts import operations
from accounts.models import Proposal, TemporaryRole, User
from accounts.proposal_kinds import kind_of
from credit.models import CreditLine, Policy
from ledger import queries as ledger_queries
from lendportal.desk.policy import CHECKED
from loans.models import Loan
from regimes.errors import Refusal
from tests.credit.test_applications import apply, decide, person
from tests.factories import AS_OF, NOW, BorrowerFactory, UserFactory
from tests.loans import factories

pytestmark = pytest.mark.django_db


def officer(*roles: str) -> User:
    user = UserFactory(is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def two(kind: str, payload: dict[str, Any], *, as_of: Any = AS_OF) -> Proposal:
    """Propose by one role of the table and approve by another person of a role of the table."""
    maker, checker = officer(CHECKED[kind].makers[0]), officer(CHECKED[kind].checkers[0])
    proposal = operations.propose(
        kind=kind, payload=payload, maker=maker, reason="as agreed", as_of=as_of, now=NOW
    )
    return approve(proposal, checker, as_of=as_of)


def approve(proposal: Proposal, checker: User, *, as_of: Any = AS_OF) -> Proposal:
    changes = list(kind_of(proposal.kind).diff(json.loads(proposal.payload), as_of))
    seen = operations.seen_digest(payload_sha256=proposal.payload_sha256, changes=changes)
    return operations.approve(proposal_id=proposal.pk, seen=seen, checker=checker, as_of=as_of, now=NOW)


def changed(proposal: Proposal) -> dict[str, tuple[str, str]]:
    return {row["field"]: (row["before"], row["after"]) for row in proposal.changes}


def refusal(kind: str, payload: dict[str, Any], *, as_of: Any = AS_OF) -> str:
    with pytest.raises(Refusal) as no:
        two(kind, payload, as_of=as_of)
    return no.value.code


@pytest.fixture
def loan() -> Loan:
    return factories.active_loan()


def _of(loan: Loan, **more: Any) -> dict[str, Any]:
    return {"loan_ref": str(loan.ref), **more}


def test_a_loan_s_acts_refuse_what_the_engine_refuses(loan: Loan) -> None:
    for kind, payload, code in (
        ("waiver", _of(loan, amount="5.00", component="principal"), "choice_invalid"),
        ("waiver", _of(loan, amount="99999.00", component="fee"), "waiver_exceeds_due"),
        ("waiver", _of(loan, amount="-1", component="fee"), "amount_invalid"),
        ("refund", _of(loan, amount="5.00"), "refund_exceeds_credit"),
        ("loan_rate", _of(loan, annual_rate="12%"), "rate_invalid"),
        ("loan_fee", _of(loan, amount="5.00", component="fee", to="me"), "unknown_field"),
        ("write_off", {"loan_ref": "nonsense"}, "not_found"),
        ("loan_plan", _of(loan, measures=[{"kind": "RE_AGE"}]), "required"),
        (
            "loan_plan",
            _of(loan, measures=[{"kind": "EXTENSION", "extra_instalments": 0}]),
            "instalments_invalid",
        ),
    ):
        assert refusal(kind, payload, as_of=factories.START) == code, kind
    assert Proposal.objects.count() == 0


def test_a_fee_is_charged_and_waived(loan: Loan) -> None:
    fee = two("loan_fee", _of(loan, amount="20.00", component="fee"), as_of=factories.START)
    assert changed(fee)["Fees charged"][1].endswith("20.00")
    waived = two("waiver", _of(loan, amount="20.00", component="fee"), as_of=factories.START)
    assert changed(waived)["Waived so far"] == ("0.00", "20.00")
    refs = list(loan.events.order_by("sequence").values_list("kind", "reference"))[-2:]
    assert refs == [("FEE", str(fee.ref)), ("WAIVER", str(waived.ref))]


def test_a_rate_is_lowered_a_plan_is_longer_and_the_rest_written_off(loan: Loan) -> None:
    rate = two("loan_rate", _of(loan, annual_rate="0.05"), as_of=factories.START)
    assert changed(rate)["Annual rate"][1] == "5%"
    plan = two("loan_plan", _of(loan, measures=[{"kind": "EXTENSION", "extra_instalments": 3}]), as_of=factories.START)  # fmt: skip
    before, after = changed(plan)["Instalments to come"]
    assert int(after) == int(before) + 3
    two("write_off", _of(loan), as_of=factories.START)
    loan.refresh_from_db()
    assert loan.status == "WRITTEN_OFF"
    assert refusal("write_off", _of(loan), as_of=factories.START) == "loan_written_off"


def test_a_borrower_does_not_waive_the_own_debt(loan: Loan) -> None:
    maker, checker = officer("Finance"), officer("Finance")
    loan.borrower.user = maker
    loan.borrower.save(update_fields=["user"])
    payload = _of(loan, amount="1.00", component="interest")
    with pytest.raises(Refusal) as no:
        operations.propose(kind="waiver", payload=payload, maker=maker, reason="me", as_of=AS_OF, now=NOW)
    assert no.value.code == "own_item"
    loan.borrower.user = checker
    loan.borrower.save(update_fields=["user"])
    fee = {"loan_ref": str(loan.ref), "amount": "20.00", "component": "fee"}
    proposal = operations.propose(
        kind="loan_fee", payload=fee, maker=maker, reason="x", as_of=factories.START, now=NOW
    )
    with pytest.raises(Refusal) as no:
        approve(proposal, checker, as_of=factories.START)
    assert no.value.code == "own_item"


def test_a_credit_is_refunded(loan: Loan) -> None:
    from loans.queries import payoff

    total = payoff(loan_id=loan.pk, as_of=factories.START).total
    factories.repay(loan, str(total + 30), on=factories.START)
    proposal = two("refund", _of(loan, amount="30.00"), as_of=factories.START)
    assert changed(proposal)["Refunded"] == ("0.00", "30.00")


def test_a_large_limit_needs_two(settings: Any) -> None:
    settings.LIMIT_FOR_ONE_OFFICER = 3000
    application = apply(person())
    alone = officer("Credit officer")
    with pytest.raises(Refusal) as no:
        decide(application, alone, limit=Decimal("4000.00"))
    assert no.value.code == "needs_second_person"
    two("large_approval", {"application_ref": str(application.ref), "limit": "4000.00"})
    line = CreditLine.objects.get(application=application)
    assert line.limit == Decimal("4000.00")
    two("limit_change", {"line_ref": str(line.ref), "limit": "5000.00"})
    line.refresh_from_db()
    assert line.limit == Decimal("5000.00")
    assert refusal("limit_change", {"line_ref": str(line.ref), "limit": "5050.00"}) == "limit_invalid"
    assert refusal("limit_change", {"line_ref": str(line.ref), "limit": "5000.00"}) == "nothing_changes"
    decided = {"application_ref": str(application.ref), "limit": "9000.00"}
    assert refusal("large_approval", decided) == "application_decided"


def test_an_entry_by_hand_moves_cash_and_touches_no_loan() -> None:
    from ledger.operations import open_books

    open_books(first_date=AS_OF)
    entry = {"debit": "1001", "credit": "2901", "amount": "10.00", "description": "unknown sender"}
    assert refusal("manual_journal", {**entry, "debit": "1101"}) == "account_not_by_hand"
    assert refusal("manual_journal", {**entry, "credit": "1001"}) == "same_account"
    two("manual_journal", entry)
    assert ledger_queries.balance(code="2901") == Decimal("10.00")


def test_a_policy_comes_into_force_as_it_was_signed() -> None:
    from credit.operations import draft_policy
    from credit.queries import active_policy

    document = json.loads(json.dumps(active_policy().document))
    document["offer_days"] = document.get("offer_days", 14) + 1
    draft = draft_policy(document=document, note="longer offers", actor=UserFactory(is_staff=True))
    proposal = two("policy_activation", {"version": draft.version})
    assert changed(proposal)["offer_days"][1] == str(document["offer_days"])
    assert Policy.objects.get(state="ACTIVE").pk == draft.pk
    assert refusal("policy_activation", {"version": draft.version}) == "policy_state"


def test_emergency_access_works_ends_and_cannot_be_given_for_ever() -> None:
    asker, administrator = officer("Finance"), officer("Administrator")
    other = {"user_ref": str(asker.ref), "minutes": 60}
    now = timezone.now()
    for minutes in (5, 600, True, "60"):
        with pytest.raises(Refusal):
            operations.propose(
                kind="break_glass", payload={**other, "minutes": minutes}, maker=asker, reason="x", as_of=AS_OF, now=now
            )  # fmt: skip
    proposal = operations.propose(
        kind="break_glass", payload=other, maker=asker, reason="system down", as_of=AS_OF, now=now
    )
    changes = list(kind_of("break_glass").diff(other, AS_OF))
    seen = operations.seen_digest(payload_sha256=proposal.payload_sha256, changes=changes)
    with pytest.raises(Refusal):
        operations.approve(proposal_id=proposal.pk, seen=seen, checker=asker, as_of=AS_OF, now=now)
    assert not User.objects.get(pk=asker.pk).has_perm("credit.freeze_line")
    operations.approve(proposal_id=proposal.pk, seen=seen, checker=administrator, as_of=AS_OF, now=now)
    assert User.objects.get(pk=asker.pk).has_perm("credit.freeze_line")
    grant = TemporaryRole.objects.get()
    with pytest.raises(Refusal):
        operations.end_break_glass(grant_id=grant.pk, actor=officer("Finance"), now=now)
    operations.end_break_glass(grant_id=grant.pk, actor=asker, now=timezone.now())
    assert not User.objects.get(pk=asker.pk).has_perm("credit.freeze_line")
    role = {"user_ref": str(asker.ref), "role": "Break-glass", "is_granted": True}
    assert refusal("role_grant", role) == "role_unknown"


def test_a_person_is_erased_by_two_people_and_not_while_money_is_owed(loan: Loan) -> None:
    owes = {"borrower_ref": str(loan.borrower.ref)}
    assert refusal("erasure", owes, as_of=factories.START) == "open_debt"
    free = BorrowerFactory(user=UserFactory())
    two("erasure", {"borrower_ref": str(free.ref)})
    free.refresh_from_db()
    assert free.status == "ERASED"
    assert refusal("erasure", {"borrower_ref": str(free.ref)}) == "not_found"


def test_emergency_access_ends_by_the_clock() -> None:
    asker = officer("Finance")
    proposal = two("break_glass", {"user_ref": str(asker.ref), "minutes": 60})
    grant = TemporaryRole.objects.get(proposal=proposal)
    assert grant.ends_at - grant.starts_at == timedelta(minutes=60)
    assert grant.ends_at < timezone.now(), "the test's clock is in the past"
    assert not User.objects.get(pk=asker.pk).has_perm("credit.freeze_line")
