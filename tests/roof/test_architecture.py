"""What the house forbids, proved on the code itself."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from tests.plugins.servers import ROOT

FLOORS = {"ledger": 1, "accounts": 1, "loans": 2, "risk": 2, "credit": 3, "merchants": 4, "lendportal": 5}
ROOMS = [
    room
    for room in ("accounts", "credit", "ledger", "loans", "merchants", "regimes", "risk")
    if (ROOT / room).is_dir()
]
# these rooms talk to people, machines or schedules, so they may look at the clock
INTERFACES = {
    "admin",
    "api",
    "api_urls",
    "commands",
    "desk",
    "forms",
    "gateways",
    "middleware",
    "notifications",
    "sandbox",
    "sessions",
    "tasks",
    "templatetags",
    "views",
    "adapter",
}
CLOCKS = {"now", "today", "utcnow", "localdate", "localtime"}


def modules():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_no_foreign_key_points_upstairs_or_sideways():
    wrong = []
    for model in apps.get_models():
        floor = FLOORS.get(model._meta.app_label)
        for field in model._meta.get_fields(include_hidden=False):
            if floor is None or not isinstance(field, (models.ForeignKey, models.ManyToManyField)):
                continue
            other = field.remote_field.model
            target = other.split(".")[0] if isinstance(other, str) else other._meta.app_label
            above = FLOORS.get(target)
            if above is not None and target != model._meta.app_label and above >= floor:
                wrong.append(f"{model._meta.label}.{field.name} -> {target}")
    assert not wrong


def test_no_financial_row_is_swept_away_with_another():
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in {"ledger", "loans", "credit"}
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is not models.PROTECT
    ]
    assert not wrong


def test_no_model_orders_itself():
    wrong = [m._meta.label for m in apps.get_models() if m._meta.app_label in FLOORS and m._meta.ordering]
    assert not wrong


def test_keys_are_wide_enough():
    narrow = [
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        and isinstance(model._meta.pk, models.AutoField)
        and not isinstance(model._meta.pk, models.BigAutoField)
    ]
    assert not narrow


def clock_readings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in {"timezone", "datetime", "date", "django_timezone", "dt"}:
                yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.timezone":
            yield from (node.lineno for alias in node.names if alias.name in CLOCKS)


def test_the_clock_is_read_by_interfaces_alone():
    wrong = []
    for path in modules():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if INTERFACES & set(parts) or parts[-1] in {"checks"}:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        wrong.extend(f"{path.relative_to(ROOT)}:{line}" for line in clock_readings(tree))
    assert not wrong


def test_the_clock_test_sees_a_clock():
    bad = "from django.utils import timezone\nx = timezone.now()\nclass M:\n    d = F(default=timezone.now)\n"
    assert list(clock_readings(ast.parse(bad))) == [2, 4]


def celery_tasks(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                target = decorator.func if isinstance(decorator, ast.Call) else decorator
                if getattr(target, "id", getattr(target, "attr", "")) in {"shared_task", "task"}:
                    yield node


PLAIN = {"int", "str", "list[int]", "list[str]", "int | None", "str | None", "list[int] | None"}


def test_tasks_take_ids_only():
    wrong = []
    for path in modules():
        if "tasks" not in path.relative_to(ROOT).with_suffix("").parts:
            continue
        for task in celery_tasks(ast.parse(path.read_text("utf-8"))):
            arguments = [*task.args.posonlyargs, *task.args.args, *task.args.kwonlyargs]
            for argument in arguments:
                kind = ast.unparse(argument.annotation) if argument.annotation else "nothing"
                if argument.arg != "self" and kind not in PLAIN:
                    wrong.append(
                        f"{path.relative_to(ROOT)}:{task.lineno} {task.name}({argument.arg}: {kind})"
                    )
    assert not wrong


def test_every_scheduled_task_exists():
    from lendportal.celery import app
    from lendportal.settings.schedule import beat_schedule

    app.loader.import_default_modules()
    missing = {row["task"] for row in beat_schedule(sweep_seconds=20).values()} - set(app.tasks)
    assert not missing


def test_modules_stay_small():
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in [*modules(), *sorted((ROOT / "lendportal").rglob("*.py"))]
        if (count := len(path.read_text("utf-8").splitlines())) > 450
    ]
    assert not long


@pytest.mark.parametrize("banned", ["pickle", "joblib", "cloudpickle"])
def test_nothing_reads_a_pickle(banned):
    wrong = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] == banned for name in names):
                wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


def test_pages_load_nothing_from_other_hosts():
    wrong = []
    for path in [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "static").rglob("*.css"),
        *(ROOT / "static").rglob("*.js"),
    ]:
        text = path.read_text("utf-8")
        for needle in (
            'src="http',
            "src='http",
            'src="//',
            "url(http",
            "url(//",
            "@import",
            'rel="stylesheet" href="http',
        ):
            if needle in text:
                wrong.append(f"{path.relative_to(ROOT)}: {needle}")
    assert not wrong


def test_there_is_no_core_or_utils_room():
    assert not [name for name in ("core", "common", "utils", "helpers") if Path(ROOT / name).exists()]
