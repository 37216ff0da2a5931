"""Read the environment: every variable that the portal knows, its kind, and why a value is refused.

Pure Python and testable without Django. `load()` gives a mapping of typed values or raises `BadSetting` with one line
that names the variable and never its value, because values are secrets.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lendportal.environment_readers import (
    BadSetting,
    account_line,
    admin_path,
    boolean,
    choice,
    folder,
    named_keys,
    names,
    optional_key,
    public_keys,
    secrets,
    text,
    time_zone,
    url,
    whole,
)

PREFIX = "LENDPORTAL_"
MODES = ("sandbox", "production", "test")
SAMPLE_SECRETS = ("changeme", "change-me", "secret", "django-insecure", "example", "sample")


@dataclass(frozen=True)
class Variable:
    """One row of the contract with whoever runs the portal."""

    name: str
    read: Callable[[str, str], Any]
    default: str | None
    help: str
    required_in_production: bool = False


V = Variable
VARIABLES: tuple[Variable, ...] = (
    V("LENDPORTAL_ENV", choice(*MODES), "sandbox", "sandbox, production or test"),
    V("DEBUG", boolean, "0", "Django's debug pages; never in production"),
    V("SECRET_KEY", text, "", "50 random characters or more", True),
    V("ALLOWED_HOSTS", names, "", "host names that the portal answers to, separated by commas", True),
    V("CSRF_TRUSTED_ORIGINS", names, "", "https origins of a proxy in front, separated by commas"),
    V("DATABASE_URL", url("postgres", "postgresql"), "", "PostgreSQL 15 or newer; empty: embedded", True),
    V("REDIS_URL", url("redis", "rediss", "unix", "redis+socket"), "", "the broker; empty: embedded", True),
    V(
        "CACHE_URL",
        url("redis", "rediss", "unix"),
        "",
        "the cache, on a Redis of its own in production",
        True,
    ),
    V("PORT", whole(1, 65535), "8000", "the port of the web server"),
    V("PORTAL_HOME", folder, "", "folder of embedded servers, secrets and files; empty: var/"),
    V("PG_BINDIR", folder, "", "folder of postgres and initdb, in place of the wheel's"),
    V("EMAIL_URL", text, "consolemail://", "smtp+tls://user:password@host:587"),
    V("DEFAULT_FROM_EMAIL", text, "lendportal <no-reply@localhost>", "sender of messages"),
    V("WEB_CONCURRENCY", whole(1, 64), "2", "web processes"),
    V("LENDPORTAL_WEB_THREADS", whole(1, 64), "8", "threads of a web process"),
    V("LENDPORTAL_WORKER_PROCESSES", whole(1, 64), "2", "processes of the Celery worker"),
    V(
        "LENDPORTAL_DB_POOL",
        whole(0, 200),
        "0",
        "connections in a web process's pool; 0: one kept for each thread",
    ),
    V(
        "LENDPORTAL_DB_PREPARE",
        choice("auto", "yes", "no"),
        "auto",
        "keep plans of the commonest statements in the server; auto: with the embedded one alone",
    ),
    V("LENDPORTAL_ROLE", choice("web", "worker", "command"), "command", "sets the database's time limits"),
    V("LENDPORTAL_PUBLIC_URL", url("http", "https"), "", "where borrowers find the portal", True),
    V("LENDPORTAL_ADMIN_PATH", admin_path, "desk/", "path of the officers' desk"),
    V("LENDPORTAL_TRUSTED_PROXIES", whole(0, 5), "0", "proxies in front whose X-Forwarded-For is believed"),
    V("LENDPORTAL_SECURE_COOKIES", boolean, "", "cookies over https only; on in production"),
    V(
        "LENDPORTAL_FIELD_KEYS",
        named_keys,
        "",
        "id:base64 keys of encrypted fields, the current one first",
        True,
    ),
    V("LENDPORTAL_INDEX_KEY", optional_key, "", "base64 of 32 bytes: blind indexes", True),
    V("LENDPORTAL_GATEWAY_URL", url("http", "https"), "", "the payment gateway's API", True),
    V("LENDPORTAL_GATEWAY_API_KEY", text, "", "how the portal shows itself to the gateway", True),
    V("LENDPORTAL_GATEWAY_SECRETS", secrets, "", "webhook secrets, the current one first", True),
    V(
        "LENDPORTAL_PAYING_GATEWAY",
        choice("sandbox", "iso20022"),
        "sandbox",
        "who pays out: the gateway's API, or files",
    ),
    V("LENDPORTAL_BANK_FILES", folder, "", "folder of the bank's files; empty: PORTAL_HOME/bank-files"),
    V("LENDPORTAL_BANK_ACCOUNT", account_line, "", "the lender's own account: holder;number;bank"),
    V("LENDPORTAL_MODEL_DIR", folder, "", "folder of signed model files; empty: PORTAL_HOME/models"),
    V(
        "LENDPORTAL_MODEL_SIGNING_KEY",
        optional_key,
        "",
        "Ed25519 seed in base64; only where models are trained",
    ),
    V("LENDPORTAL_MODEL_PUBLIC_KEYS", public_keys, "", "Ed25519 public keys that may sign a model", True),
    V("LENDPORTAL_TRANSFERS_GRAPH", boolean, "0", "read how agreed neighbours in transfers pay their bills"),
    V("LENDPORTAL_PASSPORT_KEY", optional_key, "", "Ed25519 seed in base64 that signs credit passports"),
    V(
        "LENDPORTAL_PASSPORT_OLD_KEYS",
        public_keys,
        "",
        "public keys of seeds that signed passports before, in base64",
    ),
    V("LENDPORTAL_MEDIA_DIR", folder, "", "folder of uploads; empty: PORTAL_HOME/media"),
    V(
        "LENDPORTAL_SMS_BACKEND",
        text,
        "accounts.notifications.sms.ConsoleBackend",
        "class that sends text messages",
    ),
    V("LENDPORTAL_SMS_KEY_ID", text, "", "access key of the vendor of text messages"),
    V("LENDPORTAL_SMS_KEY_SECRET", text, "", "secret of that key"),
    V("LENDPORTAL_SMS_SIGN_NAME", text, "", "signature approved by the vendor"),
    V("LENDPORTAL_SMS_TEMPLATE", text, "", "code of the approved template with one variable"),
    V("LENDPORTAL_SMS_APP_ID", text, "", "Tencent alone: SmsSdkAppId"),
    V(
        "LENDPORTAL_SMS_ENDPOINT",
        url("http", "https"),
        "",
        "another address of the vendor; empty: its usual one",
    ),
    V(
        "LENDPORTAL_REGIME",
        choice("cn_demo", "cn", "us", "eu"),
        "cn_demo",
        "jurisdiction whose rules bind the portal",
    ),
    V(
        "LENDPORTAL_IDENTITY_PROVIDER",
        text,
        "",
        "class that checks identities; empty: the sandbox's, and in production a person's eyes",
    ),
    V("LENDPORTAL_STAFF_MFA", choice("required", "off"), "required", "staff need an authenticator app"),
    V("LENDPORTAL_TIME_ZONE", time_zone, "Asia/Shanghai", "the zone in which dates are told"),
    V(
        "LENDPORTAL_LOG_LEVEL",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
        "least level that is logged",
    ),
    V("SENTRY_DSN", url("https"), "", "where errors are reported, without personal data; empty: nowhere"),
    V("LENDPORTAL_METRICS", boolean, "0", "serve Prometheus figures at /metrics"),
    V("LENDPORTAL_METRICS_TOKEN", text, "", "bearer token that /metrics asks for"),
    V("LENDPORTAL_TASK_TIME_LIMIT", whole(5, 3600), "60", "seconds after which a task is killed"),
    V(
        "LENDPORTAL_VISIBILITY_TIMEOUT",
        whole(15, 43200),
        "300",
        "seconds before an unacknowledged task returns",
    ),
    V(
        "LENDPORTAL_LIMIT_FOR_ONE_OFFICER",
        whole(0, 300_000),
        "50000",
        "credit limit up to which one officer decides alone; above it two people are needed",
    ),
    V(
        "LENDPORTAL_SWEEP_SECONDS",
        whole(2, 60),
        "20",
        "seconds between two looks for work whose wake was lost",
    ),
    V(
        "LENDPORTAL_AUDIT_HEADS",
        text,
        "",
        "file for the marked heads of the audit trail, best on another disk; empty: audit-heads.jsonl in PORTAL_HOME",
    ),
    V("LENDPORTAL_GATEWAY_TIMEOUT", whole(1, 60), "10", "seconds to wait for the gateway's answer"),
    V("LENDPORTAL_RUN_TOKEN", text, "", "set by the portal command: /readyz repeats it"),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}
DEVELOPMENT_ONLY = {"PORTAL_HOME", "PG_BINDIR", "LENDPORTAL_RUN_TOKEN"}


def parse_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; refuse anything else, naming the line and not its content."""
    found: dict[str, str] = {}
    try:
        content = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise BadSetting(str(path.name), "must be UTF-8 text") from None
    except OSError as error:
        raise BadSetting(str(path.name), f"cannot be read: {error.strerror}") from None
    for number, line in enumerate(content.splitlines(), start=1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name.isidentifier():
            raise BadSetting(f"{path.name} line {number}", "expected NAME=value")
        if value[:1] in {'"', "'"}:
            if len(value) < 2 or value[-1] != value[0]:
                raise BadSetting(f"{path.name} line {number}", "a quotation mark is not closed")
            value = value[1:-1]
        found[name] = value
    return found


def refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, n=1)
            raise BadSetting(name, f"unknown{f'; did you mean {near[0]}?' if near else ''}")


