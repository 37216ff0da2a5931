"""Tables of people and businesses, what they agreed to, what they were told, and who did what."""

from accounts.models.audit import AuditEntry
from accounts.models.bank import BankAccount
from accounts.models.borrower import Borrower, BusinessMember, BusinessProfile
from accounts.models.claim import WorkClaim
from accounts.models.consent import Consent
from accounts.models.contact import Call, ContactPreference
from accounts.models.identity import Identity
from accounts.models.notice import Notice
from accounts.models.person_key import PersonKey
from accounts.models.proposal import Proposal
from accounts.models.reply import StoredReply
from accounts.models.rights import BusinessLicence, LegalHold
from accounts.models.temporary_role import TemporaryRole
from accounts.models.user import User

__all__ = [
    "StoredReply",
    "AuditEntry",
    "BankAccount",
    "Borrower",
    "BusinessLicence",
    "BusinessMember",
    "BusinessProfile",
    "Call",
    "Consent",
    "ContactPreference",
    "Identity",
    "LegalHold",
    "Notice",
    "PersonKey",
    "Proposal",
    "TemporaryRole",
    "User",
    "WorkClaim",
]
