"""The release before this one, from the project's own history: a rolling deploy runs both on one schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NoHistory(Exception):
    """Say that this checkout does not know what was before it."""


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=False)
    if done.returncode:
        raise NoHistory(done.stderr.decode(errors="replace").strip()[-200:])
    return done.stdout


def commit_before() -> str:
    """Return the commit before the newest migrations came: its code knows nothing of them."""
    newest = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py").decode().strip()
    if not newest:
        raise NoHistory("no migration in the history")
    return _git("rev-parse", f"{newest}^").decode().strip()


def unpack(folder: Path) -> Path:
    """Lay the tree of the release before into a folder and return it."""
    commit = commit_before()
    tree = folder / f"release-{commit[:12]}"
    if not tree.exists():
        tree.mkdir(parents=True)
        subprocess.run(
            ["tar", "-x", "-C", str(tree)], input=_git("archive", "--format=tar", commit), check=True
        )
    return tree
