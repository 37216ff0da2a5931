"""The Celery application: tasks take ids, and only wake; rows tell what is to be done."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lendportal.settings")

app = Celery("lendportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
