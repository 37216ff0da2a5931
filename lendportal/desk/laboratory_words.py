"""An experiment's answer in words, tables and plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from credit import plots
from credit.domain.reasons import SENTENCES
from credit.models import Decision, Experiment, LimitChange

OUTCOMES = dict(Decision.Outcome.choices)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both sides; `good` says whether the change is the lender's or the borrower's wish, or neither."""

    name: str
    before: str
    after: str
    change: str


def picture(row: Experiment) -> dict[str, Any]:
    """Give what the page of an answered experiment shows."""
    found = row.result
    return {
        "found": found,
        "figures": _figures(found),
        "outcomes": _outcomes(found),
        "flips": _flips(found),
        "plots": _plots(found),
        "fairness": _fairness(found),
        "realised": _realised(found),
        "looks": _looks(found.get("reevaluations") or {}),
        "months": [
            (m[0], int(m[1]), f"{m[2] / m[1]:.1%}", f"{m[3] / m[1]:.1%}") for m in found["months"] if m[1]
        ],
    }


def _money(value: float) -> str:
    return f"¥{value:,.0f}"


def _figures(found: dict[str, Any]) -> list[Figure]:
    before, after = found["sums"]["before"], found["sums"]["after"]
    rows: list[tuple[str, str, Any]] = [
        (_("Approved or offered"), "approval_rate", _percent),
        (_("Limits together"), "limit", _money),
        (_("Mean limit"), "mean_limit", _money),
        (_("Mean annual rate, by limit"), "mean_rate", _rate),
        (_("Expected balance"), "balance", _money),
        (_("Expected loss a year"), "loss", _money),
        (_("Expected loss of the balance"), "loss_rate", _rate),
        (_("Expected profit a year"), "profit", _money),
    ]
    return [
        Figure(
            name,
            show(before.get(key, 0.0)),
            show(after.get(key, 0.0)),
            _change(before.get(key, 0.0), after.get(key, 0.0), show),
        )
        for name, key, show in rows
    ]


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _rate(value: float) -> str:
    return f"{value:.2%}"


def _change(before: float, after: float, show: Any) -> str:
    gap = after - before
    if show is not _money:
        return f"{gap * 100:+.2f}" + _(" points")
    return f"{gap / before:+.1%}" if before else "–"


