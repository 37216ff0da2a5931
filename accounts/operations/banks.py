"""Bank accounts: where money may go to, and from when."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.domain.documents import parse_account_number
from accounts.domain.names import parse_legal_name, same_name
from accounts.models import BankAccount, Borrower, BusinessMember, Identity, User
from accounts.operations.audit import write_audit
from accounts.operations.notices import queue_notice
from accounts.regime import current_regime
from regimes.errors import N_, NotFound, Refusal


class UnableToAddBankAccount(Refusal):
    """Refuse a bank account that cannot be taken as it is."""


def add_bank_account(
    *, borrower: Borrower, bank_name: str, holder_name: str, number: str, actor: User | None, now: datetime
) -> BankAccount:
    """Add an account; the same number again returns the first.

    It is verified at once when its holder is the borrower, and held for review when not. The first account can be used
    at once; a later one waits, so that whoever takes over a session cannot send the next loan to himself.
    """
    bank = parse_legal_name(bank_name, field="bank_name")
    holder = parse_legal_name(holder_name, field="holder_name")
    digits = parse_account_number(number)
    index = BankAccount.index_of(digits)
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        held = list(BankAccount.objects.filter(borrower=borrower, removed_at=None))
        for account in held:
            if account.number_index == index:
                return account
        _refuse_strangers_number(borrower=borrower, index=index, actor=actor)
        known = BankAccount.objects.filter(borrower=borrower).exists()
        wait = timedelta(hours=current_regime().bank_account_wait_hours) if known else timedelta()
        account = BankAccount.objects.create(
            borrower=borrower,
            bank_name=bank,
            holder_name=holder,
            number=digits,
            number_last4=digits[-4:],
            number_index=index,
            is_default=not any(account.is_default for account in held),
            added_at=now,
            usable_from=now + wait,
            verified_at=now if _is_own_name(borrower=borrower, holder=holder) else None,
        )
        write_audit(
            actor=actor,
            action="bank_account.added",
            object_type="BankAccount",
            object_ref=account.ref,
            after={"borrower": str(borrower.ref), "verified": account.verified_at is not None},
        )
        if known:
            queue_notice(
                borrower_id=borrower.pk,
                kind="bank_account_added",
                dedup_key=f"bank_account_added:{account.ref}",
                params={"last4": account.number_last4, "bank": bank},
                channels=("IN_APP", "EMAIL", "SMS"),
            )
    return account


def _is_own_name(*, borrower: Borrower, holder: str) -> bool:
    if borrower.kind == Borrower.Kind.BUSINESS:
        return same_name(borrower.business_profile.legal_name, holder)
    identity = Identity.objects.filter(borrower=borrower, status=Identity.Status.VERIFIED).first()
    return identity is not None and same_name(identity.full_name, holder)


def _refuse_strangers_number(*, borrower: Borrower, index: str, actor: User | None) -> None:
    """Refuse a number that another customer holds, unless the same user acts for both."""
    others = BankAccount.objects.filter(number_index=index, removed_at=None).exclude(borrower=borrower)
    if actor is not None:
        others = others.exclude(borrower__user=actor).exclude(
            borrower__in=BusinessMember.objects.filter(user=actor, is_active=True).values("business")
        )
    if others.exists():
        raise UnableToAddBankAccount(
            "bank_account_unverifiable", N_("We could not verify this account. Contact us."), field="number"
        )


def _locked(*, borrower: Borrower, account_ref: object) -> BankAccount:
    Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
    account = BankAccount.objects.filter(borrower=borrower, ref=str(account_ref), removed_at=None).first()
    if account is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return account


def set_default_bank_account(
    *, borrower: Borrower, account_ref: object, actor: User | None, now: datetime
) -> BankAccount:
    """Use this account unless another is chosen."""
    with transaction.atomic():
        account = _locked(borrower=borrower, account_ref=account_ref)
        if not account.is_default:
            BankAccount.objects.filter(borrower=borrower, is_default=True).update(is_default=False)
            account.is_default = True
            account.save(update_fields=["is_default"])
            write_audit(
                actor=actor, action="bank_account.default", object_type="BankAccount", object_ref=account.ref
            )
    return account


def remove_bank_account(
    *, borrower: Borrower, account_ref: object, actor: User | None, now: datetime
) -> BankAccount:
    """Use this account no more; what was paid through it keeps its trace."""
    with transaction.atomic():
        account = _locked(borrower=borrower, account_ref=account_ref)
        account.removed_at, account.is_default = now, False
        account.save(update_fields=["removed_at", "is_default"])
        write_audit(
            actor=actor, action="bank_account.removed", object_type="BankAccount", object_ref=account.ref
        )
    return account


def verify_bank_account(*, account_id: int, reason: str, actor: User, now: datetime) -> BankAccount:
    """Release an account that was held because its holder has another name."""
    if not actor.is_staff:
        raise UnableToAddBankAccount("permission_denied", N_("Only staff can release a bank account."))
    if not reason.strip():
        raise UnableToAddBankAccount("required", N_("Say what you compared."), field="reason")
    with transaction.atomic():
        account = BankAccount.objects.select_for_update(of=("self",)).get(pk=account_id)
        if account.borrower.user_id == actor.pk:
            raise UnableToAddBankAccount("own_item", N_("You cannot decide about yourself. Ask a colleague."))
        if account.verified_at is None:
            account.verified_at = now
            account.save(update_fields=["verified_at"])
            write_audit(
                actor=actor,
                action="bank_account.verified",
                object_type="BankAccount",
                object_ref=account.ref,
                reason=reason.strip(),
            )
    return account
