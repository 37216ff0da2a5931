"""Every variable is read strictly; a wrong one is named and its value is not repeated."""

import base64
import os
import subprocess
import sys

import pytest

from lendportal.environment import VARIABLES, parse_env_file, read_all
from lendportal.environment_readers import BadSetting
from tests.plugins.servers import ROOT

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "LENDPORTAL_ENV": "production",
    "SECRET_KEY": "h7Qk2mVx9TzLr4Bn6Wc8Yp3Df5Gs1Jt0Ua_Ei-Oq.KvNwXbMzRyPa",
    "ALLOWED_HOSTS": "lend.cooperative.cn",
    "DATABASE_URL": "postgres://lend:sesame@db:5432/lendportal",
    "REDIS_URL": "redis://broker:6379/0",
    "CACHE_URL": "redis://cache:6379/0",
    "LENDPORTAL_PUBLIC_URL": "https://lend.cooperative.cn",
    "LENDPORTAL_FIELD_KEYS": f"k1:{KEY}",
    "LENDPORTAL_INDEX_KEY": KEY,
    "LENDPORTAL_GATEWAY_URL": "https://pay.bank.cn/v1",
    "LENDPORTAL_GATEWAY_API_KEY": "gw_live_1234567890",
    "LENDPORTAL_GATEWAY_SECRETS": "0123456789abcdef0123456789abcdef",
    "LENDPORTAL_MODEL_PUBLIC_KEYS": KEY,
}
REFUSED = [
    ("SECRET_KEY", None, "SECRET_KEY: set a random value of at least 50 characters"),
    ("SECRET_KEY", "short", "at least 50 characters"),
    ("SECRET_KEY", "changeme" * 8, "at least 50 characters"),
    ("SECRET_KEY", "a" * 60, "at least 50 characters"),
    ("DEBUG", "1", "DEBUG: must be 0"),
    ("DEBUG", "maybe", "DEBUG: must be 1 or 0"),
    ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
    ("ALLOWED_HOSTS", "*.cn", "ALLOWED_HOSTS"),
    ("ALLOWED_HOSTS", None, "ALLOWED_HOSTS: is needed"),
    ("DATABASE_URL", "sqlite:///lend.db", "DATABASE_URL: must be a URL that begins with postgres://"),
    ("DATABASE_URL", "postgres://lend:sesame@db:99999/lendportal", "DATABASE_URL"),
    ("DATABASE_URL", "postgres://lend:sesame@db:5432/", "DATABASE_URL: must end with the name"),
    ("DATABASE_URL", "lendportal", "DATABASE_URL"),
    ("REDIS_URL", "http://broker", "REDIS_URL"),
    ("CACHE_URL", "redis://broker:6379/1", "CACHE_URL: must be another Redis than REDIS_URL"),
    ("CACHE_URL", "redis://user:word@broker/5", "CACHE_URL: must be another Redis"),
    ("LENDPORTAL_PUBLIC_URL", "http://lend.cooperative.cn", "LENDPORTAL_PUBLIC_URL: must be https"),
    ("LENDPORTAL_GATEWAY_URL", "http://pay.bank.cn", "LENDPORTAL_GATEWAY_URL: must be https"),
    ("LENDPORTAL_GATEWAY_SECRETS", "short", "LENDPORTAL_GATEWAY_SECRETS: needs secrets of at least 32"),
    ("LENDPORTAL_FIELD_KEYS", None, "LENDPORTAL_FIELD_KEYS: is needed"),
    ("LENDPORTAL_FIELD_KEYS", KEY, "LENDPORTAL_FIELD_KEYS: must be id:base64"),
    ("LENDPORTAL_FIELD_KEYS", "k1:abcd", "LENDPORTAL_FIELD_KEYS: must be 32 bytes"),
    ("LENDPORTAL_FIELD_KEYS", "k1:no base64!", "LENDPORTAL_FIELD_KEYS: must be base64"),
    ("LENDPORTAL_FIELD_KEYS", f"k1:{KEY},k1:{KEY}", "LENDPORTAL_FIELD_KEYS: has the key id k1 twice"),
    ("LENDPORTAL_INDEX_KEY", "x", "LENDPORTAL_INDEX_KEY"),
    ("LENDPORTAL_TASK_TIME_LIMIT", "abc", "LENDPORTAL_TASK_TIME_LIMIT: must be a whole number"),
    ("LENDPORTAL_TASK_TIME_LIMIT", "-1", "LENDPORTAL_TASK_TIME_LIMIT: must be a whole number"),
    ("LENDPORTAL_TASK_TIME_LIMIT", "٦٠", "LENDPORTAL_TASK_TIME_LIMIT: must be a whole number"),
    ("LENDPORTAL_TASK_TIME_LIMIT", "100", "LENDPORTAL_VISIBILITY_TIMEOUT: must be more than three times"),
    ("LENDPORTAL_TIME_ZONE", "Mars/Olympus", "LENDPORTAL_TIME_ZONE: must be a time zone"),
    ("TZ", "Mars", "TZ: must be a time zone"),
    ("PORT", "70000", "PORT: must be a whole number"),
    ("LENDPORTAL_REGIME", "xx", "LENDPORTAL_REGIME: must be one of cn_demo"),
    ("LENDPORTAL_ENV", "prodution", "did you mean production?"),
    ("LENDPORTAL_ADMIN_PATH", "../etc", "LENDPORTAL_ADMIN_PATH"),
    ("LENDPORTAL_METRICS", "1", "LENDPORTAL_METRICS_TOKEN: is needed"),
    (
        "LENDPORTAL_GATWAY_URL",
        "https://x",
        "LENDPORTAL_GATWAY_URL: unknown; did you mean LENDPORTAL_GATEWAY_URL?",
    ),
    ("LENDPORTAL_XYZZY", "1", "LENDPORTAL_XYZZY: unknown"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), REFUSED)
