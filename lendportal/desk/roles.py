"""Who may see and do what at the desk: one table, written to Django's groups after each migration."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

VIEW_CREDIT = ("credit.*",)
VIEW_MONEY = ("ledger.*", "loans.*")
VIEW_RISK = ("risk.*",)
VIEW_PEOPLE = ("accounts.borrower", "accounts.businessprofile", "accounts.businessmember", "accounts.identity",
               "accounts.consent", "accounts.bankaccount", "accounts.notice")  # fmt: skip
AUDIT = ("accounts.auditentry", "accounts.proposal")

# acts that need two people: kind -> (roles that propose, roles that approve)
CHECKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "role_grant": (("Administrator",), ("Administrator",)),
}

# verbs of the desk beyond viewing: (app, codename) -> (model that it is listed under, name)
VERBS: dict[tuple[str, str], tuple[str, str]] = {
    ("credit", "decide_application"): ("application", "Can decide an application and answer a borrower"),
    ("credit", "freeze_line"): ("creditline", "Can freeze and release a line"),
    ("ledger", "close_period"): ("bookdate", "Can close a month for good"),
    ("loans", "post_provisions"): ("provisionrun", "Can post provisions for losses"),
    ("credit", "move_business_date"): ("nightrun", "Can move the business date of a sandbox"),
}
for _kind in CHECKED:
    VERBS["accounts", f"propose_{_kind}"] = ("proposal", f"Can propose: {_kind}")
    VERBS["accounts", f"approve_{_kind}"] = ("proposal", f"Can approve: {_kind}")

# role -> (objects that it may view, verbs that it may carry out)
ROLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Credit officer": (
        (*VIEW_CREDIT, *VIEW_MONEY, *VIEW_RISK, *VIEW_PEOPLE),
        ("credit.decide_application", "credit.freeze_line"),
    ),
    "Risk analyst": ((*VIEW_CREDIT, *VIEW_RISK), ()),
    "Finance": ((*VIEW_MONEY, *VIEW_CREDIT), ("ledger.close_period", "loans.post_provisions")),
    "Support": (("credit.*", "loans.loan", "loans.instalment", "accounts.borrower", "accounts.notice"), ()),
    "Auditor": ((*VIEW_CREDIT, *VIEW_MONEY, *VIEW_RISK, *VIEW_PEOPLE, *AUDIT), ()),
    "Administrator": (
        (*VIEW_CREDIT, *VIEW_MONEY, *VIEW_RISK, *VIEW_PEOPLE, *AUDIT, "accounts.user"),
        ("credit.move_business_date",),
    ),
}


def write_groups(**kwargs: Any) -> None:
    """Make Django's groups equal to the table; a permission that left the table leaves the group."""
    for config in apps.get_app_configs():
        create_permissions(
            config, verbosity=0
        )  # the signal of the last room comes before its permissions are written
    for (app, codename), (model, name) in VERBS.items():
        listed = ContentType.objects.filter(app_label=app, model=model).first()
        if listed is None:
            return  # the tables of that room are still being made; its own signal comes later
        Permission.objects.get_or_create(content_type=listed, codename=codename, defaults={"name": name})
    for role, (objects, verbs) in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(_permissions(objects, (*verbs, *checked_verbs(role))))


def checked_verbs(role: str) -> tuple[str, ...]:
    """Return the permissions of a role to propose and to approve what needs two people."""
    made = [f"accounts.propose_{kind}" for kind, (makers, _checkers) in CHECKED.items() if role in makers]
    checked = [
        f"accounts.approve_{kind}" for kind, (_makers, checkers) in CHECKED.items() if role in checkers
    ]
    return (*made, *checked)


def _permissions(objects: tuple[str, ...], verbs: tuple[str, ...]) -> list[Permission]:
    wanted = Q(pk__in=[])
    for name in objects:
        app, _, model = name.partition(".")
        found = Q(content_type__app_label=app, codename__startswith="view_")
        wanted |= found if model == "*" else found & Q(content_type__model=model)
    for name in verbs:
        app, _, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
