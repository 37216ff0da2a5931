"""Sessions in PostgreSQL, read by a fixed statement: every page of everybody asks for one.

They are not kept in the cache as well: a session that was ended must be ended for good, and a cache that is away or was
cleared must log nobody in or out.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from accounts.rows import ask


class SessionStore(db.SessionStore):
    """The store of Django, but for how a row is read."""

    def _get_session_from_db(self) -> Any:
        found = ask(
            "SELECT session_data, expire_date FROM django_session WHERE session_key = %s AND expire_date > %s",
            [self.session_key, timezone.now()],
        )
        if found is None:
            self._session_key = None
            return None
        return self.model(session_key=str(self.session_key), session_data=found[0], expire_date=found[1])
