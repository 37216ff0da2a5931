"""Every write of this room, one verb a function; each owns its transaction."""

from accounts.operations.audit import AuditDraft, new_entry, write_audit
from accounts.operations.banks import (
    UnableToAddBankAccount,
    add_bank_account,
    remove_bank_account,
    set_default_bank_account,
    verify_bank_account,
)
from accounts.operations.business_rules import (
    UnableToTakeLicence,
    give_licence,
    second_above,
    set_member_terms,
    set_second_approval,
)
from accounts.operations.businesses import (
    UnableToChangeMembers,
    UnableToCreateBusiness,
    add_member,
    create_business,
    remove_member,
)
from accounts.operations.claims import HeldBySomebody, claim_work, refuse_held, release_work
from accounts.operations.consents import UnableToGiveConsent, give_consent, give_consents, withdraw_consent
from accounts.operations.contacts import (
    ContactNotAllowed,
    record_call,
    refuse_contact,
    set_contact_preference,
)
from accounts.operations.identities import UnableToRecordIdentity, decide_identity, record_identity
from accounts.operations.notices import (
    NoticeOrder,
    SendReport,
    mark_notices_read,
    new_notice,
    queue_notice,
    queue_notices,
    send_due_notices,
)
from accounts.operations.people import (
    UnableToOpenAccount,
    ensure_person,
    open_account,
    remember_acting,
    set_borrower_status,
    set_language,
)
from accounts.operations.proposals import (
    NotForYou,
    UnableToDecideProposal,
    UnableToPropose,
    approve,
    decline,
    expire_proposals,
    propose,
    seen_digest,
    withdraw,
)
from accounts.operations.roles import UnableToGrantRole, break_glass, change_role, end_break_glass
from accounts.operations.second_factor import UnableToEnrol, enrol_totp

__all__ = [
    "HeldBySomebody",
    "NotForYou",
    "ContactNotAllowed",
    "NoticeOrder",
    "SendReport",
    "UnableToAddBankAccount",
    "UnableToChangeMembers",
    "UnableToCreateBusiness",
    "UnableToDecideProposal",
    "UnableToEnrol",
    "UnableToGiveConsent",
    "UnableToGrantRole",
    "UnableToOpenAccount",
    "UnableToPropose",
    "UnableToRecordIdentity",
    "add_bank_account",
    "add_member",
    "approve",
    "break_glass",
    "change_role",
    "claim_work",
    "create_business",
    "decide_identity",
    "decline",
    "enrol_totp",
    "end_break_glass",
    "ensure_person",
    "expire_proposals",
    "UnableToTakeLicence",
    "give_consent",
    "give_consents",
    "give_licence",
    "second_above",
    "set_member_terms",
    "set_second_approval",
    "mark_notices_read",
    "open_account",
    "propose",
    "AuditDraft",
    "new_entry",
    "new_notice",
    "queue_notice",
    "queue_notices",
    "record_call",
    "record_identity",
    "refuse_contact",
    "refuse_held",
    "release_work",
    "remember_acting",
    "remove_bank_account",
    "remove_member",
    "seen_digest",
    "send_due_notices",
    "set_borrower_status",
    "set_contact_preference",
    "set_default_bank_account",
    "set_language",
    "verify_bank_account",
    "withdraw",
    "withdraw_consent",
    "write_audit",
]
