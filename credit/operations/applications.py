"""Apply, decide by policy at once, decide by an officer, withdraw."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import write_audit
from accounts.rows import insert_row
from credit.domain.all_in import highest_rate
from credit.domain.decision import Asked, Decided, Outcome, decide
from credit.domain.policy import Ceiling
from credit.domain.products import DRAW_ONLY, check_amount, check_purpose
from credit.domain.reasons import Reason, reason
from credit.facts import collect
from credit.models import Application, Decision, Occupation, Policy, Product
from credit.operations.authority import require_second
from credit.operations.decisions import record_decision, settle_application
from credit.operations.lines import refuse_own
from credit.operations.scoring import applicant_of, assess_all, inputs_of
from credit.operations.trials import policy_for
from credit.queries import Standing, ceiling_now, missing_steps, rules_of, standing_of
from regimes.errors import N_, InvalidInput, NotFound, Refusal
from risk import operations as risk_operations

Status = Application.Status
OPEN = (Status.DRAFT, Status.SUBMITTED, Status.REFERRED)
STEP_MESSAGES = {
    "identity": N_("Confirm your identity before you apply."),
    "consent": N_("Agree to a credit decision on your data before you apply."),
    "evidence": N_("Connect or upload records of your income and payments before you apply."),
}


class UnableToApply(Refusal):
    """Refuse an application."""


class UnableToAsk(InvalidInput):
    """Refuse a field of an application."""


class UnableToDecide(Refusal):
    """Refuse an officer's decision."""


def submit_application(
    *,
    borrower: Borrower,
    product_code: str,
    requested_amount: Decimal,
    purpose: str,
    actor: User | None,
    as_of: date,
    now: datetime,
    occupation: str = "",
) -> Application:
    """Take an application and decide it at once.

    `occupation` is what a person says of the work; unsaid, a person is referred, because we may not lend to
    students. The borrower's row is locked, so two submissions at once leave one application.
    """
    product = _product(borrower, product_code)
    ceiling = ceiling_now()
    check_purpose(product.terms(), purpose, ceiling)
    check_amount(product.terms(), amount=requested_amount, field="requested_amount")
    if occupation and occupation not in Occupation.values:
        raise UnableToAsk("occupation_invalid", N_("Choose what you do from the list."), field="occupation")
    with transaction.atomic():
        borrower = Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        standing = standing_of(borrower=borrower)
        _refuse_early(borrower, standing, as_of)
        application = Application(
            borrower=borrower,
            product=product,
            policy=policy_for(borrower=borrower),
            requested_amount=requested_amount,
            purpose=purpose,
            occupation=occupation,
            status=Status.SUBMITTED,
            submitted_by=actor,
            submitted_date=as_of,
            submitted_at=now,
        )
        _decide_by_policy(application, standing, ceiling, actor, as_of, now)
    return application


def withdraw_application(*, application_id: int, actor: User | None, as_of: date) -> Application:
    """Take back an application that is not decided yet."""
    with transaction.atomic():
        application = _lock(application_id)
        if application.status not in OPEN:
            raise UnableToApply("application_decided", N_("This application was decided already."))
        application.status = Status.WITHDRAWN
        application.save(update_fields=["status"])
        write_audit(
            actor=actor,
            action="application.withdraw",
            object_type="credit.Application",
            object_ref=str(application.ref),
        )
    return application


def decide_by_officer(
    *,
    application_id: int,
    outcome: str,
    limit: Decimal,
    annual_rate: Decimal | None,
    note: str,
    actor: User,
    as_of: date,
    now: datetime,
    second: User | None = None,
) -> Decision:
    """Decide a referred application by a person, with a note. Nobody decides the own application.

    A limit above what one officer may give needs `second`, another person who proposed it.
    """
    if not note.strip():
        raise UnableToAsk("required", N_("Write why, so that others understand it."), field="note")
    if outcome not in (Outcome.APPROVE, Outcome.DECLINE):
        raise UnableToAsk("outcome_invalid", N_("Choose to approve or to decline."), field="outcome")
    ceiling = ceiling_now()
    with transaction.atomic():
        application = _lock(application_id)
        refuse_own(actor=actor, borrower_id=application.borrower_id)
        if application.status != Status.REFERRED:
            raise UnableToDecide("application_decided", N_("This application was decided already."))
        engine = application.decisions.order_by("-number").first()
        assert engine is not None, "a referred application has the engine's decision"
        rules = rules_of(application.policy)
        grade = rules.grade_of(engine.pd) if engine.pd is not None else None
        grade = grade or rules.grades[-1]
        decided = Decided(Outcome.DECLINE, _officer_reasons(engine))
        if outcome == Outcome.APPROVE:
            rate = grade.annual_rate if annual_rate is None else annual_rate
            _check_offer(application, limit, rate, ceiling)
            require_second(limit=limit, actor=actor, second=second)
            decided = Decided(
                Outcome.APPROVE, (reason("officer_decided"),), limit=limit, annual_rate=rate, grade=grade.name
            )
        settle_application(application, decided, as_of)
        application.save(update_fields=["status", "decided_date"])
        decision = record_decision(
            application,
            decided,
            as_of=as_of,
            now=now,
            assessment_id=engine.assessment_id,
            pd=engine.pd,
            inputs=engine.inputs,
            actor=actor,
            note=note,
        )
        write_audit(
            actor=actor,
            action="application.decide",
            object_type="credit.Application",
            object_ref=str(application.ref),
            after={"outcome": outcome, "limit": str(decided.limit)},
            reason=note,
        )
    return decision


