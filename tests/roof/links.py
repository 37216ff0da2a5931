"""Check that every link between the project's own pages leads to a file: `python -m tests.roof.links`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def broken(root: Path) -> list[str]:
    """List links to files that are not there, and to headings that no page has."""
    found = []
    pages = [
        *root.glob("*.md"),
        *(root / "docs").rglob("*.md"),
        *(root / "locale").glob("*.md"),
        *(root / "bench").rglob("*.md"),
    ]
    for page in sorted(pages):
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in LINK.findall(text):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, heading = target.partition("#")
            other = (page.parent / name).resolve() if name else page
            where = f"{page.relative_to(root)}: {target}"
            if not other.exists():
                found.append(f"{where} leads nowhere")
            elif heading and other.suffix == ".md" and heading not in anchors(other):
                found.append(f"{where} names a heading that is not there")
    return found


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


if __name__ == "__main__":
    wrong = broken(ROOT)
    print("\n".join(wrong) or "every link leads somewhere")
    sys.exit(bool(wrong))
