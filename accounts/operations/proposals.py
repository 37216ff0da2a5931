"""Propose, approve, decline, withdraw: an act of one person that happens only by the hand of another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Borrower, BusinessMember, Proposal, User
from accounts.operations.audit import write_audit
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, kind_of
from regimes.errors import N_, InvalidInput, NotFound, Refusal

LIVES = timedelta(hours=24)
MOST_TEXT = 2_000
Status = Proposal.Status


class UnableToPropose(InvalidInput):
    """Refuse a proposal whose words or payload are not in order."""


class UnableToDecideProposal(Refusal):
    """Refuse a decision on a proposal that its state does not allow."""


class NotForYou(Refusal):
    """Refuse a person who may not make or decide this."""

    http_status = 403


def canonical(payload: object) -> str:
    """Write JSON in its one form: sorted keys, no spaces, no number that is not whole."""
    _refuse_floats(payload)
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("amounts and rates of a payload are strings: a float has many ways of being written")
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_floats(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _refuse_floats(part)


def sha256_of(text: str) -> str:
    """Hash a text as it stands."""
    return hashlib.sha256(text.encode()).hexdigest()


def seen_digest(*, payload_sha256: str, changes: Sequence[Change]) -> str:
    """Hash what a checker has before the eyes: what would be executed, and what that would change now."""
    return sha256_of(canonical([payload_sha256, [asdict(change) for change in changes]]))


def propose(
    *, kind: str, payload: Mapping[str, Any], maker: User, reason: str, as_of: date, now: datetime
) -> Proposal:
    """Write down an act for another person to approve within 24 hours; nothing else happens yet."""
    handler = kind_of(kind)
    reason = _words(
        reason, field="reason", message=N_("Write why, so that the second person understands it.")
    )
    _require(maker, handler.propose_permission)
    content = handler.read(payload)
    subject = handler.subject(content)
    refuse_own_affairs(user=maker, subject=subject)
    text = canonical(content)
    with transaction.atomic():
        expire_proposals(now=now)
        proposal = Proposal(
            kind=kind,
            payload=text,
            payload_sha256=sha256_of(text),
            object_type=subject.object_type,
            object_ref=subject.object_ref,
            label=subject.label[:200],
            reason=reason,
            maker=maker,
            expires_at=now + LIVES,
        )
        handler.check(content, _act(proposal, actor=maker, as_of=as_of, now=now))
        if not handler.diff(content, as_of):
            raise UnableToPropose("nothing_changes", N_("This would change nothing."))
        _insert(proposal)
        _audit(proposal, actor=maker, action="proposal.made", reason=reason)
    return proposal


def _insert(proposal: Proposal) -> None:
    try:
        with transaction.atomic():
            proposal.save(force_insert=True)
    except IntegrityError:
        raise UnableToDecideProposal(
            "already_proposed", N_("The same is proposed already and waits for a second person.")
        ) from None


def approve(
    *, proposal_id: int, seen: str, checker: User, as_of: date, now: datetime, note: str = ""
) -> Proposal:
    """Execute a proposal by the hand of a second person.

    `seen` is the `seen_digest` of what the checker was shown. Who, when, rules and content are all asked again here, in
    the transaction that executes; any refusal leaves everything as it was, and the proposal open.
    """
    with transaction.atomic():
        proposal = _lock_open(proposal_id)
        handler = kind_of(proposal.kind)
        content = _signed_content(proposal)
        _refuse_person(proposal, handler, checker)
        refuse_own_affairs(user=checker, subject=handler.subject(content))
        _refuse_late(proposal, handler, now)
        act = _act(proposal, actor=checker, as_of=as_of, now=now)
        handler.check(content, act)
        changes = list(handler.diff(content, as_of))
        if seen_digest(payload_sha256=proposal.payload_sha256, changes=changes) != seen:
            raise UnableToDecideProposal(
                "changed_meanwhile", N_("Something changed since you looked. Look again, then decide.")
            )
        result = handler.execute(content, act)
        proposal.status, proposal.checker, proposal.decided_at = Status.EXECUTED, checker, now
        proposal.executed_sha256 = sha256_of(canonical(content))
        proposal.changes = [asdict(change) for change in changes]
        proposal.note, proposal.result = note.strip()[:MOST_TEXT], dict(result or {})
        proposal.save(
            update_fields=["status", "checker", "decided_at", "executed_sha256", "changes", "note", "result"]
        )
        _audit(proposal, actor=checker, action="proposal.executed", reason=note)
    return proposal


def decline(*, proposal_id: int, checker: User, note: str, now: datetime) -> Proposal:
    """Say no to a proposal, with a reason for its maker."""
    note = _words(note, field="note", message=N_("Write why, so that others understand it."))
    with transaction.atomic():
        proposal = _lock_open(proposal_id)
        _refuse_person(proposal, kind_of(proposal.kind), checker)
        return _end(proposal, Status.DECLINED, actor=checker, note=note, now=now)


def withdraw(*, proposal_id: int, maker: User, now: datetime) -> Proposal:
    """Take the own proposal back."""
    with transaction.atomic():
        proposal = _lock_open(proposal_id)
        if proposal.maker_id != maker.pk:
            raise NotForYou("not_your_proposal", N_("Only who proposed this can withdraw it."))
        return _end(proposal, Status.WITHDRAWN, actor=None, note="", now=now)


def expire_proposals(*, now: datetime, limit: int = 500) -> int:
    """End the proposals that nobody decided in time; tell how many."""
    with transaction.atomic():
        rows = Proposal.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            status=Status.OPEN, expires_at__lte=now
        )
        late = list(rows.order_by("pk")[:limit])
        for proposal in late:
            _end(proposal, Status.EXPIRED, actor=None, note="", now=now)
    return len(late)


def _end(proposal: Proposal, status: str, *, actor: User | None, note: str, now: datetime) -> Proposal:
    proposal.status, proposal.checker, proposal.note, proposal.decided_at = status, actor, note, now
    proposal.save(update_fields=["status", "checker", "note", "decided_at"])
    by = proposal.maker if status == Status.WITHDRAWN else actor
    _audit(proposal, actor=by, action=f"proposal.{status.lower()}", reason=note)
    return proposal


def refuse_own_affairs(*, user: User, subject: Subject) -> None:
    """Refuse whoever the act is about, and the members of a business that it is about."""
    own = subject.user_id == user.pk
    if not own and subject.borrower_ids:
        own = (
            Borrower.objects.filter(pk__in=subject.borrower_ids, user_id=user.pk).exists()
            or BusinessMember.objects.filter(
                business_id__in=subject.borrower_ids, user_id=user.pk, is_active=True
            ).exists()
        )
    if own:
        raise NotForYou("own_item", N_("You cannot decide about yourself. Ask a colleague."))


def _refuse_person(proposal: Proposal, handler: ProposalKind, checker: User) -> None:
    if proposal.maker_id == checker.pk:
        raise NotForYou("own_proposal", N_("Another person must decide what you proposed."))
    _require(checker, handler.approve_permission)


def _refuse_late(proposal: Proposal, handler: ProposalKind, now: datetime) -> None:
    if now >= proposal.expires_at:
        raise UnableToDecideProposal(
            "proposal_expired", N_("Nobody decided this within 24 hours. Propose it again.")
        )
    maker = User.objects.get(pk=proposal.maker_id)  # afresh: who was dismissed meanwhile proposes nothing
    if not maker.has_perm(handler.propose_permission):
        raise UnableToDecideProposal(
            "maker_lost_role", N_("Who proposed this may not do so any more. Decline it, or propose it anew.")
        )


def _signed_content(proposal: Proposal) -> dict[str, Any]:
    """Return what was proposed, after proving that it is what was hashed then."""
    if sha256_of(proposal.payload) != proposal.payload_sha256:
        raise UnableToDecideProposal("payload_changed", N_("This is not what was proposed. Decline it."))
    content = json.loads(proposal.payload)
    assert isinstance(content, dict), "every payload is an object"
    return content


def _lock_open(proposal_id: int) -> Proposal:
    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    if proposal.status != Status.OPEN:
        raise UnableToDecideProposal("proposal_decided", N_("This was decided already."))
    return proposal


def _act(proposal: Proposal, *, actor: User, as_of: date, now: datetime) -> Act:
    return Act(
        actor=actor,
        maker=proposal.maker,
        as_of=as_of,
        now=now,
        reason=proposal.reason,
        reference=str(proposal.ref),
    )


def _require(user: User, permission: str) -> None:
    if not (user.is_active and user.is_staff and user.has_perm(permission)):
        raise NotForYou("role_missing", N_("Your role does not allow this."))


def _words(text: str, *, field: str, message: str) -> str:
    text = text.strip()
    if not text:
        raise UnableToPropose("required", message, field=field)
    if len(text) > MOST_TEXT:
        raise UnableToPropose(
            "too_long", N_("Use at most %(maximum)s characters."), field=field, params={"maximum": MOST_TEXT}
        )
    return text


def _audit(proposal: Proposal, *, actor: User | None, action: str, reason: str) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="accounts.Proposal",
        object_ref=proposal.ref,
        after={
            "kind": proposal.kind,
            "sha256": proposal.payload_sha256,
            "status": proposal.status,
            "object": f"{proposal.object_type}:{proposal.object_ref}",
        },
        reason=reason,
    )
