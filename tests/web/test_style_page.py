"""The style page shows every component that a page uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db


def test_every_component_in_use_is_shown() -> None:
    base = Path(settings.BASE_DIR)
    known = set(re.findall(r"\.([a-z][a-z0-9-]+)", (base / "static/css/components.css").read_text()))
    used: set[str] = set()
    for path in (base / "templates").rglob("*.html"):
        if path.name != "style.html" and "admin" not in path.parts:
            for value in re.findall(r'class="([^"{%]*)"', path.read_text()):
                used |= set(value.split())
    page = Client().get("/style/").content.decode()
    shown = {name for value in re.findall(r'class="([^"]*)"', page) for name in value.split()}
    assert known & used - shown == set()
    assert len(known & used) > 40
