"""Evidence, assessments and models at the desk."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from lendportal.desk.base import ReadOnlyAdmin, percent
from risk.models import Assessment, EvidenceSource, ModelStateChange, ModelVersion


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("id", "subject_id", "as_of", "purpose", "outcome", "probability", "score", "is_fallback")
    list_filter = ("purpose", "outcome", "is_fallback")
    search_fields = ("ref", "=subject_id")
    ordering = ("-id",)
    list_select_related = ("model",)
    exclude = ("facts",)

    @admin.display(description=_("probability of default"))
    def probability(self, row: Assessment) -> str:
        return percent(row.pd)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "state", "traffic_percent", "created_at")
    list_filter = ("kind", "state")
    ordering = ("-id",)
    fields = ("ref", "name", "kind", "state", "traffic_percent", "model_sha256", "manifest_sha256", "figures", "made_by",
              "created_at")  # fmt: skip

    @admin.display(description=_("validation"))
    def figures(self, row: ModelVersion) -> SafeString:
        plain = ((key, value) for key, value in row.report.items() if isinstance(value, (int, float, str)))
        return format_html_join("\n", "<div><b>{}</b> {}</div>", plain)


@admin.register(ModelStateChange)
class ModelStateChangeAdmin(ReadOnlyAdmin):
    list_display = (
        "version",
        "from_state",
        "to_state",
        "decision",
        "proposed_by",
        "decided_by",
        "proposed_at",
    )
    list_filter = ("decision",)
    list_select_related = ("version", "proposed_by", "decided_by")
    ordering = ("-id",)


@admin.register(EvidenceSource)
class EvidenceSourceAdmin(ReadOnlyAdmin):
    shows_person = True
    list_display = ("borrower", "kind", "status", "created_at")
    list_filter = ("kind", "status")
    list_select_related = ("borrower",)
    ordering = ("-id",)
