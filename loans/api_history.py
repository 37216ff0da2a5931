"""A loan as it was: on a day, as known on a day; what one event changed; and what happened between two days."""

from __future__ import annotations

import uuid
from datetime import date

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import DateField, PortalView, StrictQuery, documented
from ledger.queries import business_date, loan_entries
from loans import access, queries, reports
from loans.api_answers import ChangesOut, KnownLoanOut, StatementOut
from loans.models import Loan, LoanEventRow
from regimes.errors import N_, InvalidInput, NotFound


class UnableToLook(InvalidInput):
    """Refuse a day on which there is nothing to see."""


class KnownQuery(StrictQuery):
    value_date = DateField(required=False, help_text="The day that the loan is shown on; today without it.")
    known_on = DateField(
        required=False, help_text="Only what had been learned by this day counts; everything without it."
    )


class StatementQuery(StrictQuery):
    from_date = DateField(required=False, help_text="The first day; the start of the loan without it.")
    to_date = DateField(required=False, help_text="The last day; today without it.")
    known_on = DateField(required=False, help_text="As it was known on this day.")


def _not_later(day: date, today: date, field: str) -> date:
    if day > today:
        raise UnableToLook(
            "day_in_future",
            N_("Choose a day up to %(date)s."),
            field=field,
            params={"date": today.isoformat()},
        )
    return day


class AsKnown(PortalView):
    query = KnownQuery

    @documented("See a loan on a day, as it was known on a day", response=KnownLoanOut, query=KnownQuery)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan: Loan = access.own_loan(user=self.user, ref=ref)
        today = business_date()
        value_date = _not_later(self.asked.get("value_date", today), today, "value_date")
        known_on = _not_later(self.asked.get("known_on", today), today, "known_on")
        view = queries.loan_view(loan_id=loan.pk, as_of=value_date, known_on=known_on)
        return Response(
            KnownLoanOut(
                {
                    "ref": loan.ref,
                    "value_date": value_date,
                    "known_on": known_on,
                    "state": view.state,
                    "payoff": view.payoff,
                    "instalments": view.instalments,
                    "events": view.events,
                    "postings": [
                        entry for entry in loan_entries(loan_id=loan.pk) if entry.booked_date <= known_on
                    ],
                }
            ).data
        )


class EventChanges(PortalView):
    @documented("See what one event changed on the day on which it was learned", response=ChangesOut)
    def get(self, request: Request, ref: uuid.UUID, sequence: int) -> Response:
        loan: Loan = access.own_loan(user=self.user, ref=ref)
        event = LoanEventRow.objects.filter(loan_id=loan.pk, sequence=sequence).first()
        if event is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        changes = queries.what_changed(loan_id=loan.pk, sequence=sequence)
        return Response(
            ChangesOut(
                {
                    "sequence": sequence,
                    "kind": event.kind,
                    "value_date": event.value_date,
                    "learned_on": event.booked_date,
                    "is_backdated": event.value_date < event.booked_date,
                    "status_before": changes.status_before,
                    "status_after": changes.status_after,
                    "figures": changes.rows,
                    "postings": changes.legs,
                }
            ).data
        )


class Statement(PortalView):
    query = StatementQuery

    @documented("See what happened to a loan between two days", response=StatementOut, query=StatementQuery)
    def get(self, request: Request, ref: uuid.UUID) -> Response:
        loan: Loan = access.own_loan(user=self.user, ref=ref)
        today = business_date()
        last = _not_later(
            self.asked.get("to_date", max(today, loan.start_date)), max(today, loan.start_date), "to_date"
        )
        found = reports.loan_statement(
            loan_id=loan.pk,
            from_date=self.asked.get("from_date", loan.start_date),
            to_date=last,
            known_on=self.asked.get("known_on"),
        )
        return Response(StatementOut(found).data)
