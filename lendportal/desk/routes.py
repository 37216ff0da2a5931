"""Which rule each address asks for: one row an address. An address without a row answers 403, and fails the tests.

The desk's pages are wrapped by `guarded`, which asks the table before the view runs. What borrowers and their businesses
reach is decided object by object in the rooms' `access.py`; here stands who may come that far, for the tests to prove.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

log = structlog.get_logger(__name__)

STAFF = "*staff"  # whoever may come to the desk at all
BY_KIND = "*kind"  # decided by the kind of the proposal: propose_<kind>, approve_<kind>, or view_proposal


@dataclass(frozen=True, slots=True)
class Route:
    """Say what reading and writing an address of the desk need; None: that verb is not there."""

    read: str
    write: str | None = None
    person: bool = False  # shows a person's affairs, so each view is written to the audit trail


DESK: dict[str, Route] = {
    "index": Route(STAFF),
    "app_list": Route(STAFF),
    "queue": Route("credit.view_application", "credit.decide_application"),
    "review": Route("credit.view_application", "credit.decide_application", person=True),
    "freeze": Route("credit.freeze_line", "credit.freeze_line", person=True),
    "purpose_paper": Route("credit.decide_application", person=True),
    "answer": Route("credit.decide_application", "credit.decide_application", person=True),
    "business_date": Route("credit.move_business_date", "credit.move_business_date"),
    "policy_new": Route("accounts.propose_policy_activation", "accounts.propose_policy_activation"),
    "collections": Route("loans.collect"),
    "collection_case": Route("loans.collect", "loans.collect", person=True),
    "hardships": Route("loans.view_hardshiprequest"),
    "hardship": Route("loans.view_hardshiprequest", "loans.answer_hardship", person=True),
    "portfolio": Route("loans.view_portfolio"),
    "portfolio_report": Route("loans.view_portfolio", "credit.compute_report"),
    "portfolio_loans": Route("loans.view_portfolio"),
    "bank": Route("ledger.view_posting", "ledger.reconcile_bank"),
    "imports": Route("accounts.propose_bulk_import", "accounts.propose_bulk_import"),
    "import_batch": Route("accounts.propose_bulk_import"),
    "suspense": Route("ledger.view_posting", "ledger.reconcile_bank"),
    "bank_file": Route("ledger.view_posting"),
    "running": Route("credit.view_operations", "credit.run_operations"),
    "trail": Route("accounts.view_auditentry"),
    "hold": Route("accounts.keep_legal_hold", "accounts.keep_legal_hold", person=True),
    "reveal": Route("accounts.reveal_person", "accounts.reveal_person"),
    "reminders": Route("credit.view_remindertrial"),
    "laboratory": Route("credit.view_experiment"),
    "new_experiment": Route("credit.use_laboratory", "credit.use_laboratory"),
    "experiment": Route("credit.view_experiment", "credit.use_laboratory"),
    "monitoring": Route("risk.view_monitoringrun"),
    "trial_balance": Route("ledger.view_posting"),
    "general_ledger": Route("ledger.view_posting"),
    "close_month": Route("ledger.view_bookdate", "ledger.close_period"),
    "provisions": Route("loans.view_provisionrun", "loans.post_provisions"),
    "calendar": Route("loans.view_calendarday", "loans.keep_calendar"),
    "calendar_year": Route("loans.view_calendarday", "loans.keep_calendar"),
    "loan_statement": Route("loans.view_loan", person=True),
    "loan_as_known": Route("loans.view_loan", person=True),
    "loan_changes": Route("loans.view_loan", person=True),
    "proposals": Route(BY_KIND),
    "propose": Route(BY_KIND, BY_KIND),
    "proposal": Route(BY_KIND, BY_KIND),
}

# Django's own pages below the desk, which it guards itself
DJANGO = (
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
)


def guarded(name: str, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap a page of the desk: the table is asked first, and a view of a person is written down."""
    from lendportal.desk.view_log import note_view

    route = DESK.get(name)
    if route is not None and route.write is None:
        view = require_safe(view)

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if route is None:
            log.error("desk.route_without_rule", route=name)
            raise PermissionDenied
        wanted = route.read if request.method in ("GET", "HEAD", "OPTIONS") else route.write
        if wanted is None or not (wanted.startswith("*") or request.user.has_perm(wanted)):  # type: ignore[union-attr]
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        if route.person and request.method == "GET" and response.status_code == 200:
            note_view(request, page=name, object_ref=kwargs.get("ref", ""))
        return response

    return asked


