#!/usr/bin/env python
"""Run a management command."""

import os
import sys


def main() -> None:
    """Check the interpreter, then hand over to Django."""
    if sys.version_info < (3, 11):  # noqa: UP036  the pins do not stop whoever calls this file by hand
        sys.exit("lendportal needs Python 3.11 or newer; this is " + sys.version.split()[0])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lendportal.settings")
    try:
        from lendportal.embedded.launch import execute
    except ImportError as error:
        sys.exit(f"lendportal: {error}. Run `make` first, or use .venv/bin/python manage.py")
    try:
        execute(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
