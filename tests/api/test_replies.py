"""The same write once, the same read unchanged, and what is left of the rate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import StoredReply
from accounts.operations.replies import forget_replies
from credit.models import LimitChange
from tests.api.conftest import Caller, Scene


def test_a_repeat_gets_the_first_answer_and_does_nothing(scene: Scene, alice: Caller) -> None:
    path = f"/lines/{scene.line.ref}/freeze"
    first = alice.post(path, {"reason": "lost my phone"}, key="k1")
    assert first.status_code == 200
    rows = LimitChange.objects.count()
    again = alice.post(path, {"reason": "lost my phone"}, key="k1")
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (200, first.json(), "true")
    assert LimitChange.objects.count() == rows
    other = alice.post(path, {"reason": "other"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    StoredReply.objects.update(http_status=None, claimed_until=timezone.now() + timedelta(seconds=30))
    running = alice.post(path, {"reason": "lost my phone"}, key="k1")
    assert (running.status_code, running.json()["code"]) == (409, "idempotency_running")


def test_a_key_belongs_to_its_caller_and_a_refusal_is_not_kept(scene: Scene, alice: Caller) -> None:
    path = f"/lines/{scene.line.ref}/freeze"
    assert Caller(scene.world.charlie).post(path, {}, key="k1").status_code == 404
    assert not StoredReply.objects.exists()
    assert alice.post(path, {"reason": 5}, key="k1").status_code == 400
    assert alice.post(path, {}, key="k1").status_code == 200
    assert alice.post(path, {}, key="x" * 256).json()["code"] == "idempotency_key_invalid"
    assert forget_replies(now=timezone.now() + timedelta(days=3)) == 1


def test_an_unchanged_read_is_not_sent_again(scene: Scene, alice: Caller) -> None:
    path = f"/loans/{scene.loan.ref}"
    first = alice.get(path)
    same = alice.get(path, **{"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    other = alice.get(path, **{"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_write_says_what_is_left_of_the_rate(scene: Scene, alice: Caller) -> None:
    body: dict[str, Any] = {"amount": "0"}
    left = [
        alice.post(f"/lines/{scene.line.ref}/drawdowns", body, key="k")["RateLimit-Remaining"]
        for _ in range(2)
    ]
    assert left == ["59", "58"]


def test_a_browser_with_the_sessions_token_repeats_a_write(scene: Scene) -> None:
    """The check of the token must leave the body to whoever hashes it for the key: as on a real server, not as in a test client."""
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(scene.world.alice)
    client.get("/api/v1/me")
    token = client.cookies["csrftoken"].value
    sent = {"X-CSRFToken": token, "Idempotency-Key": "k-browser"}
    path = f"/api/v1/lines/{scene.line.ref}/freeze"
    first = client.post(path, b'{"reason": "lost phone"}', content_type="application/json", headers=sent)
    assert first.status_code == 200, first.content
    again = client.post(path, b'{"reason": "lost phone"}', content_type="application/json", headers=sent)
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (200, "true")
    bare = client.post(path, b"{}", content_type="application/json", headers={"Idempotency-Key": "k-2"})
    assert (bare.status_code, bare.json()["code"]) == (403, "csrf_failed")
    other = client.post(path, b'{"reason": "x"}', content_type="application/json", headers=sent)
    assert other.status_code == 422


def test_a_form_with_a_file_keeps_its_body_for_the_key(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(scene.world.alice)
    client.get("/api/v1/me")
    sent = {"X-CSRFToken": client.cookies["csrftoken"].value, "Idempotency-Key": "k-file"}
    answer = client.post("/api/v1/evidence", {"kind": "BANK_STATEMENT"}, headers=sent)
    assert answer.status_code < 500, answer.content