# ---- the steps ------------------------------------------------------------------------------------------------------


def _product(borrower: Borrower, code: str) -> Product:
    family = Product.Family.BUSINESS if borrower.is_business else Product.Family.PERSONAL
    product = Product.objects.filter(code=code, family=family, is_active=True).first()
    if product is None or product.scenario in DRAW_ONLY:
        raise UnableToAsk("product_invalid", N_("Choose a product from the list."), field="product")
    return product


def _refuse_early(borrower: Borrower, standing: Standing, as_of: date) -> None:
    """Refuse before anything is written: steps not done, one open already, the cool-off after a decline."""
    for step in missing_steps(borrower=borrower, ready=standing.ready, has_evidence=standing.has_evidence):
        raise UnableToApply("step_missing", STEP_MESSAGES[step], field=step, params={"step": step})
    if standing.excluded_until is not None:
        raise UnableToApply(
            "self_excluded",
            N_(
                "You asked us not to lend to you before %(date)s. After that day, ask us to go on, then apply."
            ),
            params={"date": standing.excluded_until.isoformat()},
        )
    if standing.open_since is not None:
        raise UnableToApply(
            "application_open",
            N_("Your application of %(date)s is still open. Wait for its answer or withdraw it."),
            params={"date": standing.open_since.isoformat()},
        )
    if standing.declined_date is not None and standing.declined_policy_id is not None:
        policy = Policy.objects.get(pk=standing.declined_policy_id)
        free = standing.declined_date + timedelta(days=rules_of(policy).cool_off_days)
        if as_of < free:
            raise UnableToApply(
                "cool_off", N_("You can apply again from %(date)s."), params={"date": free.isoformat()}
            )


def _decide_by_policy(
    application: Application,
    standing: Standing,
    ceiling: Ceiling,
    actor: User | None,
    as_of: date,
    now: datetime,
) -> Decision:
    """Decide, then write: the application's row goes in once, with what became of it."""
    rules = rules_of(application.policy)
    borrower, family = application.borrower, application.product.family
    agreed = {borrower.pk: standing.consents}
    odd = risk_operations.odd_evidence(borrower_ids=[borrower.pk], consents=agreed)
    collected = collect(
        borrower_ids=[borrower.pk],
        as_of=as_of,
        business_margin=rules.affordability.business_margin,
        consents=agreed,
    )
    [assessed] = assess_all(collected=collected, purpose="APPLICATION", as_of=as_of)
    own_line_id = standing.own_lines.get(family)
    applicant = applicant_of(
        borrower=borrower,
        collected=collected,
        occupation=application.occupation,
        as_of=as_of,
        own_line_id=own_line_id,
        born=standing.born,
        is_evidence_odd=bool(odd),
    )
    asked = Asked(application.requested_amount, application.product.maximum_amount, _lot(application))
    decided = decide(policy=rules, ceiling=ceiling, applicant=applicant, scored=assessed.scored, asked=asked)
    settle_application(application, decided, as_of)
    insert_row(application)
    write_audit(
        actor=actor,
        action="application.submit",
        object_type="credit.Application",
        object_ref=str(application.ref),
        after={
            "amount": str(application.requested_amount),
            "product": application.product.code,
            "purpose": application.purpose,
        },
    )
    return record_decision(
        application,
        decided,
        as_of=as_of,
        now=now,
        assessment_id=assessed.assessment_id,
        pd=assessed.scored.pd,
        inputs=inputs_of(applicant, assessed, asked, ceiling),
        actor=None,
        note="",
        number=1,
        has_line=own_line_id is not None,
    )


def _officer_reasons(engine: Decision) -> tuple[Reason, ...]:
    """Decline by a person with the engine's reasons behind: the borrower reads what decided."""
    told = tuple(Reason.from_dict(item) for item in engine.reasons)
    return (reason("officer_decided"), *told)[:4]


def _check_offer(application: Application, limit: Decimal, rate: Decimal, ceiling: Ceiling) -> None:
    most = min(
        Decimal(300_000),
        ceiling.business_limit if application.product.family == "BUSINESS" else ceiling.person_limit,
    )
    if not (Decimal(50) <= limit <= most) or (limit % 100 and limit != 50):
        raise UnableToAsk(
            "limit_invalid",
            N_("Enter a limit between 50 and %(maximum)s, in hundreds."),
            field="limit",
            params={"maximum": str(most.quantize(Decimal(1)))},
        )
    dearest = highest_rate(ceiling)
    if not (0 <= rate <= dearest):
        raise UnableToAsk(
            "rate_invalid",
            N_("Enter an annual rate between 0 and %(maximum)s."),
            field="annual_rate",
            params={"maximum": f"{dearest:.4f}"},
        )


def _lock(application_id: int) -> Application:
    found = (
        Application.objects.select_for_update(of=("self",))
        .select_related("product", "policy")
        .filter(pk=application_id)
        .first()
    )
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return found


def _lot(application: Application) -> Decimal:
    """Draw the lot of exploration from the application's reference, so that a replay draws the same."""
    digest = hashlib.sha256(application.ref.bytes).digest()
    return Decimal(int.from_bytes(digest[:6])) / Decimal(1 << 48)
