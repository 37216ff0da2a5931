"""A draw for two: limits of members, the amount from which two must agree, one yes whatever happens twice."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.urls import reverse

from accounts import operations as accounts_operations
from accounts.models import BusinessMember, Notice
from credit import operations
from credit.domain.approvals import ApprovalNeeded, Spender, UnableToApprove, needs_second
from credit.models import Drawdown, DrawRequest
from loans.models import Loan
from regimes.errors import InvalidInput, NotFound, Refusal
from tests.factories import AS_OF, NOW
from tests.web.conftest import Scene, signed_in, woken
from tests.web.conftest import scene as scene
from tests.web.pages import hidden, words

__all__ = ["woken"]


def rule(scene: Scene, above: str | None, *, day: Any = AS_OF) -> None:
    accounts_operations.set_second_approval(
        business=scene.world.shop, above=None if above is None else Decimal(above), actor=scene.world.dora, as_of=day
    )  # fmt: skip


def limit(scene: Scene, user: Any, amount: str) -> None:
    member = BusinessMember.objects.get(business=scene.world.shop, user=user)
    accounts_operations.set_member_terms(
        business=scene.world.shop, member_ref=member.ref, share=None, draw_limit=Decimal(amount),
        actor=scene.world.dora,
    )  # fmt: skip


def draw(scene: Scene, actor: Any, amount: str, **values: Any) -> Drawdown:
    return operations.draw_down(**{**choice(scene, amount), "actor": actor, "as_of": AS_OF, **values})


def choice(scene: Scene, amount: str, key: str = "k1") -> dict[str, Any]:
    return {
        "line_id": scene.shop_line.pk, "amount": Decimal(amount), "instalment_count": 6,
        "repayment_method": "EQUAL_INSTALMENT", "purpose": "STOCK", "scenario": "WORKING_CAPITAL",
        "bank_account_id": scene.world.shop_account.pk, "idempotency_key": key,
    }  # fmt: skip


def ask(scene: Scene, actor: Any, amount: str, key: str = "k1") -> DrawRequest:
    return operations.ask_for_draw(
        **choice(scene, amount, key), terms_version="working-capital@1", actor=actor, now=NOW
    )


def test_the_rule_by_itself() -> None:
    owner, cashier = Spender(1, "OWNER"), Spender(2, "FINANCE", Decimal(500))
    assert not needs_second(spender=owner, amount=Decimal(900), second_above=None)
    assert not needs_second(spender=owner, amount=Decimal(900), second_above=Decimal(900))
    assert needs_second(spender=owner, amount=Decimal(901), second_above=Decimal(900))
    assert needs_second(spender=cashier, amount=Decimal(501), second_above=None)
    assert not Spender(3, "VIEWER").covers(Decimal(1))


@pytest.mark.django_db
class TestDrawing:
    def test_it_refuses_alone_what_needs_two_by_every_door(self, scene: Scene) -> None:
        rule(scene, "10000")
        limit(scene, scene.world.fay, "500")
        for actor, amount in ((scene.world.dora, "10000.01"), (scene.world.fay, "500.01")):
            with pytest.raises(ApprovalNeeded):
                draw(scene, actor, amount)
        with pytest.raises(NotFound):
            draw(scene, scene.world.vic, "100")
        assert not Loan.objects.exists()
        api = signed_in(scene.world.dora).post(
            f"/api/v1/lines/{scene.shop_line.ref}/drawdowns",
            {
                "amount": "20000.00", "currency": "CNY", "terms_version": "working-capital@1", "instalment_count": 6, "repayment_method": "EQUAL_INSTALMENT",
                "purpose": "STOCK", "scenario": "WORKING_CAPITAL",
                "bank_account": str(scene.world.shop_account.ref),
            },
            content_type="application/json",
            headers={"idempotency-key": "abc"},
        )  # fmt: skip
        assert (api.status_code, api.json().get("code")) == (409, "approval_needed"), api.content

    def test_one_is_enough_below(self, scene: Scene) -> None:
        rule(scene, "10000")
        assert draw(scene, scene.world.fay, "10000").amount == 10_000

    def test_a_second_member_draws_by_saying_yes_once(self, scene: Scene) -> None:
        rule(scene, "1000")
        asked = ask(scene, scene.world.fay, "5000")
        assert ask(scene, scene.world.fay, "5000") == asked
        assert Notice.objects.filter(kind="draw_needs_second").count() == 2
        drawn = operations.approve_draw(request_id=asked.pk, actor=scene.world.dora, as_of=AS_OF, now=NOW)
        assert (drawn.actor, drawn.amount) == (scene.world.fay, 5000)
        again = operations.approve_draw(request_id=asked.pk, actor=scene.world.dora, as_of=AS_OF, now=NOW)
        assert again == drawn
        assert Loan.objects.count() == 1

    def test_it_refuses_the_own_yes_a_viewers_and_one_above_the_own_limit(self, scene: Scene) -> None:
        rule(scene, "1000")
        limit(scene, scene.world.fay, "2000")
        asked = ask(scene, scene.world.dora, "1500")
        for actor, error in (
            (scene.world.dora, UnableToApprove),
            (scene.world.vic, NotFound),
            (scene.world.charlie, NotFound),
        ):
            with pytest.raises(error):
                operations.approve_draw(request_id=asked.pk, actor=actor, as_of=AS_OF, now=NOW)
        large = "large"
        with pytest.raises(UnableToApprove) as refused:
            ask(scene, scene.world.dora, "5000", key=large)
        assert refused.value.code == "no_second_member"
        assert not Loan.objects.exists()
        assert operations.approve_draw(request_id=asked.pk, actor=scene.world.fay, as_of=AS_OF, now=NOW)

    def test_no_taken_back_or_too_old_is_never_drawn(self, scene: Scene) -> None:
        rule(scene, "1000")
        refused, back, old = (ask(scene, scene.world.fay, "2000", key=key) for key in "abc")
        operations.refuse_draw(request_id=refused.pk, actor=scene.world.dora, note="not now", now=NOW)
        operations.withdraw_draw_request(request_id=back.pk, actor=scene.world.fay, now=NOW)
        for request, now in ((refused, NOW), (back, NOW), (old, NOW + timedelta(hours=72))):
            with pytest.raises(UnableToApprove):
                operations.approve_draw(request_id=request.pk, actor=scene.world.dora, as_of=AS_OF, now=now)
        with pytest.raises(UnableToApprove):
            operations.withdraw_draw_request(request_id=old.pk, actor=scene.world.dora, now=NOW)

    def test_the_limit_is_looked_at_again_when_it_is_approved(self, scene: Scene) -> None:
        rule(scene, "1000")
        asked = ask(scene, scene.world.fay, "40000")
        draw(scene, scene.world.fay, "900", idempotency_key="x", approved_by=None)
        draw(scene, scene.world.fay, "1000", idempotency_key="y")
        operations.approve_draw(
            request_id=ask(scene, scene.world.fay, "30000", key="z").pk, actor=scene.world.dora, as_of=AS_OF, now=NOW
        )  # fmt: skip
        with pytest.raises(Refusal) as refused:
            operations.approve_draw(request_id=asked.pk, actor=scene.world.dora, as_of=AS_OF, now=NOW)
        assert refused.value.code == "limit_exceeded"
        asked.refresh_from_db()
        assert asked.status == "WAITING"


@pytest.mark.django_db
class TestRules:
    def test_stricter_counts_now_and_looser_from_tomorrow(self, scene: Scene) -> None:
        profile = scene.world.shop.business_profile
        rule(scene, "5000")
        rule(scene, "1000")
        rule(scene, None)
        profile.refresh_from_db()
        second = accounts_operations.second_above
        assert second(profile=profile, as_of=AS_OF) == 1000
        assert second(profile=profile, as_of=AS_OF + timedelta(1)) is None
        with pytest.raises(ApprovalNeeded):
            draw(scene, scene.world.dora, "2000")
        assert Notice.objects.filter(kind="second_approval_changed", channel="EMAIL").count() == 3

    def test_nobody_sets_the_own_limit_and_only_owners_set_any(self, scene: Scene) -> None:
        mine = BusinessMember.objects.get(business=scene.world.shop, user=scene.world.dora)
        for actor in (scene.world.dora, scene.world.fay):
            with pytest.raises(Refusal):
                accounts_operations.set_member_terms(
                    business=scene.world.shop, member_ref=mine.ref, share=None, draw_limit=Decimal(5), actor=actor
                )  # fmt: skip

    @pytest.mark.parametrize("share", ["0", "100.01", "33.333", "-1"])
    def test_it_refuses_a_share_that_is_none(self, scene: Scene, share: str) -> None:
        mine = BusinessMember.objects.get(business=scene.world.shop, user=scene.world.dora)
        with pytest.raises(InvalidInput):
            accounts_operations.set_member_terms(
                business=scene.world.shop, member_ref=mine.ref, share=Decimal(share), draw_limit=None,
                actor=scene.world.dora,
            )  # fmt: skip

    def test_shares_come_to_a_hundred_at_most(self, scene: Scene) -> None:
        BusinessMember.objects.create(
            business=scene.world.shop, user=scene.world.charlie, role="OWNER", share=Decimal(60)
        )
        mine = BusinessMember.objects.get(business=scene.world.shop, user=scene.world.dora)
        with pytest.raises(InvalidInput) as refused:
            accounts_operations.set_member_terms(
                business=scene.world.shop, member_ref=mine.ref, share=Decimal("40.01"), draw_limit=None,
                actor=scene.world.dora,
            )  # fmt: skip
        assert refused.value.code == "shares_above_100"


@pytest.mark.django_db(transaction=True)
def test_eight_times_yes_at_once_draws_once(scene: Scene) -> None:
    rule(scene, "1000")
    asked = ask(scene, scene.world.fay, "5000")
    barrier, drawn, broken = threading.Barrier(8, timeout=20), [], []

    def say_yes() -> None:
        try:
            barrier.wait()
            drawn.append(
                operations.approve_draw(request_id=asked.pk, actor=scene.world.dora, as_of=AS_OF, now=NOW).pk
            )
        except Exception as error:
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=say_yes) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert len(set(drawn)) == 1
    assert Loan.objects.count() == 1


@pytest.mark.django_db
def test_the_pages_lead_from_signing_to_the_second_yes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(scene, "1000")
    fay, dora = signed_in(scene.world.fay), signed_in(scene.world.dora)
    query = {
        "scenario": "WORKING_CAPITAL", "amount": "5000", "instalment_count": "6",
        "repayment_method": "EQUAL_INSTALMENT", "purpose": "STOCK", "bank_account": str(scene.world.shop_account.ref),
    }  # fmt: skip
    cost = fay.get(reverse("credit:cost", args=[scene.shop_line.ref]), query)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 10)
    sign = {**hidden(cost.content), "agree": "on"}
    answer = fay.post(reverse("credit:confirm", args=[scene.shop_line.ref]), sign)
    asked = DrawRequest.objects.get()
    assert answer["Location"] == reverse("credit:draw-request", args=[asked.ref])
    assert (
        fay.post(reverse("credit:confirm", args=[scene.shop_line.ref]), sign)["Location"]
        == answer["Location"]
    )
    assert "Nothing is borrowed yet" in words(fay.get(answer["Location"]).content)
    assert "A draw waits for a second member" in words(
        dora.get(reverse("accounts:notices", args=[scene.world.shop.ref])).content
    )
    page = dora.get(answer["Location"])
    assert "Approve and borrow ¥5,000.00" in words(page.content)
    assert signed_in(scene.world.charlie).get(answer["Location"]).status_code == 404
    yes = reverse("credit:draw-request-approve", args=[asked.ref])
    unread = dora.post(yes, {**hidden(page.content), "agree": "on"})
    assert (unread.status_code, "more seconds" in words(unread.content)) == (409, True)
    assert dora.post(yes, hidden(page.content)).status_code == 400
    monkeypatch.setattr(time, "time", lambda: real() + 20)
    assert fay.post(yes, {**hidden(page.content), "agree": "on"}).status_code in (403, 409)
    drawn = dora.post(yes, {**hidden(page.content), "agree": "on"})
    assert drawn["Location"] == reverse("credit:drawdown", args=[Drawdown.objects.get().ref])
