"""Train models and take them in: the one path for the synthetic population and for a lender's own history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from accounts.models import User
from risk.card import model_card
from risk.domain.events import Integers
from risk.domain.facts import Facts, Segment
from risk.domain.labels import EXCLUDED, IMMATURE, LabelPolicy, label
from risk.domain.registry import FEATURE_NAMES, FEATURES
from risk.domain.rollup import month_number
from risk.domain.training import Fitter, Trained, TrainingSet, TreeShape, fit_booster, train
from risk.engine.keys import signing_seed
from risk.engine.making import make_artefacts
from risk.evidence.guessing import measure
from risk.models.registry import ModelVersion
from risk.operations.registry import install_first_models, register_model
from risk.synthetic.matrix import draw_sample
from risk.synthetic.population import World

DEFAULT_LGD = {int(Segment.PERSON): 0.60, int(Segment.BUSINESS): 0.55}


def training_set(
    *,
    facts: Facts,
    labels: Integers,
    month: Integers | None = None,
    outside: Mapping[str, Integers] | None = None,
) -> TrainingSet:
    """Put facts and labels together; immature and excluded observations stay out.

    `month` is each observation's month number (else that of `facts.as_of`), `labels` as `risk.domain.labels`
    gives them.
    """
    months = np.full(len(facts), month_number(facts.as_of)) if month is None else month
    data = TrainingSet(
        names=FEATURE_NAMES,
        signs=tuple(int(f.sign) for f in FEATURES),
        values=facts.values,
        label=labels,
        month=months,
        person=facts.subject_ids,
        segment=facts.segment,
        outside=dict(outside or {}),
    )
    return data.take(~np.isin(labels, (IMMATURE, EXCLUDED)))


def train_models(
    *,
    data: TrainingSet,
    name: str,
    seed: int,
    policy: LabelPolicy | None = None,
    lgd: Mapping[int, float] | None = None,
    shape: TreeShape | None = None,
    made_by: User | None = None,
    say: Callable[[str], None] = lambda line: None,
    fitter: Fitter = fit_booster,
) -> tuple[ModelVersion, ModelVersion]:
    """Train, sign and register: (trees, scorecard), both candidates."""
    trained: Trained = train(data, seed=seed, shape=shape, say=say, fitter=fitter)
    say("spending categories by n-grams")
    trained.report["categories"] = measure()
    described = (policy or LabelPolicy()).describe()
    say("signing, and loading in a process of its own")
    trees, card = make_artefacts(
        trained, data, lgd=dict(lgd or DEFAULT_LGD), label_policy=described, signing_seed=signing_seed()
    )
    html = model_card(name=name, report=trained.report, label_policy=described)
    first = register_model(artefact=trees, name=name, report=trained.report, card_html=html, made_by=made_by)
    second = register_model(
        artefact=card, name=f"{name} scorecard", report=trained.report, card_html=html, made_by=made_by
    )
    return first, second


def train_on_synthetic_people(
    *,
    size: int,
    seed: int,
    now: datetime,
    install: bool,
    made_by: User | None = None,
    say: Callable[[str], None] = lambda line: None,
    fitter: Fitter = fit_booster,
) -> tuple[ModelVersion, ModelVersion]:
    """Train on the synthetic population; with `install` the models begin to work if none ever did."""
    policy = LabelPolicy()

    def progress(done: int, total: int) -> None:
        say(f"drawing people {done:,} of {total:,}")

    sample = draw_sample(World(size=size, seed=seed), progress=progress)
    observed = np.full(size, sample.history.days_past_due.shape[1])
    labels = label(sample.history.days_past_due, months_observed=observed, policy=policy)
    people = sample.people
    outside = {
        "sex": people.sex.astype(np.int64),
        "age_band": np.digitize(people.age, [25, 35, 45, 55]).astype(np.int64),
    }
    data = training_set(facts=sample.facts, labels=labels, month=people.application, outside=outside)
    lost = 1 - sample.history.recovered / np.maximum(sample.history.recovered + sample.history.outstanding, 1)
    defaulted = sample.history.bad
    lgd = {
        int(member): round(
            float(lost[defaulted & (people.is_business == (member == Segment.BUSINESS))].mean()), 4
        )
        for member in Segment
        if (defaulted & (people.is_business == (member == Segment.BUSINESS))).sum() >= 10
    }
    name = f"synthetic-{size}-seed{seed}-{now:%Y%m%d%H%M}"
    models = train_models(
        data=data,
        name=name,
        seed=seed,
        policy=policy,
        lgd=DEFAULT_LGD | lgd,
        made_by=made_by,
        say=say,
        fitter=fitter,
    )
    if install:
        install_first_models(champion=models[0], fallback=models[1], now=now)
    return models
