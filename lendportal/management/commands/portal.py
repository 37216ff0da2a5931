"""Run the portal on this machine: servers, bank, web, worker and beat, until Ctrl-C."""

from __future__ import annotations

import errno
import hashlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from lendportal import messages
from lendportal.embedded.process import CannotStart
from lendportal.supervisor import Plan, Supervisor, free_port


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not create the demo population")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            self.refuse(
                "the portal command is for one machine; in production start each process (docker-compose.yml)"
            )
        try:
            supervisor = Supervisor(self.plan(), say=self.say)
            wanted = not options["no_demo"] and "seed_demo" in get_commands()
            supervisor.run(self.prepare, self.seed if wanted else None)
        except CannotStart as error:
            self.refuse(str(error))
        except DatabaseError as error:
            self.refuse(f"the database refuses: {str(error).strip().splitlines()[0]}")
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                self.refuse(f"the disk is full: {error.filename or settings.PORTAL_HOME}")
            if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM}:
                self.refuse(f"cannot write: {error.filename or error}")
            raise

    def refuse(self, line: str) -> None:
        self.stderr.write(f"lendportal: {line}")
        raise SystemExit(2)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def plan(self) -> Plan:
        env = settings.ENV
        bank = None if env["LENDPORTAL_GATEWAY_URL"] else free_port(settings.PORT + 1, avoid=settings.PORT)
        return Plan(
            base=settings.BASE_DIR,
            home=settings.PORTAL_HOME,
            where=settings.EMBEDDED,
            port=settings.PORT,
            bank_port=bank,
            shop_port=free_port(settings.PORT + 2, avoid=bank) if bank else None,
            own_database=not env["DATABASE_URL"],
            own_broker=not env["REDIS_URL"],
            pg_bindir=env["PG_BINDIR"],
            web_processes=env["WEB_CONCURRENCY"],
            web_threads=env["LENDPORTAL_WEB_THREADS"],
            worker_processes=env["LENDPORTAL_WORKER_PROCESSES"],
        )

    def prepare(self, supervisor: Supervisor) -> None:
        """Bring tables, messages and static files up to date; each only when something changed."""
        settings.EMBEDDED.logs.mkdir(parents=True, exist_ok=True)
        executor = MigrationExecutor(connections["default"])
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            supervisor.say(f"migrating ({len(pending)} steps)")
            call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
        compiled = messages.compile_all(settings.BASE_DIR)
        if compiled:
            supervisor.say(f"compiled {compiled} messages")
        stamp = settings.STATIC_ROOT / ".collected"
        mark = static_mark()
        if not stamp.exists() or stamp.read_text() != mark:
            supervisor.say("collecting static files")
            call_command("collectstatic", verbosity=0, interactive=False, clear=False)
            stamp.write_text(mark)

    def seed(self, supervisor: Supervisor) -> None:
        """Create the demo population once; the seed itself tells how far it is."""
        if not (settings.PORTAL_HOME / "demo_accounts.json").exists():
            supervisor.say("creating the demo population and training the first model")
            supervisor.command("seed_demo")
        if supervisor.plan.shop_port:
            supervisor.command("seed_shop", "--shop-url", f"http://127.0.0.1:{supervisor.plan.shop_port}")


def static_mark() -> str:
    """Sum up every static file by name, size and time, so that an unchanged set is not collected again."""
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            info = os.stat(Path(storage.path(name)))
            digest.update(f"{name}:{info.st_size}:{info.st_mtime_ns}\n".encode())
    return digest.hexdigest()