def read_all(environment: Mapping[str, str]) -> dict[str, Any]:
    """Give every variable its typed value, or refuse the first that is wrong."""
    refuse_unknown(environment)
    values = {}
    for variable in VARIABLES:
        raw = environment.get(variable.name)
        if raw is None or (raw == "" and variable.default):
            raw = variable.default or ""
        values[variable.name] = variable.read(variable.name, raw.strip())
    if environment.get("TZ"):
        time_zone("TZ", environment["TZ"].lstrip(":"))
    refuse_contradictions(values)
    if values["LENDPORTAL_ENV"] == "production":
        refuse_unsafe(values)
    return values


def refuse_contradictions(values: Mapping[str, Any]) -> None:
    limit, visible = values["LENDPORTAL_TASK_TIME_LIMIT"], values["LENDPORTAL_VISIBILITY_TIMEOUT"]
    if visible <= 3 * limit:
        raise BadSetting(
            "LENDPORTAL_VISIBILITY_TIMEOUT",
            f"must be more than three times LENDPORTAL_TASK_TIME_LIMIT ({limit} s), or a slow task runs twice",
        )
    if values["LENDPORTAL_GATEWAY_TIMEOUT"] * 2 > limit:
        raise BadSetting("LENDPORTAL_GATEWAY_TIMEOUT", "must be at most half of LENDPORTAL_TASK_TIME_LIMIT")
    if values["LENDPORTAL_PAYING_GATEWAY"] == "iso20022" and not values["LENDPORTAL_BANK_ACCOUNT"][0]:
        raise BadSetting("LENDPORTAL_BANK_ACCOUNT", "is needed when LENDPORTAL_PAYING_GATEWAY=iso20022")
    if values["LENDPORTAL_METRICS"] and not values["LENDPORTAL_METRICS_TOKEN"]:
        raise BadSetting("LENDPORTAL_METRICS_TOKEN", "is needed when LENDPORTAL_METRICS=1")
    if values["DATABASE_URL"] and not urlsplit(values["DATABASE_URL"]).path.strip("/"):
        raise BadSetting("DATABASE_URL", "must end with the name of a database")


