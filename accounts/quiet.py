"""Log failures of vendors without their words: an error's text may hold the number or address that it was about."""

from __future__ import annotations

import logging
import traceback


def log_failure(log: logging.Logger, event: str, *, subject: object, error: BaseException) -> None:
    """Log what failed, for which reference, the kind of error and the frames, never the error's own text."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-4:])
    log.error("%s for %s: %s\n%s", event, subject, type(error).__name__, frames)
