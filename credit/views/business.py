"""The shop owner's page: money in and out as the lender sees it, what is near to counting, and what waits for two."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import operations as accounts_operations
from accounts import queries as accounts_queries
from accounts.chart_pairs import Pair, pair_bars
from accounts.models import Borrower, BusinessLicence
from accounts.pages import SignedIn, for_borrower, page
from accounts.templatetags.portal import day
from credit.business import Warned, near_breaches
from credit.models import DrawRequest
from ledger.queries import business_date
from regimes.errors import N_, NotFound
from risk.domain.cash_flow import CashFlow, Thresholds
from risk.evidence.trade import cash_flow


@for_borrower()
def business(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show how the business does and who may do what."""
    if not borrower.is_business:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    as_of = business_date()
    flow = cash_flow(borrower_id=borrower.pk, as_of=as_of)
    above = accounts_operations.second_above(profile=borrower.business_profile, as_of=as_of)
    context = {
        "profile": borrower.business_profile,
        "flow": flow,
        "chart": _chart(flow),
        "season": _season(flow),
        "signs": [say(sign) for sign in near_breaches(borrower_id=borrower.pk, flow=flow, as_of=as_of)],
        "fresh": _fresh(flow),
        "requests": DrawRequest.objects.filter(
            line__borrower=borrower, status=DrawRequest.Status.WAITING, expires_at__gt=timezone.now()
        )
        .select_related("asked_by")
        .order_by("-pk")[:10],
        "above": above,
        "licence": BusinessLicence.objects.filter(business=borrower).defer("content").order_by("-pk").first(),
        "members": len(accounts_queries.members_of(business_id=borrower.pk)),
    }
    return page(request, "credit/business.html", context, borrower=borrower, here="home")


def _chart(flow: CashFlow) -> dict[str, Any]:
    shown = flow.months[-12:]
    rows = [Pair(f"{row.month:%m}", row.turnover, row.spent) for row in shown]
    return {
        "chart": pair_bars(rows),
        "title": _("Money in and out by month"),
        "first_words": _("Sales or money in"),
        "second_words": _("Purchases or money out"),
        "rows": list(reversed(shown)),
    }


def _season(flow: CashFlow) -> str:
    """Say the strongest and the weakest month of the year."""
    if not flow.season:
        return _("Twelve whole months are needed to see a season.")
    best = max(flow.season, key=lambda month: (flow.season[month], -month))
    worst = min(flow.season, key=lambda month: (flow.season[month], month))
    return _("Strongest month: %(best)s (%(high)s of the average). Weakest: %(worst)s (%(low)s).") % {
        "best": _month_name(best),
        "high": f"{flow.season[best] * 100:.0f}%",
        "worst": _month_name(worst),
        "low": f"{flow.season[worst] * 100:.0f}%",
    }


def _month_name(month: int) -> str:
    from django.utils.dates import MONTHS

    return str(MONTHS[month])


def _fresh(flow: CashFlow) -> str:
    """Say until when the newest record counts, before it no longer does."""
    if flow.newest is None or flow.age_days is None:
        return _("No papers yet. Sales, purchases or a statement of three months make the picture.")
    limit = Thresholds().feed_stale_days
    if flow.age_days > limit:
        return _("The newest record is of %(day)s: too old to count. Give newer ones.") % {
            "day": day(flow.newest)
        }
    counts_until = date.fromordinal(flow.newest.toordinal() + limit)
    return _("The newest record is of %(day)s. It counts until %(until)s.") % {
        "day": day(flow.newest),
        "until": day(counts_until),
    }


def say(sign: Warned) -> dict[str, str]:
    """Say one sign and what would change it."""
    figures = {"seen": sign.seen, "from": sign.counts_from}
    words, way = _WORDS[sign.sign]
    return {"words": _(words) % figures, "way": _(way)}


_WORDS = {
    "FEED_STALE": (
        N_("Your newest record is %(seen)s days old; from %(from)s days on it no longer counts."),
        N_("Give newer invoices or statements; the limit is looked at again at once."),
    ),
    "FEED_AGING": (
        N_("Your newest record is %(seen)s days old; from %(from)s days on it no longer counts."),
        N_("Give newer invoices or statements before then, and nothing changes."),
    ),
    "THIN_BUFFER": (
        N_("What is on the account lasts %(seen)s days; below %(from)s it is thin."),
        N_("Keep more on the account, or move a due date behind your busiest days."),
    ),
    "SALES_FALLING": (
        N_(
            "Sales of the last three months are %(seen)s %% of the three before; below %(from)s %% it counts."
        ),
        N_("If it is the season, it rights itself. If not, draw less and talk to us early."),
    ),
    "CONCENTRATED": (
        N_("Your biggest customer makes %(seen)s %% of sales; above %(from)s %% it counts."),
        N_("A second large customer makes you and your limit safer."),
    ),
    "NEAR_LIMIT": (
        N_("%(seen)s %% of your limit is in use; from %(from)s %% on it weighs in the next look."),
        N_("Repay a part early, or wait with the next draw."),
    ),
    "DUE_ABOVE_BALANCE": (
        N_("%(seen)s yuan fall due within seven days, and the newest balance is %(from)s yuan."),
        N_("Move money to the account in time, or tell us now: before the due date more can be done."),
    ),
}
