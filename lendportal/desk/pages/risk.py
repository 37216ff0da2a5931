"""Evidence, assessments and models at the desk."""

from __future__ import annotations

from typing import Any

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
        report = row.report
        told: list[tuple[Any, str]] = []
        for key, name in (("out_of_time", _("Out of time")), ("cross_validation", _("In cross-validation"))):
            found = report.get(key) or {}
            if "auc_interval" in found:
                low, high = found["auc_interval"]
                told += [
                    (name, f"AUC {found['auc']:.4f} ({low:.3f} – {high:.3f}), KS {found['ks']:.3f}, ECE {found['ece']:.4f}"),
                    (_("Slope of the calibration"), f"{found['slope']:.3f}"),
                    (_("Observed over expected"), f"{found['observed_over_expected']:.3f}"),
                ]  # fmt: skip
        if "price_of_signs" in (report.get("out_of_time") or {}):
            told.append(
                (_("Price of the monotone signs, AUC"), f"{report['out_of_time']['price_of_signs']:+.4f}")
            )
        told += [
            (_("Approval ratio by %(group)s, at least 0.80") % {"group": group}, f"{found['air']:.3f}")
            for group, found in (report.get("fairness") or {}).items()
        ]
        told += [
            (name, str(report[key]))
            for key, name in (("rows", _("Borrowers")), ("bads", _("Of these bad")), ("seed", _("Seed")), ("data_sha256", _("Hash of the data")))
            if key in report
        ]  # fmt: skip
        return format_html_join("\n", "<div><b>{}</b> {}</div>", told)


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
