"""LightGBM's wheel needs libgomp.so.1 and does not bring it; minimal Debian has none. scikit-learn's wheel has one."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path


def library_folder() -> Path | None:
    """Give a folder to put on LD_LIBRARY_PATH, or nothing when the system has the library or no wheel does."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        pass
    else:
        return None
    sklearn = importlib.util.find_spec("sklearn")
    if sklearn is None or not sklearn.origin:
        return None
    bundled = next((Path(sklearn.origin).parents[1] / "scikit_learn.libs").glob("libgomp-*"), None)
    if bundled is None:
        return None
    folder = Path(sys.prefix) / "gomp"
    link = folder / "libgomp.so.1"
    if not link.exists():
        folder.mkdir(exist_ok=True)
        half = folder / f"libgomp.{os.getpid()}"
        half.symlink_to(bundled)
        half.replace(link)
    return folder


def add_to(environment: MutableMapping[str, str]) -> bool:
    """Put the folder on a child's library path; tell whether that changed anything."""
    folder = library_folder()
    present = environment.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    if folder is None or str(folder) in present:
        return False
    environment["LD_LIBRARY_PATH"] = os.pathsep.join([str(folder), *(part for part in present if part)])
    return True


if __name__ == "__main__":
    print(library_folder() or "")
