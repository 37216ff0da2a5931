"""Training on a Dask cluster: refusals everywhere, the real thing where Dask is (`make test-cluster`)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from django.core.management import call_command

from risk.domain.training import TreeShape, booster_raw, fit_booster
from risk.engine.cluster import UnableToReachCluster, check_address, cluster_fitter

SHAPE = TreeShape(trees=40, leaves=7, depth=3)


@pytest.mark.parametrize(
    "address", ["", "8786", "tcp://", "http://host:8786", "tcp://host:port", "tls://host"]
)
def test_it_refuses_what_is_no_address(address):
    with pytest.raises(UnableToReachCluster) as refused:
        check_address(address, plain_allowed=True)
    assert refused.value.code == "cluster_address_invalid"


def test_it_refuses_to_send_rows_in_the_clear():
    with pytest.raises(UnableToReachCluster) as refused:
        check_address("tcp://10.0.0.7:8786", plain_allowed=False)
    assert refused.value.code == "cluster_not_encrypted"
    for fine in ("tls://10.0.0.7:8786", "tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"):
        check_address(fine, plain_allowed=False)


def test_the_command_names_what_is_missing(db, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("train_risk_model", people=600, scheduler="no-address")
    assert exit_.value.code == 2
    assert "cluster_address_invalid" in capsys.readouterr().err


def drawn(rows):
    """Draw a matrix whose first column raises the risk and whose second lowers it."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(rows, 4))
    values[rng.random(values.shape) < 0.1] = np.nan
    z = np.nan_to_num(values) @ np.array([0.8, -0.6, 0.0, 0.3]) - 2.0
    return values, (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int64), [1, -1, 0, 0]


@pytest.fixture(scope="module")
def cluster():
    """Start a scheduler and two workers, each a process of its own."""
    distributed = pytest.importorskip("distributed", reason="make test-cluster has Dask")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as running:
        yield running


@pytest.mark.cluster
@pytest.mark.slow
class TestOnACluster:
    def test_it_refuses_a_scheduler_that_does_not_answer(self, cluster, monkeypatch):
        monkeypatch.setattr("risk.engine.cluster.WAIT_SECONDS", 1)
        with (
            pytest.raises(UnableToReachCluster) as refused,
            cluster_fitter(scheduler="tcp://127.0.0.1:9", plain_allowed=False),
        ):
            pass
        assert refused.value.code == "cluster_unreachable"

    def test_two_workers_grow_trees_as_good_as_ours_that_keep_the_signs(self, cluster):
        values, bad, signs = drawn(6_000)
        here = booster_raw(fit_booster(values, bad, signs=signs, seed=7, shape=SHAPE), values)
        with cluster_fitter(scheduler=cluster.scheduler_address, plain_allowed=False) as fit:
            assert fit.workers == 2
            text = fit(values, bad, signs=signs, seed=7, shape=SHAPE, weight=np.ones(len(bad)))
        there = booster_raw(text, values)
        assert text.count("Tree=") == SHAPE.trees
        assert np.corrcoef(here, there)[0, 1] > 0.98
        raised = values[:200].copy()
        raised[:, 0] += 1.0
        assert (booster_raw(text, raised) >= booster_raw(text, values[:200]) - 1e-12).all()

    def test_the_command_trains_the_same_model_on_one_worker_as_here(
        self, cluster, db, tmp_path, settings, capsys, monkeypatch
    ):
        settings.PORTAL_HOME = tmp_path / "home"
        monkeypatch.setattr(
            "risk.engine.cluster._workers", lambda client, address: 1
        )  # one block, one worker
        monkeypatch.setattr("risk.domain.training.TreeShape", partial(TreeShape, trees=10))
        address = cluster.scheduler_address
        call_command("train_risk_model", people=1_200, seed=7, out=tmp_path / "there", scheduler=address)
        assert f"on the Dask cluster at {address}" in capsys.readouterr().out
        assert (tmp_path / "there" / "trees" / "manifest.sig").exists()
        with pytest.raises(SystemExit):
            call_command("train_risk_model", people=1_200, seed=7)
        # trees, calibration and golden rows came out the same byte for byte
        assert "(already_registered)" in capsys.readouterr().err
