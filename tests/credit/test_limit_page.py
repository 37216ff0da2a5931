"""The limit's page: where it stands, why, what would restore it, when it is looked at next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from credit import operations, queries
from credit.models import CreditLine, LimitChange
from ledger.operations import advance_business_date
from tests.credit.test_rounds import LATER, with_records
from tests.factories import UserFactory
from tests.web.pages import words

pytestmark = pytest.mark.usefixtures("books")


def read(line: CreditLine, language: str = "en", **who: Any) -> Any:
    client = Client(headers={"accept-language": language})
    client.force_login(who.get("user") or line.borrower.user)
    return client.get(reverse("credit:history", args=[line.ref]))


def test_it_shows_the_looks_that_kept_a_limit_with_why_and_when_the_next_is(model: None) -> None:
    line = with_records(1, "steady", limit=30_000)
    operations.run_monthly_round(as_of=LATER)
    assert not LimitChange.objects.filter(line=line, trigger="MONTHLY").exists(), "it was kept"
    assert read(line, user=UserFactory()).status_code == 404
    advance_business_date(to=LATER)
    [look] = queries.looks_of(line_id=line.pk, as_of=LATER)
    shown = words(read(line).content)
    assert "Looked at, and kept" in shown
    assert look.reasons[0]["message"].split(" %(")[0] in shown
    assert "28 Apr 2026" in shown
    following = queries.next_look_date(line=line, as_of=LATER)
    assert f"We look at it next {following.day} May 2026" in shown
    chinese = words(read(line, "zh-hans").content)
    assert "已复查，额度不变" in chinese
    assert "下次复查" in chinese


def test_it_shows_the_limit_in_force_beside_the_one_that_was_announced(model: None, settings: Any) -> None:
    settings.REGIME = "us"
    line = with_records(1, "steady", limit=200_000)
    operations.run_monthly_round(as_of=LATER)
    advance_business_date(to=LATER)
    shown = words(read(line).content)
    assert "Limit in force ¥200,000" in shown
    assert "From 12 Jun 2026 ¥160,000" in shown
    assert "Announced: from 12 Jun 2026 the limit is ¥160,000 instead of ¥200,000" in shown
    client = Client(headers={"accept-language": "en"})
    client.force_login(line.borrower.user)
    home = words(client.get(reverse("credit:home", args=[line.borrower.ref])).content)
    assert "From 12 Jun 2026 your limit is ¥160,000; until then it is ¥200,000." in home


def test_it_shows_what_would_bring_back_what_fell_and_no_longer_once_it_came_back(model: None) -> None:
    line = with_records(1, "risky", limit=60_000)
    operations.run_monthly_round(as_of=LATER)
    fell = LimitChange.objects.get(line=line, trigger="MONTHLY")
    assert (fell.direction, fell.assessment is not None) == ("DOWN", True)
    assert fell.assessment is not None
    assert fell.assessment.pd is not None
    # the same fall, from a limit that a slightly better score would bring back
    again = LimitChange.objects.get(pk=fell.pk)
    again.pk, again.ref, again.trigger = None, UserFactory().ref, "FRESH_EVIDENCE"  # type: ignore[assignment]
    again.direction, again.new_limit = "FREEZE", again.old_limit
    again.inputs = {**fell.inputs, "restoring_pd": str(Decimal(str(fell.assessment.pd)) * Decimal("0.9"))}
    again.save(force_insert=True)
    steps = queries.way_back(change=again)
    assert steps, "the engine's search finds a way to a score that is a tenth better"
    shown = words(read(line).content)
    assert "What would bring back what was taken away" in shown
    assert steps[0].sentence in shown
    operations.change_limit(
        line_id=line.pk, limit=Decimal(50_000), reason="seen", actor=UserFactory(is_staff=True), as_of=LATER
    )
    assert "What would bring back" not in words(read(line).content), "a person gave it back"
