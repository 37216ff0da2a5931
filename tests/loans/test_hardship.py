"""When it gets hard: request, plan, answer, and what the loan is afterwards."""

from __future__ import annotations

import struct
import zlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from accounts.domain.uploads import check_paper
from accounts.models import AuditEntry, Notice
from ledger.operations import advance_business_date
from loans import access, hardship, operations, queries
from loans.models import HardshipPaper, HardshipPlan, HardshipRequest, Loan, LoanEventRow
from regimes.errors import NotFound, Refusal
from tests.factories import StaffFactory, UserFactory
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
LATE = date(2026, 4, 20)  # the first instalment was due on 2 April
PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"


def png(width: int = 4, height: int = 4) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def loan() -> Loan:
    found = factories.active_loan()
    advance_business_date(to=LATE)
    operations.age_loans(as_of=LATE)
    operations.accrue(as_of=LATE)
    found.refresh_from_db()
    return found


def ask(loan: Loan, *, as_of: date = LATE, **values: object) -> HardshipRequest:
    known = {
        "reason": "ILLNESS",
        "wish": "PAUSE",
        "text": "Three weeks in hospital.",
        "actor": loan.borrower.user,
    }
    return operations.request_hardship(loan_id=loan.pk, as_of=as_of, **{**known, **values})  # type: ignore[arg-type]


def offer(request: HardshipRequest, *measures: dict, as_of: date = LATE, **values: object) -> HardshipPlan:
    listed = list(measures) or [{"kind": "RE_AGE", "instalment_count": "18", "first_due_date": "2026-06-02"}]
    return operations.offer_hardship_plan(
        request_id=request.pk, measures=listed, actor=StaffFactory(), as_of=as_of, **values
    )  # type: ignore[arg-type]


class TestAsking:
    @pytest.mark.parametrize(
        ("values", "code", "field"),
        [
            ({"reason": "BORED"}, "reason_invalid", "reason"),
            ({"wish": "MONEY"}, "wish_invalid", "wish"),
            ({"text": "x" * 2001}, "too_long", "text"),
            ({"affordable": Decimal("1.005")}, "amount_invalid", "affordable"),
            ({"affordable": Decimal("-1")}, "amount_invalid", "affordable"),
            ({"until_date": LATE}, "date_out_of_range", "until_date"),
            ({"papers": [b""]}, "file_empty", "papers"),
            ({"papers": [b"MZ\x90 this is a program"]}, "file_kind", "papers"),
            ({"papers": [PDF + b"%d" % n for n in range(6)]}, "quota", "papers"),
        ],
    )
    def test_it_refuses(self, loan: Loan, values: dict, code: str, field: str) -> None:
        with pytest.raises(Refusal) as refused:
            ask(loan, **values)
        assert (refused.value.code, refused.value.field) == (code, field)
        assert not HardshipRequest.objects.exists()
        assert not HardshipPaper.objects.exists()

    def test_it_refuses_a_loan_that_does_not_run(self) -> None:
        with pytest.raises(Refusal) as refused:
            ask(factories.open_loan(), as_of=START)
        assert refused.value.code == "loan_not_running"

    def test_one_request_waits_and_a_second_adds_its_papers(self, loan: Loan) -> None:
        first = ask(loan, papers=[PDF])
        again = ask(loan, reason="JOB", papers=[PDF, png()])
        assert again.pk == first.pk
        assert again.reason == "ILLNESS"
        assert sorted(again.papers.values_list("media_type", flat=True)) == ["application/pdf", "image/png"]
        assert Notice.objects.filter(kind="hardship_received").count() == 1
        assert first.answer_by_date == LATE + timedelta(days=7)

    def test_words_and_papers_lie_sealed_and_open_again(self, loan: Loan) -> None:
        request = ask(loan, papers=[PDF])
        raw = HardshipRequest.objects.raw("SELECT id, text::text AS raw FROM loans_hardshiprequest")[0].raw
        assert raw.startswith("v2:")
        assert HardshipRequest.objects.get(pk=request.pk).text == "Three weeks in hospital."
        assert hardship.paper_content(request.papers.get()) == PDF

    def test_a_stranger_finds_nothing(self, loan: Loan) -> None:
        request = ask(loan)
        with pytest.raises(NotFound):
            access.own_hardship(user=UserFactory(), ref=request.ref)
        assert access.own_hardship(user=loan.borrower.user, ref=request.ref) == request


