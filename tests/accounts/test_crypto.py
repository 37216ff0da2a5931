"""Sealed fields: tampering, moving and lost keys are seen, never guessed around."""

from __future__ import annotations

import base64
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.checks import field_keys_are_usable
from accounts.crypto import Sealed, Tampered, UnknownKey, blind_index, key_id_of
from accounts.crypto.keys import index_key, key_ring
from accounts.models import BankAccount, Identity, User
from tests.factories import BankAccountFactory, IdentityFactory, UserFactory

OLD, NEW = b"o" * 32, b"n" * 32


def stored(model: type, pk: int, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM {model._meta.db_table} WHERE id = %s', [pk])
        return cursor.fetchone()[0]


def overwrite(model: type, pk: int, column: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE {model._meta.db_table} SET "{column}" = %s WHERE id = %s', [value, pk])


@pytest.mark.django_db
class TestASealedField:
    def test_it_refuses_a_changed_ciphertext(self) -> None:
        identity = IdentityFactory()
        head, _, body = stored(Identity, identity.pk, "number").rpartition(":")
        raw = bytearray(base64.b64decode(body))
        raw[-1] ^= 1
        overwrite(Identity, identity.pk, "number", f"{head}:{base64.b64encode(bytes(raw)).decode()}")
        with pytest.raises(Tampered):
            Identity.objects.get(pk=identity.pk).number  # noqa: B018

    def test_it_refuses_a_ciphertext_of_another_row(self) -> None:
        mine, theirs = BankAccountFactory(), BankAccountFactory()
        overwrite(BankAccount, mine.pk, "number", stored(BankAccount, theirs.pk, "number"))
        with pytest.raises(Tampered):
            BankAccount.objects.get(pk=mine.pk).number  # noqa: B018

    def test_it_refuses_a_ciphertext_of_another_column(self) -> None:
        account = BankAccountFactory()
        overwrite(BankAccount, account.pk, "number", stored(BankAccount, account.pk, "holder_name"))
        with pytest.raises(Tampered):
            BankAccount.objects.get(pk=account.pk).number  # noqa: B018

    def test_it_refuses_plain_text_in_the_column(self) -> None:
        account = BankAccountFactory()
        overwrite(BankAccount, account.pk, "number", "6222020000000000001")
        with pytest.raises(Tampered):
            BankAccount.objects.get(pk=account.pk).number  # noqa: B018

    def test_it_refuses_to_open_without_the_key(self, settings) -> None:
        account = BankAccountFactory()
        settings.FIELD_KEYS = {"other": OLD}
        with pytest.raises(UnknownKey):
            BankAccount.objects.get(pk=account.pk).number  # noqa: B018

    def test_it_refuses_to_be_searched_or_set_in_bulk(self) -> None:
        account = BankAccountFactory()
        with pytest.raises(TypeError):
            BankAccount.objects.filter(number=account.number).exists()
        with pytest.raises(TypeError):
            BankAccount.objects.update(number="1")

    def test_it_reads_what_was_written_and_hides_it_elsewhere(self, caplog) -> None:
        account = BankAccountFactory(number="6222020000000000015", holder_name="王小明")
        again = BankAccount.objects.get(pk=account.pk)
        assert (again.number, again.holder_name) == ("6222020000000000015", "王小明")
        raw = stored(BankAccount, account.pk, "number")
        assert raw.startswith("v1:")
        assert "62220200" not in raw
        values = BankAccount.objects.values("number").get(pk=account.pk)
        assert "6222" not in repr(values)
        assert str(values["number"]) == "***"
        logging.getLogger("t").warning("%s %r", again, again.__dict__)
        assert "62220200" not in caplog.text

    def test_the_same_value_is_never_sealed_alike(self) -> None:
        one, other = (
            BankAccountFactory(number="6222020000000000015"),
            BankAccountFactory(number="6222020000000000015"),
        )
        assert stored(BankAccount, one.pk, "number") != stored(BankAccount, other.pk, "number")
        assert one.number_index == other.number_index

    def test_saving_without_a_change_keeps_the_ciphertext(self) -> None:
        account = BankAccountFactory()
        before = stored(BankAccount, account.pk, "number")
        BankAccount.objects.get(pk=account.pk).save()
        assert stored(BankAccount, account.pk, "number") == before

    def test_a_deferred_value_is_fetched_and_opened(self) -> None:
        account = BankAccountFactory(number="6222020000000000015")
        assert BankAccount.objects.only("ref").get(pk=account.pk).number == "6222020000000000015"

    def test_bulk_creation_seals(self) -> None:
        user = User(email=None)
        user.set_phone("+8613800138000")
        User.objects.bulk_create([user])
        assert stored(User, User.objects.get().pk, "phone").startswith("v1:")
        assert User.objects.get().phone == "+8613800138000"


class TestBlindIndexes:
    def test_they_differ_by_purpose_and_key(self, settings) -> None:
        one = blind_index(purpose="a", value="x")
        assert one == blind_index(purpose="a", value="x") != blind_index(purpose="b", value="x")
        settings.INDEX_KEY = b"q" * 32
        assert blind_index(purpose="a", value="x") != one


class TestKeys:
    @pytest.mark.parametrize(
        "keys",
        [None, {}, "", "k1", "k1:short", f"k1:{base64.b64encode(b'x' * 31).decode()}", {"k1": b"x" * 16}],
    )
    def test_it_refuses_keys_that_cannot_work(self, settings, keys) -> None:
        settings.FIELD_KEYS = keys
        with pytest.raises(ImproperlyConfigured):
            key_ring()
        assert [error.id for error in field_keys_are_usable(None)] == ["accounts.E001"]

    def test_it_refuses_a_key_that_serves_two_ends(self, settings) -> None:
        settings.FIELD_KEYS, settings.INDEX_KEY = {"k1": OLD}, OLD
        with pytest.raises(ImproperlyConfigured):
            index_key()

    def test_it_refuses_one_key_under_two_ids(self, settings) -> None:
        settings.FIELD_KEYS = {"k1": OLD, "k2": OLD}
        assert [error.id for error in field_keys_are_usable(None)] == ["accounts.E002"]

    def test_it_reads_the_text_form(self, settings) -> None:
        settings.FIELD_KEYS = f"new:{base64.b64encode(NEW).decode()},old:{base64.b64encode(OLD).decode()}"
        assert key_ring().current == "new"
        assert dict(key_ring().keys) == {"new": NEW, "old": OLD}


@pytest.mark.django_db
class TestRotation:
    def test_it_refuses_without_a_new_key(self, settings) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        with pytest.raises(CommandError) as refused:
            call_command("rotate_keys")
        assert refused.value.returncode == 2

    def test_it_refuses_the_same_key_again(self, settings) -> None:
        settings.FIELD_KEYS = {"new": OLD, "old": OLD}
        with pytest.raises(CommandError) as refused:
            call_command("rotate_keys")
        assert refused.value.returncode == 2

    def test_it_goes_on_where_it_was_stopped_and_loses_nothing(self, settings, capsys) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        accounts = BankAccountFactory.create_batch(5)
        user = UserFactory()
        user.set_phone("+8613800138000")
        user.save()
        numbers = {account.pk: account.number for account in accounts}
        settings.FIELD_KEYS = {"new": NEW, "old": OLD}
        call_command("rotate_keys", limit=3)
        keys = [key_id_of(sealed=Sealed(stored(BankAccount, pk, "number"))) for pk in numbers]
        assert "left" in capsys.readouterr().out
        call_command("rotate_keys")
        settings.FIELD_KEYS = {"new": NEW}
        assert {pk: BankAccount.objects.get(pk=pk).number for pk in numbers} == numbers
        assert User.objects.get(pk=user.pk).phone == "+8613800138000"
        assert keys.count("new") < 5  # the first run really stopped early

    def test_it_rotates_authenticator_secrets(self, settings) -> None:
        from allauth.mfa.models import Authenticator

        from accounts.operations import enrol_totp
        from tests.world import TOTP_SECRET

        settings.FIELD_KEYS = {"old": OLD}
        user = UserFactory()
        enrol_totp(user=user, secret=TOTP_SECRET)
        settings.FIELD_KEYS = {"new": NEW, "old": OLD}
        call_command("rotate_keys")
        settings.FIELD_KEYS = {"new": NEW}
        token = Authenticator.objects.get(user=user).data["secret"]
        assert key_id_of(sealed=Sealed(token)) == "new"
        from accounts.adapter import MfaAdapter

        assert MfaAdapter().decrypt(token) == TOTP_SECRET
