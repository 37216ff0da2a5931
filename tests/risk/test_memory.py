"""The web process does not carry what only notebooks and plots need."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.plugins.servers import ROOT

HEAVY = ("pandas", "matplotlib", "sklearn", "dask", "pyarrow", "scipy.stats")
ASK = f"""
import json, os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lendportal.settings")
from lendportal.wsgi import application
from django.urls import get_resolver
assert get_resolver().url_patterns
{{more}}
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


def loaded_after(more: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(more=more)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-800:]
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_the_web_process_begins_without_heavy_libraries():
    assert loaded_after("import risk.queries, risk.operations, credit.operations") == []


def test_nor_do_they_come_with_lightgbm():
    """LightGBM imports them if it finds them; they must stay importable for who really asks."""
    code = "from risk.domain.lean import lightgbm_module; assert lightgbm_module().Booster"
    assert loaded_after(code) == []
    assert loaded_after(f"{code}; import lightgbm; assert lightgbm is lightgbm_module()") == []


def test_the_question_would_find_one():
    assert loaded_after("import sys, types; sys.modules['pandas'] = types.ModuleType('pandas')") == ["pandas"]
