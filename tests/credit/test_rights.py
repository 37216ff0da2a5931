"""Rights over one's data: a whole copy, who looked, what goes and what stays, sessions, wishes for reminders."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import operations as accounts_operations
from accounts.audit_reader import verify
from accounts.models import (
    AuditEntry,
    BankAccount,
    Borrower,
    ContactPreference,
    Identity,
    Notice,
    PersonKey,
    User,
)
from credit.domain.erasure import Standing, UnableToErase, blocks
from credit.domain.reminders import due_day_after, first_due_on
from credit.models import CreditLine, Decision, Drawdown, LineFacts, PurposeEvidence
from credit.operations import upload_purpose_evidence
from credit.operations.line_facts import refresh_line_facts
from credit.passport.operations import issue_passport
from credit.queries import active_policy, draw_quote, rules_of
from credit.rights.erase import erase_borrower, lift_hold, place_hold, standing_of
from credit.rights.export import LEFT_OUT, export_of, tables_of
from credit.rights.looks import looks_at
from credit.rights.purge import purge_kept
from lendportal.management.commands.check_books import check
from loans import operations as loan_operations
from loans.models import Loan
from risk.models import Assessment, EvidenceRow
from risk.operations import connect_sandbox_person
from tests.credit.factories import engine_inputs
from tests.credit.test_night import lent
from tests.credit.test_uses import PDF
from tests.factories import AS_OF, NOW, PASSWORD, BorrowerFactory, UserFactory
from tests.web.conftest import Scene, signed_in, woken
from tests.web.conftest import scene as scene
from tests.web.pages import words

__all__ = ["woken"]


def fresh(user: Any) -> Client:
    """Log in as with a password just now, so that no second look is asked."""
    import time

    client = signed_in(user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def opened(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json")
        }


@pytest.mark.django_db
class TestCopy:
    def test_it_holds_everything_of_the_borrower_and_nothing_of_another(self, scene: Scene) -> None:
        loan = lent(scene.line)
        connect_sandbox_person(
            borrower_id=scene.world.alice_person.pk, persona="steady", as_of=AS_OF, now=NOW
        )
        found = opened(export_of(borrower=scene.world.alice_person, user=scene.world.alice, now=NOW))
        assert found["identity"][0]["full_name"] == "Alice Wong"
        assert found["login"][0]["email"] == "alice@example.com"
        assert len(found["bank_accounts"][0]["number"]) >= 8
        assert found["loans"][0]["ref"] == str(loan.ref)
        assert len(found["instalments"]) == loan.instalments.count()
        assert (
            len(found["paper_rows"])
            == EvidenceRow.objects.filter(subject_id=scene.world.alice_person.pk).count()
            > 0
        )
        written = json.dumps(found)
        assert "Charlie" not in written
        assert "charlie@" not in written
        assert "argon2" not in written
        for name in LEFT_OUT - {"content"}:
            assert f'"{name}"' not in written

    def test_no_table_that_points_at_a_borrower_is_forgotten(self, scene: Scene) -> None:
        """A table added later must be put into the copy, or be named here with the reason."""
        from django.apps import apps

        named = {rows.model for _name, rows in tables_of(borrower=scene.world.shop, user=scene.world.dora)}
        elsewhere = {
            "Notice",  # written as it was told
            "EvidenceMapping",  # which column of a file is what
            "LegalHold",  # told by the refusal; its reason may be a secret of an authority
            "CalendarFeed", "CalendarLink", "LessonRead", "Lesson", "Proposal", "TemporaryRole",
        }  # fmt: skip
        missing = {
            model.__name__
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if field.related_model is Borrower and model not in named and model is not User
        }
        assert missing - elsewhere == set()

    def test_the_owner_gets_it_after_a_second_look_and_it_is_written_down(self, scene: Scene) -> None:
        url = reverse("credit:export", args=[scene.world.alice_person.ref])
        asked = signed_in(scene.world.alice).post(url)
        assert asked.status_code == 302
        assert "reauthenticate" in asked["Location"]
        client = fresh(scene.world.alice)
        answer = client.post(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
        assert opened(answer.content)["about"]["borrower"] == str(scene.world.alice_person.ref)
        assert AuditEntry.objects.filter(action="data.exported").count() == 1
        assert fresh(scene.world.charlie).post(url).status_code == 404
        for _ in range(4):
            client.post(url)
        assert client.post(url).status_code == 429


@pytest.mark.django_db
class TestWhoLooked:
    def test_looks_by_staff_are_told_without_names(self, scene: Scene) -> None:
        for ref in (scene.line.ref, scene.world.alice_person.ref, scene.shop_line.ref):
            accounts_operations.write_audit(
                actor=scene.world.bob, action="person.viewed", object_type="credit.CreditLine", object_ref=ref
            )
        assert len(looks_at(borrower=scene.world.alice_person)) == 2
        page = signed_in(scene.world.alice).get(reverse("credit:looked", args=[scene.world.alice_person.ref]))
        said = words(page.content)
        assert "your credit line An officer" in said
        assert "bob" not in said


class TestWhatStandsAgainst:
    @pytest.mark.parametrize(
        ("standing", "code"),
        [
            (Standing(open_loans=2), "open_debt"),
            (Standing(lost_loans=1), "open_claim"),
            (Standing(under_way=1), "money_under_way"),
            (Standing(owed_to_borrower=Decimal("0.01")), "credit_balance"),
            (Standing(waiting_applications=1), "application_waiting"),
            (Standing(legal_hold=True), "legal_hold"),
            (Standing(last_owner_of=1), "last_owner"),
        ],
    )
    def test_each_has_its_answer(self, standing: Standing, code: str) -> None:
        assert [block.code for block in blocks(standing)] == [code]
        assert blocks(Standing()) == []


def erase(borrower: Borrower, actor: Any) -> Borrower:
    return erase_borrower(borrower=borrower, actor=actor, as_of=AS_OF, now=NOW)


def decided(line: CreditLine) -> Decision:
    """Decide as the engine would that a person looks."""
    facts = Assessment.objects.create(
        subject_id=line.borrower_id, as_of=AS_OF, purpose="APPLICATION", segment=0, outcome="UNSCORED", unscored_code="x",
        facts=b"income of a person", registry_digest="x", reasons=[{"code": "x"}],
    )  # fmt: skip
    return Decision.objects.create(
        application=line.application, number=1, is_final=False, outcome="REFER", policy=line.application.policy, inputs=engine_inputs(),
        decided_date=AS_OF, decided_at=NOW, reasons=[{"code": "x", "message": "…", "params": {}}], assessment=facts,
    )  # fmt: skip


def alive(borrower: Borrower) -> set[str]:
    """Name the shelves of a borrower whose key is not destroyed."""
    refs = [str(borrower.ref), *([str(borrower.user.ref)] if borrower.user else [])]
    rows = PersonKey.objects.filter(destroyed_at=None)
    return {shelf for shelf, _, ref in (row.holder.partition(":") for row in rows) if ref in refs}


def sums() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id, sum(amount) FROM ledger_posting GROUP BY 1 ORDER BY 1")
        return cursor.fetchall()


@pytest.mark.django_db
class TestErasing:
    def test_open_debt_and_holds_stand_against_it(self, scene: Scene) -> None:
        lent(scene.line)
        with pytest.raises(UnableToErase) as refused:
            erase(scene.world.alice_person, scene.world.alice)
        assert (refused.value.code, refused.value.params) == ("open_debt", {"count": 1})
        hold = place_hold(borrower=scene.world.charlie_person, reason="court", actor=scene.world.bob, now=NOW)
        with pytest.raises(UnableToErase) as held:
            erase(scene.world.charlie_person, scene.world.charlie)
        assert held.value.code == "legal_hold"
        lift_hold(hold=hold, actor=scene.world.bob, now=NOW)
        assert erase(scene.world.charlie_person, scene.world.charlie).status == "ERASED"
        with pytest.raises(UnableToErase) as owner:
            erase(scene.world.dora_person, scene.world.dora)
        assert owner.value.code == "last_owner"

    def test_who_never_borrowed_leaves_nothing_readable(self, scene: Scene) -> None:
        person = scene.world.alice_person
        connect_sandbox_person(borrower_id=person.pk, persona="steady", as_of=AS_OF, now=NOW)
        issue_passport(borrower=person, sections=["holder"], actor=scene.world.alice, as_of=AS_OF, now=NOW)
        number = Identity.objects.get(borrower=person).number
        decided(scene.line)
        paper = upload_purpose_evidence(
            line=scene.line, scenario="MEDICAL", file_name="quote.pdf", content=PDF, actor=None, as_of=AS_OF
        )
        refresh_line_facts(line_ids=[scene.line.pk], as_of=AS_OF, rules=rules_of(active_policy()))
        with zipfile.ZipFile(io.BytesIO(export_of(borrower=person, user=scene.world.alice, now=NOW))) as copy:
            assert copy.read(f"purpose-{paper.pk}.pdf") == PDF
            assert json.loads(copy.read("line_facts.json"))[0]["line"] == scene.line.pk
        erase(person, scene.world.alice)
        assert not PurposeEvidence.objects.exists()
        assert not LineFacts.objects.exists()
        identity = Identity.objects.get(borrower=person)
        assert (identity.full_name, identity.number, identity.number_last4) == ("—", "—", "----")
        assert BankAccount.objects.get(borrower=person).number == "—"
        assert not EvidenceRow.objects.filter(subject_id=person.pk).exists()
        user = User.objects.get(pk=scene.world.alice.pk)
        assert (user.email, user.phone, user.is_active) == (None, None, False)
        assert CreditLine.objects.get(pk=scene.line.pk).status == "CLOSED"
        with connection.cursor() as cursor:
            for table in (
                "accounts_borrower",
                "accounts_user",
                "accounts_notice",
                "credit_passport",
                "accounts_identity",
            ):
                cursor.execute(
                    f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t WHERE t::text ILIKE %s",
                    ["%alice%"],
                )
                assert cursor.fetchone()[0] == "", table
        assert Identity.index_of(document="PRC_ID", number=number) != identity.number_index
        assert alive(person) == set(), "no copy of before tells what it was"
        assert (
            not Decision.objects.filter(application__borrower=person).exclude(inputs={}, reasons=[]).exists()
        )

    def test_who_repaid_keeps_what_the_law_keeps_and_the_books_the_same(self, scene: Scene) -> None:
        loan = lent(scene.line)
        decision = decided(scene.line)
        loan_operations.record_repayment(
            loan_id=loan.pk, amount=loan_operations_payoff(loan), value_date=AS_OF, reference="r", as_of=AS_OF
        )
        assert Loan.objects.get(pk=loan.pk).status == "CLOSED"
        before = sums()
        erase(scene.world.alice_person, scene.world.alice)
        assert sums() == before
        decision.refresh_from_db()
        assert decision.inputs != {}, "it can be asked about for five years"
        assert Loan.objects.get(pk=loan.pk).principal == loan.principal
        assert Identity.objects.get(borrower=scene.world.alice_person).full_name == "Alice Wong", (
            "sealed, by law"
        )
        assert erase(scene.world.alice_person, scene.world.alice).status == "ERASED", "twice is harmless"
        assert alive(scene.world.alice_person) == {"identity"}, "what a law keeps, and nothing else"
        assert (
            Decision.objects.exclude(inputs={})
            .filter(application__borrower=scene.world.alice_person)
            .exists()
        )
        page = signed_in(scene.world.alice).get(reverse("credit:home", args=[scene.world.alice_person.ref]))
        assert page.status_code in (302, 404)
        assert Notice.objects.filter(borrower=scene.world.alice_person).exclude(params={}).count() == 0

    def test_history_of_the_living_is_refused_by_the_database(self, scene: Scene) -> None:
        """The change that a purge makes is no door for others: without a line in the trail nothing goes."""
        decision = decided(scene.line)
        consent = scene.world.alice_person.consents.first()
        assert consent is not None
        for statement, values in (
            ("SELECT credit_forget_decisions(%s)", [scene.world.alice_person.pk]),
            (
                "UPDATE credit_decision SET inputs = '{}', reasons = '[]', note = '' WHERE id = %s",
                [decision.pk],
            ),
            ("DELETE FROM credit_decision WHERE id = %s", [decision.pk]),
            ("UPDATE risk_assessment SET facts = '', reasons = '[]' WHERE id = %s", [decision.assessment_id]),
            ("DELETE FROM accounts_consent WHERE id = %s", [consent.pk]),
        ):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)

    def test_what_the_law_kept_goes_when_its_years_are_over_and_no_hold_stands(self, scene: Scene) -> None:
        paper = upload_purpose_evidence(
            line=scene.line, scenario="MEDICAL", file_name="quote.pdf", content=PDF, actor=None, as_of=AS_OF
        )
        loan = lent(scene.line)
        decision = decided(scene.line)
        PurposeEvidence.objects.filter(pk=paper.pk).update(drawdown=Drawdown.objects.get(loan=loan))
        loan_operations.record_repayment(
            loan_id=loan.pk, amount=loan_operations_payoff(loan), value_date=AS_OF, reference="r", as_of=AS_OF
        )
        person = scene.world.alice_person
        number = Identity.objects.get(borrower=person).number
        erase(person, scene.world.alice)
        assert alive(person) == {"identity", "books"}
        at = timezone.localtime(AuditEntry.objects.get(action="borrower.erased").at).date()
        before = sums()

        def over(years: int) -> date:
            return at.replace(year=at.year + years)

        # five years: decisions and consents
        assert purge_kept(as_of=over(5) - timedelta(days=1), now=NOW) == 0
        hold = place_hold(borrower=person, reason="court", actor=scene.world.bob, now=NOW)
        assert purge_kept(as_of=over(30), now=NOW) == 0
        lift_hold(hold=hold, actor=scene.world.bob, now=NOW, reason="over")
        assert purge_kept(as_of=over(5), now=NOW) == 1
        decision.refresh_from_db()
        assert (decision.inputs, decision.reasons, decision.outcome) == ({}, [], "REFER")
        assert bytes(Assessment.objects.get().facts) == b""
        assert not person.consents.exists()
        assert Identity.objects.get(borrower=person).number == number
        # ten years: who it was
        assert purge_kept(as_of=over(10) - timedelta(days=1), now=NOW) == 0
        assert purge_kept(as_of=over(10), now=NOW) == 1
        identity = Identity.objects.get(borrower=person)
        assert (identity.full_name, identity.number_last4) == ("—", "----")
        assert BankAccount.objects.get(borrower=person).number == "—"
        assert alive(person) == {"books"}
        # thirty years: what the loan was for
        assert PurposeEvidence.objects.get().content
        assert purge_kept(as_of=over(30), now=NOW) == 1
        assert not PurposeEvidence.objects.exists()
        assert alive(person) == set()
        assert purge_kept(as_of=over(31), now=NOW) == 0, "each once"
        assert [row.after for row in AuditEntry.objects.filter(action="borrower.purged").order_by("pk")] == [
            {"years": 5}, {"years": 10}, {"years": 30}
        ]  # fmt: skip
        assert sums() == before
        assert verify() == []
        assert [row["id"] for row in check() if row["rows"] or row["error"]] == []

    def test_the_page_says_what_goes_what_stays_and_erases(self, scene: Scene) -> None:
        url = reverse("credit:erase", args=[scene.world.charlie_person.ref])
        client = fresh(scene.world.charlie)
        said = words(client.get(url).content)
        assert "What must stay, and why" in said
        assert "Proof of what was agreed" in said
        assert client.post(url, {}).status_code == 400
        done = client.post(url, {"sure": "on"})
        assert "Your account is gone" in words(done.content)
        assert client.get(reverse("accounts:settings")).status_code == 302
        assert standing_of(borrower=scene.world.charlie_person) == Standing()


def loan_operations_payoff(loan: Loan) -> Decimal:
    from loans import queries as loan_queries

    return loan_queries.payoff(loan_id=loan.pk, as_of=AS_OF).total


@pytest.mark.django_db
class TestSessions:
    def client(self, user: Any, agent: str) -> Client:
        client = Client(headers={"accept-language": "en", "user-agent": agent})
        answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content[:300]
        return client

    def test_one_sees_and_ends_the_own_sessions_alone(self) -> None:
        user = UserFactory(password=PASSWORD)
        user.emailaddress_set.create(email=user.email, verified=True, primary=True)
        BorrowerFactory(user=user)
        phone = self.client(user, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1")
        desk = self.client(user, "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36")
        said = words(desk.get(reverse("accounts:sessions")).content)
        assert "Chrome, Windows" in said
        assert "Safari, iPhone" in said
        other = UserSession.objects.exclude(session_key=desk.session.session_key).get()
        signed_in(UserFactory()).post(reverse("accounts:session-end", args=[other.pk]))
        assert phone.get(reverse("accounts:settings")).status_code == 200, "a stranger ends nothing"
        desk.post(reverse("accounts:session-end", args=[other.pk]))
        assert phone.get(reverse("accounts:settings")).status_code == 302
        assert desk.get(reverse("accounts:settings")).status_code == 200


@pytest.mark.django_db
class TestWishes:
    def test_a_due_day_is_in_the_terms_that_are_quoted_and_signed(self, scene: Scene) -> None:
        accounts_operations.set_contact_preference(
            borrower=scene.world.alice_person, channel="", hour=None, due_day=10, actor=scene.world.alice
        )
        quote = draw_quote(
            line_id=scene.line.pk, amount=Decimal(6000), instalment_count=6, repayment_method="EQUAL_INSTALMENT",
            as_of=AS_OF,
        )  # fmt: skip
        days = [row.due_date for row in quote.instalments]
        assert {day.day for day in days} == {10}
        assert days[0] == date(2026, 4, 10)
        assert len(days) == 6
        scene.line.refresh_from_db()
        loan = lent(scene.line)
        assert {row.due_date.day for row in loan.instalments.all()} == {10}

    def test_the_page_keeps_wishes_and_refuses_what_is_none(self, scene: Scene) -> None:
        url = reverse("credit:contact", args=[scene.world.alice_person.ref])
        client = signed_in(scene.world.alice)
        assert "At most 3 contacts a day" in words(client.get(url).content)
        assert client.post(url, {"channel": "EMAIL", "hour": "20", "due_day": "15"}).status_code == 302
        kept = ContactPreference.objects.get()
        assert (kept.channel, kept.hour, kept.due_day) == ("EMAIL", 20, 15)
        for bad in ({"hour": "23"}, {"due_day": "31"}, {"channel": "FAX"}):
            assert client.post(url, bad).status_code == 400, bad
        assert (
            signed_in(scene.world.vic)
            .post(reverse("credit:contact", args=[scene.world.shop.ref]), {"due_day": "5"})
            .status_code
            == 403
        )

    def test_every_month_has_the_day_and_no_instalment_comes_at_once(self) -> None:
        for pay in range(1, 32):
            assert 1 <= due_day_after(pay) <= 28
        start = date(2026, 1, 1)
        for step in range(400):
            day = start + timedelta(step)
            for due in (1, 15, 28):
                first = first_due_on(start=day, due_day=due)
                assert first.day == due
                assert 15 <= (first - day).days <= 46
