"""Every write of loans: one verb a function, the transaction inside."""

from loans.operations.calendar import make_calendar_feed, revoke_calendar_feed
from loans.operations.casework import (
    ContactForbidden,
    UnableToPromise,
    call_debtor,
    settle_promises,
    take_promise,
)
from loans.operations.collections import (
    UnableToCollect,
    confirm_collection,
    refuse_collection,
    return_collection,
    send_collection,
    start_collection,
)
from loans.operations.contracts import cancel_loan, open_loan
from loans.operations.events import (
    UnableToDate,
    UnableToFindLoan,
    UnableToRecord,
    add_event,
    lock_loan,
    read_events,
    record_repayment,
    reverse_event,
)
from loans.operations.hardship import (
    UnableToActOnOwnLoan,
    UnableToAskForHelp,
    accept_hardship_plan,
    add_hardship_papers,
    decline_hardship_plan,
    offer_hardship_plan,
    refuse_hardship,
    request_hardship,
    withdraw_hardship,
)
from loans.operations.messages import (
    UnableToVerify,
    apply_gateway_message,
    due_messages,
    receive_gateway_message,
)
from loans.operations.movements import UnableToSettle, due
from loans.operations.night import accrue, age_loans, refresh_loans
from loans.operations.payouts import confirm_payout, refuse_payout, return_payout, send_payout
from loans.operations.provisions import PostedProvisions, UnableToPostProvisions, post_provisions
from loans.operations.withdrawing import withdraw_from_loan

__all__ = [
    "ContactForbidden",
    "PostedProvisions",
    "UnableToPromise",
    "UnableToPostProvisions",
    "UnableToActOnOwnLoan",
    "UnableToAskForHelp",
    "UnableToCollect",
    "UnableToDate",
    "UnableToFindLoan",
    "UnableToRecord",
    "UnableToSettle",
    "UnableToVerify",
    "accept_hardship_plan",
    "accrue",
    "add_event",
    "add_hardship_papers",
    "age_loans",
    "apply_gateway_message",
    "call_debtor",
    "cancel_loan",
    "confirm_collection",
    "confirm_payout",
    "decline_hardship_plan",
    "due",
    "due_messages",
    "lock_loan",
    "make_calendar_feed",
    "offer_hardship_plan",
    "open_loan",
    "post_provisions",
    "read_events",
    "receive_gateway_message",
    "record_repayment",
    "refresh_loans",
    "refuse_collection",
    "refuse_hardship",
    "refuse_payout",
    "request_hardship",
    "return_collection",
    "return_payout",
    "reverse_event",
    "revoke_calendar_feed",
    "send_collection",
    "send_payout",
    "settle_promises",
    "start_collection",
    "take_promise",
    "withdraw_from_loan",
    "withdraw_hardship",
]
