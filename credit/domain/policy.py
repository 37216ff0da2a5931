"""The policy: an immutable, versioned document that turns facts and a score into an outcome.

The document is JSON with numbers as text. `read_policy` is its schema: every field present, none unknown,
every number in its range, the grades without a gap or an overlap, nothing above what the regime allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final, get_type_hints

from credit.domain.all_in import highest_rate
from credit.domain.ceiling import Ceiling as Ceiling
from credit.domain.profit_rules import ProfitRules
from regimes.errors import N_, InvalidInput

SCHEMA: Final = 1
LEAST_LIMIT: Final = Decimal(50)
MOST_LIMIT: Final = Decimal(300_000)
LIMIT_STEP: Final = Decimal(100)


class UnableToReadPolicy(InvalidInput):
    """Refuse a policy document that breaks its schema or the regime."""


@dataclass(frozen=True, slots=True)
class KnockOuts:
    """Decline at once, whatever the score says."""

    minimum_age: int
    maximum_age: int
    refuse_students: bool
    worst_days_past_due_12m: int


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Approve below the first probability of default, refer below the second, decline from there."""

    approve_below: Decimal
    refer_below: Decimal


@dataclass(frozen=True, slots=True)
class Affordability:
    """Bound all instalments of a borrower by the income."""

    instalments_to_income: Decimal
    assumed_instalments: int
    business_margin: Decimal  # part of a business's turnover that counts as income


@dataclass(frozen=True, slots=True)
class Exploration:
    """Approve a random share just above the cut-off, with a small limit, to keep learning."""

    share: Decimal
    up_to: Decimal
    limit: Decimal


@dataclass(frozen=True, slots=True)
class Grade:
    """Price and bound one band of the probability of default."""

    name: str
    pd_below: Decimal
    income_multiple: Decimal
    limit: Decimal
    annual_rate: Decimal


@dataclass(frozen=True, slots=True)
class ReevaluationRules:
    """Say how a limit moves after it was opened: hysteresis, smoothness, cool-down, freezes."""

    raise_from: Decimal  # a rise only when the target is at least so many times the limit
    cut_from: Decimal  # a cut only when the target is at most so many times the limit
    most_rise: Decimal  # of the limit, at one time
    most_cut: Decimal  # of the limit, in one month
    cool_down_days: int  # between two rises, and after a cut before a rise
    least_on_time: int  # instalments paid on time in a row before a rise
    freeze_days_past_due: int
    freeze_pd: Decimal
    unfreeze_pd: Decimal
    use_from: Decimal  # a rise only for lines of which at least this part was used


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """Hold one version of the policy as values."""

    schema: int
    name: str
    knock_outs: KnockOuts
    cut_offs: CutOffs
    affordability: Affordability
    exploration: Exploration
    grades: tuple[Grade, ...]
    group_limit: Decimal  # all limits of a person and the businesses owned
    cool_off_days: int  # after a decline, before the next application
    offer_days: int
    line_days: int  # validity of a line
    penalty_factor: Decimal  # penalty rate as a multiple of the contract's
    reevaluation: ReevaluationRules
    profit: ProfitRules | None = None  # limits by expected profit instead of by the grade table

    def grade_of(self, pd: Decimal) -> Grade | None:
        """Find the band of a probability of default; None above the last."""
        return next((grade for grade in self.grades if pd < grade.pd_below), None)


def read_policy(document: Mapping[str, Any], *, ceiling: Ceiling) -> PolicyRules:
    """Read a document into rules, or refuse it naming the field.

    >>> read_policy({}, ceiling=Ceiling(Decimal(1), Decimal(1), Decimal("0.24")))
    Traceback (most recent call last):
    credit.domain.policy.UnableToReadPolicy: The policy has no field schema.
    """
    rules: PolicyRules = _read(PolicyRules, document, "")
    _check_numbers(rules)
    _check_grades(rules, ceiling)
    if rules.profit is not None:
        _check_profit(rules.profit)
    return rules


def _read(form: type, document: object, path: str) -> Any:
    if not isinstance(document, Mapping):
        raise _refuse(
            "policy_field_invalid",
            path or "policy",
            N_("The field %(field)s must be an object."),
        )
    hints = get_type_hints(form)
    names = [field.name for field in fields(form)]
    optional = {field.name for field in fields(form) if field.default is not MISSING}
    for name in document:
        if name not in names:
            raise _refuse(
                "unknown_field",
                f"{path}{name}",
                N_("The policy has an unknown field %(field)s."),
            )
    values: dict[str, Any] = {}
    for name in names:
        if name not in document and name in optional:
            continue
        if name not in document:
            raise _refuse(
                "policy_field_missing",
                f"{path}{name}",
                N_("The policy has no field %(field)s."),
            )
        values[name] = _value(hints[name], document[name], f"{path}{name}")
    return form(**values)


def _value(kind: Any, given: Any, path: str) -> Any:
    if kind is Decimal:
        return _decimal(given, path)
    if kind is bool or kind is int or kind is str:
        if type(given) is not kind:
            raise _refuse(
                "policy_field_invalid",
                path,
                N_("The field %(field)s has the wrong type."),
            )
        if isinstance(given, int) and not 0 <= given <= 36_500:
            raise _refuse("policy_field_invalid", path, N_("The field %(field)s is out of range."))
        return given
    if kind == tuple[Grade, ...]:
        if not isinstance(given, (list, tuple)) or not 1 <= len(given) <= 30:
            raise _refuse(
                "policy_field_invalid",
                path,
                N_("The field %(field)s must be a list of 1 to 30."),
            )
        return tuple(_read(Grade, item, f"{path}.{place}.") for place, item in enumerate(given))
    if kind == ProfitRules | None:
        return None if given is None else _read(ProfitRules, given, f"{path}.")
    return _read(kind, given, f"{path}.")