def test_it_refuses_a_wrong_value_and_names_the_variable(name, value, sentence):
    given = {key: item for key, item in {**GOOD, name: value}.items() if item is not None}
    with pytest.raises(BadSetting) as refused:
        read_all(given)
    told = str(refused.value)
    assert sentence in told
    assert "sesame" not in told
    if value and len(value) > 6 and name not in told[:0]:
        assert value not in told.replace(name, "")


def test_it_accepts_a_whole_production_environment():
    values = read_all(GOOD)
    assert values["LENDPORTAL_FIELD_KEYS"] == {"k1": bytes(range(32))}
    assert values["ALLOWED_HOSTS"] == ["lend.cooperative.cn"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("PORT 8000", ".env line 1: expected NAME=value"),
        ('A=1\nSECRET_KEY="open', ".env line 2: a quotation mark is not closed"),
        ("<<<<<<< HEAD", ".env line 1"),
    ],
)
def test_it_refuses_a_broken_env_file_and_names_the_line(tmp_path, content, sentence):
    path = tmp_path / ".env"
    path.write_text(content)
    with pytest.raises(BadSetting, match=sentence.replace(".", r"\.")):
        parse_env_file(path)


def test_the_example_lists_every_variable_and_nothing_else():
    example = parse_env_file(ROOT / ".env.example")
    assert set(example) == {variable.name for variable in VARIABLES}
    assert read_all(example)["LENDPORTAL_ENV"] == "sandbox"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"LENDPORTAL_ENV": "production"}, "SECRET_KEY: set a random value of at least 50 characters"),
        ({**GOOD, "DEBUG": "1"}, "DEBUG: must be 0 in production"),
        ({**GOOD, "LENDPORTAL_GATWAY_URL": "x"}, "did you mean LENDPORTAL_GATEWAY_URL?"),
    ],
)
@pytest.mark.parametrize("door", [["manage.py", "check"], ["-c", "import lendportal.wsgi"]])
def test_no_door_opens_with_a_wrong_environment(tmp_path, given, sentence, door):
    clean = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), **given}
    ended = subprocess.run(
        [sys.executable, *door], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_production_settings_are_hardened(tmp_path):
    script = (
        "from django.conf import settings as s; import json;"
        "print(json.dumps([s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS,"
        "s.SESSION_COOKIE_NAME, s.DEBUG, s.PASSWORD_HASHERS[0], s.STORAGES['staticfiles']['BACKEND']]))"
    )
    clean = {
        "PATH": os.environ["PATH"],
        "PORTAL_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "lendportal.settings",
    }
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**clean, **GOOD},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == (
        '[true, true, true, 31536000, "__Host-sessionid", false, "django.contrib.auth.hashers.Argon2PasswordHasher", '
        '"lendportal.static_storage.Gzipped"]'
    )
    assert not (tmp_path / "secrets.env").exists(), "production makes up no secrets"


def test_production_passes_django_s_own_check():
    """`manage.py check --deploy` is silent in a whole production environment."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ},
        **GOOD,
        "LENDPORTAL_INDEX_KEY": base64.b64encode(bytes(range(32, 64))).decode(),
        "LENDPORTAL_SMS_BACKEND": "accounts.notifications.sms.MemoryBackend",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
