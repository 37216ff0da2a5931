"""A loaded model: raw score, probability, contributions and reasons; LightGBM or scorecard alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from regimes.errors import N_
from risk.domain.calibration import Calibration, score_of
from risk.domain.events import Bytes, Floats, Integers
from risk.domain.lean import lightgbm_module
from risk.domain.reasons import Reason, reasons
from risk.domain.recourse import Goals
from risk.domain.registry import FEATURE_NAMES, registry_digest
from risk.domain.scorecard import Scorecard
from risk.engine.artefact import Artefact, UnableToLoadModel, verify

TOLERANCE = 1e-12
CHILD_SECONDS = 60
_CHILD = (
    "import sys,json,numpy as np;"
    "sys.modules.update(dict.fromkeys(('sklearn','pandas','matplotlib','dask','pyarrow')));"
    "import lightgbm;"
    "n=int(sys.argv[1]);d=sys.stdin.buffer.read();t=d[:n].decode();"
    "g=json.loads(d[n:]);"
    "b=lightgbm.Booster(model_str=t);"
    "x=np.array([[float('nan') if v is None else v for v in r] for r in g],dtype=np.float64);"
    "print(json.dumps(b.predict(x,raw_score=True,num_threads=1).tolist()))"
)


class _Model(Protocol):
    def raw(self, values: Floats) -> Floats: ...
    def contributions(self, values: Floats) -> Floats: ...


class _Trees:
    """Wrap a booster; one thread, because a worker process serves one decision at a time."""

    def __init__(self, text: bytes) -> None:
        try:
            lightgbm = lightgbm_module()
        except (ImportError, OSError) as error:  # OSError: libgomp is not on this machine
            raise UnableToLoadModel(
                "no_lightgbm", N_("LightGBM cannot be loaded on this machine.")
            ) from error
        try:
            self.booster = lightgbm.Booster(model_str=text.decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise UnableToLoadModel("unreadable_model", N_("LightGBM cannot read the model.")) from error
        if self.booster.num_feature() != len(FEATURE_NAMES):
            raise UnableToLoadModel("wrong_features", N_("The model was made for other features."))

    def raw(self, values: Floats) -> Floats:
        return np.asarray(self.booster.predict(values, raw_score=True, num_threads=1), dtype=np.float64)

    def contributions(self, values: Floats) -> Floats:
        found = self.booster.predict(values, pred_contrib=True, num_threads=1)
        return np.asarray(found, dtype=np.float64)[:, :-1]


@dataclass(frozen=True, slots=True)
class Scored:
    """Hold scores of n borrowers."""

    raw: Floats
    pd: Floats
    score: Integers


class LoadedModel:
    """Score with a verified model.

    Examples
    --------
    >>> model = load(artefact, trusted=keys)  # doctest: +SKIP
    >>> model.score(facts.values, facts.segment).pd  # doctest: +SKIP
    """

    def __init__(self, manifest: dict[str, Any], model: _Model) -> None:
        self.manifest = manifest
        self.kind: str = manifest["kind"]
        self._model = model
        lines = {int(k): (float(a), float(b)) for k, (a, b) in manifest["calibration"]["lines"].items()}
        self.calibration = Calibration(lines, float(manifest["calibration"]["overlay"]))
        self.lgd = {int(k): float(v) for k, v in manifest["lgd"].items()}
        self.goals = Goals(tuple(float("nan") if v is None else v for v in manifest["recourse_goals"]))

    def score(self, values: Floats, segment: Bytes) -> Scored:
        """Give raw log-odds, probability of default and points; `values` has shape (n, features)."""
        raw = self._model.raw(np.ascontiguousarray(values))
        pd = self.calibration.pd(raw, segment)
        return Scored(raw, pd, score_of(pd))

    def contributions(self, values: Floats) -> Floats:
        """Give exact additive contributions in log-odds, shape (n, features)."""
        return self._model.contributions(np.ascontiguousarray(values))

    def reasons(self, values: Floats) -> list[list[Reason]]:
        """Name one to four factors for each row."""
        return reasons(values, self.contributions(values))

    def pd_of_person(self, segment: int) -> Any:
        """Give a function from vectors to probabilities for one segment, as recourse wants it."""

        def pd(values: Floats) -> Floats:
            return self.score(values, np.full(len(values), segment, dtype=np.int8)).pd

        return pd


def vector_json(values: Floats) -> list[list[float | None]]:
    """Write vectors as JSON: None for missing."""
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]


def vectors_of(rows: Sequence[Sequence[float | None]]) -> Floats:
    """Read vectors from JSON."""
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=np.float64)


def load(artefact: Artefact, *, trusted: Sequence[bytes]) -> LoadedModel:
    """Verify, then parse, then score the golden rows again; refuse on the least difference."""
    manifest = verify(artefact, trusted=trusted)
    if manifest["registry_digest"] != registry_digest() or tuple(manifest["features"]) != FEATURE_NAMES:
        raise UnableToLoadModel("wrong_features", N_("The model was made for other features."))
    model: _Model
    if manifest["kind"] == "SCORECARD":
        model = Scorecard.of_json(json.loads(artefact.model_text))
    else:
        model = _Trees(artefact.model_text)
    loaded = LoadedModel(manifest, model)
    _golden(loaded)
    return loaded


def _golden(loaded: LoadedModel) -> None:
    golden = loaded.manifest["golden"]
    values = vectors_of(golden["values"])
    found = loaded.score(values, np.array(golden["segment"], dtype=np.int8)).pd
    if not np.allclose(found, np.array(golden["pd"]), rtol=0.0, atol=TOLERANCE):
        raise UnableToLoadModel(
            "golden_rows_differ", N_("The model does not repeat the scores that it was signed with.")
        )


def try_in_child(artefact: Artefact, *, trusted: Sequence[bytes]) -> None:
    """Load the trees in a process of their own first: broken text can crash LightGBM, and must not crash us."""
    manifest = verify(artefact, trusted=trusted)
    if manifest["kind"] == "SCORECARD":
        return
    rows = json.dumps(manifest["golden"]["values"]).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(len(artefact.model_text))],
            input=artefact.model_text + rows,
            capture_output=True,
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnableToLoadModel("child_timeout", N_("Loading the model took too long.")) from error
    if done.returncode != 0:
        raise UnableToLoadModel("child_failed", N_("Loading the model failed in the trial process."))
    found = np.array(json.loads(done.stdout))
    if not np.allclose(found, np.array(manifest["golden"]["raw"]), rtol=0.0, atol=TOLERANCE):
        raise UnableToLoadModel(
            "golden_rows_differ", N_("The model does not repeat the scores that it was signed with.")
        )
