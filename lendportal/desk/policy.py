"""Who may do what: one table of roles, objects, verbs, fields and conditions, which the code obeys and the tests read.

`RULES` is for staff: it becomes Django's groups after each migration (`roles.py`), so `user.has_perm` answers from it.
`CHECKED` says who proposes and who approves what needs two people. `routes.py` says which rule each address asks for.
Nothing that is not written here is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REVIEWER = "Credit officer"
COLLECTOR = "Collector"
ANALYST = "Risk analyst"
FINANCE = "Finance"
SUPPORT = "Support"
AUDITOR = "Auditor"
ADMINISTRATOR = "Administrator"
BREAK_GLASS = "Break-glass"
STAFF = (REVIEWER, COLLECTOR, ANALYST, FINANCE, SUPPORT, AUDITOR, ADMINISTRATOR)
ROLES = (*STAFF, BREAK_GLASS)


class Fields(StrEnum):
    """Name how much of an object a role sees."""

    ALL = "ALL"
    MASKED = "MASKED"  # names, numbers and addresses of people only by their first or last signs


class Condition(StrEnum):
    """Name what else must hold."""

    NONE = "NONE"
    NOT_OWN = "NOT_OWN"  # never the officer's own affairs, nor those of a business of the officer
    WITH_REASON = "WITH_REASON"  # a sentence that says why, kept in the audit trail
    SANDBOX = "SANDBOX"  # in a sandbox alone
    FOR_A_TIME = "FOR_A_TIME"  # while a grant lasts that two people gave


@dataclass(frozen=True, slots=True)
class Rule:
    """Allow roles a verb on objects. An object is `app.model`, or `app.*` for every table of a room."""

    roles: tuple[str, ...]
    objects: tuple[str, ...]
    verb: str
    fields: Fields = Fields.ALL
    condition: Condition = Condition.NONE


PEOPLE = (
    "accounts.borrower", "accounts.businessprofile", "accounts.businessmember", "accounts.identity",
    "accounts.consent", "accounts.bankaccount", "accounts.notice",
)  # fmt: skip
MONEY = ("ledger.*", "loans.*")
TRAIL = ("accounts.auditentry", "accounts.proposal", "accounts.temporaryrole")

RULES: tuple[Rule, ...] = (
    # seeing: tables of the desk show people masked to everybody; the whole of a person needs a reason
    Rule((REVIEWER, ANALYST, FINANCE, COLLECTOR, SUPPORT, AUDITOR, ADMINISTRATOR), ("credit.*",), "view", Fields.MASKED),
    Rule((REVIEWER, FINANCE, COLLECTOR, AUDITOR), MONEY, "view", Fields.MASKED),
    Rule((REVIEWER, FINANCE, SUPPORT, AUDITOR, ADMINISTRATOR), ("merchants.*",), "view", Fields.MASKED),
    Rule((ADMINISTRATOR,), ("loans.payout", "loans.collection", "loans.gatewaymessage"), "view", Fields.MASKED),
    Rule((SUPPORT,), ("loans.loan", "loans.instalment", "loans.hardshiprequest"), "view", Fields.MASKED),
    Rule((REVIEWER, ANALYST, AUDITOR), ("risk.*",), "view", Fields.MASKED),
    Rule((REVIEWER, COLLECTOR, AUDITOR, ADMINISTRATOR), PEOPLE, "view", Fields.MASKED),
    Rule((SUPPORT,), ("accounts.borrower", "accounts.notice", "accounts.consent"), "view", Fields.MASKED),
    Rule((AUDITOR, ADMINISTRATOR), (*TRAIL, "accounts.user"), "view", Fields.MASKED),
    Rule((REVIEWER, COLLECTOR), ("accounts.borrower",), "reveal_person", Fields.ALL, Condition.WITH_REASON),
    Rule((ADMINISTRATOR,), ("accounts.borrower",), "keep_legal_hold", condition=Condition.WITH_REASON),
    # deciding about people
    Rule((REVIEWER,), ("credit.application",), "decide_application", condition=Condition.NOT_OWN),
    Rule((REVIEWER,), ("credit.creditline",), "freeze_line", condition=Condition.WITH_REASON),
    # trying a changed policy; putting it in force needs two people
    Rule((REVIEWER, ANALYST), ("credit.experiment",), "use_laboratory"),
    # collecting
    Rule((COLLECTOR,), ("loans.loan",), "collect", condition=Condition.NOT_OWN),
    Rule((REVIEWER,), ("loans.loan",), "answer_hardship", condition=Condition.NOT_OWN),
    # money
    Rule((FINANCE,), ("ledger.bookdate",), "close_period"),
    Rule((FINANCE,), ("loans.provisionrun",), "post_provisions"),
    Rule((FINANCE,), ("ledger.journal",), "reconcile_bank"),
    Rule((FINANCE,), ("merchants.settlement",), "retry_settlement"),
    Rule((FINANCE, ADMINISTRATOR), ("loans.calendarday",), "keep_calendar"),
    Rule((ADMINISTRATOR,), ("loans.calendarday",), "view"),
    Rule((REVIEWER, ANALYST, FINANCE, COLLECTOR, AUDITOR), ("loans.loan",), "view_portfolio"),
    Rule((REVIEWER, ANALYST, FINANCE, COLLECTOR), ("credit.portfolioreport",), "compute_report"),
    # running the place
    Rule((FINANCE, ADMINISTRATOR), ("credit.nightrun",), "run_operations"),
    Rule((FINANCE, ADMINISTRATOR, AUDITOR), ("credit.nightrun",), "view_operations"),
    Rule((ADMINISTRATOR,), ("credit.nightrun",), "move_business_date", condition=Condition.SANDBOX),
    # two people give it, for an hour or so, and everybody sees that it is in use
    Rule((BREAK_GLASS,), ("credit.*", "merchants.*", *MONEY, "risk.*", *PEOPLE, *TRAIL, "accounts.user"), "view", Fields.MASKED, Condition.FOR_A_TIME),
    Rule((BREAK_GLASS,), ("accounts.borrower",), "reveal_person", Fields.ALL, Condition.FOR_A_TIME),
    Rule((BREAK_GLASS,), ("credit.creditline",), "freeze_line", condition=Condition.FOR_A_TIME),
    Rule((BREAK_GLASS,), ("credit.nightrun",), "run_operations", condition=Condition.FOR_A_TIME),
    Rule((BREAK_GLASS,), ("credit.nightrun",), "view_operations", condition=Condition.FOR_A_TIME),
    Rule((BREAK_GLASS,), ("loans.loan",), "view_portfolio", condition=Condition.FOR_A_TIME),
)  # fmt: skip

# verbs that Django does not know by itself -> how the permission is called
VERBS: dict[str, str] = {
    "reveal_person": "Can see the whole of a person, with a reason",
    "keep_legal_hold": "Can place and lift a legal hold",
    "decide_application": "Can decide an application and answer a borrower",
    "freeze_line": "Can freeze and release a line",
    "use_laboratory": "Can try a changed policy and submit it",
    "collect": "Can work collections: contact, promises, plans to propose",
    "answer_hardship": "Can offer a plan to a borrower in hardship",
    "close_period": "Can close a month for good",
    "post_provisions": "Can post provisions for losses",
    "retry_settlement": "Can order a shop's payment again that the bank refused",
    "keep_calendar": "Can keep the calendar of holidays",
    "reconcile_bank": "Can import the bank's file and match it",
    "compute_report": "Can have a report of the portfolio computed anew",
    "view_portfolio": "Can see the reports of the portfolio",
    "run_operations": "Can retry and resume what failed",
    "view_operations": "Can see how the portal runs",
    "move_business_date": "Can move the business date of a sandbox",
}


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """Say who proposes and who approves one kind of act; never the same person, never about oneself."""

    makers: tuple[str, ...]
    checkers: tuple[str, ...]


CHECKED: dict[str, TwoPeople] = {
    "role_grant": TwoPeople((ADMINISTRATOR,), (ADMINISTRATOR,)),
    "break_glass": TwoPeople((REVIEWER, COLLECTOR, ANALYST, FINANCE, ADMINISTRATOR), (ADMINISTRATOR,)),
    "erasure": TwoPeople((SUPPORT, ADMINISTRATOR), (ADMINISTRATOR,)),
    "payout_account": TwoPeople((SUPPORT, REVIEWER), (REVIEWER, FINANCE)),
    "limit_change": TwoPeople((REVIEWER,), (REVIEWER,)),
    "large_approval": TwoPeople((REVIEWER,), (REVIEWER,)),
    "loan_rate": TwoPeople((REVIEWER, COLLECTOR, FINANCE), (FINANCE,)),
    "loan_fee": TwoPeople((FINANCE,), (FINANCE,)),
    "waiver": TwoPeople((COLLECTOR, REVIEWER, FINANCE), (FINANCE,)),
    "loan_plan": TwoPeople((COLLECTOR, REVIEWER), (REVIEWER, FINANCE)),
    "write_off": TwoPeople((COLLECTOR, FINANCE), (FINANCE,)),
    "recovery": TwoPeople((COLLECTOR, FINANCE), (FINANCE,)),
    "collection_strategy": TwoPeople((COLLECTOR, ANALYST), (ANALYST, FINANCE)),
    "refund": TwoPeople((SUPPORT, FINANCE), (FINANCE,)),
    "manual_journal": TwoPeople((FINANCE,), (FINANCE,)),
    "bulk_import": TwoPeople((FINANCE,), (FINANCE,)),
    "suspense_match": TwoPeople((FINANCE,), (FINANCE,)),
    "suspense_return": TwoPeople((FINANCE,), (FINANCE,)),
    "merchant_approval": TwoPeople((REVIEWER,), (REVIEWER, FINANCE)),
    "merchant_status": TwoPeople((REVIEWER, SUPPORT), (REVIEWER, FINANCE)),
    "payee": TwoPeople((REVIEWER,), (REVIEWER, FINANCE)),
    "product_version": TwoPeople((ANALYST,), (ANALYST,)),
    "policy_activation": TwoPeople((ANALYST,), (ANALYST,)),
    "model_activation": TwoPeople((ANALYST,), (ANALYST,)),
    "model_traffic": TwoPeople((ANALYST,), (ANALYST,)),
}


def permission_names(role: str) -> set[tuple[str, str]]:
    """Return (object, verb) of every rule for a role; objects may end in `.*`."""
    return {(name, rule.verb) for rule in RULES if role in rule.roles for name in rule.objects}


def checked_verbs(role: str) -> tuple[str, ...]:
    """Return the permissions of a role to propose and to approve what needs two people."""
    makes = [f"accounts.propose_{kind}" for kind, who in CHECKED.items() if role in who.makers]
    checks = [f"accounts.approve_{kind}" for kind, who in CHECKED.items() if role in who.checkers]
    return (*makes, *checks)


def allows(role: str, permission: str) -> bool:
    """Tell whether the table gives a role a permission such as `credit.view_application`."""
    app, _dot, codename = permission.partition(".")
    if permission in checked_verbs(role):
        return True
    viewed = codename.removeprefix("view_") if codename.startswith("view_") and codename not in VERBS else ""
    for name, verb in permission_names(role):
        room, _dot, model = name.partition(".")
        if room == app and (verb == codename if not viewed else verb == "view" and model in ("*", viewed)):
            return True
    return False
