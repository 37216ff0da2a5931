"""The door for gunicorn."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lendportal.settings")
os.environ.setdefault("LENDPORTAL_ROLE", "web")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
