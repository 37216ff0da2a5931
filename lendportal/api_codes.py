"""Which codes each address of the API answers a refusal with: data for the schema, its examples and the tests."""

from __future__ import annotations

from typing import Final

# of every address that may answer the status
READ: Final[dict[int, tuple[str, ...]]] = {
    400: ("query_invalid",),
    401: ("not_authenticated",),
    403: ("second_factor_required",),
    404: ("not_found",),
    429: ("throttled",),
    503: ("unavailable",),
}
WRITE: Final[dict[int, tuple[str, ...]]] = {
    400: (
        "required", "type_invalid", "too_long", "too_short", "control_character", "unknown_field", "json_invalid", "query_invalid",
        "idempotency_key_invalid",
    ),
    401: ("not_authenticated",),
    403: ("csrf_failed", "role_not_allowed", "second_factor_required"),
    404: ("not_found",),
    409: ("idempotency_running",),
    412: ("precondition_failed",),
    413: ("too_large",),
    415: ("unsupported_media_type",),
    422: ("idempotency_mismatch",),
    429: ("throttled",),
    503: ("unavailable",),
}  # fmt: skip
# beside those, of the addresses that a shop calls with its key
SHOP: Final[dict[int, tuple[str, ...]]] = {
    401: (
        "key_invalid",
        "signature_required",
        "signature_invalid",
        "signature_expired",
        "signature_replayed",
    ),
    403: ("scope_missing", "merchant_not_active"),
}
_MONEY = ("amount_invalid", "amount_too_small", "amount_too_large", "currency_invalid", "currency_unknown")
_CHOICE = (
    "amount_out_of_range", "instalment_count_invalid", "repayment_method_invalid", "scenario_invalid", "purpose_invalid",
    "date_invalid",
)  # fmt: skip
_NAME = ("name_invalid",)
_LINE = ("line_state", "line_closed", "line_frozen", "line_expired", "line_not_accepted")
_GATE = (
    *_LINE, "line_overdue", "limit_exceeded", "identity_missing", "consent_missing", "borrower_blocked",
    "bank_account_unverified", "cooling_off", "terms_outdated", "purpose_forbidden",
)  # fmt: skip
_ORDER = (
    "checkout_not_authorised", "checkout_used", "checkout_expired", "checkout_cancelled", "checkout_voided",
    "checkout_captured", "authorisation_expired", "try_again",
)  # fmt: skip
_INVOICE = (
    "invoice_required", "invoice_invalid", "invoice_paid", "invoice_cancelled", "invoice_unseen", "invoice_changed",
    "invoice_pledged", "invoice_overdue", "invoice_too_old", "invoice_too_long", "customer_own_group", "customer_concentration",
    "advance_exceeded",
)  # fmt: skip
_SHARE = ("sales_unknown", "sales_stale", "sales_too_low", "share_running")
_ACT = ("idempotency_key_required",)
_REVIEW = ("review_answered", "review_subject")

