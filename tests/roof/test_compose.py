"""The compose file: read, and every command of it started outside a container, on servers of our own."""

import os
import shlex
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from lendportal.embedded.valkey import binary
from tests.plugins.servers import ROOT
from tests.roof.processes import clean_environment, free_port, get, running, until

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
OURS = ["migrate", "web", "worker", "beat", "bank"]


def test_it_has_every_part_with_a_health_check():
    assert set(SERVICES) == {"postgres", "redis", "cache", *OURS}
    for name, service in SERVICES.items():
        assert name == "migrate" or "healthcheck" in service, name


def test_it_waits_for_what_it_needs():
    for name in ("web", "worker", "beat", "bank"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert {row["condition"] for row in SERVICES["migrate"]["depends_on"].values()} == {"service_healthy"}


def test_the_database_s_volume_is_where_postgres_18_wants_it():
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_the_broker_throws_nothing_out():
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert SERVICES["web"]["environment"]["REDIS_URL"] != SERVICES["web"]["environment"]["CACHE_URL"]


def test_every_named_volume_exists():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_every_variable_is_known():
    from lendportal.environment import BY_NAME

    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= set(BY_NAME), name


def test_the_image_is_not_root_and_has_openmp():
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "\nUSER lendportal\n" in dockerfile
    assert "libgomp1" in dockerfile
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize("name", ["redis", "cache"])
def test_the_redis_command_is_understood_by_a_server(name, tmp_path):
    port = free_port()
    arguments = SERVICES[name]["command"][1:]
    server = str(binary(None))
    script = f"import os; os.execv({server!r}, {[server, *arguments, '--port', str(port), '--dir', str(tmp_path)]!r})"
    import redis

    def answers():
        try:
            return redis.Redis(port=port).config_get("maxmemory-policy")
        except redis.ConnectionError:
            return None

    with running(["-c", script], clean_environment(), tmp_path / "out.txt"):
        policy = until(answers, seconds=15, what="the server", output=tmp_path / "out.txt")
    assert policy == {"maxmemory-policy": "noeviction" if name == "redis" else "allkeys-lru"}


@pytest.fixture
def outside(transactional_db):
    """Give what a container would be given, with the servers of this test run in the places of compose's."""
    from django.conf import settings
    from django.db import connection

    with tempfile.TemporaryDirectory(prefix="lpc-", dir="/tmp") as folder:
        given = {
            "PORTAL_HOME": f"{folder}/home",
            "DATABASE_URL": settings.DATABASE_URL.replace(
                "/lendportal?", f"/{connection.settings_dict['NAME']}?"
            ),
            "REDIS_URL": os.environ["REDIS_URL"],
            "CACHE_URL": os.environ.get("CACHE_URL", ""),
            "LENDPORTAL_GATEWAY_URL": "http://127.0.0.1:9",
            "LENDPORTAL_PUBLIC_URL": "http://web:8000",
            "ALLOWED_HOSTS": "127.0.0.1,localhost,web",
        }
        if "?" not in settings.DATABASE_URL:
            head, _, _name = settings.DATABASE_URL.rpartition("/")
            given["DATABASE_URL"] = f"{head}/{connection.settings_dict['NAME']}"
        yield Path(folder), given


def translate(words, ports):
    """Put this machine's interpreter and free ports into a container's command."""
    text = " ".join(shlex.quote(word) for word in words).replace("$$", "$")
    for inside, outside_port in ports.items():
        text = text.replace(str(inside), str(outside_port))
    return text


def shell(text, environment, folder):
    environment = {**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}"}
    script = f"import os; os.execvpe('sh', ['sh', '-c', {'exec ' + text if not text.startswith('sh ') else text!r}], os.environ)"
    return running(["-c", script], environment, folder / "out.txt")


def wait_for_health(name, process, environment, folder, ports, *, seconds):
    test = SERVICES[name]["healthcheck"]["test"]
    words = test[1:]
    text = translate(words, ports) if test[0] == "CMD" else translate(["sh", "-c", words[0]], ports)

    def healthy():
        assert process.poll() is None, (folder / "out.txt").read_text("utf-8", "replace")[-3000:]
        with shell(text, environment, folder) as probe:
            return probe.wait(30) == 0

    until(healthy, seconds=seconds, what=f"the health of {name}", output=folder / "out.txt")


@pytest.mark.processes
@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_every_command_starts_outside_a_container(name, outside):
    folder, given = outside
    schedule = folder / "beat-schedule"
    ports = {8000: free_port(), 8001: free_port(), "/tmp/beat-schedule": schedule}
    own = {key: value for key, value in SERVICES[name]["environment"].items() if "${" not in str(value)}
    environment = clean_environment(**{**own, **given})
    text = translate(SERVICES[name]["command"], ports)
    with shell(text, environment, folder) as process:
        if name == "migrate":
            assert process.wait(400) == 0, (folder / "out.txt").read_text()
            return
        wait_for_health(name, process, environment, folder, ports, seconds=60)
        assert process.poll() is None
        if name == "web":
            assert get(f"http://127.0.0.1:{ports[8000]}/readyz")[0] == 200
