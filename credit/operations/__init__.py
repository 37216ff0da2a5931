"""Every write of credit, one verb a function."""

from credit.operations.applications import (
    UnableToApply,
    UnableToAsk,
    UnableToDecide,
    decide_by_officer,
    submit_application,
    withdraw_application,
)
from credit.operations.approvals import approve_draw, ask_for_draw, refuse_draw, withdraw_draw_request
from credit.operations.authority import NeedsSecondPerson, limit_alone
from credit.operations.autodebit import start_auto_debits
from credit.operations.changes import reevaluate_changed_lines
from credit.operations.drawdowns import IdempotencyMismatch, UnableToUseKey, draw_down
from credit.operations.holds import HoldTerms, UnableToHold, draw_hold, hold_terms, place_hold, release_hold
from credit.operations.invoices import UnableToRegister, register_invoice, watch_invoices
from credit.operations.laboratory import (
    UnableToChangeExperiment,
    UnableToExperiment,
    make_experiment,
    run_experiment,
    run_waiting_experiments,
    share_experiment,
    submit_experiment,
)
from credit.operations.lessons import mark_lesson_read
from credit.operations.lines import (
    UnableToActOnOwn,
    UnableToChangeLimit,
    accept_offer,
    change_limit,
    close_line,
    freeze_line,
    set_auto_debit,
    unfreeze_line,
)
from credit.operations.night import NightReport, UnableToCloseDay, prove_books, run_end_of_day
from credit.operations.notice_end import carry_out_cuts
from credit.operations.own_limits import (
    UnableToEndExclusion,
    end_self_exclusion,
    exclude_self,
    resume_line,
    set_own_cap,
    suspend_line,
)
from credit.operations.policies import UnableToChangePolicy, activate_policy, draft_policy, propose_policy
from credit.operations.reevaluation import (
    ReevaluationReport,
    reevaluate_lines,
)
from credit.operations.reminders import send_reminders
from credit.operations.renewal import renew_or_close_lines
from credit.operations.reviews import (
    UnableToAnswerReview,
    UnableToAskForReview,
    answer_review,
    request_review,
)
from credit.operations.rounds import due_line_ids, reevaluate_due_lines, run_monthly_round
from credit.operations.sales import (
    Report,
    coming_due_date,
    read_sales,
    remind_of_sales,
    report_month,
    reports_of,
)
from credit.operations.sandbox import UnableToMoveDate, move_business_date
from credit.operations.temporary import end_temporary_limits, grant_temporary_limit
from credit.operations.trials import (
    UnableToPlan,
    UnableToTry,
    go_live,
    policy_for,
    start_shadow,
    stop_decided_trials,
    stop_trial,
    trial_report,
)
from credit.operations.uses import (
    MOST_PAPER_BYTES,
    UnableToChangeProduct,
    activate_product,
    draft_product,
    register_payee,
    upload_purpose_evidence,
    use_of,
)

__all__ = [
    "Report",
    "UnableToRegister",
    "coming_due_date",
    "read_sales",
    "register_invoice",
    "remind_of_sales",
    "report_month",
    "reports_of",
    "watch_invoices",
    "MOST_PAPER_BYTES",
    "use_of",
    "UnableToChangeProduct",
    "activate_product",
    "draft_product",
    "register_payee",
    "upload_purpose_evidence",
    "trial_report",
    "stop_trial",
    "stop_decided_trials",
    "start_shadow",
    "policy_for",
    "go_live",
    "UnableToTry",
    "UnableToPlan",
    "UnableToEndExclusion",
    "carry_out_cuts",
    "renew_or_close_lines",
    "grant_temporary_limit",
    "end_temporary_limits",
    "suspend_line",
    "set_own_cap",
    "resume_line",
    "exclude_self",
    "end_self_exclusion",
    "HoldTerms",
    "UnableToHold",
    "draw_hold",
    "hold_terms",
    "place_hold",
    "release_hold",
    "submit_experiment",
    "share_experiment",
    "run_waiting_experiments",
    "run_experiment",
    "make_experiment",
    "UnableToExperiment",
    "UnableToChangeExperiment",
    "IdempotencyMismatch",
    "NeedsSecondPerson",
    "NightReport",
    "ReevaluationReport",
    "UnableToActOnOwn",
    "UnableToAnswerReview",
    "UnableToApply",
    "UnableToAsk",
    "UnableToAskForReview",
    "UnableToChangeLimit",
    "UnableToChangePolicy",
    "UnableToCloseDay",
    "UnableToDecide",
    "UnableToMoveDate",
    "UnableToUseKey",
    "accept_offer",
    "activate_policy",
    "answer_review",
    "approve_draw",
    "ask_for_draw",
    "change_limit",
    "close_line",
    "decide_by_officer",
    "draft_policy",
    "draw_down",
    "due_line_ids",
    "run_monthly_round",
    "freeze_line",
    "limit_alone",
    "mark_lesson_read",
    "move_business_date",
    "propose_policy",
    "prove_books",
    "reevaluate_changed_lines",
    "reevaluate_due_lines",
    "reevaluate_lines",
    "refuse_draw",
    "request_review",
    "run_end_of_day",
    "send_reminders",
    "set_auto_debit",
    "start_auto_debits",
    "submit_application",
    "unfreeze_line",
    "withdraw_application",
    "withdraw_draw_request",
]
