"""Make signed artefacts from what training gave."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import risk.domain
from risk.domain import psi
from risk.domain.calibration import Calibration
from risk.domain.events import Bytes, Floats
from risk.domain.recourse import Goals
from risk.domain.registry import FEATURES, registry_digest
from risk.domain.training import Trained, TrainingSet, booster_raw
from risk.engine.artefact import Artefact, seal
from risk.engine.loaded import vector_json

GOLDEN_ROWS = 24


@cache
def code_digest() -> str:
    """Hash the source of the pure part: what turns evidence into a score."""
    found = hashlib.sha256()
    for path in sorted(Path(risk.domain.__file__).parent.glob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def make_artefacts(
    trained: Trained, data: TrainingSet, *, lgd: dict[int, float], label_policy: str, signing_seed: bytes
) -> tuple[Artefact, Artefact]:
    """Give the signed champion candidate (trees) and its scorecard."""
    golden = _golden_rows(data)
    values, segment = data.values[golden], data.segment[golden]
    common = _common(trained, data, lgd, label_policy)
    trees_text = trained.booster_text.encode()
    card_text = json.dumps(trained.scorecard.as_json(), separators=(",", ":")).encode()
    trees = common | _part(
        "LIGHTGBM", booster_raw(trained.booster_text, values), values, segment, trained.booster_calibration
    )
    card = common | _part(
        "SCORECARD", trained.scorecard.raw(values), values, segment, trained.scorecard_calibration
    )
    trees["score_reference"] = _score_reference(booster_raw(trained.booster_text, data.values))
    card["score_reference"] = _score_reference(trained.scorecard.raw(data.values))
    return (
        seal(model_text=trees_text, manifest=trees, signing_seed=signing_seed),
        seal(model_text=card_text, manifest=card, signing_seed=signing_seed),
    )


def _golden_rows(data: TrainingSet) -> Any:
    """Choose rows spread over the set, people and businesses."""
    order = np.argsort(data.segment, kind="stable")
    return order[np.linspace(0, len(order) - 1, min(GOLDEN_ROWS, len(order))).astype(int)]


def _part(kind: str, raw: Floats, values: Floats, segment: Bytes, calibration: Calibration) -> dict[str, Any]:
    pd = calibration.pd(raw, segment)
    return {
        "kind": kind,
        "calibration": {
            "lines": {str(k): list(v) for k, v in calibration.lines.items()},
            "overlay": calibration.overlay,
        },
        "golden": {
            "values": vector_json(values),
            "segment": segment.tolist(),
            "raw": raw.tolist(),
            "pd": pd.tolist(),
        },
    }


def _common(trained: Trained, data: TrainingSet, lgd: dict[int, float], label_policy: str) -> dict[str, Any]:
    names = ("lightgbm", "numpy", "scipy", "cryptography")
    return {
        "features": list(data.names),
        "contract": [[f.name, f.unit, f.low, f.high, f.sign, f.missing.value] for f in FEATURES],
        "registry_digest": registry_digest(),
        "label_policy": label_policy,
        "lgd": {str(k): v for k, v in lgd.items()},
        "recourse_goals": [None if np.isnan(v) else v for v in Goals.of(data.values).values],
        "references": {name: _reference(data.values[:, place]) for place, name in enumerate(data.names)},
        "seed": trained.report["seed"],
        "training_data_sha256": trained.report["data_sha256"],
        "training_rows": trained.report["rows"],
        "code_sha256": code_digest(),
        "libraries": {name: version(name) for name in names} | {"python": platform.python_version()},
        "metrics": _brief(trained.report),
    }


def _reference(column: Floats) -> list[Any]:
    ref = psi.reference(column)
    return [list(ref.edges), list(ref.shares), ref.count]


def _score_reference(raw: Floats) -> list[Any]:
    return _reference(raw)


def _brief(report: dict[str, Any]) -> dict[str, Any]:
    names = ("auc", "auc_interval", "ks", "ece", "slope", "bad_rate", "rows")
    return {
        name: [None if v != v else v for v in value]
        if isinstance(value := report["out_of_time"][name], list)
        else value
        for name in names
    }
