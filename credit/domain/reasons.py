"""Reasons: a stable code, the sentence that a borrower reads, and the figures in it.

A reason is recorded only when it truly decided. The English sentence is the message id; its Chinese twin is
in `locale/zh_Hans/LC_MESSAGES/credit.po`, and a test proves that none is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from regimes.errors import N_

MOST_REASONS: Final = 4

# code -> sentence
SENTENCES: Final[dict[str, str]] = {
    # knock-outs
    "age_too_low": N_("You must be at least %(minimum)s years old to borrow."),
    "age_too_high": N_("You must be at most %(maximum)s years old to borrow."),
    "is_student": N_("We do not lend to students."),
    "borrower_blocked": N_("Your account is blocked. Ask us for a review by a person."),
    "overdue_now": N_("A payment of yours with us is overdue. Pay it first, then apply again."),
    "overdue_past": N_("A payment of yours with us was %(days)s days late within the last 12 months."),
    # something is missing: a person looks, the engine never approves
    "age_unknown": N_("We could not tell your age from your identity document."),
    "student_unknown": N_("You have not said whether you are a student."),
    "income_unknown": N_("We could not see your income in the records that you connected."),
    "evidence_missing": N_("The records that you connected are too few to decide on."),
    "evidence_stale": N_("Your newest records are too old to decide on. Connect newer ones."),
    "evidence_out_of_range": N_("Some figures in your records look wrong, so a person checks them."),
    "evidence_odd": N_("Some of your records do not fit together, so a person looks at them."),
    "model_unavailable": N_("Our scoring is not available at the moment, so a person decides."),
    # score
    "risk_too_high": N_("The risk that the loan is not paid back is too high for us."),
    "risk_near_cut_off": N_("The risk is close to our limit, so a person decides."),
    "risk_good": N_("Your records show a low risk of late payment."),
    "exploration": N_("We approved a small limit to learn more about borrowers like you."),
    # what set the limit
    "limit_as_requested": N_("You get the limit that you asked for."),
    "limit_by_income": N_("The limit is at most %(multiple)s times your income a month."),
    "limit_by_grade": N_("The most for your risk grade is CNY %(maximum)s."),
    "limit_by_affordability": N_(
        "Your instalments may take at most %(percent)s %% of your income, all lenders counted."
    ),
    "limit_by_group": N_(
        "You and the businesses that you own may have at most CNY %(maximum)s of limits together."
    ),
    "limit_by_product": N_("This product is for at most CNY %(maximum)s."),
    "limit_by_regime": N_("The law lets us lend you at most CNY %(maximum)s."),
    "limit_by_use": N_("The limit fits how much you use, the price and your risk of late payment."),
    "limit_too_small": N_("The limit would be below CNY %(minimum)s, the smallest that we give."),
    # a person decided
    "review_reopened": N_("You asked for a person, and the person opened your application again."),
    "officer_decided": N_("An officer looked at your application and decided."),
    # re-evaluation
    "paid_on_time": N_("You paid on time."),
    "risk_lower": N_("Your records show a lower risk than before."),
    "risk_higher": N_("Your records show a higher risk than before."),
    "limit_steady": N_("Nothing changed enough to move your limit."),
    "cool_down": N_("Your limit was raised not long ago. It can rise again from %(date)s."),
    "cool_down_days": N_("Your limit moved not long ago. We raise it at most once in %(days)s days."),
    "own_cap_stands": N_("You set an own cap, so we did not raise your limit."),
    "overdue_still": N_("A payment is overdue, so you cannot draw for now."),
    "not_enough_history": N_("We raise a limit after %(count)s instalments paid on time."),
    "already_changed": N_("Your limit already changed this month."),
    "smooth_cut": N_("A limit falls by at most %(percent)s %% a month."),
    "smooth_rise": N_("A limit rises by at most %(percent)s %% at a time."),
    "consent_withdrawn": N_("You withdrew your agreement to use your data for credit decisions."),
    "overdue_freeze": N_("A payment is %(days)s days overdue, so you cannot draw for now."),
    "risk_freeze": N_("Your records show a risk that is too high for new draws."),
    "paid_up": N_("You paid everything that was overdue, so you can draw again."),
    "line_expired": N_("The line's term ended on %(date)s."),
    "opened": N_("Your credit line was opened."),
    "asked_to_freeze": N_("You asked us to freeze the line."),
    "frozen_by_officer": N_("An officer froze the line."),
    "unfrozen": N_("The freeze was lifted."),
    "changed_by_officer": N_("An officer changed the limit."),
    "own_cap": N_("You asked us to keep your limit at CNY %(cap)s."),
    "own_cap_set": N_("You set your own cap of CNY %(cap)s."),
    "own_cap_lifted": N_("You lifted your own cap."),
    "temporary_raise": N_("We raised your limit by CNY %(extra)s until %(date)s."),
    "temporary_over": N_("The temporary increase of your limit ended on %(date)s."),
    "asked_for_exclusion": N_("You asked us not to lend to you before %(date)s."),
    "exclusion_stands": N_("You asked us not to lend to you for now."),
    "exclusion_ended": N_(
        "The time for which you asked us not to lend to you is over, and you asked us to go on."
    ),
    "suspended_by_officer": N_("An officer suspended the line."),
    "resumed": N_("The suspension was lifted."),
    "cut_announced": N_("We told you of a lower limit. It is in force from the day that we named."),
    "cut_withdrawn": N_("Your records are better again, so the lower limit that we announced does not come."),
    "line_renewed": N_("Your line goes on until %(date)s, because you pay as agreed."),
    "offer_accepted": N_("You accepted our offer."),
}

# code -> what restores or raises the limit
RECOURSES: Final[dict[str, str]] = {
    "pay_overdue": N_("Pay CNY %(amount)s, which is overdue. You can draw again from the day after."),
    "pay_what_is_overdue": N_("Pay what is overdue. You can draw again from the day after."),
    "pay_on_time": N_("Pay each instalment by its due date."),
    "connect_fresh": N_("Connect newer records of your income and payments."),
    "give_consent": N_("Agree again to the use of your data for credit decisions."),
    "wait_for_review": N_("There is nothing you need to do before the next look."),
    "apply_again": N_("Apply again, and we look at everything anew."),
    "ask_person": N_("Ask for a person to look at it."),
    "lift_own_cap": N_("Lift or raise your own cap whenever you want."),
    "wait_for_exclusion_end": N_("From %(date)s you can ask us to lend to you again."),
    "lift_own_freeze": N_("Lift the freeze whenever you want."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Hold one reason: code, sentence (an English message id) and the figures in it as text."""

    code: str
    message: str
    params: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Write the reason as stored and shown."""
        return {"code": self.code, "message": self.message, "params": dict(self.params)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Reason:
        """Read what `to_dict` wrote."""
        params = tuple((str(k), str(v)) for k, v in dict(written.get("params") or {}).items())
        return cls(str(written["code"]), str(written["message"]), params)

    def __str__(self) -> str:
        return self.message % dict(self.params) if self.params else self.message.replace("%%", "%")


def reason(code: str, **params: object) -> Reason:
    """Make a reason of the catalogue.

    >>> str(reason("age_too_low", minimum=18))
    'You must be at least 18 years old to borrow.'
    """
    return Reason(
        code,
        SENTENCES[code],
        tuple((name, _text(value)) for name, value in params.items()),
    )


def recourse(code: str, **params: object) -> Reason:
    """Say what restores or raises a limit."""
    return Reason(
        code,
        RECOURSES[code],
        tuple((name, _text(value)) for name, value in params.items()),
    )


def first_reasons(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Keep the first four different reasons, in the order in which they decided."""
    kept: dict[str, Reason] = {}
    for item in reasons:
        kept.setdefault(item.code, item)
    return tuple(kept.values())[:MOST_REASONS]


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(
            value.normalize() if value != value.to_integral_value() else value.quantize(Decimal(1)),
            "f",
        )
    return str(value)
