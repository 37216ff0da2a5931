"""Begin anew: remove what the sandbox made, unless it is running."""

from __future__ import annotations

import shutil
import sys

from lendportal.embedded.launch import BASE_DIR, AlreadyRunning, installation_lock
from lendportal.embedded.places import SHARED_BASE, places
from lendportal.environment import load
from lendportal.environment_readers import BadSetting


def main() -> int:
    """Remove the installation's folders; nothing outside them."""
    try:
        values = load(BASE_DIR)
    except BadSetting as error:
        print(f"lendportal: {error}", file=sys.stderr)
        return 2
    where = places(values["PORTAL_HOME"] or BASE_DIR / "var")
    if not where.home.exists():
        print("nothing to reset")
        return 0
    known = {"secrets.env", "lock"}
    if any(where.home.iterdir()) and not known & {path.name for path in where.home.iterdir()}:
        print(f"lendportal: {where.home} does not look like a portal's folder; not removed", file=sys.stderr)
        return 2
    try:
        with installation_lock(where.home, holder="command"):
            for folder in (where.home, where.sockets):
                shutil.rmtree(folder, ignore_errors=folder != where.home)
            if where.moved and where.data.parent == SHARED_BASE:
                shutil.rmtree(where.data, ignore_errors=True)
    except AlreadyRunning:
        print("lendportal: stop the portal first (Ctrl-C in its terminal)", file=sys.stderr)
        return 2
    print(f"removed {where.home}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
