"""The portal command with its real processes: up, watched, down, and nobody left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.plugins.servers import ROOT
from tests.roof.processes import clean_environment, free_port, get, holding, running, until

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.xdist_group("processes")]


@pytest.fixture
def home():
    # not below pytest's own folder: a socket's path is short, and the servers' user must be let in
    folder = Path(tempfile.mkdtemp(prefix="lpp-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


def portal(home, port, **more):
    (home.parent / "out.txt").unlink(missing_ok=True)
    environment = clean_environment(PORTAL_HOME=home, PORT=port, WEB_CONCURRENCY=1, **more)
    return running(["manage.py", "portal", "--no-demo"], environment, home.parent / "out.txt")


def ready(home, port, process):
    text = f"lendportal is ready at http://127.0.0.1:{port}/"
    output = home.parent / "out.txt"
    until(
        lambda: text in output.read_text() or process.poll() is not None,
        seconds=300,
        what="the ready line",
        output=output,
    )
    assert process.poll() is None, output.read_text()


def log_says(home, name, words):
    path = home / "log" / f"{name}.log"
    return path.exists() and words in path.read_text("utf-8", "replace")


def every_process(home):
    until(lambda: log_says(home, "worker", "ready."), seconds=60, what="the worker")
    until(lambda: log_says(home, "beat", "beat: Starting"), seconds=60, what="beat")
    names = " ".join(holding(str(home)).values())
    for part in (
        "postgres",
        "valkey-server",
        "gunicorn",
        "celery -A lendportal worker",
        "celery -A lendportal beat",
    ):
        assert part in names, names


def refuses_a_second(home, port):
    ended = subprocess.run(
        [sys.executable, "manage.py", "portal", "--no-demo"],
        cwd=ROOT,
        env=clean_environment(PORTAL_HOME=home, PORT=free_port()),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "already runs" in ended.stderr
    assert get(f"http://127.0.0.1:{port}/readyz")[0] == 200


def starts_a_killed_worker_again(home, port):
    worker = min(pid for pid, line in holding(str(home)).items() if "celery -A lendportal worker" in line)
    os.kill(worker, signal.SIGKILL)
    again = "worker ended (code -9); starting it again"
    until(lambda: again in (home.parent / "out.txt").read_text(), seconds=10, what="the restart")
    assert get(f"http://127.0.0.1:{port}/readyz")[0] == 200


def test_its_whole_life(home):
    """Walk through one life and a second: each start costs seconds, so the parts share them."""
    port = free_port()
    with portal(home, port) as process:
        ready(home, port, process)
        every_process(home)
        assert oct((home / "secrets.env").stat().st_mode)[-3:] == "600"
        refuses_a_second(home, port)
        starts_a_killed_worker_again(home, port)
        stranger = subprocess.Popen(["sleep", "120"])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert stranger.poll() is None, "somebody else's process was ended"
        stranger.kill()
        stranger.wait()
    assert holding(str(home)) == {}, "Ctrl-C leaves nobody behind"
    first = (home / "secrets.env").read_text()
    with portal(home, port) as process:
        ready(home, port, process)
        assert "migrating" not in (home.parent / "out.txt").read_text(), (
            "the second start does only what is new"
        )
        assert (home / "secrets.env").read_text() == first, "the second start keeps what the first made"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(5)
        until(lambda: not holding(str(home)), seconds=60, what="the end of every child of a killed portal")


def refused(home, **environment):
    ended = subprocess.run(
        [sys.executable, "manage.py", "portal", "--no-demo"],
        cwd=ROOT,
        env=clean_environment(PORTAL_HOME=home, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    told = [line for line in ended.stderr.splitlines() if line.strip()]
    assert ended.returncode == 2, ended.stderr
    assert len(told) == 1, ended.stderr
    assert holding(str(home)) == {}
    return told[0]


def test_it_refuses_a_port_in_use(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refused(home, PORT=port)


def test_it_refuses_a_port_that_is_none(home):
    assert "PORT: must be a whole number" in refused(home, PORT="eighty")


def test_it_refuses_a_database_that_is_not_there(home):
    told = refused(home, PORT=free_port(), DATABASE_URL=f"postgres://u:sesame@127.0.0.1:{free_port()}/x")
    assert "database" in told
    assert "sesame" not in told


def test_it_refuses_production(home):
    from tests.roof.test_environment import GOOD

    assert "in production start each process" in refused(home, **GOOD)


def test_reset_removes_the_folder_and_nothing_else(home):
    home.mkdir(parents=True)
    (home / "precious.txt").write_text("not ours")
    command = [sys.executable, "-m", "lendportal.embedded.reset"]
    ended = subprocess.run(
        command, cwd=ROOT, env=clean_environment(PORTAL_HOME=home), capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert (home / "precious.txt").exists()
    (home / "secrets.env").write_text("")
    assert (
        subprocess.run(command, cwd=ROOT, env=clean_environment(PORTAL_HOME=home), check=False).returncode
        == 0
    )
    assert not home.exists()
    assert home.parent.exists()


@pytest.fixture
def small_disk(home):
    """A disk of 20 MB, where this machine lets us mount one."""
    home.mkdir(parents=True)
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(home)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("this machine does not let us mount a small disk")
    yield home
    subprocess.run(["umount", str(home)], check=True)


def test_it_refuses_a_full_disk_before_anything_starts(small_disk):
    told = refused(small_disk, PORT=free_port())
    assert "MB free; 300 MB are needed" in told
    assert str(small_disk) in told
    assert not (small_disk / "pgdata").exists()


def test_a_file_that_cannot_grow_is_one_line_too(home):
    """The same met half way: the system refuses to write although there was room at first."""
    code = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000));"
        "sys.argv = ['manage.py', 'portal', '--no-demo']; runpy.run_path('manage.py', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean_environment(PORTAL_HOME=home, PORT=free_port()),
        capture_output=True,
        text=True,
        timeout=90,
    )
    told = [line for line in ended.stderr.splitlines() if line.strip()]
    assert (ended.returncode, len(told)) == (2, 1), ended.stderr
    assert holding(str(home)) == {}


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python3"])
def test_make_refuses_a_wrong_python_in_one_line(tmp_path, python):
    ended = subprocess.run(
        ["sh", "lendportal/setup.sh", "run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHON": python, "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [f"lendportal: PYTHON={python} is not Python 3.11 or newer"]
    assert not (tmp_path / "venv").exists()


def test_make_refuses_when_there_is_only_an_old_python(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cksum", "cut", "df", "awk", "cat"):
        (tools / name).symlink_to(shutil.which(name))
    old = tools / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    ended = subprocess.run(
        [tools / "sh", "lendportal/setup.sh", "run"],
        cwd=ROOT,
        env={"PATH": str(tools), "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("lendportal: needs Python 3.11 or newer (found: Python 3.9.2)")
    assert len(ended.stderr.splitlines()) == 1


def test_a_wish_to_stop_that_comes_while_a_child_starts_ends_that_child_too(home, monkeypatch):
    """The child runs already, and nobody has noted it yet: just then somebody presses Ctrl-C."""
    from lendportal import supervisor
    from lendportal.embedded.process import spawn

    spawned = []

    def spawn_and_interrupt(*words, **options):
        process = spawn(*words, **options)
        spawned.append(process)
        os.kill(os.getpid(), signal.SIGINT)
        return process

    monkeypatch.setattr(supervisor, "spawn", spawn_and_interrupt)
    boss = supervisor.Supervisor(None, say=lambda line: None)
    child = supervisor.Child(
        "sleeper", ["/bin/sleep", "60"], dict(os.environ), home.parent / "log", home.parent
    )
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, boss._asked_to_stop)
    try:
        with pytest.raises(supervisor.Stopped):
            boss.launch(child)
        boss.stop_all()
        assert spawned[0].poll() is not None, "a child was left behind"
    finally:
        spawned[0].kill()
        for number, handler in before.items():
            signal.signal(number, handler)
