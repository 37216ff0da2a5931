"""The list: what is done to which file, and the tests that should find it.

`old` stands exactly once in its file (`tests/roof/test_seeded.py` says when it does no more). A bug of the database is a
statement instead of a file. `tests` is what a developer of that place would run, not a test written for the bug.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """Say one bug. Without a `path`, `new` is SQL for the test database."""

    name: str
    path: str
    old: str
    new: str
    tests: str


BUGS = [
    # -- arithmetic of loans ---------------------------------------------------------------------------------------
    Bug("round half even for half up", "ledger/domain/money.py", "HALF_UP = ROUND_HALF_UP", "HALF_UP = ROUND_HALF_EVEN", "tests/ledger tests/loans/domain/test_engine.py"),
    Bug("act/365 counts 366", "loans/domain/day_count.py", "return 365 if convention is DayCount.ACT_365F else 360", "return 366 if convention is DayCount.ACT_365F else 360", "tests/loans/domain"),
    Bug("30/360 forgets the 31st", "loans/domain/day_count.py", "last = 30 if end.day == 31 and first == 30 else end.day", "last = end.day", "tests/loans/domain tests/conformance"),
    Bug("a leap year has 365 days", "loans/domain/day_count.py", "return (end - start).days * (365 if isleap(start.year) else 366)", "return (end - start).days * 366", "tests/loans/domain tests/conformance"),
    Bug("interest one day short", "loans/domain/running.py", "return self.scale[0] * actual_units(self.terms.day_count, start, end)", "return self.scale[0] * actual_units(self.terms.day_count, start, end - timedelta(days=1))", "tests/loans/domain"),
    Bug("the last instalment takes only its share", "loans/domain/plan.py", "        if index >= self.last_open():\n            return book.running\n        if row.frozen", "        if row.frozen", "tests/loans/domain"),
    Bug("the share of sales has no cap", "loans/domain/agreements.py", "row.ask = min(row.ask, book.terms.period_cap)", "pass", "tests/loans/domain"),
    Bug("more is refunded than there is credit", "loans/domain/changes.py", "if event.amount > book.credit:", "if event.amount > book.credit + 1:", "tests/loans/domain tests/loans/test_servicing.py"),
    Bug("more is waived than is owed", "loans/domain/changes.py", '    if left:\n        refuse("waiver_exceeds_due"', '    if False:\n        refuse("waiver_exceeds_due"', "tests/loans/domain tests/loans/test_servicing.py"),
    Bug("principal may be waived", "loans/domain/changes.py", "if component == P:\n        refuse", "if False:\n        refuse", "tests/loans/domain tests/loans/test_servicing.py"),
    Bug("a repayment after the write-off is a repayment", "loans/domain/changes.py", '    if book.written_off:\n        refuse("loan_written_off", N_("The loan is written off. Record', '    if False:\n        refuse("loan_written_off", N_("The loan is written off. Record', "tests/loans/domain tests/loans/test_servicing.py"),
    Bug("a charge-back may exceed its payment", "loans/domain/changes.py", "if left + taken > paid.amount:", "if False:", "tests/loans/domain"),
    Bug("the unpaid refund of a shop's return", "loans/domain/changes.py", "if event.amount > book.running:", "if False:", "tests/loans tests/merchants"),
    # -- loans in the database -------------------------------------------------------------------------------------
    Bug("another amount confirms a payout", "loans/operations/movements.py", "if row.amount != amount or row.currency != currency:", "if row.currency != currency:", "tests/loans/test_payouts.py tests/loans/test_webhooks.py"),
    Bug("a refused payout is confirmed", "loans/operations/movements.py", 'if row.status == "REFUSED":', "if False:", "tests/loans/test_payouts.py tests/loans/test_webhooks.py"),
    Bug("a confirmed payout is refused", "loans/operations/payouts.py", '        if payout.status == "CONFIRMED":\n            raise movements.UnableToSettle("outcome_contradicts"', '        if False:\n            raise movements.UnableToSettle("outcome_contradicts"', "tests/loans/test_payouts.py tests/loans/test_webhooks.py"),
    Bug("an order is sent again without asking", "loans/operations/movements.py", "    if asks_first:\n        known", "    if False:\n        known", "tests/loans/test_payouts.py tests/loans/test_sandbox_bank.py"),
    Bug("a lost answer is taken for a refusal", "loans/operations/movements.py", 'release(model, row, now=now, status="UNKNOWN", error=str(error))', 'release(model, row, now=now, status="PENDING", error=str(error), unsent=True)', "tests/loans/test_payouts.py"),
    Bug("an event dated tomorrow", "loans/operations/events.py", "if event.value_date > as_of:", "if False:", "tests/loans/test_events.py tests/loans/test_servicing.py"),
    Bug("an event in a closed period", "loans/operations/events.py", "if closed is not None and event.value_date <= closed and not allow_closed_period:", "if False:", "tests/loans/test_events.py tests/loans/test_servicing.py"),
    Bug("a stranger's bank account pays", "loans/operations/collections.py", "pk=bank_account_id, borrower_id=loan.borrower_id, removed_at__isnull=True", "pk=bank_account_id, removed_at__isnull=True", "tests/loans tests/web"),
    Bug("a message is believed unsigned", "loans/operations/messages.py", "    if not genuine:", "    if False:", "tests/loans/test_webhooks.py"),
    Bug("a message of last week is believed", "loans/gateways/signature.py", "if abs(now - timestamp) > TOLERANCE_SECONDS:", "if False:", "tests/loans/test_webhooks.py"),
    Bug("a message is applied twice", "loans/operations/messages.py", '    if row.state != "STORED":\n        return row.state\n', "", "tests/loans/test_webhooks.py"),
    # -- lines -------------------------------------------------------------------------------------------------------
    Bug("a draw takes no lock", "credit/rows.py", " WHERE l.id = %s FOR UPDATE OF l", " WHERE l.id = %s", "tests/credit/test_races.py"),
    Bug("one cent over the limit", "credit/domain/line.py", '    if amount > room:\n', '    if amount > room + Decimal("0.01"):\n', "tests/credit/test_draw_down.py tests/credit/domain"),
    Bug("a frozen line pays", "credit/domain/line.py", "if gate.status == LineStatus.FROZEN:", "if False:", "tests/credit/test_draw_down.py tests/credit/domain"),
    Bug("overdue people draw", "credit/domain/line.py", "if gate.days_past_due > 0:", "if gate.days_past_due > 30:", "tests/credit/test_draw_down.py tests/credit/domain"),
    Bug("no consent is needed", "credit/domain/line.py", "if not gate.consent_given:", "if False:", "tests/credit/test_draw_down.py tests/credit/domain"),
    Bug("one key draws two amounts", "credit/operations/drawdowns.py", "if before.request_hash != digest:", "if False:", "tests/credit/test_draw_down.py"),
    Bug("money goes to a stranger's account", "credit/queries/gate.py", "ON account.borrower_id = %(borrower)s", "ON true", "tests/credit/test_draw_down.py"),
    Bug("missing evidence is a good sign", "credit/domain/decision.py", "    if missing := _missing(applicant, scored):\n        return Decided(Outcome.REFER, first_reasons(missing))\n", "", "tests/credit/domain tests/credit/test_applications.py"),
    Bug("a knock-out is overlooked", "credit/domain/decision.py", "    if knocked := _knock_outs(policy, ceiling, applicant):\n        return Decided(Outcome.DECLINE, first_reasons(knocked))\n", "", "tests/credit/domain tests/credit/test_applications.py"),
    Bug("the worst score is referred", "credit/domain/decision.py", "if scored.pd >= policy.cut_offs.refer_below:", "if scored.pd > policy.cut_offs.refer_below:", "tests/credit/domain"),
    Bug("limits are rounded up", "credit/domain/limits.py", "return max(LEAST_LIMIT, amount // LIMIT_STEP * LIMIT_STEP)", "return max(LEAST_LIMIT, (amount + LIMIT_STEP - 1) // LIMIT_STEP * LIMIT_STEP)", "tests/credit/domain"),
    Bug("debts elsewhere do not count", "credit/domain/limits.py", "room = _EXACT.multiply(income, share) - means.monthly_instalments", "room = _EXACT.multiply(income, share)", "tests/credit/domain"),
    # -- ledger ------------------------------------------------------------------------------------------------------
    Bug("two journals of one source", "", "", "ALTER TABLE ledger_journal DROP CONSTRAINT ledger_journal_source_leg_once", "tests/ledger"),
    Bug("two draws of one key", "", "", "ALTER TABLE credit_drawdown DROP CONSTRAINT drawdown_key_once_a_line", "tests/credit tests/books"),
    Bug("postings may be changed", "", "", "DROP TRIGGER posting_append_only ON ledger_posting", "tests/ledger tests/books"),
    # -- people ------------------------------------------------------------------------------------------------------
    Bug("one person proposes and approves", "accounts/operations/proposals.py", "    if proposal.maker_id == checker.pk:\n        raise NotForYou(\"own_proposal\"", "    if False:\n        raise NotForYou(\"own_proposal\"", "tests/accounts tests/desk"),
    Bug("one decides about oneself", "accounts/operations/proposals.py", "    if own:\n        raise NotForYou(\"own_item\"", "    if False:\n        raise NotForYou(\"own_item\"", "tests/accounts tests/desk"),
    Bug("a changed payload is executed", "accounts/operations/proposals.py", "if sha256_of(proposal.payload) != proposal.payload_sha256:", "if False:", "tests/accounts"),
    Bug("a proposal never expires", "accounts/operations/proposals.py", "if now >= proposal.expires_at:", "if False:", "tests/accounts"),
    Bug("guesses are not counted", "accounts/sign_in/limits.py", "    if tries > allowed:", "    if False:", "tests/accounts"),
    Bug("a stored reply answers another request", "accounts/operations/replies.py", "if row.request_hash != request_hash:", "if False:", "tests/api tests/accounts"),
    Bug("who owes is forgotten", "credit/rights/erase.py", "        if against:\n", "        if False:\n", "tests/credit/test_rights.py"),
    # -- shops and models ---------------------------------------------------------------------------------------------
    Bug("more is captured than was authorised", "merchants/domain/orders.py", "    if amount > order.left:", "    if False:", "tests/merchants"),
    Bug("more is refunded than was captured", "merchants/domain/orders.py", "    if amount > order.refundable:", "    if False:", "tests/merchants"),
    Bug("an inside address is public", "merchants/domain/addresses.py", "return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)", "return True", "tests/merchants"),
    Bug("a shop's signature is not compared", "merchants/domain/keys.py", "if not hmac.compare_digest(wanted, given.value):", "if False:", "tests/merchants"),
    Bug("any key signs a model", "risk/engine/artefact.py", "    except (InvalidSignature, ValueError):\n        return False", "    except (InvalidSignature, ValueError):\n        return True", "tests/risk/test_registry.py"),
]  # fmt: skip
