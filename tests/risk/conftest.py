"""A small trained world that the tests of risk share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from risk.domain.training import TrainingSet, train
from risk.synthetic.matrix import Sample, draw_sample
from risk.synthetic.population import World

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@contextmanager
def unguarded() -> Iterator[None]:
    """Let a test do what the database's guards refuse: as a superuser with a broken disk in mind would."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture(scope="session")
def sample() -> Sample:
    """Draw 4,000 people once."""
    return draw_sample(World(size=4_000, seed=7))


@pytest.fixture(scope="session")
def data(sample: Sample) -> TrainingSet:
    """Label them."""
    import numpy as np

    from risk.domain.labels import LabelPolicy, label
    from risk.operations import training_set

    observed = np.full(len(sample.people), 12)
    labels = label(sample.history.days_past_due, months_observed=observed, policy=LabelPolicy())
    sex = sample.people.sex.astype(np.int64)
    return training_set(
        facts=sample.facts, labels=labels, month=sample.people.application, outside={"sex": sex}
    )


@pytest.fixture(scope="session")
def trained(data: TrainingSet):
    """Train once, without a database."""
    return train(data, seed=7)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of public sets, or skip."""
    folder = Path(os.environ.get("RISK_DATA_DIR", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not (folder / "taiwan_cards.csv.gz").exists():
        pytest.skip(f"the shared risk data are not at {folder}; set RISK_DATA_DIR")
    return folder
