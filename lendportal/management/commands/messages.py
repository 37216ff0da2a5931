"""Find, check and compile the messages that people read; needs no gettext tools."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lendportal import messages


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--update", action="store_true", help="add new messages to each room's .po")
        parser.add_argument("--check", action="store_true", help="fail when a message is not translated")
        parser.add_argument("--compile", action="store_true", help="write django.mo")

    def handle(self, *args: Any, **options: Any) -> None:
        if not any(options[name] for name in ("update", "check", "compile")):
            raise CommandError("say what to do: --update, --check or --compile")
        try:
            self.work(options)
        except messages.BrokenMessages as error:
            raise CommandError(str(error)) from None

    def work(self, options: dict[str, Any]) -> None:
        base = settings.BASE_DIR
        if options["update"]:
            for room, count in sorted(messages.update(base).items()):
                self.stdout.write(f"{room}.po: {count} to translate")
        if options["compile"]:
            self.stdout.write(f"{messages.compile_all(base, force=True)} messages compiled")
        if options["check"]:
            found = messages.complaints(base)
            for line in found:
                self.stderr.write(line)
            if found:
                raise CommandError(f"{len(found)} messages are not in order")
            self.stdout.write(
                f"{len({use.key for use in messages.find_uses(base)})} messages, all translated"
            )
