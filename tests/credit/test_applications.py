"""Apply, with a real model on the records of the sandbox's ready-made people."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Borrower, BusinessMember, Consent, Identity, Notice
from credit import operations, queries
from credit.models import Application, CreditLine, Decision, LimitChange
from credit.replay import agrees, replay
from regimes.errors import Refusal
from risk import operations as risk_operations
from risk.models import Assessment, ModelVersion
from tests.credit.domain.test_policy import changed
from tests.credit.factories import make_line, make_person
from tests.factories import AS_OF, NOW, BankAccountFactory, BusinessFactory, ConsentFactory, UserFactory

pytestmark = pytest.mark.usefixtures("books")
DATA = ("PAYMENTS", "SPENDING", "BILLS", "BANK", "BUSINESS")


def person(persona: str = "steady", **values: Any) -> Borrower:
    borrower = make_person(**values)
    for purpose in DATA:
        ConsentFactory(borrower=borrower, purpose=purpose)
    if persona:
        risk_operations.connect_sandbox_person(
            borrower_id=borrower.pk, persona=persona, as_of=AS_OF, now=NOW, seed=7
        )
    return borrower


def apply(borrower: Borrower, **change: Any) -> Application:
    request = {
        "borrower": borrower, "product_code": "everyday", "requested_amount": Decimal(3_000), "purpose": "DAILY_GOODS",
        "actor": borrower.user, "as_of": AS_OF, "now": NOW, "occupation": "EMPLOYED", **change,
    }  # fmt: skip
    return operations.submit_application(**request)


def refused(borrower: Borrower, **change: Any) -> Refusal:
    before = Application.objects.count()
    with pytest.raises(Refusal) as caught:
        apply(borrower, **change)
    assert Application.objects.count() == before
    return caught.value


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"product_code": "working-capital"}, "product_invalid", "product"),
        ({"product_code": ""}, "product_invalid", "product"),
        ({"purpose": "SECURITIES"}, "purpose_forbidden", "purpose"),
        ({"purpose": "<script>alert(1)</script>"}, "purpose_invalid", "purpose"),
        ({"requested_amount": Decimal(0)}, "amount_out_of_range", "requested_amount"),
        ({"requested_amount": Decimal(-1)}, "amount_out_of_range", "requested_amount"),
        ({"requested_amount": Decimal("200000.01")}, "amount_out_of_range", "requested_amount"),
        ({"requested_amount": Decimal("100.001")}, "amount_invalid", "requested_amount"),
        ({"occupation": "KING"}, "occupation_invalid", "occupation"),
    ],
)
def test_it_refuses_what_is_not_offered(change: dict[str, Any], code: str, field: str) -> None:
    refusal = refused(person(), **change)
    assert (refusal.code, refusal.field) == (code, field)


def test_it_names_the_step_that_is_missing() -> None:
    borrower = person("")
    assert (refused(borrower).code, refused(borrower).field) == ("step_missing", "evidence")
    Consent.objects.filter(purpose="CREDIT_DECISION").update(withdrawn_at=NOW)
    assert refused(borrower).field == "consent"
    Identity.objects.update(status="REJECTED")
    assert refused(borrower).field == "identity"


def test_without_a_model_a_person_decides() -> None:
    application = apply(person())
    decision = application.decisions.get()
    assert (application.status, decision.outcome, decision.is_final) == ("REFERRED", "REFER", False)
    assert decision.reasons[0]["code"] == "model_unavailable"
    assert not CreditLine.objects.exists()


def test_a_model_whose_bytes_were_changed_is_not_asked(model: None) -> None:
    with connection.cursor() as cursor:  # the database refuses it to everyone but the owner of the table
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE risk_modelversion DISABLE TRIGGER USER")
    for version in ModelVersion.objects.all():
        version.model_text = bytes(version.model_text)[:-1] + b"X"
        version.model_sha256 = "0" * 64
        version.save(update_fields=["model_text", "model_sha256"])
    application = apply(person())
    assert application.decisions.get().reasons[0]["code"] == "model_unavailable"


def test_no_agreement_to_the_data_means_no_approval(model: None) -> None:
    borrower = person()
    Consent.objects.filter(purpose__in=DATA).update(withdrawn_at=NOW)
    application = apply(borrower)
    assert application.status == "REFERRED"
    assert application.decisions.get().reasons[0]["code"] == "evidence_missing"


def test_stale_records_are_referred(model: None) -> None:
    borrower = person()
    application = apply(borrower, as_of=AS_OF + timedelta(150))
    assert (application.status, application.decisions.get().reasons[0]["code"]) == (
        "REFERRED",
        "evidence_stale",
    )


def test_students_are_declined_and_the_unsaid_is_referred(model: None) -> None:
    student = apply(person(), occupation="STUDENT")
    assert (student.status, student.decisions.get().reasons[0]["code"]) == ("DECLINED", "is_student")
    unsaid = apply(person(), occupation="")
    assert (unsaid.status, unsaid.decisions.get().reasons[0]["code"]) == ("REFERRED", "student_unknown")


def test_it_approves_at_once_and_opens_the_line(model: None) -> None:
    borrower = person()
    application = apply(borrower)
    decision = application.decisions.get()
    line = CreditLine.objects.get()
    assert (application.status, decision.outcome, decision.is_final) == ("APPROVED", "APPROVE", True)
    assert (line.status, line.limit, line.borrower) == ("ACTIVE", 3_000, borrower)
    assert (line.annual_rate, line.grade) == (decision.annual_rate, decision.grade)
    assert 1 <= len(decision.reasons) <= 4
    assert decision.assessment is not None
    assert decision.pd is not None
    assert 0 < decision.pd < Decimal("0.08")
    assert LimitChange.objects.get().direction == "OPEN"
    assert set(Notice.objects.values_list("kind", flat=True)) == {"application_approve", "limit_open"}
    assert operations.prove_books() == {}


def test_a_decision_asks_and_writes_in_few_statements(model: None) -> None:
    apply(person())  # the model and the policy are read by the first
    borrower = person()
    with CaptureQueriesContext(connection) as asked:
        application = apply(borrower)
    assert application.status == "APPROVED"
    told = [query["sql"].strip() for query in asked]
    assert len(told) <= 19, told  # two of them begin and end the test's own savepoint
    assert sum(sql.startswith("INSERT") for sql in told) == 7  # what is written, each row once
    assert not any(sql.startswith("UPDATE") for sql in told)


def test_a_line_of_another_family_is_not_taken_for_the_own(model: None) -> None:
    shop = BusinessFactory(display_name="Corner Shop")
    owner = person()
    BusinessMember.objects.create(
        business=shop, user=owner.user, role=BusinessMember.Role.OWNER, created_at=NOW
    )
    make_line(borrower=shop, limit=Decimal(20_000))
    first = queries.standing_of(borrower=owner)
    assert first.own_lines == {}
    assert first.ready.identity
    assert first.has_evidence
    assert "PAYMENTS" in first.consents
    apply(owner)
    second = queries.standing_of(borrower=owner)
    assert list(second.own_lines) == ["PERSONAL"]
    assert second.own_lines["PERSONAL"] == CreditLine.objects.get(borrower=owner).pk
    assert second.open_since is None
    groups = queries.groups_with_lines(borrower_ids=[owner.pk, shop.pk])
    assert groups[owner.pk].members == groups[shop.pk].members == {owner.pk, shop.pk}
    assert {line.borrower_id for line in groups[owner.pk].lines} == {owner.pk, shop.pk}


def test_a_business_is_as_old_as_its_youngest_confirmed_owner() -> None:
    shop = BusinessFactory(display_name="Corner Shop")
    born = []
    for year in (1970, 1999):
        owner = make_person()
        Identity.objects.filter(borrower=owner).update(birth_date=date(year, 5, 6))
        born.append(date(year, 5, 6))
        BusinessMember.objects.create(
            business=shop, user=owner.user, role=BusinessMember.Role.OWNER, created_at=NOW
        )
    assert queries.standing_of(borrower=shop).born == max(born)
    BusinessMember.objects.filter(business=shop).update(is_active=False)
    standing = queries.standing_of(borrower=shop)
    assert standing.born is None
    assert not standing.ready.identity


def test_it_offers_less_with_the_cap_that_decided_and_waits_for_a_yes(model: None) -> None:
    application = apply(person(), requested_amount=Decimal(200_000))
    decision, line = application.decisions.get(), CreditLine.objects.get()
    assert (decision.outcome, line.status) == ("COUNTER_OFFER", "OFFERED")
    assert line.limit < 200_000
    assert line.offer_until == AS_OF + timedelta(30)
    assert {"limit_by_income", "limit_by_grade", "limit_by_affordability"} & {
        r["code"] for r in decision.reasons
    }
    assert "offer" in queries.home(borrower_id=application.borrower_id, as_of=AS_OF).tasks
    operations.accept_offer(line_id=line.pk, actor=application.borrower.user, as_of=AS_OF)
    assert operations.prove_books() == {}


def test_riskier_people_are_scored_worse_and_the_policy_follows_the_score(model: None) -> None:
    decisions: dict[str, list[Decision]] = {"steady": [], "risky": []}
    for persona, found in decisions.items():
        for seed in range(1, 7):
            borrower = person("")
            risk_operations.connect_sandbox_person(
                borrower_id=borrower.pk, persona=persona, as_of=AS_OF, now=NOW, seed=seed
            )
            found.append(apply(borrower, requested_amount=Decimal(150_000)).decisions.get())
    mean = {
        persona: sum(float(d.pd or 0) for d in found) / len(found) for persona, found in decisions.items()
    }
    assert mean["risky"] > 1.5 * mean["steady"]
    offered = [d for found in decisions.values() for d in found if d.limit]
    assert offered
    for decision in offered:
        grade = queries.rules_of(decision.policy).grade_of(decision.pd)
        assert grade
        assert (decision.grade, decision.annual_rate) == (grade.name, grade.annual_rate)
        assert decision.limit <= grade.limit


def test_one_open_application_and_a_cool_off_after_a_decline(model: None) -> None:
    waiting = person()
    apply(waiting, occupation="")
    refusal = refused(waiting)
    assert (refusal.code, refusal.params["date"]) == ("application_open", AS_OF.isoformat())
    declined = person()
    apply(declined, occupation="STUDENT")
    refusal = refused(declined, as_of=AS_OF + timedelta(29))
    assert (refusal.code, refusal.params["date"]) == ("cool_off", (AS_OF + timedelta(30)).isoformat())
    assert apply(declined, as_of=AS_OF + timedelta(30)).status == "APPROVED"


def test_a_withdrawn_application_makes_room_and_stays_withdrawn() -> None:
    borrower, officer = person(), UserFactory(is_staff=True)
    application = apply(borrower)
    operations.withdraw_application(application_id=application.pk, actor=borrower.user, as_of=AS_OF)
    with pytest.raises(Refusal):
        operations.withdraw_application(application_id=application.pk, actor=borrower.user, as_of=AS_OF)
    with pytest.raises(Refusal) as caught:
        decide(application, officer)
    assert caught.value.code == "application_decided"
    apply(borrower)


def decide(application: Application, officer: Any, **change: Any) -> Decision:
    return operations.decide_by_officer(
        **{
            "application_id": application.pk,
            "outcome": "APPROVE",
            "limit": Decimal(2_000),
            "annual_rate": None,
            "note": "seen the statements",
            "actor": officer,
            "as_of": AS_OF,
            "now": NOW,
            **change,
        }  # fmt: skip
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"note": "  "}, "required"),
        ({"outcome": "REFER"}, "outcome_invalid"),
        ({"limit": Decimal(120)}, "limit_invalid"),
        ({"limit": Decimal(400_000)}, "limit_invalid"),
        ({"annual_rate": Decimal("0.25")}, "rate_invalid"),
        ({"annual_rate": Decimal("0.22")}, "rate_invalid"),  # 24.4 % all in
        ({"annual_rate": Decimal("-0.01")}, "rate_invalid"),
    ],
)
def test_it_refuses_an_officers_wrong_decision(change: dict[str, Any], code: str) -> None:
    application = apply(person())
    with pytest.raises(Refusal) as caught:
        decide(application, UserFactory(is_staff=True), **change)
    assert caught.value.code == code
    assert application.decisions.count() == 1


def test_an_officer_does_not_decide_the_own_application() -> None:
    officer = UserFactory(is_staff=True)
    application = apply(person(user=officer))
    with pytest.raises(Refusal) as caught:
        decide(application, officer)
    assert (caught.value.code, caught.value.http_status) == ("own_item", 403)


def test_an_officer_decides_once() -> None:
    application, officer = apply(person()), UserFactory(is_staff=True)
    decision = decide(application, officer)
    line = CreditLine.objects.get()
    assert (decision.number, decision.decided_by, line.limit, line.status) == (2, officer, 2_000, "ACTIVE")
    with pytest.raises(Refusal) as caught:
        decide(application, officer, outcome="DECLINE")
    assert caught.value.code == "application_decided"
    assert operations.prove_books() == {}


def test_an_application_keeps_the_policy_it_began_with() -> None:
    application = apply(person())
    maker, checker = UserFactory(is_staff=True), UserFactory(is_staff=True)
    draft = operations.draft_policy(document=changed("line_days", 100), note="shorter", actor=maker)
    operations.propose_policy(policy_id=draft.pk, actor=maker, now=NOW)
    operations.activate_policy(policy_id=draft.pk, actor=checker, now=NOW)
    decision = decide(application, checker)
    assert decision.policy.version == 1
    assert CreditLine.objects.get().valid_until == AS_OF + timedelta(365)
    assert apply(person()).policy.version == 2


def test_the_debts_of_an_owned_business_count(model: None) -> None:
    owner = person()
    shop = BusinessFactory(owner=owner.user)
    BankAccountFactory(borrower=shop)
    line = make_line(borrower=shop, family="BUSINESS", limit=299_500)
    application = apply(owner)
    decision = application.decisions.get()
    assert (decision.outcome, decision.limit) == ("COUNTER_OFFER", 500)
    assert decision.reasons[0]["code"] == "limit_by_group"
    assert line.limit == 299_500


def test_a_shop_applies_by_its_owner(model: None) -> None:
    owner = person()
    shop = BusinessFactory(owner=owner.user)
    for purpose in ("CREDIT_DECISION", *DATA):
        ConsentFactory(borrower=shop, purpose=purpose)
    risk_operations.connect_sandbox_person(borrower_id=shop.pk, persona="shop", as_of=AS_OF, now=NOW, seed=7)
    application = apply(
        shop, product_code="working-capital", purpose="STOCK", occupation="", actor=owner.user
    )
    assert application.status in ("APPROVED", "REFERRED"), application.decisions.get().reasons
    BusinessMember.objects.update(is_active=False)
    assert (
        refused(shop, product_code="working-capital", purpose="STOCK", as_of=date(2026, 5, 1)).field
        == "identity"
    )


def test_each_decision_of_the_engine_replays_to_the_same_answer(model: None) -> None:
    for persona in ("steady", "tight", "risky"):
        apply(person(persona))
        apply(person(persona), requested_amount=Decimal(150_000))
    apply(person(), occupation="STUDENT")
    decisions = list(Decision.objects.select_related("policy"))
    assert len(decisions) == 7
    assert all(agrees(decision=decision) for decision in decisions)
    assert Assessment.objects.count() == 7
    stricter = queries.rules_of(decisions[0].policy)
    from dataclasses import replace

    tight = replace(
        stricter,
        cut_offs=replace(
            stricter.cut_offs, approve_below=Decimal("0.000001"), refer_below=Decimal("0.000001")
        ),
    )
    assert {str(replay(decision=decision, policy=tight).outcome) for decision in decisions} == {"DECLINE"}


def test_a_second_application_raises_and_never_lowers(model: None) -> None:
    borrower = person()
    apply(borrower)
    apply(borrower, requested_amount=Decimal(1_000), as_of=AS_OF + timedelta(1))
    assert CreditLine.objects.get().limit == 3_000
    apply(borrower, requested_amount=Decimal(5_000), as_of=AS_OF + timedelta(2))
    line = CreditLine.objects.get()
    assert (line.limit, line.valid_until, line.last_raised_date) == (
        5_000,
        AS_OF + timedelta(367),
        AS_OF + timedelta(2),
    )
    directions = list(LimitChange.objects.order_by("pk").values_list("direction", flat=True))
    assert directions == ["OPEN", "KEEP", "UP"]
