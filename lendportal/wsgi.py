"""The door for gunicorn."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lendportal.settings")
os.environ.setdefault("LENDPORTAL_ROLE", "web")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

# what was loaded stays as long as the process: the collector need not walk over it again and again, and a page of memory that
# it does not touch stays shared with the processes that gunicorn forks
gc.collect()
gc.freeze()
