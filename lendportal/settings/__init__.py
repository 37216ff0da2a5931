"""Django's settings, put together from the environment: see `lendportal/environment.py` for every variable and its rule.

Three modes. `sandbox` (the default) answers on this machine alone, makes its own secrets and, without DATABASE_URL,
talks to embedded servers. `production` makes up nothing and refuses to start when anything is missing or unsafe.
`test` is the sandbox on servers that pytest starts.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from lendportal.embedded.places import places
from lendportal.embedded.secrets import public_half, sandbox_secrets
from lendportal.environment import load, read_all
from lendportal.environment_readers import BadSetting
from lendportal.settings.schedule import beat_schedule
from lendportal.settings.sign_in import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parents[2]


def _environment() -> dict[str, Any]:
    values = load(BASE_DIR)
    if values["LENDPORTAL_ENV"] == "production":
        return values
    home = values["PORTAL_HOME"] or BASE_DIR / "var"
    made = sandbox_secrets(home)
    read = read_all({name: made[name] for name in made})
    for name in made:
        if not values[name]:
            values[name] = read[name]
    return values


try:
    ENV = _environment()
except BadSetting as error:
    print(f"lendportal: {error}", file=sys.stderr)
    raise SystemExit(2) from None
except OSError as error:
    print(f"lendportal: PORTAL_HOME: {error.strerror}: {error.filename}", file=sys.stderr)
    raise SystemExit(2) from None

ENVIRONMENT: str = ENV["LENDPORTAL_ENV"]
PRODUCTION = ENVIRONMENT == "production"
TESTING = ENVIRONMENT == "test"
SANDBOX = not PRODUCTION
DEBUG = ENV["DEBUG"]
PORTAL_HOME: Path = ENV["PORTAL_HOME"] or BASE_DIR / "var"
PORT: int = ENV["PORT"]
EMBEDDED = places(PORTAL_HOME)

# ---- secrets ---------------------------------------------------------------------------------------------------------
SECRET_KEY = ENV["SECRET_KEY"]
FIELD_KEYS: dict[str, bytes] = ENV["LENDPORTAL_FIELD_KEYS"]  # the first is for writing
INDEX_KEY: bytes = ENV["LENDPORTAL_INDEX_KEY"]
GATEWAY_URL: str = ENV["LENDPORTAL_GATEWAY_URL"] or f"http://127.0.0.1:{PORT + 1}"
GATEWAY_API_KEY: str = ENV["LENDPORTAL_GATEWAY_API_KEY"]
GATEWAY_SECRETS: list[str] = ENV["LENDPORTAL_GATEWAY_SECRETS"]  # current, then those still accepted
GATEWAY_TIMEOUT: int = ENV["LENDPORTAL_GATEWAY_TIMEOUT"]
PAYING_GATEWAY: str = ENV["LENDPORTAL_PAYING_GATEWAY"]
BANK_FILES: Path = ENV["LENDPORTAL_BANK_FILES"] or PORTAL_HOME / "bank-files"
BANK_ACCOUNT: tuple[str, str, str] = ENV["LENDPORTAL_BANK_ACCOUNT"]  # holder, number, bank
LIMIT_FOR_ONE_OFFICER: int = ENV["LENDPORTAL_LIMIT_FOR_ONE_OFFICER"]
MODEL_DIR: Path = ENV["LENDPORTAL_MODEL_DIR"] or PORTAL_HOME / "models"
MODEL_SIGNING_KEY: bytes | None = ENV["LENDPORTAL_MODEL_SIGNING_KEY"]
MODEL_PUBLIC_KEYS: list[bytes] = ENV["LENDPORTAL_MODEL_PUBLIC_KEYS"] or (
    [public_half(MODEL_SIGNING_KEY)] if MODEL_SIGNING_KEY else []
)
TRANSFERS_GRAPH: bool = ENV["LENDPORTAL_TRANSFERS_GRAPH"]
PASSPORT_KEY: bytes | None = ENV["LENDPORTAL_PASSPORT_KEY"]
PASSPORT_PUBLIC_KEYS: list[bytes] = [
    *([public_half(PASSPORT_KEY)] if PASSPORT_KEY else []),
    *ENV["LENDPORTAL_PASSPORT_OLD_KEYS"],
]
REGIME: str = ENV["LENDPORTAL_REGIME"]
SMS_BACKEND: str = "accounts.notifications.sms.MemoryBackend" if TESTING else ENV["LENDPORTAL_SMS_BACKEND"]
SMS_KEY_ID, SMS_KEY_SECRET = ENV["LENDPORTAL_SMS_KEY_ID"], ENV["LENDPORTAL_SMS_KEY_SECRET"]
SMS_SIGN_NAME, SMS_TEMPLATE = ENV["LENDPORTAL_SMS_SIGN_NAME"], ENV["LENDPORTAL_SMS_TEMPLATE"]
SMS_APP_ID, SMS_ENDPOINT = ENV["LENDPORTAL_SMS_APP_ID"], ENV["LENDPORTAL_SMS_ENDPOINT"]
IDENTITY_PROVIDER: str = ENV["LENDPORTAL_IDENTITY_PROVIDER"]
STAFF_MFA_REQUIRED: bool = ENV["LENDPORTAL_STAFF_MFA"] == "required"
PUBLIC_URL: str = ENV["LENDPORTAL_PUBLIC_URL"] or f"http://127.0.0.1:{PORT}"
SENTRY_DSN: str = "" if TESTING else ENV["SENTRY_DSN"]
RUN_TOKEN: str = ENV["LENDPORTAL_RUN_TOKEN"]
METRICS_TOKEN: str = ENV["LENDPORTAL_METRICS_TOKEN"] if ENV["LENDPORTAL_METRICS"] else ""
TRUSTED_PROXIES: int = ENV["LENDPORTAL_TRUSTED_PROXIES"]

# ---- hosts and applications ------------------------------------------------------------------------------------------
ALLOWED_HOSTS = ENV["ALLOWED_HOSTS"] or ["127.0.0.1", "localhost", "[::1]"]
if TESTING:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
CSRF_TRUSTED_ORIGINS = ENV["CSRF_TRUSTED_ORIGINS"]
ADMIN_PATH = ENV["LENDPORTAL_ADMIN_PATH"]
ROOT_URLCONF = "lendportal.urls"
WSGI_APPLICATION = "lendportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "lendportal.desk.apps.DeskConfig",  # Django admin, with the desk as its site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lendportal",
    "merchants",
    "credit",
    "loans",
    "risk",
    "accounts",
    "ledger",
]
MIDDLEWARE = [
    "lendportal.health.HealthMiddleware",
    "lendportal.errors.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lendportal.pages_only.Policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "lendportal.pages_only.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.IdleSessions",
    "accounts.middleware.SecondFactorForStaff",
    "accounts.middleware.SignInAnswers",
    "django_htmx.middleware.HtmxMiddleware",
    "lendportal.errors.RefusalMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "lendportal.context.portal",
            ],
        },
    }
]

# ---- database and cache ----------------------------------------------------------------------------------------------
# name of the role -> (statement, lock, idle in transaction), milliseconds; 0 is no limit
_LIMITS = {"web": (10_000, 3_000, 15_000), "worker": (50_000, 10_000, 60_000), "command": (0, 10_000, 0)}
_statement, _lock, _idle = (60_000, 10_000, 60_000) if TESTING else _LIMITS[ENV["LENDPORTAL_ROLE"]]
DATABASE_URL = ENV["DATABASE_URL"] or EMBEDDED.database_url
_database = environ.Env.db_url_config(DATABASE_URL, engine="django.db.backends.postgresql")
_options = _database.setdefault("OPTIONS", {})
_options["options"] = (
    f"-c statement_timeout={_statement} -c lock_timeout={_lock} -c idle_in_transaction_session_timeout={_idle}"
)
_options.setdefault("connect_timeout", 5)
# only statements that `accounts.rows.ask` sends: Django's own are written anew each time
_prepares = {"yes": True, "no": False, "auto": TESTING or not ENV["DATABASE_URL"]}[
    ENV["LENDPORTAL_DB_PREPARE"]
]
_options["prepare_threshold"] = 2 if _prepares else None
_options["application_name"] = f"lendportal-{ENV['LENDPORTAL_ROLE']}"
if ENV["LENDPORTAL_DB_POOL"]:
    # without a free connection within two seconds the visitor gets a 503, not a spinner
    _options["pool"] = {"min_size": 2, "max_size": ENV["LENDPORTAL_DB_POOL"], "timeout": 2}
    _database["CONN_MAX_AGE"] = 0
else:
    _database["CONN_MAX_AGE"] = 0 if TESTING else 60
    _database["CONN_HEALTH_CHECKS"] = not TESTING
DATABASES = {"default": _database}

REDIS_URL: str = (ENV["REDIS_URL"] or EMBEDDED.broker_url).replace("unix://", "redis+socket://", 1)


def _cache_url() -> str:
    """Without an own cache, use the broker's server one database further; production refuses that."""
    if ENV["CACHE_URL"]:
        return str(ENV["CACHE_URL"])
    if not ENV["REDIS_URL"]:
        return EMBEDDED.cache_url
    if REDIS_URL.startswith("redis+socket://"):
        return "unix://" + REDIS_URL.removeprefix("redis+socket://").partition("?")[0] + "?db=1"
    server, _, number = REDIS_URL.rpartition("/")
    if number.isdigit():
        return f"{server}/{int(number) + 1}"
    return f"{REDIS_URL.rstrip('/')}/1"


CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _cache_url(),
        "KEY_PREFIX": "lp",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2, "health_check_interval": 15},
    }
}

# ---- people ----------------------------------------------------------------------------------------------------------
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = SANDBOX  # http://localhost is as safe as the machine; elsewhere https
MFA_TOTP_ISSUER = "lendportal"

SESSION_ENGINE = "accounts.sign_in.sessions"  # a flushed cache must not log anybody in or out
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
_secure = ENV["LENDPORTAL_SECURE_COOKIES"] or PRODUCTION
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _secure
if _secure:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    # a browser's preload list takes years to leave: the operator of the domain decides that
    SILENCED_SYSTEM_CHECKS = ["security.W021"]
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "report-uri": "/csp-report/",
    }
}

# ---- languages, time, files ------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = ENV["LENDPORTAL_TIME_ZONE"]
USE_THOUSAND_SEPARATOR = False
STATIC_URL = "/static/"
STATIC_ROOT = PORTAL_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = ENV["LENDPORTAL_MEDIA_DIR"] or PORTAL_HOME / "media"  # private: no URL serves it
MEDIA_URL = ""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "lendportal.static_storage.Gzipped"
    },
}
WHITENOISE_USE_FINDERS = TESTING
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# ---- messages to people ----------------------------------------------------------------------------------------------
_mail = environ.Env.email_url_config(ENV["EMAIL_URL"])
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
    _mail.get("EMAIL_HOST_USER") or "",
    _mail.get("EMAIL_HOST_PASSWORD") or "",
)
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_TLS")), bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV["DEFAULT_FROM_EMAIL"]

