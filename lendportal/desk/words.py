"""Stored reasons as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext


def sentence(reason: Mapping[str, Any]) -> str:
    """Translate one stored reason: a message id and the figures in it."""
    text = gettext(str(reason.get("message") or reason.get("code") or ""))
    params = reason.get("params")
    return text % params if params else text.replace("%%", "%")


def sentences(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    return [sentence(reason) for reason in reasons]
