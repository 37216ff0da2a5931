"""Planted corruptions: at least one an invariant, each a change that the portal itself can never make.

A plant names the invariant that must find it, the tables whose guards (triggers, checks, unique keys) stand in its way,
and the statement of a hand that has the database's password.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plant:
    """One corruption: who must name it, what it does."""

    found_by: str
    why: str
    sql: str


def _one(table: str, change: str, where: str = "true") -> str:
    return f"UPDATE {table} SET {change} WHERE id = (SELECT min(id) FROM {table} WHERE {where})"  # noqa: S608


LEDGER = [
    Plant("I1", "a posting grew by a yuan", _one("ledger_posting", "amount = amount + 1")),
    Plant("I1", "a posting is gone", "DELETE FROM ledger_posting WHERE id = (SELECT min(id) FROM ledger_posting)"),
    Plant("I2", "a debit became a credit", _one("ledger_posting", "direction = 'C'", "direction = 'D'")),
    Plant("I3", "a journal forgot where it came from", _one("ledger_journal", "source = ''")),
    Plant("I3", "a posting points at no journal", _one("ledger_posting", "journal_id = 99999999")),
    Plant("I4", "the sum of a closed day is a cent more", _one("ledger_dailybalance", "debit = debit + 0.01")),
    Plant("I4", "the sum of a closed day is gone", "DELETE FROM ledger_dailybalance WHERE id = (SELECT min(id) FROM ledger_dailybalance)"),
    Plant("I15", "a reversal takes back less than was booked", "UPDATE ledger_posting SET amount = amount - 0.01 WHERE journal_id = (SELECT id FROM ledger_journal WHERE reverses_id IS NOT NULL)"),
    Plant("I15", "a reversal stands on the same side", "UPDATE ledger_posting SET direction = CASE direction WHEN 'D' THEN 'C' ELSE 'D' END WHERE journal_id = (SELECT id FROM ledger_journal WHERE reverses_id IS NOT NULL)"),
    Plant("I15", "a journal was reversed twice", "INSERT INTO ledger_journal (ref, source, leg, kind, currency, value_date, booked_date, description, digest, written_in, reverses_id) SELECT gen_random_uuid(), source, 'reverse-again', kind, currency, value_date, booked_date, '', digest, written_in, reverses_id FROM ledger_journal WHERE reverses_id IS NOT NULL"),
    Plant("I15b", "a journal is booked after the business date", _one("ledger_journal", "booked_date = '2031-01-01'")),
    Plant("I15b", "a journal is booked before the books were opened", _one("ledger_journal", "booked_date = '2001-01-01'")),
    Plant("I23", "an amount is not a number", _one("ledger_posting", "amount = 'NaN'")),
    Plant("I23", "an amount is negative", _one("ledger_posting", "amount = -amount")),
    Plant("I23", "an amount is nothing", _one("ledger_posting", "amount = 0")),
]  # fmt: skip

LATE = "status = 'OVERDUE'"
LOANS = [
    Plant("I3L", "an event moved money and has no journal", "INSERT INTO loans_event (loan_id, sequence, kind, value_date, booked_date, amount, data, reference) SELECT min(id), 99, 'REPAYMENT', '2026-03-03', '2026-03-03', 5, '{}', 'ghost' FROM loans_loan"),
    Plant("I3L", "a loan's journal has no event", _one("ledger_journal", "source = source || '00'", "source LIKE 'loan:%' AND leg = 'EVENT'")),
    Plant("I8a", "a loan owes a cent less than its account", _one("loans_loan", "principal_outstanding = principal_outstanding - 0.01", LATE)),
    Plant("I8a", "a posting moved to another loan", _one("ledger_posting", "loan_id = 99999999", "loan_id IS NOT NULL")),
    Plant("I8b", "a borrower has a yuan that the ledger does not owe", _one("loans_loan", "credit_balance = 1", LATE)),
    Plant("I8c", "a rate was doubled", "UPDATE loans_instalment SET accrual_rate = accrual_rate * 2"),
    Plant("I8c", "interest was settled that nobody paid", _one("loans_loan", "interest_settled = interest_settled + 0.01", LATE)),
    Plant("I8c", "a penalty was earned by nobody", _one("loans_loan", "penalty_earned = penalty_earned + 0.01", LATE)),
    Plant("I8c", "a penalty was settled that nobody paid", _one("loans_loan", "penalty_settled = penalty_settled + 0.01", LATE)),
    Plant("I8c", "a fee was earned by nobody", _one("loans_loan", "fees_earned = fees_earned + 0.01", LATE)),
    Plant("I8c", "a fee was settled that nobody paid", _one("loans_loan", "fees_settled = fees_settled + 0.01", LATE)),
    Plant("I8c", "a posting moved to a portfolio that has no loans", _one("ledger_posting", "portfolio = 'nowhere'", "portfolio <> '' AND account_id IN (SELECT id FROM ledger_account WHERE role = 'INTEREST_INCOME')")),
    Plant("I9a", "an instalment took a cent more than it asks", "UPDATE loans_instalment SET principal_paid = principal_due + 0.01 WHERE number = 2"),
    Plant("I9a", "an instalment was paid less than nothing", _one("loans_instalment", "interest_paid = -0.01")),
    Plant("I9b", "the instalments ask for a cent too much", _one("loans_instalment", "principal_due = principal_due + 0.01")),
    Plant("I9b", "an instalment is gone", "DELETE FROM loans_instalment WHERE id = (SELECT max(i.id) FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id WHERE l.status = 'OVERDUE')"),
    Plant("I9b", "all instalments of a loan are gone", "DELETE FROM loans_instalment WHERE loan_id = (SELECT min(id) FROM loans_loan WHERE status = 'OVERDUE')"),
    Plant("I10", "a payment is a yuan more than what the bank sent", "UPDATE loans_event SET amount = amount + 1 WHERE kind = 'REPAYMENT'"),
    Plant("I11", "a payout waits although the money went", _one("loans_payout", "status = 'PENDING'", "status = 'CONFIRMED'")),
    Plant("I11", "a payout was booked under another order", _one("loans_payout", "gateway_reference = gen_random_uuid()", "status = 'CONFIRMED'")),
    Plant("I11p", "two payouts are more than what was agreed", "INSERT INTO loans_payout (ref, loan_id, number, purpose, request_key, amount, currency, gateway, gateway_reference, status, reason, requested_date, attempts, last_error) SELECT gen_random_uuid(), loan_id, 2, 'PRINCIPAL', '', amount, currency, gateway, gen_random_uuid(), status, reason, requested_date, attempts, last_error FROM loans_payout WHERE status = 'CONFIRMED'"),
    Plant("I11c", "a collection is a yuan more than its payment", _one("loans_collection", "amount = amount + 1", "status = 'CONFIRMED'")),
    Plant("I12", "two movements have one reference of the bank", "UPDATE loans_collection SET provider_reference = (SELECT min(provider_reference) FROM loans_payout)"),
    Plant("I13", "a loan was forgotten by the nights", "UPDATE loans_loan SET accrued_through = '2026-03-02' WHERE status = 'OVERDUE'; DELETE FROM loans_accrualslice"),
    Plant("I13", "a loan is booked into the future", _one("loans_loan", "accrued_through = '2031-01-01'", LATE)),
    Plant("I13b", "the nights follow another line than the loan's", "UPDATE loans_accrualline SET accrual_base = accrual_base + 1"),
    Plant("I13b", "the nights follow a loan no more", "DELETE FROM loans_accrualline WHERE loan_id = (SELECT min(loan_id) FROM loans_accrualline)"),
    Plant("I14", "interest runs on more than the principal", "UPDATE loans_instalment SET accrual_base = 5000 WHERE accrual_until > '9000-01-01'"),
    Plant("I16a", "a loan that owes is closed", _one("loans_loan", "status = 'CLOSED'", LATE)),
    Plant("I16a", "a loan that is late is not called late", _one("loans_loan", "status = 'ACTIVE'", LATE)),
    Plant("I16b", "a loan is a week later than it is", _one("loans_loan", "days_past_due = days_past_due + 7", LATE)),
    Plant("I16b", "a loan stands in another bucket", _one("loans_loan", "bucket = 'CURRENT'", LATE)),
    Plant("I18L", "an event is missing", _one("loans_loan", "last_sequence = last_sequence + 1")),
    Plant("I25", "a cent more is set aside than the ledger has", _one("loans_provisionline", "amount = amount + 0.01", "amount > 0")),
    Plant("I27", "suspense holds money that no movement brought", "WITH j AS (INSERT INTO ledger_journal (ref, source, leg, kind, currency, value_date, booked_date, description, digest, written_in) SELECT gen_random_uuid(), 'suspense:ghost', 'HELD', 'SUSPENSE', currency, value_date, booked_date, '', digest, written_in FROM ledger_journal LIMIT 1 RETURNING id) INSERT INTO ledger_posting (journal_id, account_id, direction, amount, portfolio) SELECT j.id, a.id, CASE a.role WHEN 'SUSPENSE' THEN 'C' ELSE 'D' END, 5, '' FROM j, ledger_account a WHERE a.role IN ('SUSPENSE', 'CASH_AT_BANK')"),
    Plant("I17a", "a payout waits for two hours", _one("loans_payout", "status = 'UNKNOWN', created_at = now() - interval '2 hours'")),
    Plant("I17b", "a payout is parked and nobody looks", _one("loans_payout", "status = 'PARKED'")),
]  # fmt: skip

CREDIT = [
    Plant("I5", "a draw and its loan differ by a yuan", _one("credit_drawdown", "amount = amount + 1")),
    Plant("I5", "a loan waits for a payout that was refused", _one("loans_payout", "status = 'REFUSED'", "status = 'PENDING'")),
    Plant("I6", "a line owes more than its limit", _one("credit_creditline", '"limit" = 1', "id IN (SELECT line_id FROM credit_drawdown)")),
    Plant("I6b", "a limit rose without a change", _one("credit_creditline", '"limit" = "limit" + 1')),
    Plant("I7", "a draw went over the limit of its day", _one("credit_drawdown", "exposure_before = limit_at_draw")),
    Plant("I7", "two draws did not see each other", "UPDATE credit_drawdown SET exposure_before = 0 WHERE id = (SELECT id FROM credit_drawdown WHERE idempotency_key = 'key-2')"),
    Plant("I17", "a night is half done since yesterday", "INSERT INTO credit_nightrun (business_date, status, step, figures, problem, started_at, created_at) VALUES ('2026-05-01', 'RUNNING', 'ACCRUE', '{}', '', now() - interval '2 days', now() - interval '2 days')"),
    Plant("I18", "a draw on a line that was frozen", "UPDATE credit_limitchange SET direction = 'FREEZE' WHERE id = (SELECT min(limit_change_id) FROM credit_drawdown)"),
    Plant("I19", "an offer of the engine without a score", "UPDATE credit_decision SET decided_by_id = NULL WHERE decided_by_id IS NOT NULL"),
    Plant("I20", "another officer signed than the trail says", "UPDATE credit_decision SET decided_by_id = (SELECT min(id) FROM accounts_user) WHERE decided_by_id IS NOT NULL"),
    Plant("W1", "an invoice serves two loans", "UPDATE credit_invoiceadvance SET invoice_id = (SELECT min(id) FROM credit_invoice)"),
    Plant("W1", "an invoice is another business's", "UPDATE credit_invoice SET business_id = (SELECT min(id) FROM accounts_borrower WHERE kind = 'PERSON')"),
    Plant("W1", "an invoice of a loan that runs was let go", _one("credit_invoiceadvance", "released_date = '2026-03-02'")),
    Plant("W2", "a cent more was advanced than was agreed", _one("credit_invoiceadvance", "invoice_amount = invoice_amount - 0.02")),
    Plant("W2", "an advance lost its invoice", "DELETE FROM credit_invoiceadvance WHERE id = (SELECT min(id) FROM credit_invoiceadvance)"),
    Plant("I22", "one key drew twice", "UPDATE credit_drawdown SET idempotency_key = 'one-and-the-same'"),
]  # fmt: skip

ACCOUNTS = [
    Plant("ACCOUNTS-1", "an entry of the audit trail was edited", _one("accounts_auditentry", "reason = 'never mind'")),
    Plant("ACCOUNTS-1", "an entry of the audit trail is gone", "DELETE FROM accounts_auditentry WHERE (shard, sequence) = (SELECT shard, min(sequence) FROM accounts_auditentry GROUP BY shard HAVING count(*) > 1 LIMIT 1)"),
    Plant("ACCOUNTS-2", "a number of a person lies in plain sight", _one("accounts_identity", "number = '110105199005170015'")),
    Plant("ACCOUNTS-3", "an address is not in its one form", _one("accounts_user", "email = 'Somebody@Example.COM'")),
    Plant("ACCOUNTS-4", "a business has no owner", "UPDATE accounts_businessmember SET is_active = false"),
    Plant("ACCOUNTS-5", "a business has a birth date", "UPDATE accounts_identity SET borrower_id = (SELECT min(id) FROM accounts_borrower WHERE kind = 'BUSINESS') WHERE id = (SELECT min(id) FROM accounts_identity)"),
    Plant("ACCOUNTS-6", "a notice is tried for ever", _one("accounts_notice", "attempts = 99")),
    Plant("ACCOUNTS-7", "a consent was withdrawn and nobody wrote it down", "UPDATE accounts_consent SET withdrawn_at = now(), given_by_id = (SELECT min(id) FROM accounts_user)"),
    Plant("ACCOUNTS-8", "another act was executed than the one that was signed", _one("accounts_proposal", "payload = replace(payload, 'Auditor', 'Administrator')")),
    Plant("ACCOUNTS-9", "an emergency role for ever, from nowhere", "INSERT INTO accounts_temporaryrole (user_id, role, proposal_id, starts_at, ends_at) SELECT maker_id, 'Break-glass', id, now(), now() + interval '9 years' FROM accounts_proposal LIMIT 1"),
    Plant("ACCOUNTS-8", "who proposed it approved it too", _one("accounts_proposal", "checker_id = maker_id")),
]  # fmt: skip

MERCHANTS = [
    Plant("I11t", "a shop got a yuan more than was booked", _one("loans_transfer", "amount = amount + 1", "status = 'CONFIRMED'")),
    Plant("I7h", "a hold went over the limit of its day", _one("credit_hold", "exposure_before = limit_at_hold")),
    Plant("I7h", "a capture took from a hold what no draw took", _one("credit_hold", "taken = taken - 1")),
    Plant("I19b", "a line that is not there was looked at", "INSERT INTO credit_linelook (period, line_id, as_of, code, pd, target, policy_id, model_id) VALUES ('2026-05-01', 99999999, '2026-05-02', 1, 0.1, 0, 1, 1)"),
    Plant("M1", "an order forgot a yuan of its captures", _one("merchants_checkout", "captured = captured - 1", "captured > 0")),
    Plant("M2", "what a shop is owed went to suspense", _one("ledger_posting", "account_id = (SELECT id FROM ledger_account WHERE role = 'SUSPENSE')", "account_id = (SELECT id FROM ledger_account WHERE role = 'MERCHANT_PAYABLE')")),
    Plant("M3", "a shop's fee grew by a yuan", _one("merchants_capture", "fee = fee + 1")),
    Plant("M4", "interest of a shop was earned and not booked", _one("merchants_capture", "subvention_earned = 1", "subvention > 1")),
    Plant("M5", "a settlement is a yuan more than its captures", _one("merchants_settlement", "net = net + 1")),
    Plant("M6", "a refund that no loan knows", _one("merchants_capture", "refunded = 5")),
]  # fmt: skip

PLANTS = [*LEDGER, *LOANS, *CREDIT, *ACCOUNTS, *MERCHANTS]
