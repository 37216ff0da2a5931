"""The contract of a draw: what was signed, from the frozen terms and the row of the draw alone."""

from __future__ import annotations

import hashlib
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import queries as accounts_queries
from accounts.models import BankAccount
from accounts.papers import Paper, Section
from accounts.templatetags.portal import amount, day, moment, money, percent
from credit.models import Drawdown
from credit.views.words import cost_of, method_name, purpose_name
from credit.views.working import advance_of, rate_words, repaid_words, term_words
from loans.domain.quotes import quote
from loans.domain.terms import LoanTerms
from loans.papers import short_ref


def contract_paper(*, drawdown: Drawdown) -> Paper:
    """Make the contract. The same draw gives the same paper on any day: nothing that happened later is in it."""
    terms = drawdown.loan.agreed
    cost = cost_of(quote(terms, as_of=terms.start_date))
    signed = drawdown.created_at.astimezone(ZoneInfo(settings.TIME_ZONE))
    return Paper(
        name=f"contract-{short_ref(drawdown.ref)}",
        title=_("Loan contract"),
        subtitle=_("No. %(ref)s · signed %(moment)s")
        % {"ref": short_ref(drawdown.ref), "moment": moment(drawdown.created_at)},
        day=signed.date(),
        sections=(
            Section(title=_("Who"), pairs=_parties(drawdown)),
            Section(
                title=_("What it costs"),
                pairs=(
                    (rate_words(terms), percent(cost.irr)),
                    (_("You get"), money(cost.payout)),
                    (_("Interest"), money(cost.interest)),
                    (_("Fees"), money(cost.fees)),
                    (_("You pay back"), money(cost.total)),
                    (_("Total cost if you pay on time"), money(cost.cost)),
                ),
            ),
            Section(title=_("What was agreed"), pairs=_agreed(drawdown, terms)),
            Section(
                title=_("Each instalment"),
                head=(_("No."), _("Due on"), _("To pay"), _("Principal"), _("Interest")),
                rows=tuple(
                    (str(row.number), row.due_date.isoformat(), amount(row.total), amount(row.principal), amount(row.interest))
                    for row in cost.rows
                ),
                foot=(_("Together"), "", amount(cost.total), amount(cost.principal), amount(cost.interest)),
                numeric=frozenset({2, 3, 4}),
                widths=(12, 24, 22, 22, 20),
            ),
            *_repaid(drawdown, terms),
            Section(title=_("What holds"), text=_rules(terms)),
        ),
        small=(
            _("Signed in the portal by whoever is logged in for the borrower, after the table of costs was open long enough to be read."),
            _("Content's SHA-256: %(digest)s") % {"digest": fingerprint(drawdown)},
        ),
        footer=_("Contract %(ref)s") % {"ref": short_ref(drawdown.ref)},
    )  # fmt: skip


def fingerprint(drawdown: Drawdown) -> str:
    """Name the content that was signed: terms, purpose, account and line, whatever the language of the paper."""
    parts = (
        drawdown.ref.hex,
        sorted(drawdown.loan.terms.items()),
        drawdown.purpose,
        drawdown.bank_account_id,
        drawdown.request_hash,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _repaid(drawdown: Drawdown, terms: LoanTerms) -> tuple[Section, ...]:
    """Say how working capital is repaid: by a share of sales, or when an invoice is paid."""
    invoice, part = advance_of(drawdown)
    said = repaid_words(terms, invoice, part)
    if not said:
        return ()
    found = [Section(title=_("How it is repaid"), text=tuple(said))]
    if invoice is not None:
        pairs = (
            (_("Invoice number"), invoice.number),
            (_("Customer"), invoice.customer_name),
            (_("Written on"), day(invoice.issue_date)),
            (_("The customer pays by"), day(invoice.due_date)),
            (_("Amount of the invoice"), money(invoice.amount)),
        )
        found.insert(0, Section(title=_("The invoice"), pairs=pairs))
    return tuple(found)


def _parties(drawdown: Drawdown) -> tuple[tuple[str, str], ...]:
    borrower = drawdown.line.borrower
    identity = accounts_queries.identity_of(borrower_id=borrower.pk) if not borrower.is_business else None
    name = identity.full_name if identity else borrower.display_name
    found = [(_("Lender"), getattr(settings, "LENDER_NAME", "") or "lendportal"), (_("Borrower"), name)]
    if identity:
        found.append((_("Identity document"), f"•••• {identity.number_last4}"))
    elif hasattr(borrower, "business_profile"):
        found.append((_("Unified social credit code"), borrower.business_profile.uscc))
    return tuple(found)


def _agreed(drawdown: Drawdown, terms: LoanTerms) -> tuple[tuple[str, str], ...]:
    account = BankAccount.objects.filter(pk=drawdown.bank_account_id).first()
    return (
        (_("Amount"), money(terms.principal)),
        (_("Term"), term_words(terms)),
        (_("Way of repaying"), method_name(terms.repayment_method.value)),
        (_("Annual rate of the contract"), percent(terms.annual_rate)),
        (_("Annual rate on late principal"), percent(terms.penalty_rate)),
        (_("Purpose"), purpose_name(drawdown.purpose)),
        (_("Money goes to"), account.masked if account else "–"),
        (_("First due date"), day(cost_first_due(terms))),
    )


def cost_first_due(terms: LoanTerms) -> date:
    """Give the first due date of the plan."""
    return quote(terms, as_of=terms.start_date).instalments[0].due_date


def _rules(terms: LoanTerms) -> tuple[str, ...]:
    rules = [
        _("Interest is counted by the day on what is still owed, from the day on which the money arrives."),
        _("You can repay any part or everything on any day. It costs nothing extra, and interest falls away with it."),
        _("What is paid covers what is late first, then fees, interest and principal."),
        _("The money is for the purpose above. It may not buy property, shares or derivatives, or pay other loans."),
        _("Being late costs the rate above on late principal, by the day, and nothing else; you cannot draw meanwhile."),
        _("If paying gets hard, ask for a plan in the portal. Nobody but you is contacted about this debt."),
    ]  # fmt: skip
    if terms.cooling_off_days:
        rules.append(
            ngettext(
                "You can withdraw within %(n)s day: pay back the principal and the interest of those days.",
                "You can withdraw within %(n)s days: pay back the principal and the interest of those days.",
                terms.cooling_off_days,
            )
            % {"n": terms.cooling_off_days}
        )
    return tuple(rules)
