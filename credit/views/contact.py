"""How and when a borrower is reminded, and on which day of the month new loans fall due."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import access, operations, queries
from accounts.access import MAY_DRAW
from accounts.models import Borrower, ContactPreference
from accounts.pages import SignedIn, StrictForm, for_borrower, page, refuse
from credit.domain.reminders import LADDER, due_day_after
from credit.queries import regime_now
from ledger.queries import business_date
from regimes.errors import Refusal
from risk.evidence.trade import pay_day


def _whole(value: str) -> int | None:
    return int(value) if value else None


class ContactForm(StrictForm):
    """Wishes; each may be left to the portal."""

    channel = forms.ChoiceField(
        label=gettext_lazy("Remind me by"), required=False, widget=forms.RadioSelect,
        choices=ContactPreference.Channel.choices,
    )  # fmt: skip
    hour = forms.TypedChoiceField(label=gettext_lazy("At"), required=False, coerce=_whole, empty_value=None)
    due_day = forms.TypedChoiceField(
        label=gettext_lazy("New loans fall due on day"), required=False, coerce=_whole, empty_value=None,
        help_text=gettext_lazy("A few days after your money comes in is safest. Loans that run keep their days."),
    )  # fmt: skip

    def __init__(self, *args: Any, hours: range, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        any_hour = [("", _("Whenever works best"))]
        self.fields["hour"].choices = [*any_hour, *((str(n), f"{n}:00") for n in hours)]  # type: ignore[attr-defined]
        days = [("", _("The day on which I draw"))]
        self.fields["due_day"].choices = [*days, *((str(n), str(n)) for n in range(1, 29))]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@for_borrower()
def contact(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show and keep the wishes; suggest a due day behind the day on which wages come in."""
    as_of, regime = business_date(), regime_now()
    known = queries.contact_preference(borrower_id=borrower.pk)
    came = pay_day(borrower_id=borrower.pk, as_of=as_of)
    hours = range(regime.contact_opens.hour, regime.contact_closes.hour)
    initial = {
        "channel": known.channel if known else "",
        "hour": str(known.hour) if known and known.hour is not None else "",
        "due_day": str(known.due_day) if known and known.due_day else "",
    }
    form, status = (
        ContactForm(request.POST if request.method == "POST" else None, hours=hours, initial=initial),
        200,
    )
    if request.method == "POST":
        access.own_borrower(user=request.user, ref=borrower.ref, roles=MAY_DRAW)
        status = 400
        if form.is_valid():
            try:
                operations.set_contact_preference(
                    borrower=borrower, **form.cleaned_data, pay_day=came, actor=request.user
                )
                messages.success(request, _("Kept. What the law makes us send may still come by other ways."))
                return redirect("credit:contact", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    reach = queries.channels_of(borrower_ids=[borrower.pk])[borrower.pk]
    context = {
        "form": form,
        "pay_day": came,
        "suggested": due_day_after(came) if came else None,
        "reach": reach,
        "opens": regime.contact_opens,
        "closes": regime.contact_closes,
        "most": regime.max_contacts_a_day,
        "ladder": [_rung(rung.days) for rung in LADDER],
    }
    return page(request, "credit/contact.html", context, borrower=borrower, here="settings", status=status)


def _rung(days: int) -> str:
    if days < 0:
        return _("%(days)s before") % {"days": -days}
    return _("on the day") if days == 0 else _("%(days)s after") % {"days": days}
