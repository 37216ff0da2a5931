"""Run the sandbox bank: a process of its own, which knows of the portal only what it is told here."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Run the sandbox bank. It refuses to run in production."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT + 1, help="port to listen on")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--threads", type=int, default=8)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The sandbox bank is no bank: it does not run in production.", returncode=2)
        from gunicorn.app.base import BaseApplication

        for name, value in self.told().items():
            os.environ.setdefault(name, value)

        class Server(BaseApplication):  # type: ignore[misc]
            def load_config(self) -> None:
                self.cfg.set("bind", f"{options['host']}:{options['port']}")
                self.cfg.set("workers", 1)
                self.cfg.set("worker_class", "gthread")
                self.cfg.set("threads", options["threads"])
                self.cfg.set("timeout", 120)
                self.cfg.set("graceful_timeout", 5)
                self.cfg.set("proc_name", "sandbox-bank")
                self.cfg.set("control_socket_disable", True)
                self.cfg.set("post_worker_init", lambda worker: self.bank.ready())

            def load(self) -> Any:
                from loans.sandbox_bank.wsgi import application

                self.bank = application
                return application

        Server().run()

    def told(self) -> dict[str, str]:
        return {
            "BANK_DATABASE_URL": settings.DATABASE_URL,
            "BANK_API_KEY": settings.GATEWAY_API_KEY,
            "BANK_WEBHOOK_SECRET": settings.GATEWAY_SECRETS[0],
            "BANK_WEBHOOK_URL": f"{settings.PUBLIC_URL.rstrip('/')}/gateway/sandbox/webhook/",
        }
