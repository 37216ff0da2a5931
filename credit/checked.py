"""The acts of this room that need two people: a limit above what one officer may give, a new policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts import proposal_kinds
from accounts.models import Borrower
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from credit.checked_imports import IMPORT
from credit.checked_uses import PAYEE, PRODUCT
from credit.domain.erasure import UnableToErase, blocks
from credit.domain.policy import read_policy
from credit.models import Application, CreditLine, Policy
from credit.operations.applications import decide_by_officer
from credit.operations.lines import change_limit
from credit.operations.policies import UnableToChangePolicy, activate_policy, digest_of, propose_policy
from credit.queries import active_policy, ceiling_now
from credit.rights.erase import erase_borrower, standing_of
from ledger.domain.money import format_amount, parse_amount
from regimes.errors import N_, InvalidInput, NotFound, Refusal


class UnableToProposeDecision(Refusal):
    """Refuse to propose what cannot be decided any more."""


# ---- a limit ---------------------------------------------------------------------------------------------------------
def _line(payload: Mapping[str, Any]) -> CreditLine:
    return find_by_ref(CreditLine.objects.select_related("borrower"), payload["line_ref"], field="line_ref")


def _read_limit(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("line_ref", "limit"))
    limit = parse_amount(str(found["limit"]), field="limit")
    return {"line_ref": str(_line(found).ref), "limit": str(limit)}


def _line_subject(payload: Mapping[str, Any]) -> Subject:
    line = _line(payload)
    label = f"{line.borrower.display_name} · {line}"
    return Subject("credit.CreditLine", str(line.ref), label, frozenset({line.borrower_id}))


def _check_limit(payload: Mapping[str, Any], act: Act) -> None:
    line, limit = _line(payload), Decimal(payload["limit"])
    ceiling = ceiling_now()
    most = min(
        Decimal(300_000), ceiling.business_limit if line.family == "BUSINESS" else ceiling.person_limit
    )
    if not Decimal(50) <= limit <= most or (limit % 100 and limit != 50):
        raise InvalidInput(
            "limit_invalid",
            N_("Enter a limit between 50 and %(maximum)s, in hundreds."),
            field="limit",
            params={"maximum": str(most.quantize(Decimal(1)))},
        )
    if line.status in (CreditLine.Status.CLOSED, CreditLine.Status.OFFERED):
        raise UnableToProposeDecision(
            "line_state",
            N_("This is not possible while the line is in its present state. Reload the page to see it."),
        )


def _limit_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    now, then = format_amount(_line(payload).limit), format_amount(Decimal(payload["limit"]))
    return [Change(N_("Limit"), now, then)] if now != then else []


def _execute_limit(payload: Mapping[str, Any], act: Act) -> None:
    change_limit(
        line_id=_line(payload).pk,
        limit=Decimal(payload["limit"]),
        reason=act.reason,
        actor=act.actor,
        as_of=act.as_of,
        second=act.maker,
    )


LIMIT = ProposalKind(
    name="limit_change",
    title=N_("Change a limit"),
    read=_read_limit,
    subject=_line_subject,
    check=_check_limit,
    diff=_limit_diff,
    execute=_execute_limit,
)


# ---- an approval above what one officer may give ----------------------------------------------------------------------
def _application(payload: Mapping[str, Any]) -> Application:
    rows = Application.objects.select_related("borrower", "product")
    return find_by_ref(rows, payload["application_ref"], field="application_ref")


def _read_approval(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("application_ref", "limit"))
    limit = parse_amount(str(found["limit"]), field="limit")
    return {"application_ref": str(_application(found).ref), "limit": str(limit)}


def _application_subject(payload: Mapping[str, Any]) -> Subject:
    application = _application(payload)
    label = f"{application.borrower.display_name} · {application.product.name} · {format_amount(application.requested_amount)}"
    return Subject("credit.Application", str(application.ref), label, frozenset({application.borrower_id}))


def _check_approval(payload: Mapping[str, Any], act: Act) -> None:
    if _application(payload).status != Application.Status.REFERRED:
        raise UnableToProposeDecision("application_decided", N_("This application was decided already."))


def _approval_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    application = _application(payload)
    return [
        Change(N_("Application"), application.status, "APPROVED"),
        Change(
            N_("Limit (asked for, then given)"),
            format_amount(application.requested_amount),
            format_amount(Decimal(payload["limit"])),
        ),
    ]


def _execute_approval(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    decision = decide_by_officer(
        application_id=_application(payload).pk,
        outcome="APPROVE",
        limit=Decimal(payload["limit"]),
        annual_rate=None,
        note=act.reason,
        actor=act.actor,
        as_of=act.as_of,
        now=act.now,
        second=act.maker,
    )
    return {"decision": decision.number}


APPROVAL = ProposalKind(
    name="large_approval",
    title=N_("Approve a large application"),
    read=_read_approval,
    subject=_application_subject,
    check=_check_approval,
    diff=_approval_diff,
    execute=_execute_approval,
)


# ---- a policy --------------------------------------------------------------------------------------------------------
def _policy(payload: Mapping[str, Any]) -> Policy:
    found = Policy.objects.filter(version=payload["version"]).first()
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="version")
    return found


def _read_policy(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("version",), optional=("sha256",))
    try:
        policy = _policy({"version": int(str(found["version"]))})
    except ValueError:
        raise InvalidInput("version_invalid", N_("Enter the version's number."), field="version") from None
    # the document is not in the payload but its hash is: what is activated is that document or nothing
    return {"version": policy.version, "sha256": digest_of(policy.document)}


def _policy_subject(payload: Mapping[str, Any]) -> Subject:
    policy = _policy(payload)
    return Subject("credit.Policy", str(policy.ref), f"v{policy.version}")


def _check_policy(payload: Mapping[str, Any], act: Act) -> None:
    policy = _policy(payload)
    if policy.state not in (Policy.State.DRAFT, Policy.State.PROPOSED):
        raise UnableToChangePolicy("policy_state", N_("This is not possible in the policy's present state."))
    if digest_of(policy.document) != payload["sha256"]:
        raise UnableToChangePolicy("policy_changed", N_("The document is not the one that was proposed."))
    read_policy(policy.document, ceiling=ceiling_now())


def _flat(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        return {k: v for name, part in value.items() for k, v in _flat(part, f"{path}.{name}" if path else str(name)).items()}  # fmt: skip
    if isinstance(value, list):
        return {k: v for i, part in enumerate(value) for k, v in _flat(part, f"{path}[{i}]").items()}
    return {path: str(value)}


def _policy_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    policy, current = _policy(payload), active_policy()
    old, new = _flat(current.document), _flat(policy.document)
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return [
        Change(N_("Policy in force"), f"v{current.version}", f"v{policy.version}"),
        *(Change(name, old.get(name, ""), new.get(name, "")) for name in changed),
    ]


def _activate(payload: Mapping[str, Any], act: Act) -> None:
    policy = _policy(payload)
    if policy.state == Policy.State.DRAFT:
        propose_policy(policy_id=policy.pk, actor=act.maker, now=act.now)
    activate_policy(policy_id=policy.pk, actor=act.actor, now=act.now, note=act.reason)


POLICY = ProposalKind(
    name="policy_activation",
    title=N_("Put a policy in force"),
    read=_read_policy,
    subject=_policy_subject,
    check=_check_policy,
    diff=_policy_diff,
    execute=_activate,
)


# ---- the end of a person's data --------------------------------------------------------------------------------------
def _person(payload: Mapping[str, Any]) -> Borrower:
    rows = Borrower.objects.exclude(status=Borrower.Status.ERASED)
    return find_by_ref(rows, payload["borrower_ref"], field="borrower_ref")


def _read_erasure(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"borrower_ref": str(_person(read_fields(payload, required=("borrower_ref",))).ref)}


def _erasure_subject(payload: Mapping[str, Any]) -> Subject:
    borrower = _person(payload)
    return Subject("Borrower", str(borrower.ref), borrower.display_name, frozenset({borrower.pk}))


def _check_erasure(payload: Mapping[str, Any], act: Act) -> None:
    against = blocks(standing_of(borrower=_person(payload)))
    if against:
        raise UnableToErase(against[0].code, against[0].message, params=against[0].params)


def _erasure_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    borrower = _person(payload)
    return [Change(N_("Data of the person"), borrower.display_name, N_("erased for good"))]


def _erase(payload: Mapping[str, Any], act: Act) -> None:
    erase_borrower(borrower=_person(payload), actor=act.actor, as_of=act.as_of, now=act.now)


ERASURE = ProposalKind(
    name="erasure",
    title=N_("Erase a person's data"),
    read=_read_erasure,
    subject=_erasure_subject,
    check=_check_erasure,
    diff=_erasure_diff,
    execute=_erase,
)


def register() -> None:
    """Offer the acts of this room."""
    for kind in (LIMIT, APPROVAL, POLICY, ERASURE, IMPORT, PAYEE, PRODUCT):
        proposal_kinds.register(kind)
