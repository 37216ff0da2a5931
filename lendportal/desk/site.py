"""The desk: Django's admin site with a start page that says what waits, and the pages behind its buttons."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _


class Desk(admin.AdminSite):
    """The officers' desk."""

    site_header = _("lendportal desk")
    site_title = _("lendportal desk")
    index_title = _("What waits")
    index_template = "admin/desk.html"
    enable_nav_sidebar = True
    site_url = "/"

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from lendportal.desk.summary import summary

        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])  # type: ignore[return-value]

        return super().index(request, {"summary": summary(user=request.user), **(extra_context or {})})

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])  # type: ignore[return-value]
        return super().app_index(request, app_label, extra_context)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from lendportal.desk import (
            audit,
            bank,
            business_days,
            collections,
            finance,
            hardship,
            holds,
            imports,
            laboratory,
            monitoring,
            papers,
            policies,
            portfolio,
            proposals,
            reminders,
            running,
            suspense,
            views,
        )
        from lendportal.desk.routes import guarded

        def page(route: str, view: Any, name: str) -> URLPattern:
            return path(
                route, self.admin_view(guarded(name, view)), name=name
            )  # a row in routes.py says for whom

        return [
            page("queue/", views.queue, "queue"),
            page("applications/<uuid:ref>/review/", views.review, "review"),
            page("lines/<uuid:ref>/<str:act>/", views.freeze, "freeze"),
            page("papers/<uuid:ref>/", papers.paper, "purpose_paper"),
            page("reviews/<uuid:ref>/answer/", views.answer, "answer"),
            page("business-date/", views.business_date, "business_date"),
            page("proposals/", proposals.listing, "proposals"),
            page("proposals/new/<str:kind>/", proposals.make, "propose"),
            page("proposals/<uuid:ref>/", proposals.decide, "proposal"),
            page("policies/<int:version>/new/", policies.new_policy, "policy_new"),
            page("collections/", collections.listing, "collections"),
            page("collections/<uuid:ref>/", collections.case, "collection_case"),
            page("hardship/", hardship.listing, "hardships"),
            page("hardship/<uuid:ref>/", hardship.answer, "hardship"),
            page("laboratory/", laboratory.listing, "laboratory"),
            page("laboratory/new/", laboratory.new, "new_experiment"),
            page("laboratory/<uuid:ref>/", laboratory.experiment, "experiment"),
            page("portfolio/", portfolio.index, "portfolio"),
            page("portfolio/loans/", portfolio.loans, "portfolio_loans"),
            page("portfolio/<slug:name>/", portfolio.report, "portfolio_report"),
            page("import/", imports.listing, "imports"),
            page("import/<uuid:ref>/", imports.one, "import_batch"),
            page("books/suspense/", suspense.listing, "suspense"),
            page("books/bank/", bank.listing, "bank"),
            page("books/bank/<uuid:ref>/", bank.one, "bank_file"),
            page("operations/", running.running, "running"),
            page("trail/", audit.trail, "trail"),
            page("people/<uuid:ref>/hold/", holds.hold, "hold"),
            page("people/<uuid:ref>/whole/", audit.reveal, "reveal"),
            page("monitoring/", monitoring.monitoring, "monitoring"),
            page("reminders/", reminders.reminders, "reminders"),
            page("books/", finance.trial_balance, "trial_balance"),
            page("books/accounts/<str:code>/", finance.general_ledger, "general_ledger"),
            page("books/close/", finance.close, "close_month"),
            page("books/provisions/", finance.provisions, "provisions"),
            page("calendar/", business_days.calendar, "calendar"),
            page("calendar/<int:year>/", business_days.calendar, "calendar_year"),
            page("loans/<uuid:ref>/statement/", finance.loan_statement, "loan_statement"),
            page("loans/<uuid:ref>/as-known/", finance.loan_as_known, "loan_as_known"),
            page("loans/<uuid:ref>/changes/<int:sequence>/", finance.loan_changes, "loan_changes"),
            *super().get_urls(),
        ]
