"""Logs: one JSON object a line, with what belongs to persons struck out before it is written.

Two nets. Names of fields that may hold personal data or secrets are replaced whole; in every other text the patterns
of identity numbers, telephone numbers, card numbers and e-mail addresses are struck out.
"""

from __future__ import annotations

import logging
import logging.config
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

STRUCK = "***"
SECRET_NAMES = re.compile(
    r"(?i)(passw|secret|token|api_?key|authorization|cookie|session|csrf|otp|id_?number|identity|phone|mobile|e?mail"
    r"|account_?number|card|full_?name|address|birth|dsn|database_url|redis_url)"
)
HARMLESS_NAMES = {"token_type", "session_count"}
PATTERNS = (
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "[identity number]"),
    (re.compile(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)"), "[card number]"),
    (re.compile(r"(?<![\d.])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"), "[phone]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?i)\b((?:postgres(?:ql)?|rediss?|smtp\S*?)://)[^\s/@]*@"), r"\1***@"),
)
STANDARD = {"event", "level", "logger", "timestamp", "request_id"}


def redact_text(value: str) -> str:
    """Strike out what looks like a person's number or address, and keep a line a line."""
    for pattern, mark in PATTERNS:
        value = pattern.sub(mark, value)
    return value.replace("\r", "\\r")


def redact(value: Any, name: str = "") -> Any:
    """Strike out a value by the name it stands under and by what it looks like."""
    if name and name not in HARMLESS_NAMES and name not in STANDARD and SECRET_NAMES.search(name):
        return STRUCK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact_text(str(value))


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Be the last step before the line is written."""
    return {key: redact(value, key) for key, value in event.items()}


def configure(given: Mapping[str, Any]) -> None:
    """Set up logging for Django, Celery and structlog alike: `LOGGING_CONFIG` points here."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        redact_event,
                        structlog.processors.JSONRenderer(ensure_ascii=False),
                    ],
                }
            },
            "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stream"], "level": given.get("level", "INFO")},
            "loggers": {
                "django.server": {"level": "WARNING"},
                "django.db.backends": {"level": "WARNING"},
                "fontTools": {"level": "WARNING"},
                "celery.utils.functional": {"level": "INFO"},
            },
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=not given.get("testing", False),
    )
