"""The portal's settings with one guard taken out: only `python -m tests.chaos --without ...` uses them."""

from lendportal.settings import *  # noqa: F403
from lendportal.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.chaos.sabotage.SabotageConfig"]
