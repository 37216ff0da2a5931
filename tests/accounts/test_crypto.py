"""Sealed fields: tampering, moving and lost keys are seen, never guessed around."""

from __future__ import annotations

import base64
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.checks import field_keys_are_usable
from accounts.crypto import (
    Sealed,
    Shredded,
    Tampered,
    UnknownKey,
    blind_index,
    destroy_keys,
    holder_of,
    key_id_of,
    open_keys,
    person,
    seal,
)
from accounts.crypto.keys import index_key, key_ring
from accounts.models import BankAccount, Identity, PersonKey, StoredReply, User
from accounts.operations import keys as rotation
from accounts.tasks import seal_under_own_keys
from tests.factories import NOW, BankAccountFactory, BorrowerFactory, IdentityFactory, UserFactory

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def no_key_is_open() -> None:
    person._opened.clear()


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
        person._opened.clear()  # as a process that starts now
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
        assert raw.startswith("v2:")
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
        assert stored(User, User.objects.get().pk, "phone").startswith("v2:")
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

    def test_it_rewraps_the_keys_and_leaves_the_values(self, settings, django_assert_num_queries) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        accounts = BankAccountFactory.create_batch(5)
        before = {
            account.pk: (account.number, stored(BankAccount, account.pk, "number")) for account in accounts
        }
        settings.FIELD_KEYS = {"new": NEW, "old": OLD}
        with CaptureQueriesContext(connection) as asked:
            call_command("rotate_keys")
        settings.FIELD_KEYS = {"new": NEW}
        person._opened.clear()
        for pk, (number, token) in before.items():
            assert stored(BankAccount, pk, "number") == token, "nothing of the person was touched"
            assert BankAccount.objects.get(pk=pk).number == number
        BankAccountFactory.create_batch(15)
        settings.FIELD_KEYS = {"next": b"x" * 32, "new": NEW}
        with django_assert_num_queries(len(asked)):
            call_command("rotate_keys")
        heads = {stored(PersonKey, key.pk, "wrapped")[:7] for key in PersonKey.objects.all()}
        assert heads == {"v1:next"}

    def test_what_is_of_no_person_is_sealed_anew(self, settings) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        reply = StoredReply.objects.create(caller="x", key="k", answer="s3cret", claimed_until=NOW)
        settings.FIELD_KEYS = {"new": NEW, "old": OLD}
        call_command("rotate_keys")
        settings.FIELD_KEYS = {"new": NEW}
        assert StoredReply.objects.get(pk=reply.pk).answer == "s3cret"

    @pytest.mark.parametrize("stop", ["limit", "kill"])
    def test_it_goes_on_where_it_was_stopped_and_loses_nothing(
        self, settings, capsys, monkeypatch, stop: str
    ) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        accounts = BankAccountFactory.create_batch(5)
        numbers = {account.pk: account.number for account in accounts}
        settings.FIELD_KEYS = {"new": NEW, "old": OLD}
        if stop == "limit":
            call_command("rotate_keys", limit=3)
            assert "left under older keys: 2" in capsys.readouterr().out
        else:
            monkeypatch.setattr(rotation, "BATCH", 2)
            write, calls = rotation._write, []

            def killed(*args) -> None:
                calls.append(1)
                if len(calls) == 2:
                    raise KeyboardInterrupt
                write(*args)

            monkeypatch.setattr(rotation, "_write", killed)
            with pytest.raises(KeyboardInterrupt):
                call_command("rotate_keys")
            monkeypatch.setattr(rotation, "_write", write)
        person._opened.clear()
        assert {pk: BankAccount.objects.get(pk=pk).number for pk in numbers} == numbers, "both keys are there"
        call_command("rotate_keys")
        settings.FIELD_KEYS = {"new": NEW}
        person._opened.clear()
        assert {pk: BankAccount.objects.get(pk=pk).number for pk in numbers} == numbers

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


def in_the_old_form(account: BankAccount, text: str = "6222020000000000015") -> None:
    field = BankAccount._meta.get_field("number")
    overwrite(BankAccount, account.pk, "number", seal(plaintext=text, aad=field.aad(account)).token)