class TestPapers:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"%PDF-1.4 cut off", "file_damaged"),
            (b"%PDF-1.4 /Encrypt 5 0 R\n%%EOF", "file_locked"),
            (b"%PDF-1.4 << /S /JavaScript >>\n%%EOF", "file_runs_code"),
            (png(20_000, 20_000), "image_too_large"),
            (png()[:20], "file_damaged"),
            (b"\xff\xd8\xff\xe0", "file_damaged"),
            (b"<svg onload='x'/>", "file_kind"),
            (b"GIF89a", "file_kind"),
            (b"PK\x03\x04", "file_kind"),
            (PDF + b"0" * (4 * 1024 * 1024) + b"%%EOF", "file_too_large"),
        ],
    )
    def test_it_refuses(self, content: bytes, code: str) -> None:
        with pytest.raises(Refusal) as refused:
            check_paper(content)
        assert refused.value.code == code

    def test_it_takes_the_three_kinds(self) -> None:
        jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xd9"
        assert [check_paper(content) for content in (PDF, png(), jpeg)] == [
            "application/pdf",
            "image/png",
            "image/jpeg",
        ]


class TestOffering:
    @pytest.mark.parametrize(
        ("measures", "code"),
        [
            ([], "measures_missing"),
            ([{"kind": "GIFT"}], "measure_unknown"),
            ([{"kind": "PAUSE"}], "required"),
            ([{"kind": "PAUSE", "until": "2026-04-20"}], "date_out_of_range"),
            ([{"kind": "PAUSE", "until": "2027-04-20"}], "date_out_of_range"),
            ([{"kind": "PAUSE", "until": "soon"}], "date_invalid"),
            ([{"kind": "PAUSE", "until": "2026-05-20", "amount": "5"}], "unknown_field"),
            ([{"kind": "EXTENSION", "extra_instalments": "0"}], "instalments_invalid"),
            ([{"kind": "EXTENSION", "extra_instalments": "1.5"}], "instalments_invalid"),
            ([{"kind": "LOWER_RATE", "annual_rate": "0.18"}], "rate_not_lower"),
            ([{"kind": "LOWER_RATE", "annual_rate": "NaN"}], "number_invalid"),
            ([{"kind": "WAIVE_PENALTY", "amount": "0.005"}], "amount_invalid"),
            (
                [
                    {"kind": "EXTENSION", "extra_instalments": 2},
                    {"kind": "RE_AGE", "instalment_count": 9, "first_due_date": "2026-05-20"},
                ],
                "measures_conflict",
            ),
        ],
    )
    def test_it_refuses_what_is_no_plan(self, loan: Loan, measures: list[dict], code: str) -> None:
        request = ask(loan)
        with pytest.raises(Refusal) as refused:
            operations.offer_hardship_plan(
                request_id=request.pk, measures=measures, actor=StaffFactory(), as_of=LATE
            )
        assert refused.value.code == code
        assert not HardshipPlan.objects.exists()

    def test_it_refuses_an_officer_on_the_own_loan(self, loan: Loan) -> None:
        request = ask(loan)
        loan.borrower.user.is_staff = True
        with pytest.raises(Refusal) as refused:
            operations.refuse_hardship(
                request_id=request.pk, answer="no", actor=loan.borrower.user, as_of=LATE
            )
        assert (refused.value.code, refused.value.http_status) == ("own_item", 403)

    def test_a_plan_ends_before_the_first_day_that_it_names(self, loan: Loan) -> None:
        plan = offer(ask(loan), {"kind": "PAUSE", "until": "2026-04-25"})
        assert plan.valid_until == date(2026, 4, 24)

    def test_a_new_plan_replaces_the_one_before(self, loan: Loan) -> None:
        request = ask(loan)
        first, second = offer(request), offer(request, {"kind": "PAUSE", "until": "2026-06-01"})
        first.refresh_from_db()
        assert (first.status, second.status, second.number) == ("REPLACED", "OFFERED", 2)
        with pytest.raises(Refusal) as refused:
            operations.accept_hardship_plan(plan_id=first.pk, actor=loan.borrower.user, as_of=LATE)
        assert refused.value.code == "plan_not_open"

    def test_the_database_keeps_what_was_offered(self, loan: Loan) -> None:
        plan = offer(ask(loan))
        with pytest.raises(DatabaseError), transaction.atomic():
            HardshipPlan.objects.filter(pk=plan.pk).update(measures=[])

    def test_a_preview_changes_nothing_and_tells_the_cost(self, loan: Loan) -> None:
        measures = [{"kind": "RE_AGE", "instalment_count": 18, "first_due_date": "2026-06-02"}]
        shown = hardship.preview(loan_id=loan.pk, measures=measures, as_of=LATE)
        assert shown.before.days_past_due == 18
        assert shown.after.days_past_due == 0
        assert shown.cost == shown.left_after - shown.left_before > 0
        assert LoanEventRow.objects.filter(loan=loan).count() == 1


