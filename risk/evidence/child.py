"""Parse an upload in a child with little memory, little time and no settings.

Whatever a hostile file makes a parser do, it does it here: the child knows no database, no secret but the
key of names, and is ended by the kernel when it wants more than its share.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import date
from pathlib import Path
from typing import Any, Final

from regimes.errors import N_, Refusal
from risk.evidence.parsed import Options, Summary
from risk.evidence.reading import spool
from risk.evidence.refusals import BY_NAME, UnableToReadStatement

MEMORY: Final = 1 << 30
CPU_SECONDS: Final = 60
WALL_SECONDS: Final = 120
SPOOL_BYTES: Final = 256 * 1024 * 1024
ROOT: Final = Path(__file__).resolve().parents[2]


def read_in_child(kind: str, path: Path, options: Options, out: Path, *, key: bytes) -> Summary:
    """Run `spool` in a limited child; its refusals are raised here as they were there."""
    order = {
        "kind": kind,
        "path": str(path),
        "out": str(out),
        "key": b64encode(key).decode(),
        "as_of": options.as_of.isoformat(),
        "mapping": dict(options.mapping),
        "remembered": {mark: dict(mapping) for mark, mapping in options.remembered.items()},
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "risk.evidence.child"],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=ROOT,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable() from None
    if done.returncode != 0:
        raise _unreadable()
    answer = json.loads(done.stdout)
    if "refusal" in answer:
        raise _refusal(answer["refusal"])
    return Summary.from_json(answer["summary"])


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _unreadable() -> UnableToReadStatement:
    return UnableToReadStatement(
        "statement_unreadable",
        N_("We could not read this file. Export a shorter period and upload it unchanged."),
        field="file",
    )


def _refusal(plain: dict[str, Any]) -> Refusal:
    cls = BY_NAME.get(plain["type"], UnableToReadStatement)
    return cls(plain["code"], plain["message"], field=plain["field"], params=plain["params"])


def limit() -> None:
    """Give away the right to more memory, time and files."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, SPOOL_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def main() -> int:
    """Read one order from standard input, answer it on standard output."""
    order = json.loads(sys.stdin.read())
    limit()
    options = Options(
        as_of=date.fromisoformat(order["as_of"]), mapping=order["mapping"], remembered=order["remembered"]
    )
    try:
        with open(order["path"], "rb") as stream, open(order["out"], "w", encoding="utf-8") as out:
            summary = spool(order["kind"], stream, options, out, key=b64decode(order["key"]))
    except Refusal as refusal:
        answer: dict[str, Any] = {
            "refusal": {
                "type": type(refusal).__name__,
                "code": refusal.code,
                "message": refusal.message,
                "field": refusal.field,
                "params": refusal.params,
            }
        }
    else:
        answer = {"summary": summary.as_json()}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
