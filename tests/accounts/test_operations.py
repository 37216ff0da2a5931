"""Identities, consents, businesses, bank accounts: what is refused, then what is done, on real PostgreSQL."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction

from accounts import access, operations, queries
from accounts.audit_reader import verify
from accounts.domain.consents import TEXTS
from accounts.identity.base import IdentityProvider
from accounts.invariants import INVARIANTS
from accounts.models import AuditEntry, BankAccount, Borrower, BusinessMember, Consent, Identity, Notice
from regimes.errors import Refusal
from tests.factories import (
    AS_OF,
    NOW,
    PASSWORD,
    BorrowerFactory,
    BusinessFactory,
    UserFactory,
    card_number,
    prc_id,
    uscc,
)


def refused(code: str, status: int | None = None):
    class Check:
        def __enter__(self) -> None:
            return None

        def __exit__(self, kind, error, trace) -> bool:
            assert isinstance(error, Refusal), f"nothing refused, expected {code}"
            assert error.code == code, error.code
            assert status is None or error.http_status == status
            return True

    return Check()


def record(borrower, number: str = "11010519491231002X", name: str = "Alice Wong", **values):
    given = {
        "document": "PRC_ID",
        "birth_date": None,
        "actor": borrower.user,
        "as_of": AS_OF,
        "now": NOW,
    } | values
    return operations.record_identity(borrower=borrower, number=number, full_name=name, **given)


class Failing(IdentityProvider):
    name = "failing"

    def check(self, *, claim):
        raise TimeoutError(claim.number)


@pytest.fixture(autouse=True)
def everything_still_holds(request):
    yield
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            cursor.execute(invariant.sql)
            assert cursor.fetchall() == [], invariant.title


@pytest.mark.django_db
class TestIdentity:
    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"number": "110105194912310021"}, "id_checksum"),
            ({"name": "Ali\u202ece"}, "control_character"),
            ({"birth_date": date(1950, 1, 1)}, "birth_date_mismatch"),
            ({"document": "PASSPORT", "number": "E12345678"}, "required"),
            ({"document": "PASSPORT", "number": "E12345678", "birth_date": date(2008, 3, 3)}, "under_age"),
            ({"number": prc_id(birth_date=date(2008, 3, 3), order=9)}, "under_age"),
        ],
    )
    def test_it_refuses_and_writes_nothing(self, values: dict, code: str) -> None:
        borrower = BorrowerFactory()
        with refused(code, 400):
            record(borrower, **values)
        assert not Identity.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_it_refuses_a_business(self) -> None:
        with refused("not_a_person", 409):
            record(BusinessFactory(owner=UserFactory()), actor=None)

    def test_somebody_elses_number_is_refused_without_telling(self) -> None:
        record(BorrowerFactory())
        mallory = BorrowerFactory()
        with refused("identity_unverifiable", 409):
            record(mallory, name="Mallory Moss")
        assert Identity.objects.count() == 1
        assert AuditEntry.objects.filter(action="identity.refused", object_ref=str(mallory.ref)).exists()

    def test_guessing_at_numbers_ends_after_five(self) -> None:
        record(BorrowerFactory())
        mallory = BorrowerFactory()
        for _ in range(5):
            with refused("identity_unverifiable"):
                record(mallory, name="Mallory Moss", now=AuditEntry.objects.latest("pk").at)
        with refused("too_many_tries", 429):
            record(
                mallory, number=prc_id(order=77), name="Mallory Moss", now=AuditEntry.objects.latest("pk").at
            )

    def test_another_document_after_approval_is_refused(self) -> None:
        borrower = BorrowerFactory()
        record(borrower)
        with refused("already_verified", 409):
            record(borrower, number=prc_id(order=5))
        with refused("already_verified", 409):
            record(borrower, name="Alice Wang")
        assert borrower.identity.full_name == "Alice Wong"

    def test_the_same_again_is_the_same(self) -> None:
        borrower = BorrowerFactory()
        one, two = record(borrower), record(borrower, number=" 110105 19491231 002x")
        assert one.pk == two.pk
        assert two.status == "VERIFIED"
        assert AuditEntry.objects.filter(action="identity.submitted").count() == 1

    def test_the_sandbox_verifies_and_tells(self) -> None:
        borrower = BorrowerFactory()
        identity = record(borrower)
        assert (identity.status, identity.birth_date, identity.region_code) == (
            "VERIFIED",
            date(1949, 12, 31),
            "110105",
        )
        assert queries.identity_verified(borrower_id=borrower.pk)
        borrower.refresh_from_db()
        assert borrower.display_name == "A*** W***"
        assert Notice.objects.filter(borrower=borrower, kind="identity_checked").count() == 2
        trail = str(list(AuditEntry.objects.values("before", "after", "reason")))
        assert "Alice" not in trail
        assert "1949" not in trail

    def test_a_refused_document_can_be_sent_anew_and_does_not_block_its_owner(self) -> None:
        mallory = BorrowerFactory()
        assert record(mallory, name="Reject Me").status == "REJECTED"
        assert record(BorrowerFactory()).status == "VERIFIED"
        with refused("identity_unverifiable"):
            record(mallory, name="Mallory Moss")
        assert record(mallory, number=prc_id(order=3), name="Mallory Moss").status == "VERIFIED"

    def test_a_provider_that_fails_leaves_it_for_a_person(self, settings, world) -> None:
        settings.IDENTITY_PROVIDER = "tests.accounts.test_operations.Failing"
        identity = record(BorrowerFactory())
        assert identity.status == "PENDING"
        assert list(queries.pending_identities()) == [identity]
        with refused("required", 400):
            operations.decide_identity(
                identity_id=identity.pk, accept=False, reason=" ", actor=world.bob, now=NOW
            )
        with refused("permission_denied"):
            operations.decide_identity(
                identity_id=identity.pk, accept=True, reason="", actor=world.charlie, now=NOW
            )
        decided = operations.decide_identity(
            identity_id=identity.pk, accept=True, reason="seen", actor=world.bob, now=NOW
        )
        assert decided.status == "VERIFIED"
        with refused("already_decided"):
            operations.decide_identity(
                identity_id=identity.pk, accept=False, reason="x", actor=world.erin, now=NOW
            )

    def test_nobody_decides_about_himself(self, settings) -> None:
        settings.IDENTITY_PROVIDER = "accounts.identity.manual.ManualProvider"
        bob = UserFactory(is_staff=True)
        identity = record(BorrowerFactory(user=bob))
        with refused("own_item"):
            operations.decide_identity(identity_id=identity.pk, accept=True, reason="", actor=bob, now=NOW)


@pytest.mark.django_db
class TestConsents:
    def give(self, borrower, purpose="BANK", version=None):
        return operations.give_consent(
            borrower=borrower,
            purpose=purpose,
            text_version=version or TEXTS[purpose].version,
            actor=borrower.user,
            now=NOW,
        )

    def test_it_refuses_words_that_are_not_in_force(self) -> None:
        with refused("terms_outdated", 409):
            self.give(BorrowerFactory(), version="1999")
        with refused("purpose_unknown"):
            self.give(BorrowerFactory(), purpose="EVERYTHING", version="1")
        with refused("purpose_unknown"):
            self.give(BorrowerFactory(), purpose="BUSINESS")
        assert not Consent.objects.exists()

    def test_the_database_refuses_to_rewrite_what_was_agreed(self) -> None:
        consent = self.give(BorrowerFactory())
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for change in (
            "UPDATE accounts_consent SET purpose = 'SOCIAL'",
            "UPDATE accounts_consent SET withdrawn_at = now(), text_version = 'x'",
            "DELETE FROM accounts_consent",
            "TRUNCATE accounts_consent",
        ):
            with (
                pytest.raises(DatabaseError, match="refused"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(change)
        operations.withdraw_consent(borrower=consent.borrower, purpose="BANK", actor=None, now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            Consent.objects.update(withdrawn_at=None)

    def test_each_purpose_is_given_apart_and_once(self) -> None:
        borrower = BorrowerFactory()
        assert self.give(borrower).pk == self.give(borrower).pk
        self.give(borrower, "BILLS")
        assert queries.active_consents(borrower_ids=[borrower.pk, 999]) == {
            borrower.pk: {"BANK", "BILLS"},
            999: frozenset(),
        }

    def test_withdrawing_ends_it_at_once_and_leaves_the_history(self) -> None:
        borrower = BorrowerFactory()
        self.give(borrower)
        later = NOW + timedelta(days=1)
        assert (
            operations.withdraw_consent(
                borrower=borrower, purpose="BANK", actor=borrower.user, now=later
            ).withdrawn_at
            == later
        )
        assert (
            operations.withdraw_consent(borrower=borrower, purpose="BANK", actor=borrower.user, now=later)
            is None
        )
        assert queries.active_consents(borrower_ids=[borrower.pk]) == {borrower.pk: frozenset()}
        again = self.give(borrower)
        assert [consent.pk for consent in queries.consents_of(borrower_id=borrower.pk)][-1] != again.pk
        assert Consent.objects.count() == 2
        assert verify() == []

    def test_all_or_none(self) -> None:
        borrower = BorrowerFactory()
        with refused("purpose_unknown"):
            operations.give_consents(borrower=borrower, purposes=["BANK", "NOTHING"], actor=None, now=NOW)
        assert not Consent.objects.exists()
        assert (
            len(operations.give_consents(borrower=borrower, purposes=["BANK", "BILLS"], actor=None, now=NOW))
            == 2
        )


def open_shop(owner, code: str | None = None, **values):
    given = {
        "legal_name": "Dora's Noodles",
        "industry": "CATERING",
        "founded_date": date(2020, 1, 1),
    } | values
    return operations.create_business(owner=owner, uscc=code or uscc(1), as_of=AS_OF, now=NOW, **given)


@pytest.mark.django_db
class TestBusinesses:
    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"code": "914403007084611361"}, "uscc_checksum"),
            ({"legal_name": " "}, "required"),
            ({"industry": "GAMBLING"}, "industry_unknown"),
            ({"founded_date": date(2030, 1, 1)}, "founded_future"),
        ],
    )
    def test_it_refuses_and_writes_nothing(self, values: dict, code: str) -> None:
        with refused(code, 400):
            open_shop(UserFactory(), **values)
        assert not Borrower.objects.exists()

    def test_a_registered_business_is_not_opened_twice_nor_told_to_strangers(self) -> None:
        dora = UserFactory()
        shop = open_shop(dora)
        assert open_shop(dora).pk == shop.pk
        with refused("business_unverifiable", 409):
            open_shop(UserFactory())
        assert Borrower.objects.count() == 1

    def test_only_owners_change_members(self, world) -> None:
        for actor in (world.fay, world.vic):
            with refused("role_not_allowed", 403):
                operations.add_member(
                    business=world.shop, login="charlie@example.com", role="OWNER", actor=actor, now=NOW
                )
        with refused("not_found", 404):
            operations.add_member(
                business=world.shop, login="charlie@example.com", role="OWNER", actor=world.charlie, now=NOW
            )
        with refused("not_found", 404):
            operations.remove_member(
                business=world.shop, member_ref=world.shop.members.first().ref, actor=world.bob, now=NOW
            )
        with refused("role_unknown", 400):
            operations.add_member(
                business=world.shop, login="charlie@example.com", role="KING", actor=world.dora, now=NOW
            )
        with refused("member_unknown"):
            operations.add_member(
                business=world.shop, login="nobody@example.com", role="VIEWER", actor=world.dora, now=NOW
            )

    def test_a_business_keeps_an_owner(self, world) -> None:
        mine = BusinessMember.objects.get(business=world.shop, user=world.dora)
        with refused("last_owner", 409):
            operations.remove_member(business=world.shop, member_ref=mine.ref, actor=world.dora, now=NOW)
        with refused("last_owner", 409):
            operations.add_member(
                business=world.shop, login="dora@example.com", role="VIEWER", actor=world.dora, now=NOW
            )
        operations.add_member(
            business=world.shop, login="FAY@example.com", role="OWNER", actor=world.dora, now=NOW
        )
        operations.remove_member(business=world.shop, member_ref=mine.ref, actor=world.fay, now=NOW)
        assert access.role_for(user=world.dora, borrower=world.shop) is None

    def test_who_was_removed_can_come_back(self, world) -> None:
        member = BusinessMember.objects.get(business=world.shop, user=world.vic)
        operations.remove_member(business=world.shop, member_ref=member.ref, actor=world.dora, now=NOW)
        assert queries.borrowers_of(user=world.vic)[-1].role == "SELF"
        operations.add_member(
            business=world.shop, login="vic@example.com", role="FINANCE", actor=world.dora, now=NOW
        )
        assert [(acting.borrower, acting.role) for acting in queries.borrowers_of(user=world.vic)][-1] == (
            world.shop,
            "FINANCE",
        )


def add_account(borrower, number: str | None = None, holder: str = "Alice Wong", **values):
    given = {"bank_name": "Bank of the Lake", "actor": borrower.user, "now": NOW} | values
    return operations.add_bank_account(
        borrower=borrower, holder_name=holder, number=number or card_number(1), **given
    )


@pytest.mark.django_db
class TestBankAccounts:
    def test_it_refuses_numbers_with_mistakes(self) -> None:
        good = card_number(4)
        with refused("account_checksum", 400):
            add_account(BorrowerFactory(), good[:-1] + str((int(good[-1]) + 1) % 10))
        with refused("account_format", 400):
            add_account(BorrowerFactory(), "12")
        assert not BankAccount.objects.exists()

    def test_another_customers_number_is_refused_without_telling(self, world) -> None:
        with refused("bank_account_unverifiable", 409):
            add_account(world.charlie_person, world.alice_account.number, "Charlie Moss")

    def test_an_owner_may_use_the_shops_account(self, world) -> None:
        assert add_account(world.dora_person, world.shop_account.number, "Dora Li").pk

    def test_another_name_is_held_for_review(self, world) -> None:
        account = add_account(world.alice_person, card_number(8), "Charlie Moss")
        later = NOW + timedelta(days=2)
        assert account.verified_at is None
        assert (
            queries.usable_bank_account(borrower_id=world.alice_person.pk, account_id=account.pk, now=later)
            is None
        )
        with refused("permission_denied"):
            operations.verify_bank_account(account_id=account.pk, reason="x", actor=world.alice, now=NOW)
        operations.verify_bank_account(
            account_id=account.pk, reason="marriage certificate", actor=world.bob, now=NOW
        )
        assert (
            queries.usable_bank_account(borrower_id=world.alice_person.pk, account_id=account.pk, now=later)
            == account
        )

    def test_a_second_account_waits_a_day_and_its_owner_is_told(self, world) -> None:
        account = add_account(world.alice_person, card_number(9))

        def usable(now):
            return queries.usable_bank_account(
                borrower_id=world.alice_person.pk, account_id=account.pk, now=now
            )  # noqa: E731

        assert usable(NOW + timedelta(hours=23, minutes=59)) is None
        assert usable(NOW + timedelta(hours=24)) == account
        assert set(Notice.objects.filter(kind="bank_account_added").values_list("channel", flat=True)) == {
            "IN_APP",
            "EMAIL",
            "SMS",
        }

    def test_removing_the_first_does_not_make_the_next_a_first(self, world) -> None:
        operations.remove_bank_account(
            borrower=world.alice_person, account_ref=world.alice_account.ref, actor=world.alice, now=NOW
        )
        assert add_account(world.alice_person, card_number(9)).usable_from == NOW + timedelta(hours=24)

    def test_the_first_is_usable_at_once_and_default(self) -> None:
        borrower = BorrowerFactory()
        record(borrower)
        account = add_account(borrower)
        assert account.is_default
        assert account.verified_at == NOW == account.usable_from
        assert add_account(borrower).pk == account.pk
        assert BankAccount.objects.count() == 1

    def test_one_default(self, world) -> None:
        account = add_account(world.alice_person, card_number(9))
        operations.set_default_bank_account(
            borrower=world.alice_person, account_ref=account.ref, actor=world.alice, now=NOW
        )
        assert [it.is_default for it in queries.bank_accounts_of(borrower_id=world.alice_person.pk)] == [
            True,
            False,
        ]
        with refused("not_found", 404):
            operations.set_default_bank_account(
                borrower=world.charlie_person, account_ref=account.ref, actor=None, now=NOW
            )


@pytest.mark.django_db
class TestAccess:
    def test_strangers_and_noise_get_404(self, world) -> None:
        for user in (world.charlie, world.bob):
            with refused("not_found", 404):
                access.own_borrower(user=user, ref=world.alice_person.ref)
            with refused("not_found", 404):
                access.own_borrower(user=user, ref=world.shop.ref)
            with refused("not_found", 404):
                access.own_bank_account(user=user, ref=world.alice_account.ref)
        for ref in ("", "abc", "0", "../x", "٣", None, str(world.alice_person.pk)):
            with refused("not_found", 404):
                access.own_borrower(user=world.alice, ref=ref)

    def test_a_viewer_sees_and_does_not_draw(self, world) -> None:
        assert access.own_borrower(user=world.vic, ref=world.shop.ref) == world.shop
        with refused("role_not_allowed", 403):
            access.own_borrower(user=world.vic, ref=world.shop.ref, roles=access.MAY_DRAW)
        assert access.own_borrower(user=world.fay, ref=world.shop.ref, roles=access.MAY_DRAW) == world.shop
        with refused("role_not_allowed", 403):
            access.own_borrower(user=world.fay, ref=world.shop.ref, roles=access.MAY_MANAGE)

    def test_who_left_or_was_locked_sees_nothing(self, world) -> None:
        BusinessMember.objects.filter(user=world.vic).update(is_active=False)
        with refused("not_found", 404):
            access.own_borrower(user=world.vic, ref=world.shop.ref)
        world.alice.is_active = False
        with refused("not_found", 404):
            access.own_borrower(user=world.alice, ref=world.alice_person.ref)

    def test_it_gives_what_is_ones_own(self, world) -> None:
        assert (
            access.own_borrower(user=world.alice, ref=str(world.alice_person.ref), roles=access.MAY_DRAW)
            == world.alice_person
        )
        assert access.own_bank_account(user=world.dora, ref=world.shop_account.ref) == world.shop_account


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def together(self, *works) -> list[str]:
        barrier, results = threading.Barrier(len(works), timeout=20), []

        def one(work) -> None:
            try:
                barrier.wait()
                work()
                results.append("ok")
            except Refusal as refusal:
                results.append(refusal.code)
            except Exception as error:
                results.append(repr(error))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(results)

    def test_one_number_at_ten_doors_belongs_to_one(self) -> None:
        people = [BorrowerFactory() for _ in range(10)]
        results = self.together(
            *[lambda person=person: record(person, name="Alice Wong") for person in people]
        )
        assert results == ["identity_unverifiable"] * 9 + ["ok"]
        assert Identity.objects.count() == 1

    def test_two_owners_cannot_remove_each_other(self) -> None:
        one, other = UserFactory(), UserFactory()
        shop = BusinessFactory(owner=one)
        BusinessMember.objects.create(business=shop, user=other, role="OWNER")
        refs = {member.user_id: member.ref for member in shop.members.all()}
        results = self.together(
            lambda: operations.remove_member(business=shop, member_ref=refs[other.pk], actor=one, now=NOW),
            lambda: operations.remove_member(business=shop, member_ref=refs[one.pk], actor=other, now=NOW),
        )
        assert results == ["not_found", "ok"]
        assert shop.members.filter(is_active=True).count() == 1

    def test_ten_clicks_are_one_agreement_one_account_one_person(self) -> None:
        borrower, user = BorrowerFactory(), UserFactory()
        version = TEXTS["BANK"].version

        def agree():
            return operations.give_consent(
                borrower=borrower, purpose="BANK", text_version=version, actor=None, now=NOW
            )  # noqa: E731

        assert self.together(*[agree] * 10) == ["ok"] * 10
        assert self.together(*[lambda: add_account(borrower)] * 10) == ["ok"] * 10
        assert self.together(*[lambda: operations.ensure_person(user=user)] * 10) == ["ok"] * 10
        assert (
            Consent.objects.count()
            == BankAccount.objects.count()
            == Borrower.objects.filter(user=user).count()
            == 1
        )
        assert verify() == []

    def test_one_login_is_opened_once(self) -> None:
        results = self.together(
            *[lambda: operations.open_account(login="x@example.com", password=PASSWORD, now=NOW)] * 5
        )
        assert results == ["login_taken"] * 4 + ["ok"]
