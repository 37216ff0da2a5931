"""Carry one notice over one channel."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage

from accounts.models import Borrower, BusinessMember, Notice, User
from accounts.notifications.kinds import Message, render
from accounts.notifications.sms import sms_backend


class NoAddress(Exception):
    """Say that the borrower cannot be reached on this channel."""


def recipients(*, borrower: Borrower) -> list[User]:
    """Return who is told: the person, or the owners of the business."""
    if borrower.kind == Borrower.Kind.PERSON:
        return [borrower.user] if borrower.user and borrower.user.is_active else []
    owners = BusinessMember.objects.filter(
        business=borrower, role=BusinessMember.Role.OWNER, is_active=True, user__is_active=True
    )
    return [member.user for member in owners.select_related("user").order_by("pk")]


def deliver(*, notice: Notice) -> None:
    """Send a notice, outside any transaction; raise NoAddress when there is nobody to send it to."""
    message = render(kind=notice.kind, params=notice.params, language=notice.language)
    people = recipients(borrower=notice.borrower)
    if notice.channel == Notice.Channel.EMAIL:
        _mail(notice=notice, message=message, people=people)
    elif notice.channel == Notice.Channel.SMS:
        _text(notice=notice, message=message, people=people)


def _mail(*, notice: Notice, message: Message, people: list[User]) -> None:
    addresses = [user.email for user in people if user.email]
    if not addresses:
        raise NoAddress
    body = f"{message.body}\n\n{settings.PUBLIC_URL}\n"
    # the same Message-ID on every try: a mail server that saw the first drops the second
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    for address in addresses:
        EmailMessage(
            subject=" ".join(message.subject.split()),
            body=body,
            to=[address],
            headers={"Message-ID": f"<{notice.ref}@{host}>", "Auto-Submitted": "auto-generated"},
        ).send()


def _text(*, notice: Notice, message: Message, people: list[User]) -> None:
    phones = [user.phone for user in people if user.phone and user.phone_verified_at]
    if not phones:
        raise NoAddress
    for phone in phones:
        sms_backend().send(phone=phone, text=message.sms, reference=str(notice.ref))
