"""Fit trees on a Dask cluster, by LightGBM's own Dask estimator.

Dask is optional (`requirements-cluster.txt`) and is imported only when a scheduler's address is given. A Dask
cluster runs whatever its clients send, and the rows travel to its workers: it must be the lender's own, in a network of
its own, or speak TLS (docs/operations/cluster.md).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from regimes.errors import N_, Refusal
from risk.domain.events import Floats, Integers
from risk.domain.lean import whole_lightgbm
from risk.domain.training import TreeShape, booster_parameters

WAIT_SECONDS = 15


class UnableToReachCluster(Refusal):
    """Refuse to train on a cluster that is not there or not safe."""


@contextmanager
def cluster_fitter(*, scheduler: str, plain_allowed: bool) -> Iterator[ClusterFitter]:
    """Connect to the scheduler at `scheduler` (`tls://host:port` or `tcp://host:port`) and give a fitter.

    `plain_allowed` lets `tcp://` leave this machine. Certificates of `tls://` are Dask's own settings
    (`DASK_DISTRIBUTED__COMM__TLS__CA_FILE` and its neighbours).
    """
    check_address(scheduler, plain_allowed=plain_allowed)
    try:
        from distributed import Client
    except ImportError as error:
        raise UnableToReachCluster(
            "cluster_library_missing",
            N_("Dask is not installed here. Install requirements-cluster.txt, or leave --scheduler out."),
        ) from error
    whole_lightgbm()
    try:
        client = Client(scheduler, timeout=WAIT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UnableToReachCluster(
            "cluster_unreachable",
            N_("No Dask scheduler answers at %(address)s. Start it, or leave --scheduler out."),
            params={"address": scheduler},
        ) from error
    try:
        yield ClusterFitter(client, _workers(client, scheduler))
    finally:
        client.close()


def check_address(address: str, *, plain_allowed: bool) -> None:
    """Refuse an address that is not one, or that would send people's rows over the network in the clear."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in {"tcp", "tls"} or not parts.hostname or not port:
        raise UnableToReachCluster(
            "cluster_address_invalid",
            N_("%(address)s is no scheduler's address: write tls://host:port or tcp://host:port."),
            field="scheduler",
            params={"address": address},
        )
    if parts.scheme == "tcp" and not plain_allowed and not _is_this_machine(parts.hostname):
        raise UnableToReachCluster(
            "cluster_not_encrypted",
            N_("%(address)s would send people's rows in the clear. Use tls://host:port in production."),
            field="scheduler",
            params={"address": address},
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _workers(client: Any, address: str) -> int:
    try:
        client.wait_for_workers(1, timeout=WAIT_SECONDS)
    except TimeoutError as error:
        raise UnableToReachCluster(
            "cluster_empty",
            N_("The scheduler at %(address)s has no workers. Start one with: dask worker %(address)s"),
            params={"address": address},
        ) from error
    return len(client.scheduler_info(n_workers=-1)["workers"])


class ClusterFitter:
    """Fit each model on all workers: a block of rows a worker, trees grown together (`tree_learner=data`).

    On one worker the trees are those of `fit_booster`; on several, sums arrive in another order and a
    split may fall elsewhere in its last digit.
    """

    def __init__(self, client: Any, workers: int) -> None:
        self.client, self.workers = client, workers

    def __call__(
        self,
        values: Floats,
        bad: Integers,
        *,
        signs: Sequence[int],
        seed: int,
        shape: TreeShape,
        weight: Floats | None = None,
    ) -> str:
        import dask.array

        block = -(-len(values) // self.workers)
        x = dask.array.from_array(np.ascontiguousarray(values), chunks=(block, values.shape[1]))
        y = dask.array.from_array(np.asarray(bad), chunks=block)
        w = None if weight is None else dask.array.from_array(np.asarray(weight), chunks=block)
        settings = booster_parameters(shape, signs, seed, rows=len(values))
        settings.pop("num_threads")  # a worker has its own number of threads
        model = whole_lightgbm().DaskLGBMClassifier(
            client=self.client, n_estimators=shape.trees, tree_learner="data", **settings
        )
        with self.client.as_current():
            model.fit(x, y, sample_weight=w)
        return str(model.booster_.model_to_string())
