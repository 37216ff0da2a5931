"""Write the table of `policy.py` to Django's groups after each migration, so that every question has one answer."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from lendportal.desk.policy import CHECKED, ROLES, RULES, VERBS, checked_verbs, permission_names

__all__ = ["CHECKED", "permissions_of", "write_groups"]


def _own_verbs() -> dict[tuple[str, str], tuple[str, str]]:
    """Return (app, codename) -> (model that it is listed under, name) of every verb that Django does not make itself."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for rule in RULES:
        if rule.verb in VERBS:
            for name in rule.objects:
                app, _dot, model = name.partition(".")
                found[app, rule.verb] = (model, VERBS[rule.verb])
    for kind in CHECKED:
        found["accounts", f"propose_{kind}"] = ("proposal", f"Can propose: {kind}")
        found["accounts", f"approve_{kind}"] = ("proposal", f"Can approve: {kind}")
    return found


def write_groups(**kwargs: Any) -> None:
    """Make Django's groups equal to the table; a permission that left the table leaves the group."""
    for config in apps.get_app_configs():
        create_permissions(
            config, verbosity=0
        )  # the signal of the last room comes before its permissions are written
    for (app, codename), (model, name) in _own_verbs().items():
        listed = ContentType.objects.filter(app_label=app, model=model).first()
        if listed is None:
            return  # the tables of that room are still being made; its own signal comes later
        Permission.objects.get_or_create(content_type=listed, codename=codename, defaults={"name": name})
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(permissions_of(role))


def permissions_of(role: str) -> list[Permission]:
    """Return the rows of Django's permissions that the table gives a role."""
    wanted = Q(pk__in=[])
    for name, verb in permission_names(role):
        app, _dot, model = name.partition(".")
        if verb == "view":
            found = Q(content_type__app_label=app, codename__startswith="view_") & ~Q(codename__in=VERBS)
            wanted |= found if model == "*" else found & Q(content_type__model=model)
        else:
            wanted |= Q(content_type__app_label=app, codename=verb)
    for name in checked_verbs(role):
        app, _dot, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted).select_related("content_type"))
