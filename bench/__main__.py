"""Every bench, one after the other: `python -m bench [--only NAME,NAME] [--size small|large]` (`make bench`).

Each runs as a process of its own and prints its figures beside its limit or peer. All of it, with the machine and its load
before each, is kept in `var/bench.txt`, from which docs/performance.md is written. The last line is JSON; exit 1 when a bench
could not run. A goal that is missed is a figure, not a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# name: (arguments for a morning's look, arguments for a release)
BENCHES: dict[str, tuple[str, str]] = {
    "bench_loan_engine": ("", "--loans 1000000 --seconds 240"),
    "bench_limits": ("--lines 200000", "--lines 1000000"),
    "bench_rates": ("", ""),
    "bench_risk": ("--people 60 --vectors 100000", "--people 150 --vectors 1000000"),
    "bench_apply": ("--people 80", ""),
    "bench_pages": ("--seconds 15", ""),
    "bench_draw": ("", "--loans 1000000"),
    "bench_laboratory": ("--decisions 100000", "--decisions 1000000"),
    "bench_reevaluation": ("--sizes 100000 --two", "--sizes 100000,300000,1000000 --two"),
    "bench_night": ("--sizes 30000,100000", "--sizes 100000,300000,1000000"),
    "bench_desk": ("--loans 30000", "--loans 100000"),
    "bench_reports": ("--loans 100000", "--loans 1000000"),
    "bench_import": ("--loans 2000", "--loans 10000"),
    "bench_migrations": ("--loans 100000", "--loans 1000000"),
}


def machine() -> str:
    """Say what this is measured on, without naming the machine."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]  # fmt: skip
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def run(name: str, arguments: str) -> tuple[bool, float, str]:
    """Run one bench; give whether it ran, its seconds and what it printed."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments.split()],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    # a bench may exit with 1 because a goal was missed: then it has printed its figures and no traceback
    ran = done.returncode in (0, 1) and "Traceback (most recent call last)" not in done.stdout
    return ran, time.perf_counter() - begun, done.stdout.strip()


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help="names, comma between: draw,night")
    parser.add_argument("--size", choices=("small", "large"), default="small")
    asked = parser.parse_args(given)
    wanted = {f"bench_{name.removeprefix('bench_')}" for name in asked.only.split(",") if name}
    if unknown := wanted - BENCHES.keys():
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}")
    kept = ROOT / "var" / "bench.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(f"{machine()}\n")
    print(machine(), flush=True)
    failed = []
    for name, (small, large) in BENCHES.items():
        if wanted and name not in wanted:
            continue
        arguments = small if asked.size == "small" else large
        load = os.getloadavg()[0]
        ran, seconds, said = run(name, arguments)
        text = f"\n== {name} {arguments} (load before {load:.1f}, {seconds:.0f} s)\n{said}\n"
        with kept.open("a") as file:
            file.write(text)
        print(text, flush=True)
        if not ran:
            failed.append(name)
    print(
        json.dumps(
            {
                "bench": "FAILED" if failed else "ok",
                "size": asked.size,
                "failed": failed,
                "kept": "var/bench.txt",
            }
        )
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