def _outcomes(found: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    before, after = found["outcomes"]["before"], found["outcomes"]["after"]
    return [
        (str(label), before[name], after[name], after[name] - before[name])
        for name, label in OUTCOMES.items()
    ]


def _flips(found: dict[str, Any]) -> list[dict[str, Any]]:
    ids = [pk for flip in found["flips"] for pk in flip["examples"]]
    known = dict(Decision.objects.filter(pk__in=ids).values_list("pk", "application__ref"))
    return [
        {
            "before": str(OUTCOMES[flip["from"]]),
            "after": str(OUTCOMES[flip["to"]]),
            "count": flip["count"],
            "why": [(_why(code), count) for code, count in flip["why"]],
            "examples": [
                (reverse("admin:review", args=[known[pk]]), str(known[pk])[:8]) for pk in flip["examples"] if pk in known
            ],
        }
        for flip in found["flips"]
    ]  # fmt: skip


def _why(code: str) -> str:
    """Say a reason without its figures, which differ from borrower to borrower."""
    params = dict.fromkeys(("minimum", "maximum", "days", "multiple", "percent", "date", "count"), "…")
    return _(SENTENCES[code]) % params if "%(" in SENTENCES[code] else _(SENTENCES[code]).replace("%%", "%")


def _plots(found: dict[str, Any]) -> list[SafeString]:
    sides = [_("Before"), _("After")]
    outcomes = [
        (str(label), [found["outcomes"][side][name] for side in ("before", "after")]) for name, label in OUTCOMES.items()
    ]  # fmt: skip
    edges = [0.0, *found["band_edges"]]
    bands = [
        (
            f"{edges[place] * 100:g}%+",
            [row[1] / row[0] if row[0] else 0.0, row[2] / row[0] if row[0] else 0.0],
        )
        for place, row in enumerate(found["bands"][:-1])
        if row[0]
    ]
    months = found["months"]
    limits = found["limits"]
    edges = [f"{edge:+.0%}" for edge in limits["edges"]]
    names = [f"< {edges[0]}", *edges]
    names[len(edges) // 2] = f"±{abs(limits['edges'][len(edges) // 2]):.0%}"  # the middle is about the same
    drawn = [
        plots.bars(outcomes, names=sides, title=_("Outcomes")),
        plots.bars(bands, names=sides, title=_("Approved, by probability of default"), show=plots.percent),
        plots.lines(
            [
                (sides[0], [m[2] / m[1] if m[1] else None for m in months]),
                (sides[1], [m[3] / m[1] if m[1] else None for m in months]),
            ],
            title=_("Approved, by month"),
            x_label=_("month of the period"),
            show=plots.percent,
            first=1,
        ),
        plots.bars(
            [(name, [count]) for name, count in zip(names, limits["histogram"], strict=True)],
            names=[_("Offers")],
            title=_("Change of the limit, where both give one"),
        ),
    ]
    return [mark_safe(plot) for plot in drawn]  # noqa: S308  every text in it was escaped when it was drawn


def _fairness(found: dict[str, Any]) -> list[dict[str, Any]]:
    titles = {"kind": _("Kind of borrower"), "age": _("Age"), "region": _("Region of the identity document")}
    ages = {0: _("Unknown"), 1: _("up to 25"), 2: "26–35", 3: "36–50", 4: _("51 and older")}
    words: dict[str, dict[int, str]] = {
        "kind": {0: _("Persons"), 1: _("Businesses")},
        "age": ages,
        "region": {0: _("Unknown")},
    }
    return [
        {
            "title": titles[name],
            "rows": [
                (
                    words[name].get(row["group"], str(row["group"])), row["count"], _percent(row["before"]), _percent(row["after"]),
                    _money(row["limit_before"]), _money(row["limit_after"]),
                )
                for row in sorted(told["groups"], key=lambda row: -row["count"])[:12]
            ],
            "before": _air(told["air_before"]),
            "after": _air(told["air_after"]),
            "fails": told["air_after"] is not None and told["air_after"] < told["floor"],
            "least": told["least"],
        }
        for name, told in found["fairness"].items()
    ]  # fmt: skip


def _air(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _realised(found: dict[str, Any]) -> dict[str, Any]:
    told = {name: float(value) for name, value in found["realised"].items()}
    rows = [
        (_("Drawn"), told.get("drawn", 0.0), told.get("drawn_kept", 0.0)),
        (_("Interest paid"), told.get("interest", 0.0), told.get("interest_kept", 0.0)),
        (_("Lost or 90 days late"), told.get("lost", 0.0), told.get("lost_kept", 0.0)),
    ]
    return {
        "rows": [(name, _money(was), _money(kept)) for name, was, kept in rows],
        "lent": int(told.get("lent", 0)),
        "bad": int(told.get("bad", 0)),
        "bad_refused": int(told.get("bad_refused", 0)),
        "good_refused": int(told.get("good_refused", 0)),
        "never_lent": int(told.get("never_lent", 0)),
        "never_lent_limit": _money(told.get("never_lent_limit", 0.0)),
    }


def _looks(told: dict[str, Any]) -> dict[str, Any]:
    if not told or not told["rows"]:
        return {}
    names = dict(LimitChange.Direction.choices)
    return {
        "rows": told["rows"],
        "moves": [(str(names[move]), told["before"][move], told["after"][move]) for move in told["before"]],
        "flips": [
            (str(names[flip["from"]]), str(names.get(flip["to"], flip["to"])), flip["count"]) for flip in told["flips"][:8]
        ],
        "limits": (_money(told["limit_before"]), _money(told["limit_after"])),
        "largest_cut": (_percent(told["largest_cut_before"]), _percent(told["largest_cut_after"])),
    }  # fmt: skip
