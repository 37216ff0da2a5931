"""Row 82: nobody draws two hundred times a minute; reading stays free, and others are not slowed."""

from __future__ import annotations

from tests.api.conftest import Caller, Scene


def test_writes_of_money_are_counted(scene: Scene, alice: Caller) -> None:
    path = f"/lines/{scene.line.ref}/drawdowns"
    answers = [alice.post(path, {}, key="k") for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {400}
    last = answers[60]
    assert (last.status_code, last.json()["code"]) == (429, "throttled")
    assert int(last["Retry-After"]) > 0
    assert alice.get(path).status_code == 200
    dora = Caller(scene.world.dora)
    assert dora.post(f"/lines/{scene.shop_line.ref}/drawdowns", {}, key="k").status_code == 400