# ---- the API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["lendportal.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "lendportal.paging.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["lendportal.throttling.CountedWhereCacheIs"],
    "DEFAULT_THROTTLE_RATES": {
        "login": "10/min",
        "code": "5/min",
        "money": "60/min",
        "merchant": "600/min",
        "upload": "20/hour",
    },
    "EXCEPTION_HANDLER": "lendportal.errors.handle",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "PAGE_SIZE": 50,
    "URL_FORMAT_OVERRIDE": None,  # ?format= is an unknown query field like any other
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "lendportal",
    "DESCRIPTION": "Lines of credit, drawdowns, instalments and repayments.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "lendportal.api_examples.add_examples",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# ---- Celery: each line answers a failure that was seen; docs/operations/celery.md names them --------------------------
TASK_TIME_LIMIT = ENV["LENDPORTAL_TASK_TIME_LIMIT"]
VISIBILITY_TIMEOUT = ENV["LENDPORTAL_VISIBILITY_TIMEOUT"]
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "health_check_interval": 15,
}
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = TASK_TIME_LIMIT
CELERY_TASK_SOFT_TIME_LIMIT = TASK_TIME_LIMIT * 3 // 4
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name} for name in ("default", "payouts", "notices", "night")
}
CELERY_TASK_ROUTES = {
    "loans.tasks.*payout*": {"queue": "payouts"},
    "loans.tasks.*collection*": {"queue": "payouts"},
    "loans.tasks.*webhook*": {"queue": "payouts"},
    "accounts.tasks.*notice*": {"queue": "notices"},
    "credit.tasks.send_reminders": {"queue": "notices"},
    "credit.tasks.run_end_of_day": {"queue": "night"},
    "credit.tasks.work_imports": {"queue": "night"},
    "loans.tasks.work_closes": {"queue": "night"},
    "credit.tasks.*night*": {"queue": "night"},
    "credit.tasks.reevaluate_*": {"queue": "night"},
}
CELERY_BEAT_SCHEDULE = beat_schedule(sweep_seconds=ENV["LENDPORTAL_SWEEP_SECONDS"])
CELERY_BEAT_SCHEDULE_FILENAME = str(PORTAL_HOME / "beat-schedule")
AUDIT_HEADS = Path(ENV["LENDPORTAL_AUDIT_HEADS"] or PORTAL_HOME / "audit-heads.jsonl")

# ---- logs ------------------------------------------------------------------------------------------------------------
LOGGING_CONFIG = "lendportal.logs.configure"
LOGGING = {"level": ENV["LENDPORTAL_LOG_LEVEL"], "testing": TESTING}