class TestAnswering:
    def test_accepting_carries_the_plan_out_once(self, loan: Loan) -> None:
        plan = offer(
            ask(loan),
            {"kind": "RE_AGE", "instalment_count": 18, "first_due_date": "2026-06-02"},
            {"kind": "WAIVE_PENALTY"},
            {"kind": "LOWER_RATE", "annual_rate": "0.12"},
            {"kind": "PAUSE", "until": "2026-06-02"},
        )
        expected = hardship.preview(loan_id=loan.pk, measures=plan.measures, as_of=LATE).after
        assert queries.payoff(loan_id=loan.pk, as_of=LATE).penalty > 0
        for _ in range(2):
            operations.accept_hardship_plan(plan_id=plan.pk, actor=loan.borrower.user, as_of=LATE)
        loan.refresh_from_db()
        kinds = list(
            LoanEventRow.objects.filter(loan=loan).order_by("sequence").values_list("kind", flat=True)
        )
        assert kinds == ["PAYOUT", "WAIVER", "PAUSE", "RE_AGE", "RATE_CHANGE"]
        assert loan.status == "ACTIVE"
        assert (loan.next_due_date, loan.next_due_amount) == (expected.next_due_date, expected.next_due.total)
        assert loan.penalty_outstanding == 0
        assert breaches() == {}
        assert plan.request.__class__.objects.get().status == "ACCEPTED"
        actions = AuditEntry.objects.filter(action__startswith="hardship.").order_by("pk")
        assert list(actions.values_list("action", flat=True)) == [
            "hardship.request",
            "hardship.offer",
            "hardship.accept",
        ]

    def test_it_refuses_a_lapsed_plan_and_another_can_follow(self, loan: Loan) -> None:
        request = ask(loan)
        plan = offer(request, {"kind": "PAUSE", "until": "2026-06-01"})
        day = plan.valid_until + timedelta(days=1)
        advance_business_date(to=day)
        with pytest.raises(Refusal) as refused:
            operations.accept_hardship_plan(plan_id=plan.pk, actor=loan.borrower.user, as_of=day)
        assert refused.value.code == "plan_lapsed"
        fresh = offer(request, {"kind": "PAUSE", "until": "2026-06-01"}, as_of=day)
        operations.accept_hardship_plan(plan_id=fresh.pk, actor=loan.borrower.user, as_of=day)
        assert breaches() == {}

    def test_declining_leaves_the_request_waiting(self, loan: Loan) -> None:
        plan = offer(ask(loan))
        operations.decline_hardship_plan(plan_id=plan.pk, actor=loan.borrower.user, as_of=LATE)
        assert [row.status for row in hardship.waiting_hardship()] == ["OPEN"]
        assert LoanEventRow.objects.filter(loan=loan).count() == 1

    def test_a_refusal_ends_it_with_the_reason(self, loan: Loan) -> None:
        request = ask(loan)
        offer(request)
        done = operations.refuse_hardship(
            request_id=request.pk, answer="The papers show no loss.", actor=StaffFactory(), as_of=LATE
        )
        assert (done.status, done.answer) == ("REFUSED", "The papers show no loss.")
        assert HardshipPlan.objects.get().status == "REPLACED"
        with pytest.raises(Refusal) as refused:
            offer(request)
        assert refused.value.code == "hardship_state"
        assert ask(loan).pk != request.pk

    def test_withdrawing_twice_is_once(self, loan: Loan) -> None:
        request = ask(loan)
        for _ in range(2):
            operations.withdraw_hardship(request_id=request.pk, actor=loan.borrower.user, as_of=LATE)
        assert HardshipRequest.objects.get().status == "WITHDRAWN"
        rows = hardship.with_waiting(queries.loans_of(borrower_ids=[loan.borrower_id]))
        assert [row.hardship_status for row in rows] == [None]  # type: ignore[attr-defined]
