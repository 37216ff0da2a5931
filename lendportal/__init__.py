"""The roof: settings, URLs, Celery, the map from refusals to HTTP, and the `portal` command."""

from lendportal.celery import app as celery_app

__all__ = ["celery_app"]