@pytest.mark.django_db
class TestTheKeyOfAPerson:
    def test_it_refuses_after_the_key_was_destroyed_and_only_there(self) -> None:
        gone, other = BankAccountFactory(number="6222020000000000015"), BankAccountFactory()
        assert BankAccount.objects.get(pk=gone.pk).number == "6222020000000000015"
        assert destroy_keys(holders=[gone.key_holder], now=NOW) == 1
        assert destroy_keys(holders=[gone.key_holder], now=NOW) == 0, "once"
        with pytest.raises(Shredded):
            BankAccount.objects.get(pk=gone.pk).number  # noqa: B018
        gone.number = "6222020000000000023"
        with pytest.raises(Shredded), transaction.atomic():
            gone.save(update_fields=["number"])
        gone.number = "—"
        gone.save(update_fields=["number"])
        assert BankAccount.objects.get(pk=gone.pk).number == "—"
        assert BankAccount.objects.get(pk=other.pk).number == other.number

    def test_it_refuses_a_key_that_was_put_in_anothers_place(self) -> None:
        mine, theirs = BankAccountFactory(), BankAccountFactory()
        key = PersonKey.objects.get(holder=mine.key_holder)
        overwrite(
            PersonKey, key.pk, "wrapped",
            stored(PersonKey, PersonKey.objects.get(holder=theirs.key_holder).pk, "wrapped"),
        )  # fmt: skip
        person._opened.clear()
        with pytest.raises(Tampered):
            BankAccount.objects.get(pk=mine.pk).number  # noqa: B018

    @pytest.mark.parametrize("token", ["v0:6222", "v0", "v2:", "v3:x:y"])
    def test_it_refuses_what_only_looks_sealed(self, token: str) -> None:
        account = BankAccountFactory()
        overwrite(BankAccount, account.pk, "number", token)
        with pytest.raises(Tampered):
            BankAccount.objects.get(pk=account.pk).number  # noqa: B018

    def test_each_person_and_reason_to_keep_has_a_key(self) -> None:
        borrower = BorrowerFactory()
        identity, account = IdentityFactory(borrower=borrower), BankAccountFactory(borrower=borrower)
        user = UserFactory()
        user.set_phone("+8613800138000")
        user.save()
        refs = [
            key_id_of(sealed=Sealed(stored(*where)))
            for where in (
                (Identity, identity.pk, "number"), (Identity, identity.pk, "full_name"),
                (BankAccount, account.pk, "number"), (User, user.pk, "phone"),
                (BankAccount, BankAccountFactory().pk, "number"),
            )
        ]  # fmt: skip
        assert len(set(refs[:3])) == 1, "one borrower, one law"
        assert len({refs[0], refs[3], refs[4]}) == 3
        assert user.key_holder == holder_of(ref=user.ref, shelf="login")

    def test_a_key_that_was_taken_back_seals_nothing(self) -> None:
        account = BankAccountFactory.build(borrower=BorrowerFactory(), number="6222020000000000015")

        class Stop(Exception):
            pass

        def fails() -> None:
            with transaction.atomic():
                BankAccountFactory(borrower=account.borrower)
                raise Stop

        with pytest.raises(Stop):
            fails()
        assert not PersonKey.objects.filter(holder=account.key_holder).exists()
        account.save()
        assert BankAccount.objects.get(pk=account.pk).number == "6222020000000000015"
        person._opened.clear()
        assert BankAccount.objects.get(pk=account.pk).number == "6222020000000000015"

    def test_ten_values_ask_for_their_key_once_and_a_list_in_one_statement(
        self, django_assert_num_queries
    ) -> None:
        borrower = BorrowerFactory()
        for _ in range(5):
            BankAccountFactory(borrower=borrower, is_default=False)
        for _ in range(3):
            BankAccountFactory()
        person._opened.clear()
        rows = list(BankAccount.objects.filter(borrower=borrower))
        with django_assert_num_queries(1):
            assert len({(row.number, row.holder_name) for row in rows}) == 5
        person._opened.clear()
        rows = list(BankAccount.objects.all())
        with django_assert_num_queries(1):
            open_keys(values=[row.__dict__["number"] for row in rows])
            assert len({row.number for row in rows}) == 8

    def test_the_old_form_is_read_and_brought_under_the_own_key(self, settings) -> None:
        settings.FIELD_KEYS = {"old": OLD}
        accounts = BankAccountFactory.create_batch(3)
        for account in accounts:
            in_the_old_form(account)
            assert BankAccount.objects.get(pk=account.pk).number == "6222020000000000015"
        report = seal_under_own_keys(limit=2)
        assert report == {"sealed": 2, "left": 1}
        assert {stored(BankAccount, account.pk, "number")[:3] for account in accounts} == {"v1:", "v2:"}
        assert {row.number for row in BankAccount.objects.all()} == {"6222020000000000015"}
        assert seal_under_own_keys() == {"sealed": 1, "left": 0}
        assert {row.number for row in BankAccount.objects.all()} == {"6222020000000000015"}

    def test_what_was_left_of_somebody_whose_key_is_gone_goes_too(self) -> None:
        account = BankAccountFactory()
        destroy_keys(holders=[account.key_holder], now=NOW)
        in_the_old_form(account)
        overwrite(BankAccount, account.pk, "holder_name", "v0:—")
        assert seal_under_own_keys()["left"] == 0
        assert BankAccount.objects.get(pk=account.pk).number == "—"
