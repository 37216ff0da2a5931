"""What borrowers are told by credit: the kinds of notice, and reasons put into one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils import translation

from accounts.notifications.kinds import register_kind
from credit import notices_working
from credit.models import LimitChange
from loans import queries as loan_queries
from regimes.errors import N_


def register() -> None:
    """Register the kinds of this room."""
    _decisions()
    _limits()
    _instalments()
    _passports()
    _second_members()
    _businesses()
    notices_working.register()


def _decisions() -> None:
    register_kind(
        "application_approve",
        subject=N_("Your application is approved"),
        body=N_("Your limit is CNY %(limit)s. Why: %(why)s"),
    )
    register_kind(
        "application_counter_offer",
        subject=N_("We can offer you another limit"),
        body=N_(
            "We can offer you a limit of CNY %(limit)s. Why: %(why)s Accept it in the portal if it suits you."
        ),
    )
    register_kind(
        "application_refer",
        subject=N_("A person looks at your application"),
        body=N_("A person decides on your application. Why: %(why)s You need not do anything."),
    )
    register_kind(
        "application_decline",
        subject=N_("Your application is declined"),
        body=N_("We cannot offer you credit now. Why: %(why)s You can ask for a person to look at it."),
    )
    register_kind(
        "review_answered",
        subject=N_("A person answered your request"),
        body=N_("A person looked at your request and answered it. Read the answer in the portal."),
    )


def _limits() -> None:
    register_kind(
        "limit_open",
        subject=N_("Your credit line is open"),
        body=N_("You can draw up to CNY %(new_limit)s. We look at your limit again on %(next_review_date)s."),
    )
    register_kind(
        "limit_up",
        subject=N_("Your limit rises"),
        body=N_("Your limit rises from CNY %(old_limit)s to CNY %(new_limit)s. Why: %(why)s"),
    )
    register_kind(
        "limit_down",
        subject=N_("Your limit falls"),
        body=N_(
            "Your limit falls from CNY %(old_limit)s to CNY %(new_limit)s. Why: %(why)s "
            "What would raise it: %(way_on)s We look again on %(next_review_date)s. "
            "What you owe is repaid as agreed."
        ),
    )
    register_kind(
        "limit_announce",
        subject=N_("Your limit will fall on %(announced_date)s"),
        body=N_(
            "Your limit stays at CNY %(new_limit)s until then and is CNY %(announced_limit)s from %(announced_date)s. Why: "
            "%(why)s What would keep it: %(way_on)s What you owe is repaid as agreed."
        ),
    )
    register_kind(
        "limit_withdraw",
        subject=N_("Your limit does not fall"),
        body=N_("Your limit stays at CNY %(new_limit)s. Why: %(why)s"),
    )
    register_kind(
        "line_ends",
        subject=N_("Your line ends on %(date)s"),
        body=N_(
            "You can draw until %(date)s; what you owe is repaid as agreed. Why it is not renewed: %(why)s What helps: "
            "%(way_on)s If that changes before, the line goes on by itself."
        ),
    )
    register_kind(
        "limit_freeze",
        subject=N_("Your line is frozen"),
        body=N_("You cannot draw for now; payments go on. Why: %(why)s What lifts the freeze: %(way_on)s"),
    )
    register_kind(
        "limit_unfreeze",
        subject=N_("Your line is open again"),
        body=N_("You can draw again. Why: %(why)s"),
    )
    register_kind(
        "limit_close",
        subject=N_("Your line is closed"),
        body=N_("You cannot draw any more; what you owe is repaid as agreed. Why: %(why)s"),
    )
    register_kind(
        "limit_keep",
        subject=N_("We looked at your limit"),
        body=N_("Your limit stays at CNY %(new_limit)s. Why: %(why)s"),
    )
    register_kind(
        "limit_suspend",
        subject=N_("Your line is suspended"),
        body=N_("You cannot draw for now; payments go on. Why: %(why)s What ends it: %(way_on)s"),
    )
    register_kind(
        "limit_resume",
        subject=N_("Your line goes on"),
        body=N_("You can draw again. Why: %(why)s"),
    )
    register_kind(
        "self_excluded",
        subject=N_("We do not lend to you for now, as you asked"),
        body=N_("You asked us not to lend to you before %(date)s. Repaying goes on as agreed."),
    )
    register_kind(
        "limit_renew",
        subject=N_("Your line is renewed"),
        body=N_("You can draw up to CNY %(new_limit)s. Why: %(why)s"),
    )
    register_kind(
        "draw_accepted",
        subject=N_("Your draw is on its way"),
        body=N_("CNY %(amount)s is on its way to your account ending in %(account_last4)s."),
    )


def _businesses() -> None:
    register_kind(
        "feed_is_aging",
        subject=N_("Your records are getting old"),
        body=N_(
            "Your newest record is %(days)s days old. From %(limit)s days on it no longer counts, and your limit may "
            "fall. Give newer invoices or statements in the portal."
        ),
    )
    register_kind(
        "business_sign",
        subject=N_("Something about your business is near to counting"),
        body=N_("Look at “The business” in the portal: it says what we see and what would change it."),
    )


def _second_members() -> None:
    register_kind(
        "draw_needs_second",
        subject=N_("A draw waits for a second member"),
        body=N_(
            "A member asked to draw CNY %(amount)s for the business. Another member has three days to approve or "
            "refuse it in the portal. Nothing is borrowed until then."
        ),
    )
    register_kind(
        "draw_second_refused",
        subject=N_("A draw was refused by a second member"),
        body=N_("The draw of CNY %(amount)s was refused by a second member. Nothing was borrowed."),
    )


def _passports() -> None:
    register_kind(
        "passport_issued",
        subject=N_("A credit passport was signed for you"),
        body=N_(
            "It is valid until %(until)s and nobody sees it until you share it. If this was not you, revoke it "
            "and change your password."
        ),
    )


def _instalments() -> None:
    register_kind(
        "instalment_due_soon",
        still_true=_still_due,
        subject=N_("An instalment falls due on %(due_date)s"),
        body=N_("CNY %(amount)s falls due on %(due_date)s. Keep it on your account or pay it in the portal."),
        contact=True,
    )
    register_kind(
        "instalment_due_tomorrow",
        still_true=_still_due,
        subject=N_("An instalment falls due tomorrow"),
        body=N_(
            "CNY %(amount)s falls due tomorrow, %(due_date)s. Keep it on your account or pay it in the portal."
        ),
        contact=True,
    )
    register_kind(
        "instalment_due_today",
        still_true=_still_due,
        subject=N_("An instalment falls due today"),
        body=N_("CNY %(amount)s falls due today, %(due_date)s. Pay it in the portal so that it is not late."),
        contact=True,
    )
    register_kind(
        "instalment_overdue",
        still_true=_still_due,
        subject=N_("An instalment is overdue"),
        body=N_(
            "CNY %(amount)s was due on %(due_date)s and is not paid. Pay it in the portal to stop the overdue "
            "interest. If you cannot, talk to us."
        ),
        contact=True,
    )

    register_kind(
        "instalment_late_notice",
        still_true=_still_due,
        subject=N_("Notice: an instalment is late"),
        body=N_(
            "CNY %(amount)s was due on %(due_date)s and is not paid. Overdue interest counts each day, your limit "
            "may be frozen, and a delay of more than 30 days may be reported to credit bureaus. Pay it in the "
            "portal. If you cannot, tell us: a person looks for a way with you."
        ),
        sms=N_(
            "CNY %(amount)s was due on %(due_date)s and is not paid. Overdue interest counts each day. Pay it in the "
            "portal, or tell us that you cannot: a person looks for a way with you."
        ),
        contact=True,
        required=True,
    )


def _still_due(params: Mapping[str, Any]) -> bool:
    """Tell whether an instalment is still to be paid when its reminder is about to leave."""
    if "instalment_id" not in params:  # written before the number was kept
        return True
    return loan_queries.is_still_due(
        instalment_id=int(params["instalment_id"]), due_date=date.fromisoformat(params["due_date"])
    )


def sentences(reasons: Iterable[Mapping[str, Any]], *, language: str) -> str:
    """Put reasons into sentences of one language, one after another."""
    with translation.override(language):
        return _told(reasons, language)


def _told(reasons: Iterable[Mapping[str, Any]], language: str) -> str:
    told = [translation.gettext(item["message"]) % (item.get("params") or {}) for item in reasons]
    return ("" if language.startswith("zh") else " ").join(told)


def change_params(change: LimitChange, *, language: str) -> dict[str, str]:
    """Give what a message says about a change of the limit."""
    with translation.override(language):
        why, way_on = _told(change.reasons, language), _told(change.recourse, language)
    return {
        "old_limit": f"{change.old_limit:.2f}",
        "new_limit": f"{change.new_limit:.2f}",
        "line_ref": str(change.line.ref),
        "why": why,
        "way_on": way_on,
        "next_review_date": change.next_review_date.isoformat(),
        **_coming(change),
    }


def _coming(change: LimitChange) -> dict[str, str]:
    coming = (change.inputs or {}).get("announced")
    return {f"announced_{name}": coming[name] for name in ("limit", "date")} if coming else {}
