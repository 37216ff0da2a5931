"""Short pieces about borrowing: open to anybody; who is logged in sees what is read."""

from __future__ import annotations

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import queries as accounts_queries
from accounts.models import Borrower
from accounts.pages import SignedIn, acting_for, page
from credit import operations
from credit.domain.lessons import BY_CODE, LESSONS, Lesson
from credit.models import LessonRead


def lesson_view(lesson: Lesson, *, read: set[str] | frozenset[str] = frozenset()) -> dict[str, Any]:
    """Lay a piece out in the reader's language."""
    return {
        "code": lesson.code,
        "icon": lesson.icon,
        "title": _(lesson.title),
        "lead": _(lesson.lead),
        "body": [_(text) for text in lesson.body],
        "is_read": lesson.code in read,
    }


def read_by(request: HttpRequest) -> set[str]:
    """Give the codes of what the visitor has read."""
    if not request.user.is_authenticated:
        return set()
    return set(LessonRead.objects.filter(user_id=request.user.pk).values_list("code", flat=True))


def _acting(request: HttpRequest) -> Borrower | None:
    """Give the borrower whose bar the page carries; strangers have none."""
    if not request.user.is_authenticated:
        return None
    return acting_for(cast(SignedIn, request), accounts_queries.borrowers_of(user=request.user))


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the pieces."""
    read = read_by(request)
    context = {"lessons": [lesson_view(row, read=read) for row in LESSONS]}
    return page(request, "credit/lessons.html", context, borrower=_acting(request))


@require_http_methods(["GET", "HEAD", "POST"])
def lesson(request: HttpRequest, code: str) -> HttpResponse:
    """Show one piece; a post notes that it was read."""
    found = BY_CODE.get(code)
    if found is None:
        raise Http404
    if request.method == "POST":
        if request.user.is_authenticated:
            operations.mark_lesson_read(user=request.user, code=code, now=timezone.now())
        return redirect("credit:lessons")
    at = LESSONS.index(found)
    context = {
        "lesson": lesson_view(found, read=read_by(request)),
        "onward": lesson_view(LESSONS[(at + 1) % len(LESSONS)]),
    }
    return page(request, "credit/lesson.html", context, borrower=_acting(request))
