"""What the fields of a policy are called on its form, group by group."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

GROUPS: dict[str, Any] = {
    "": _("The policy"),
    "knock_outs": _("Knock-outs: decline whatever the score says"),
    "cut_offs": _("Cut-offs: probability of default within twelve months"),
    "affordability": _("Affordability"),
    "exploration": _("Exploration: random approvals near the cut-off"),
    "reevaluation": _("How a limit moves later"),
    "profit": _("Limits by expected profit instead of the grade table"),
}
LABELS: dict[str, Any] = {
    "name": _("Name"),
    "knock_outs.minimum_age": _("Least age"),
    "knock_outs.maximum_age": _("Greatest age"),
    "knock_outs.refuse_students": _("Refuse students"),
    "knock_outs.worst_days_past_due_12m": _("Most days late within 12 months"),
    "cut_offs.approve_below": _("Approve below"),
    "cut_offs.refer_below": _("A person decides below; decline from there"),
    "affordability.instalments_to_income": _("Instalments may take this part of income"),
    "affordability.assumed_instalments": _("Instalments assumed for a full limit"),
    "affordability.business_margin": _("Part of a business's turnover that counts as income"),
    "exploration.share": _("Share of those above the cut-off, at most 0.03"),
    "exploration.up_to": _("Up to this probability"),
    "exploration.limit": _("With at most this limit"),
    "group_limit": _("All limits of a person and the businesses owned"),
    "cool_off_days": _("Days after a decline before the next application"),
    "offer_days": _("Days for which an offer stands"),
    "line_days": _("Days for which a line is valid"),
    "penalty_factor": _("Penalty rate, times the contract's rate"),
    "reevaluation.raise_from": _("Raise when the target is at least this many times the limit"),
    "reevaluation.cut_from": _("Cut when the target is at most this many times the limit"),
    "reevaluation.most_rise": _("Most rise at one time, part of the limit"),
    "reevaluation.most_cut": _("Most cut in a month, part of the limit"),
    "reevaluation.cool_down_days": _("Days between a move and the next rise"),
    "reevaluation.least_on_time": _("Instalments on time in a row before a rise"),
    "reevaluation.freeze_days_past_due": _("Freeze from this many days late"),
    "reevaluation.freeze_pd": _("Freeze from this probability"),
    "reevaluation.unfreeze_pd": _("Lift that freeze below this probability"),
    "reevaluation.use_from": _("Raise only lines of which this part is used"),
    "profit.funding_rate": _("Cost of the lent money a year"),
    "profit.capital_share": _("Own capital behind one of exposure"),
    "profit.capital_rate": _("What that capital must earn beyond funding"),
    "profit.person_loss": _("Part lost when a person defaults"),
    "profit.business_loss": _("Part lost when a business defaults"),
    "profit.drawn_at_default": _("Part of the unused limit drawn before a default"),
    "profit.need_multiple": _("Expected need, times monthly income"),
    "profit.account_cost": _("Cost of a line a year"),
    "profit.loss_weight": _("What one of expected loss counts beyond itself"),
    "grade.name": _("Grade"),
    "grade.pd_below": _("Probability below"),
    "grade.income_multiple": _("Times monthly income"),
    "grade.limit": _("Most"),
    "grade.annual_rate": _("Annual rate"),
}
