"""Static files under names that tell their content, compressed once when they are collected."""

from __future__ import annotations

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Gzipped(CompressedManifestStaticFilesStorage):
    """Compress by gzip alone: brotli at its best costs a minute at each start, and not every installation has it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._urls: dict[str, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:
        """Give a file's address; each page names a dozen, and what was collected never changes under a process."""
        found = self._urls.get(name or "")
        if found is None or force:
            found = self._urls[name or ""] = super().url(name, force)
        return found

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return Compressor(**{**kwargs, "use_brotli": False})