def refuse_unsafe(values: Mapping[str, Any]) -> None:
    """Refuse what may pass on a laptop but never where real money moves."""
    secret = values["SECRET_KEY"]
    if len(secret) < 50 or len(set(secret)) < 5 or any(word in secret.lower() for word in SAMPLE_SECRETS):
        raise BadSetting("SECRET_KEY", "set a random value of at least 50 characters")
    for variable in VARIABLES:
        if variable.required_in_production and not values[variable.name]:
            raise BadSetting(variable.name, f"is needed in production: {variable.help}")
    if values["DEBUG"]:
        raise BadSetting("DEBUG", "must be 0 in production")
    if any("*" in host for host in values["ALLOWED_HOSTS"]):
        raise BadSetting("ALLOWED_HOSTS", "must name the hosts in production, without *")
    for name in ("LENDPORTAL_PUBLIC_URL",):
        if not values[name].startswith("https://"):
            raise BadSetting(name, "must be https in production")
    if values["LENDPORTAL_STAFF_MFA"] != "required":
        raise BadSetting("LENDPORTAL_STAFF_MFA", "must be required in production")
    gateway = urlsplit(values["LENDPORTAL_GATEWAY_URL"])
    if gateway.scheme != "https":
        raise BadSetting("LENDPORTAL_GATEWAY_URL", "must be https in production")
    if place(values["REDIS_URL"]) == place(values["CACHE_URL"]):
        raise BadSetting(
            "CACHE_URL", "must be another Redis than REDIS_URL: a cleared cache would lose tasks"
        )


def place(address: str) -> tuple[str, int, str]:
    """Tell where a Redis lives, so that two spellings of one server are seen to be one."""
    parts = urlsplit(address)
    if parts.hostname is None:
        return ("", 0, parts.path)
    return (parts.hostname, parts.port or 6379, "")


def load(base: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Merge `.env` (not under test) below the real environment, and read it all."""
    given = dict(os.environ if environment is None else environment)
    file = base / ".env"
    if given.get("LENDPORTAL_ENV") != "test" and file.exists():
        given = {**parse_env_file(file), **given}
    return read_all(given)