def _decimal(given: object, path: str) -> Decimal:
    message = N_("The field %(field)s must be a number written as text, such as 0.05.")
    if not isinstance(given, str) or len(given) > 20:
        raise _refuse("policy_field_invalid", path, message)
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise _refuse("policy_field_invalid", path, message) from None
    if not number.is_finite() or number < 0 or number > 1_000_000_000:
        raise _refuse("policy_field_invalid", path, N_("The field %(field)s is out of range."))
    return number


def _check_numbers(rules: PolicyRules) -> None:
    """Check what one field, or two together, may be."""
    moves = rules.reevaluation
    probabilities = {
        "cut_offs.approve_below": rules.cut_offs.approve_below,
        "cut_offs.refer_below": rules.cut_offs.refer_below,
        "exploration.up_to": rules.exploration.up_to,
        "reevaluation.freeze_pd": moves.freeze_pd,
        "reevaluation.unfreeze_pd": moves.unfreeze_pd,
        "reevaluation.most_cut": moves.most_cut,
        "affordability.instalments_to_income": rules.affordability.instalments_to_income,
        "affordability.business_margin": rules.affordability.business_margin,
    }
    for path, number in probabilities.items():
        if not 0 < number <= 1:
            raise _refuse(
                "policy_field_invalid",
                path,
                N_("The field %(field)s must be above 0 and at most 1."),
            )
    wrong = {
        "schema": rules.schema != SCHEMA,
        "cut_offs.refer_below": rules.cut_offs.refer_below < rules.cut_offs.approve_below,
        "exploration.share": rules.exploration.share > Decimal("0.03"),
        "exploration.up_to": rules.exploration.up_to > rules.cut_offs.refer_below,
        "exploration.limit": rules.exploration.limit > 5_000,
        "knock_outs.minimum_age": rules.knock_outs.minimum_age < 18,
        "knock_outs.maximum_age": rules.knock_outs.maximum_age <= rules.knock_outs.minimum_age,
        "affordability.assumed_instalments": not 1 <= rules.affordability.assumed_instalments <= 60,
        "reevaluation.raise_from": moves.raise_from < 1,
        "reevaluation.cut_from": not 0 < moves.cut_from <= 1,
        "reevaluation.unfreeze_pd": moves.unfreeze_pd > moves.freeze_pd,
        "penalty_factor": not 1 <= rules.penalty_factor <= 2,
        "line_days": not 30 <= rules.line_days <= 1830,
        "offer_days": not 1 <= rules.offer_days <= 365,
    }
    for path, is_wrong in wrong.items():
        if is_wrong:
            raise _refuse("policy_field_invalid", path, N_("The field %(field)s is out of range."))


def _check_grades(rules: PolicyRules, ceiling: Ceiling) -> None:
    """Check the bands: rising without overlap, prices not falling, nothing over the regime."""
    before: Grade | None = None
    most = min(MOST_LIMIT, max(ceiling.person_limit, ceiling.business_limit))
    dearest = highest_rate(ceiling)  # the guard holds the cost with everything in it, not the nominal rate
    names: set[str] = set()
    for place, grade in enumerate(rules.grades):
        path = f"grades.{place}"
        if not grade.name or len(grade.name) > 8 or grade.name in names:
            raise _refuse(
                "policy_field_invalid",
                f"{path}.name",
                N_("The field %(field)s must be a short name of its own."),
            )
        names.add(grade.name)
        if not 0 < grade.pd_below <= 1 or (before and grade.pd_below <= before.pd_below):
            raise _refuse(
                "policy_grades_overlap",
                f"{path}.pd_below",
                N_("The grades overlap at %(field)s."),
            )
        if before and (grade.annual_rate < before.annual_rate or grade.limit > before.limit):
            raise _refuse(
                "policy_grades_fall",
                path,
                N_("A riskier grade may not be cheaper or larger: %(field)s."),
            )
        if grade.annual_rate > dearest:
            raise UnableToReadPolicy(
                "policy_price_over_guard",
                N_(
                    "The price at %(field)s costs more a year than the regime allows, all costs counted: at most %(most)s."
                ),
                field=f"{path}.annual_rate",
                params={"field": f"{path}.annual_rate", "most": str(dearest)},
            )
        if not LEAST_LIMIT <= grade.limit <= most:
            raise _refuse(
                "policy_limit_over_cap",
                f"{path}.limit",
                N_("The limit at %(field)s is outside what the regime allows."),
            )
        before = grade
    if rules.grades[-1].pd_below < rules.cut_offs.refer_below:
        raise _refuse(
            "policy_grades_gap",
            "grades",
            N_("The last of the %(field)s must reach the cut-off for referral."),
        )


def _check_profit(profit: ProfitRules) -> None:
    """Check the economics: parts of one, and amounts that a line can bear."""
    highest = {"need_multiple": Decimal(24), "account_cost": Decimal(1_000), "loss_weight": Decimal(100)}
    for field in fields(profit):
        if getattr(profit, field.name) > highest.get(field.name, Decimal(1)):
            raise _refuse(
                "policy_field_invalid",
                f"profit.{field.name}",
                N_("The field %(field)s is out of range."),
            )


def _refuse(code: str, path: str, message: str) -> UnableToReadPolicy:
    return UnableToReadPolicy(code, message, field=path, params={"field": path.rstrip(".")})