# operation -> status -> codes beside the general ones
OWN: Final[dict[str, dict[int, tuple[str, ...]]]] = {
    "postConsents": {400: ("purpose_unknown", "kind_unknown"), 409: ("terms_outdated", "purpose_unknown")},
    "postWithdrawConsent": {400: ("purpose_unknown",), 409: ("purpose_unknown",)},
    "postIdentityOfBorrower": {
        400: (
            "id_checksum", "id_format", "id_region", "id_birth_date", "passport_format", "document_unknown",
            "birth_date_mismatch", "birth_date_future", "birth_date_invalid", "under_age", "date_invalid", *_NAME,
        ),
        409: ("already_verified", "identity_unverifiable"),
        429: ("too_many_tries",),
    },
    "postBankAccounts": {
        400: ("account_format", "account_checksum", "choice_invalid", *_NAME),
        409: ("bank_account_unverifiable",),
        429: ("too_many_tries",),
    },
    "postBusinesses": {
        400: (
            "uscc_format", "uscc_checksum", "industry_unknown", "founded_future", "date_invalid", "choice_invalid",
            *_NAME,
        ),
        409: ("business_unverifiable", "identity_missing"),
    },
    "postMembers": {400: ("role_unknown", "email_invalid", "phone_invalid"), 409: ("member_unknown",)},
    "deleteMember": {409: ("last_owner",)},
    "postReadNotices": {400: ("kind_unknown",)},
    "postEvidence": {400: ("file_empty", "kind_unknown"), 409: ("consent_missing",)},
    "postSandboxPerson": {400: ("choice_invalid", "persona_unknown"), 409: ("consent_missing",)},
    "postApplications": {
        400: (*_MONEY, *_CHOICE, "product_invalid", "occupation_invalid", "purpose_forbidden"),
        409: (
            "step_missing", "application_open", "cool_off", "self_excluded", "borrower_blocked", "purpose_forbidden",
            "product_invalid", "identity_missing", "consent_missing", "line_state",
        ),
        503: ("policy_missing",),
    },
    "postWithdrawApplication": {409: ("application_decided",)},
    "postReviewApplication": {409: (*_REVIEW, "application_open")},
    "postReviewChange": {409: _REVIEW},
    "postAcceptLine": {409: (*_LINE, "offer_expired", "identity_missing", "consent_missing")},
    "postFreezeLine": {409: _LINE},
    "postUnfreezeLine": {409: (*_LINE, "freeze_not_yours", "line_overdue")},
    "postAutoDebit": {409: (*_LINE, "bank_account_missing")},
    "getLineQuote": {400: (*_MONEY, *_CHOICE), 409: ("purpose_forbidden", *_SHARE, *_INVOICE)},
    "postDrawdowns": {
        400: (*_MONEY, *_CHOICE, *_ACT, "evidence_required", "payee_invalid", "payee_required", "sub_limit_exceeded"),
        409: (*_GATE, "approval_needed", "idempotency_mismatch", *_SHARE, *_INVOICE),
    },
    "getInvoices": {409: ("line_family",)},
    "postInvoices": {
        400: (
            "number_invalid", "number_mismatch", "code_invalid", "customer_invalid", "customer_mismatch", "due_date_invalid",
            "invoice_unknown", "invoice_cancelled", "invoice_pledged", "quota", "date_invalid",
        ),
        409: ("line_family",),
    },
    "getSales": {400: ("loan_not_by_sales",)},
    "postSales": {
        400: (
            *_MONEY, "period_invalid", "sales_period_closed", "sales_period_open", "sales_below_records", "sales_all_due",
            "loan_not_by_sales",
        ),
    },
    "postPurposeEvidence": {400: ("file_empty", "file_kind", "file_too_large", "quota", "scenario_invalid")},
    "getQuotes": {400: (*_MONEY, *_CHOICE, "rate_invalid")},
    "getAsKnown": {400: ("date_invalid", "day_in_future")},
    "getEventChanges": {400: ("date_invalid",)},
    "getStatement": {400: ("date_invalid", "period_invalid", "day_in_future")},
    "getPayoff": {409: ("loan_closed", "loan_not_paid_out")},
    "postRepayments": {
        400: (*_MONEY, *_ACT, "choice_invalid", "bank_account_unverified"),
        409: ("payment_exceeds_debt", "loan_closed", "loan_cancelled", "loan_not_paid_out", "bank_account_unverified"),
    },
    "getHardship": {404: ("no_request",)},
    "postHardship": {
        400: ("reason_invalid", "wish_invalid", "choice_invalid", "date_out_of_range", "date_invalid", *_MONEY),
        409: ("hardship_state", "loan_not_running", "quota"),
    },
    "postWithdrawHardship": {409: ("hardship_state",)},
    "postAcceptPlan": {409: ("hardship_state", "plan_not_open", "plan_lapsed")},
    "postDeclinePlan": {409: ("hardship_state", "plan_not_open")},
    "getPrepayChoices": {400: _MONEY, 409: ("loan_closed", "loan_not_paid_out", "payment_exceeds_debt")},
    "getCalendar": {404: ("no_feed",)},
    "postRevokeCalendar": {404: ("no_feed",)},
    "postCheckouts": {
        400: (
            *_MONEY, "category_invalid", "order_id_invalid", "return_url_unknown", "url_invalid", "too_many_items",
            "quantity_invalid",
        ),
        409: ("merchant_not_active",),
        422: ("order_id_reused",),
    },
    "postCancelCheckout": {409: _ORDER},
    "postVoidCheckout": {400: _ACT, 409: (*_ORDER, "nothing_captured")},
    "postCaptures": {400: (*_MONEY, *_ACT), 409: (*_ORDER, "capture_exceeds_authorisation", "hold_exceeded"), 422: ("reference_reused",)},
    "postRefunds": {400: (*_MONEY, *_ACT), 409: (*_ORDER, "refund_exceeds_capture", "nothing_captured"), 422: ("reference_reused",)},
    "postEndpoints": {400: ("url_invalid", "event_unknown", "endpoint_known", "too_many_endpoints")},
    "postEndpointSecret": {409: ("endpoint_off",)},
    "postTestEndpoint": {409: ("endpoint_off",)},
    "postReplayDelivery": {409: ("delivery_on_its_way", "endpoint_off")},
    "postDecidePurchase": {
        400: ("occupation_invalid", "product_invalid", *_CHOICE, *_MONEY),
        409: (
            *_ORDER, "step_missing", "application_open", "cool_off", "self_excluded", "borrower_blocked", "scenario_invalid",
            "purpose_forbidden", "identity_missing", "consent_missing", "line_state", "offer_expired",
        ),
        503: ("policy_missing",),
    },
    "postAgreePurchase": {400: ("plan_invalid", *_CHOICE), 409: (*_ORDER, *_GATE, "line_family", "plan_invalid")},
    "postSandboxDate": {
        400: ("date_invalid", "business_date_backwards", "business_date_too_far"),
        409: ("sandbox_only", "books_not_open"),
    },
}  # fmt: skip


def codes_of(operation: str, status: int, *, writes: bool, by_key: bool) -> tuple[str, ...]:
    """List the codes of an operation for a status: its own first, then the general ones."""
    own = OWN.get(operation, {}).get(status, ())
    shop = SHOP.get(status, ()) if by_key else ()
    general = (WRITE if writes else READ).get(status, ())
    if by_key and status == 401:
        general = tuple(code for code in general if code != "csrf_failed")
    return tuple(dict.fromkeys((*own, *shop, *general)))