class Who(StrEnum):
    """Name who may come to an address that is not the desk's."""

    ALL = "ALL"  # anybody, logged in or not
    PERSON = "PERSON"  # whoever is logged in; shows or changes the own things
    VIEWER = "VIEWER"  # the borrower, or any member of the business whose object it is
    SPENDER = "SPENDER"  # the borrower, or an owner or finance member
    OWNER = "OWNER"  # the borrower, or an owner
    MACHINE = "MACHINE"  # a signature or a token instead of a person


@dataclass(frozen=True, slots=True)
class Door:
    """Say who may read and who may write at an address."""

    read: Who | None
    write: Who | None = None


OUTSIDE: dict[str, Door] = {
    "metrics": Door(Who.MACHINE),
    "csp-report": Door(None, Who.ALL),
    "set_language": Door(Who.ALL, Who.ALL),
    "schema": Door(Who.ALL),
    "api-docs": Door(Who.ALL),
    "api-redoc": Door(Who.ALL),
    "accounts-api:me": Door(Who.PERSON, Who.PERSON),
    "accounts-api:consents": Door(Who.VIEWER, Who.OWNER),
    "accounts-api:consent-withdraw": Door(None, Who.OWNER),
    "accounts-api:identity": Door(Who.VIEWER, Who.OWNER),
    "accounts-api:bank-accounts": Door(Who.VIEWER, Who.OWNER),
    "accounts-api:businesses": Door(Who.PERSON, Who.PERSON),
    "accounts-api:business": Door(Who.VIEWER),
    "accounts-api:members": Door(Who.VIEWER, Who.OWNER),
    "accounts-api:member": Door(None, Who.OWNER),
    "accounts-api:notices": Door(Who.VIEWER),
    "accounts-api:notices-read": Door(None, Who.VIEWER),
    "risk-api:evidence": Door(Who.VIEWER, Who.SPENDER),
    "risk-api:sandbox-person": Door(None, Who.SPENDER),
    "credit-api:products": Door(Who.PERSON),
    "credit-api:applications": Door(Who.VIEWER, Who.SPENDER),
    "credit-api:application": Door(Who.VIEWER),
    "credit-api:withdraw": Door(None, Who.SPENDER),
    "credit-api:review": Door(None, Who.SPENDER),
    "credit-api:review-change": Door(None, Who.SPENDER),
    "credit-api:lines": Door(Who.VIEWER),
    "credit-api:line": Door(Who.VIEWER),
    "credit-api:accept": Door(None, Who.SPENDER),
    "credit-api:freeze": Door(None, Who.SPENDER),
    "credit-api:unfreeze": Door(None, Who.SPENDER),
    "credit-api:auto-debit": Door(None, Who.SPENDER),
    "credit-api:quote": Door(Who.VIEWER),
    "credit-api:purpose-evidence": Door(Who.SPENDER, Who.SPENDER),
    "credit-api:invoices": Door(Who.SPENDER, Who.SPENDER),
    "credit-api:sales": Door(Who.VIEWER, Who.SPENDER),
    "credit-api:drawdowns": Door(Who.VIEWER, Who.SPENDER),
    "credit-api:drawdown": Door(Who.VIEWER),
    "loans-api:loans": Door(Who.VIEWER),
    "loans-api:loan": Door(Who.VIEWER),
    "loans-api:payoff": Door(Who.VIEWER),
    "loans-api:repayments": Door(Who.VIEWER, Who.SPENDER),
    "loans-api:repayment": Door(Who.VIEWER),
    "loans-api:as-known": Door(Who.VIEWER),
    "loans-api:event-changes": Door(Who.VIEWER),
    "loans-api:statement": Door(Who.VIEWER),
    "loans-api:quotes": Door(Who.PERSON),
    "loans-api:hardship": Door(Who.VIEWER, Who.SPENDER),
    "loans-api:hardship-withdraw": Door(None, Who.SPENDER),
    "loans-api:plan-accept": Door(None, Who.SPENDER),
    "loans-api:plan-decline": Door(None, Who.SPENDER),
    "loans-api:prepayment": Door(Who.VIEWER),
    "loans-api:calendar": Door(Who.VIEWER, Who.VIEWER),
    "loans-api:calendar-revoke": Door(None, Who.VIEWER),
    # a shop's computer shows a key, whose scopes say what it may
    "merchants-api:shop": Door(Who.MACHINE),
    "merchants-api:checkouts": Door(Who.MACHINE, Who.MACHINE),
    "merchants-api:checkout": Door(Who.MACHINE),
    "merchants-api:cancel": Door(None, Who.MACHINE),
    "merchants-api:void": Door(None, Who.MACHINE),
    "merchants-api:captures": Door(Who.MACHINE, Who.MACHINE),
    "merchants-api:refunds": Door(Who.MACHINE, Who.MACHINE),
    "merchants-api:settlements": Door(Who.MACHINE),
    "merchants-api:settlement": Door(Who.MACHINE),
    "merchants-api:endpoints": Door(Who.MACHINE, Who.MACHINE),
    "merchants-api:endpoint": Door(None, Who.MACHINE),
    "merchants-api:endpoint-secret": Door(None, Who.MACHINE),
    "merchants-api:endpoint-test": Door(None, Who.MACHINE),
    "merchants-api:deliveries": Door(Who.MACHINE),
    "merchants-api:replay": Door(None, Who.MACHINE),
    "merchants-api:sandbox-date": Door(Who.MACHINE, Who.MACHINE),
    # a buyer looks at an order that nobody, or the buyer, agreed to
    "merchants-api:purchase": Door(Who.PERSON),
    "merchants-api:decide": Door(None, Who.SPENDER),
    "merchants-api:agree": Door(None, Who.SPENDER),
    # the same for people with a browser
    "merchants:pay": Door(Who.ALL),
    "merchants:decide": Door(None, Who.SPENDER),
    "merchants:cost": Door(Who.SPENDER),
    "merchants:confirm": Door(None, Who.SPENDER),
    "merchants:done": Door(Who.VIEWER),
    "merchants:shop": Door(Who.VIEWER),
    "merchants:apply": Door(Who.OWNER, Who.OWNER),
    "merchants:order": Door(Who.VIEWER),
    "merchants:act": Door(None, Who.SPENDER),
    "merchants:settlements": Door(Who.VIEWER),
    "merchants:refunds": Door(Who.VIEWER),
    "merchants:keys": Door(Who.OWNER, Who.OWNER),
    "merchants:key": Door(None, Who.OWNER),
    "merchants:log": Door(Who.OWNER, Who.OWNER),
    "merchants:replay": Door(None, Who.OWNER),
    "merchants:endpoint": Door(None, Who.OWNER),
    "merchants:plans": Door(Who.OWNER, Who.OWNER),
    "accounts:language": Door(None, Who.ALL),
    "accounts:style": Door(Who.ALL),
    "accounts:sessions": Door(Who.PERSON),
    "accounts:session-end": Door(None, Who.PERSON),
    "accounts:sessions-end": Door(None, Who.PERSON),
    "accounts:member-terms": Door(Who.OWNER, Who.OWNER),
    "accounts:second-approval": Door(Who.OWNER, Who.OWNER),
    "accounts:licence": Door(Who.VIEWER, Who.OWNER),
    "accounts:licence-file": Door(Who.OWNER),
    "credit:contact": Door(Who.VIEWER, Who.SPENDER),
    "accounts:settings": Door(Who.PERSON, Who.PERSON),
    "accounts:switch": Door(Who.PERSON),
    "accounts:business-new": Door(Who.PERSON, Who.PERSON),
    "accounts:members": Door(Who.VIEWER, Who.OWNER),
    "accounts:manifest": Door(Who.ALL),
    "accounts:service-worker": Door(Who.ALL),
    "accounts:offline": Door(Who.ALL),
    "accounts:member-remove": Door(None, Who.OWNER),
    "accounts:identity": Door(Who.OWNER, Who.OWNER),
    "accounts:consents": Door(Who.OWNER, Who.OWNER),
    "accounts:banks": Door(Who.SPENDER, Who.SPENDER),
    "accounts:bank-remove": Door(None, Who.SPENDER),
    "accounts:notices": Door(Who.VIEWER),
    "accounts:notices-read": Door(None, Who.VIEWER),
    "risk:evidence": Door(Who.SPENDER, Who.SPENDER),
    "risk:sandbox": Door(None, Who.SPENDER),
    "risk:sample": Door(Who.SPENDER),
    "risk:source": Door(Who.SPENDER),
    "credit:start": Door(Who.ALL),
    "credit:home": Door(Who.VIEWER),
    "credit:apply": Door(Who.SPENDER, Who.SPENDER),
    "credit:application": Door(Who.VIEWER),
    "credit:withdraw": Door(None, Who.SPENDER),
    "credit:review": Door(None, Who.SPENDER),
    "credit:accept": Door(None, Who.SPENDER),
    "credit:history": Door(Who.VIEWER),
    "credit:freeze": Door(None, Who.SPENDER),
    "credit:unfreeze": Door(None, Who.SPENDER),
    "credit:review-change": Door(None, Who.SPENDER),
    "credit:draw": Door(Who.SPENDER),
    "credit:paper": Door(None, Who.SPENDER),
    "credit:invoice": Door(None, Who.SPENDER),
    "credit:sales": Door(Who.VIEWER, Who.SPENDER),
    "credit:compare": Door(Who.SPENDER),
    "credit:cost": Door(Who.SPENDER),
    "credit:confirm": Door(None, Who.SPENDER),
    "credit:auto-debits": Door(Who.VIEWER),
    "credit:auto-debit": Door(Who.SPENDER, Who.SPENDER),
    "credit:control": Door(Who.SPENDER, Who.SPENDER),
    "credit:contract": Door(Who.VIEWER),
    "credit:drawdown": Door(Who.VIEWER),
    "credit:business": Door(Who.VIEWER),
    "credit:draw-request": Door(Who.VIEWER),
    "credit:draw-request-approve": Door(None, Who.SPENDER),
    "credit:lessons": Door(Who.ALL),
    "credit:lesson": Door(Who.ALL, Who.ALL),
    "credit:draw-request-no": Door(None, Who.SPENDER),
    "credit:passport": Door(Who.OWNER, Who.OWNER),
    "credit:passport-one": Door(Who.OWNER, Who.OWNER),
    "credit:passport-revoke": Door(None, Who.OWNER),
    "credit:passport-link-close": Door(None, Who.OWNER),
    "credit:passport-file": Door(Who.OWNER),
    "credit:passport-verify": Door(Who.ALL, Who.ALL),
    "credit:passport-keys": Door(Who.ALL),
    "credit:passport-shared": Door(Who.MACHINE),  # the token of the link
    "credit:passport-shared-file": Door(Who.MACHINE),
    "credit:rights": Door(Who.VIEWER),
    "credit:export": Door(None, Who.OWNER),
    "credit:looked": Door(Who.OWNER),
    "credit:erase": Door(Who.OWNER, Who.OWNER),
    "loans:calculator": Door(Who.ALL),
    "loans:list": Door(Who.VIEWER),
    "loans:loan": Door(Who.VIEWER),
    "loans:repay": Door(Who.SPENDER, Who.SPENDER),
    "loans:hardship": Door(Who.SPENDER, Who.SPENDER),
    "loans:hardship-withdraw": Door(None, Who.SPENDER),
    "loans:plan-accept": Door(None, Who.SPENDER),
    "loans:plan-decline": Door(None, Who.SPENDER),
    "loans:prepay": Door(Who.SPENDER),
    "loans:withdraw": Door(Who.SPENDER, Who.SPENDER),
    "loans:statement": Door(Who.VIEWER),
    "loans:calendar": Door(Who.VIEWER, Who.VIEWER),
    "loans:calendar-feed": Door(Who.MACHINE),
    "loans:collection": Door(Who.VIEWER),
    "loans:receipt": Door(Who.VIEWER),
    "gateway-sandbox-webhook": Door(None, Who.MACHINE),
    "None": Door(None, Who.MACHINE),  # the same webhook without its last slash
}

# signing in and second factors: allauth's own pages, guarded by allauth
SIGN_IN = ("account_", "mfa_", "usersessions_")
