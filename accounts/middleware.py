"""What every request of this room passes: staff without a second factor go nowhere, known browsers are remembered."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sign_in.device import known_device, remember_device
from accounts.sign_in.limits import WINDOW_SECONDS

OPEN_NAMES = frozenset(
    {
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account_email_verification_sent",
        "account_verify_phone",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_index",
        "set_language",
        "livez",
        "readyz",
    }
)
SIGN_IN_PREFIXES = ("account_", "mfa_")


class SecondFactorForStaff:
    """Lead staff who have no second factor to setting one up, and nowhere else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._must_enrol(request):
            return self.get_response(request)
        if request.path.startswith("/api/"):
            detail = _("Set up an authenticator app first.")
            return JsonResponse(
                {"code": "second_factor_required", "detail": detail, "status": 403},
                status=403,
                content_type="application/problem+json",
            )
        return HttpResponseRedirect(reverse("mfa_activate_totp"))

    def _must_enrol(self, request: HttpRequest) -> bool:
        if not getattr(settings, "STAFF_MFA_REQUIRED", True):
            return False
        user = request.user
        if not user.is_authenticated or not user.is_staff or self._is_open(request.path_info):
            return False
        factors = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
        return not Authenticator.objects.filter(user_id=user.pk, type__in=factors).exists()

    def _is_open(self, path: str) -> bool:
        if path.startswith(settings.STATIC_URL):
            return True
        try:
            return (resolve(path).url_name or "") in OPEN_NAMES
        except Resolver404:
            return False


class IdleSessions:
    """End a session that was left alone, and one that has gone on for a working day."""

    IDLE_SECONDS = {True: 15 * 60, False: 30 * 60}  # staff, borrowers
    WHOLE_SECONDS = {True: 8 * 3600, False: 12 * 3600}
    WRITE_EVERY = 60  # seconds; a row written on every request would cost more than it tells

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            session = request.session
            began, seen = session.get("began", now), session.get("seen", now)
            staff = bool(request.user.is_staff)
            if now - seen > self.IDLE_SECONDS[staff] or now - began > self.WHOLE_SECONDS[staff]:
                logout(request)
            elif "began" not in session or now - seen >= self.WRITE_EVERY:
                session["began"], session["seen"] = began, now
        return self.get_response(request)


class SignInAnswers:
    """Give sign-in pages their status, and mark the browser of who has just logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_anonymous = not request.user.is_authenticated
        response = self.get_response(request)
        if response.status_code == 429:
            response.setdefault("Retry-After", str(WINDOW_SECONDS))
        # a key of the API stands where a user would, and is no log-in of a browser
        user = request.user
        if was_anonymous and request.method == "POST" and isinstance(user, User) and user.is_authenticated:
            login = user.email or user.phone or ""
            if login and known_device(request=request, login=login) is None:
                remember_device(response=response, login=login)
        if not was_anonymous and request.method == "POST" and not request.user.is_authenticated:
            response["Clear-Site-Data"] = (
                '"cache", "storage"'  # whoever sits down next finds no page of before
            )
        return response

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """Answer a form with mistakes by 400: allauth's views say 200."""
        match = request.resolver_match
        ours = match is not None and (match.url_name or "").startswith(SIGN_IN_PREFIXES)
        if ours and request.method == "POST" and response.status_code == 200:
            form = (response.context_data or {}).get("form")
            if form is not None and form.is_bound and form.errors:
                response.status_code = 400
        return response
