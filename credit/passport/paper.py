"""The passport on paper: the PDF carries the signed document itself, so that the file alone can be verified."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.papers import Paper, Section, to_pdf
from accounts.templatetags.portal import day
from credit.domain.passport import carry, show_code
from credit.models import Passport
from credit.passport.words import parts_of


def verify_url(passport: Passport) -> str:
    """Give the public address at which this passport is verified."""
    return f"{settings.PUBLIC_URL}{reverse('credit:passport-verify')}?code={show_code(passport.code)}"


def to_paper(passport: Passport) -> bytes:
    """Write the PDF of a passport in the language of the moment."""
    body = passport.document["passport"]
    sections = tuple(Section(title=part.title, pairs=part.pairs) for part in parts_of(passport.document))
    seal = Section(
        title=_("How to verify it"),
        text=(_("Open the address and type the code, or give this file there. Trust what that page shows."),),
        pairs=(
            (_("Code"), show_code(passport.code)),
            (_("Address"), f"{settings.PUBLIC_URL}{reverse('credit:passport-verify')}"),
            (_("Fingerprint (SHA-256)"), passport.fingerprint),
            (_("Key"), passport.document["signature"]["key"]),
        ),
    )
    paper = Paper(
        name=f"credit-passport-{passport.code[:4]}",
        title=_("Credit passport"),
        subtitle=_(
            "As of %(as_of)s, valid until %(until)s. It says what its holder released, and nothing else."
        )
        % {
            "as_of": day(date.fromisoformat(body["as_of"])),
            "until": day(date.fromisoformat(body["valid_until"])),
        },
        day=passport.issued_date,
        sections=(*sections, seal),
        small=(
            _(
                "This paper is a report about the past. It is no promise of credit and no guarantee of payment."
            ),
        ),
        footer=f"lendportal · {show_code(passport.code)}",
    )
    return carry(to_pdf(paper), passport.document)
