"""A statement is taken whole or not at all, once, and what it says is summed."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import AuditEntry, Borrower, Consent
from regimes.errors import NotFound
from risk.domain.events import Category, EventKind, EvidenceEvent, Source
from risk.domain.rollup import ROLLUP_NAMES
from risk.evidence import queries, samples
from risk.evidence.operations import (
    forget_evidence,
    honour_consents,
    import_statement,
    lock_evidence,
    record_events,
    refresh_rollups,
)
from risk.evidence.refusals import UnableToImportStatement, UnableToReadStatement
from risk.models import EvidenceMapping, EvidenceRow, EvidenceSource, MonthlyRollup
from tests.risk_evidence.conftest import AS_OF, NOW

BANK = "date,amount,balance,memo\n2026-09-01,100.00,100.00,工资\n2026-09-02,-20.00,80.00,餐厅\n"


def rollup(borrower: Borrower, month: date) -> dict[str, float]:
    row = MonthlyRollup.objects.get(subject_id=borrower.pk, month=month)
    return {name: getattr(row, name) for name in ROLLUP_NAMES}


def test_it_refuses_without_consent(alice: Borrower, upload: Callable[..., Any]) -> None:
    Consent.objects.filter(borrower=alice, purpose="BANK").update(withdrawn_at=NOW + timedelta(days=1))
    with pytest.raises(UnableToImportStatement) as refused:
        upload(alice, "BANK_CSV", BANK)
    assert refused.value.code == "consent_missing"
    assert not EvidenceSource.objects.exists()


def test_it_refuses_an_unknown_borrower(db: None) -> None:
    with pytest.raises(NotFound):
        import_statement(borrower_id=999, kind="BANK_CSV", stream=io.BytesIO(b""), as_of=AS_OF, now=NOW)


def test_it_refuses_the_same_file_twice(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(alice, "BANK_CSV", BANK)
    with pytest.raises(UnableToImportStatement) as refused:
        upload(alice, "BANK_CSV", BANK)
    assert (refused.value.code, str(refused.value)) == ("already_uploaded", "Already uploaded on 2026-11-24.")
    assert (EvidenceSource.objects.count(), EvidenceRow.objects.count()) == (1, 2)


def test_it_refuses_the_account_of_another_customer(
    alice: Borrower, mallory: Borrower, upload: Callable[..., Any]
) -> None:
    def statement(seed: int) -> bytes:
        return samples.bank_csv_chinese(seed, account="6222021234567890123")

    upload(alice, "BANK_CSV", statement(1))
    with pytest.raises(UnableToImportStatement) as refused:
        upload(mallory, "BANK_CSV", statement(2))
    assert refused.value.code == "statement_unusable"
    assert "account" not in str(refused.value)
    assert not EvidenceRow.objects.filter(subject_id=mallory.pk).exists()


def test_a_business_may_share_its_owners_account(
    alice: Borrower, shop: Borrower, upload: Callable[..., Any]
) -> None:
    upload(alice, "BANK_CSV", samples.bank_csv_chinese(1, account="6222021234567890123"))
    source = upload(
        shop, "BANK_CSV", samples.bank_csv_chinese(1, account="6222021234567890123", holder="王小明")
    )
    assert source.status == "READY"


def test_it_flags_another_holder(alice: Borrower, mallory: Borrower, upload: Callable[..., Any]) -> None:
    theirs = upload(mallory, "ALIPAY", samples.alipay(holder="王小明"))
    own = upload(alice, "ALIPAY", samples.alipay(2, holder="*小明"))
    assert (theirs.status, theirs.flags) == ("FLAGGED", ["HOLDER_DIFFERS"])
    assert (own.status, own.flags) == ("READY", [])
    assert queries.needs_referral(borrower_ids=[alice.pk, mallory.pk]) == {mallory.pk: ("HOLDER_DIFFERS",)}


def test_it_flags_the_file_of_another(alice: Borrower, mallory: Borrower, upload: Callable[..., Any]) -> None:
    upload(alice, "WECHAT", samples.wechat())
    assert upload(mallory, "WECHAT", samples.wechat()).flags == ["SAME_FILE_ELSEWHERE"]


def test_it_sums_what_it_took(alice: Borrower, upload: Callable[..., Any]) -> None:
    moves = samples.life(3)
    source = upload(alice, "BANK_CSV", samples.bank_csv(3))
    assert (source.rows, source.new_rows, source.repeated_rows, source.status) == (
        len(moves),
        len(moves),
        0,
        "READY",
    )
    october = [m for m in moves if m.at.month == 10]
    told = rollup(alice, date(2026, 10, 1))
    assert told["salary_amount"] == 8650.0
    assert told["spend_housing"] == float(
        -sum(m.amount for m in october if m.alipay in ("住房物业", "充值缴费"))
    )
    assert told["other_debt_repaid_amount"] == 1200.0
    assert told["balance_end"] == float(Decimal("5000.00") + sum((m.amount for m in moves), Decimal(0)))
    assert math.isnan(told["top_customer_share"])
    assert AuditEntry.objects.filter(action="evidence.import", object_ref=str(source.ref)).count() == 1


def test_newest_first_ends_on_the_same_balance(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(alice, "BANK_CSV", samples.bank_csv_chinese(3))
    moves = samples.life(3)
    closing = float(Decimal("5000.00") + sum((m.amount for m in moves), Decimal(0)))
    assert rollup(alice, date(2026, 10, 1))["balance_end"] == closing


def test_days_without_a_time_keep_the_order_of_the_file(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(
        alice,
        "BANK_CSV",
        "date,amount,balance\n2026-09-01,5.00,55.00\n2026-09-01,-50.00,50.00\n2026-08-01,1.00,100.00\n",
    )
    told = rollup(alice, date(2026, 9, 1))
    assert (told["balance_end"], told["balance_min"]) == (55.0, 50.0)


def test_overlapping_files_are_counted_once(alice: Borrower, upload: Callable[..., Any]) -> None:
    moves = samples.life(3)
    first, second = moves[:120], moves[60:]
    at_60 = Decimal("5000.00") + sum((m.amount for m in moves[:60]), Decimal(0))
    upload(alice, "BANK_CSV", samples.bank_csv(moves=first))
    source = upload(alice, "BANK_CSV", samples.bank_csv(moves=second, opening=str(at_60)))
    assert (source.new_rows, source.repeated_rows, source.flags) == (len(moves) - 120, 60, [])
    apart = {
        row.month: [getattr(row, name) for name in ROLLUP_NAMES]
        for row in MonthlyRollup.objects.order_by("month")
    }
    EvidenceSource.objects.filter(borrower=alice)
    forget_evidence(borrower_id=alice.pk)
    upload(alice, "BANK_CSV", samples.bank_csv(moves=moves))
    whole = {
        row.month: [getattr(row, name) for name in ROLLUP_NAMES]
        for row in MonthlyRollup.objects.order_by("month")
    }
    assert repr(apart) == repr(whole)


def test_a_changed_row_in_known_days_is_flagged_and_does_not_count(
    alice: Borrower, upload: Callable[..., Any]
) -> None:
    rows = [f"2026-09-{day:02d},{day}.00,memo" for day in range(1, 21)]
    upload(alice, "BANK_CSV", "date,amount,memo\n" + "\n".join(rows))
    rows[9] = "2026-09-10,90000.00,memo"
    source = upload(alice, "BANK_CSV", "date,amount,memo\n" + "\n".join(rows))
    assert (source.new_rows, source.repeated_rows) == (0, 19)
    assert (source.status, source.flags) == ("FLAGGED", ["OVERLAP_DIFFERS"])
    assert rollup(alice, date(2026, 9, 1))["income_amount"] == sum(range(1, 21))
    assert EvidenceRow.objects.filter(amount=Decimal("90000.00"), superseded_at=NOW).count() == 1


def test_a_corrected_row_ends_the_older_one(shop: Borrower, upload: Callable[..., Any]) -> None:
    head = "发票号码,开票日期,购方名称,价税合计,发票状态\n"
    upload(shop, "INVOICES_SALES", head + "1,2026-09-01,甲,100.00,正常\n2,2026-09-02,乙,50.00,正常\n")
    later = NOW + timedelta(days=3)
    source = upload(
        shop, "INVOICES_SALES", head + "1,2026-09-01,甲,100.00,作废\n2,2026-09-02,乙,50.00,正常\n", now=later
    )
    assert (source.corrected_rows, source.repeated_rows, source.new_rows) == (1, 1, 1)
    assert source.flags == ["ROWS_CORRECTED"]
    old, new = EvidenceRow.objects.filter(subject_id=shop.pk, amount=Decimal("100.00")).order_by("pk")
    assert (old.kind, old.known_at, old.superseded_at) == (EventKind.SALE, NOW, later)
    assert (new.kind, new.known_at, new.superseded_at) == (EventKind.SALE_VOID, later, None)
    told = rollup(shop, date(2026, 9, 1))
    assert (told["sales_amount"], told["sales_void_count"]) == (50.0, 1.0)


def test_no_name_is_kept(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(
        alice,
        "BANK_CSV",
        "date,amount,counterparty,memo\n2026-09-01,-1.00,李雷,转账 13800138000\n2026-09-02,-1.00,李雷,a@b.cn 110101199003070011\n",
    )
    rows = list(EvidenceRow.objects.order_by("occurred_at"))
    assert [row.memo for row in rows] == ["转账 ***", "*** ***"]
    assert rows[0].counterparty == rows[1].counterparty != 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM risk_evidencerow r WHERE r::text LIKE '%%李雷%%'")
        assert cursor.fetchone()[0] == 0


def test_a_mapping_is_remembered_for_its_header(alice: Borrower, upload: Callable[..., Any]) -> None:
    head = "Valuta,Betrag,Text\n"
    with pytest.raises(UnableToReadStatement) as refused:
        upload(alice, "BANK_CSV", head + '01/09/2026,"1,100.00",x\n')
    assert refused.value.params["columns"] == ["Valuta", "Betrag", "Text"]
    mapping = {
        "date": "Valuta",
        "amount": "Betrag",
        "memo": "Text",
        "date_style": "DD/MM/YYYY",
        "amount_style": "GROUPED",
    }
    upload(alice, "BANK_CSV", head + '01/09/2026,"1,100.00",x\n', mapping=mapping)
    source = upload(alice, "BANK_CSV", head + '02/09/2026,"-2,200.00",y\n')
    assert (source.rows, source.period_from) == (1, date(2026, 9, 2))
    kept = EvidenceMapping.objects.get(borrower=alice)
    assert queries.remembered_mapping(borrower_id=alice.pk, fingerprint=kept.fingerprint) == mapping


@pytest.mark.parametrize(
    "mapping",
    [{"date": "a"}, {"amount": "a"}, {"date": "a", "amount": "a"}, {"date": "a", "amount": "b", "evil": "c"},
     {"date": "a", "amount": "b", "date_style": "any"}],
)  # fmt: skip
def test_it_refuses_a_bad_mapping(
    alice: Borrower, upload: Callable[..., Any], mapping: dict[str, str]
) -> None:
    with pytest.raises(UnableToReadStatement) as refused:
        upload(alice, "BANK_CSV", "a,b\n2026-01-01,1\n", mapping=mapping)
    assert refused.value.code == "mapping_invalid"


def test_a_wallet_and_its_bank_count_a_payment_once(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(
        alice,
        "BANK_CSV",
        "date,amount,counterparty,memo\n2026-09-05,-50.00,支付宝,餐饮\n2026-09-06,-30.00,某饭店,餐饮\n",
    )
    assert rollup(alice, date(2026, 9, 1))["spend_amount"] == 80.0
    moves = [m for m in samples.life(1) if m.at.month == 9]
    upload(alice, "ALIPAY", samples.alipay(moves=moves))
    spent = (
        float(-sum(m.amount for m in moves if m.amount < 0 and m.memo not in ("信用卡还款", "转账"))) + 199.0
    )
    assert rollup(alice, date(2026, 9, 1))["spend_amount"] == pytest.approx(spent + 30.0, abs=1e-9)


def test_withdrawn_consent_takes_the_evidence_out_and_back(
    alice: Borrower, upload: Callable[..., Any]
) -> None:
    upload(alice, "BANK_CSV", BANK)
    assert honour_consents(borrower_ids=[alice.pk]) == 0
    assert honour_consents(borrower_ids=[alice.pk], consents={alice.pk: frozenset({"PAYMENTS"})}) == 1
    assert not MonthlyRollup.objects.exists()
    assert queries.period_covered(borrower_id=alice.pk, as_of=AS_OF).begin is None
    assert honour_consents(borrower_ids=[alice.pk]) == 1
    assert rollup(alice, date(2026, 9, 1))["salary_amount"] == 100.0


def test_refreshing_again_changes_nothing(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(alice, "ALIPAY", samples.alipay())
    assert refresh_rollups(subject_ids=[alice.pk]) == 0
    MonthlyRollup.objects.filter(month=date(2026, 9, 1)).update(spend_amount=1.0)
    MonthlyRollup.objects.create(subject_id=alice.pk, month=date(2020, 1, 1))
    assert refresh_rollups(subject_ids=[alice.pk]) == 2


def test_events_of_a_feed_are_taken_once_with_their_own_times(alice: Borrower) -> None:
    learned = NOW - timedelta(days=40)
    events = [
        EvidenceEvent(
            subject=alice.pk,
            occurred_at=learned - timedelta(days=n),
            known_at=learned,
            kind=EventKind.PAYMENT,
            amount=Decimal("10.00"),
            memo="same",
            category=Category.SALARY,
            source=Source.SANDBOX,
        )
        for n in (1, 1, 2)
    ]
    given = {
        "borrower_id": alice.pk,
        "kind": "SANDBOX",
        "reference": "person-7",
        "events": events,
        "as_of": AS_OF,
        "now": NOW,
    }
    first, again = record_events(**given), record_events(**given)
    assert first == again
    assert first.new_rows == 3
    assert set(EvidenceRow.objects.values_list("known_at", flat=True)) == {learned}


def test_forgetting_leaves_nothing(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(alice, "ALIPAY", samples.alipay())
    assert forget_evidence(borrower_id=alice.pk) > 100
    for model in (EvidenceSource, EvidenceRow, EvidenceMapping, MonthlyRollup):
        assert not model.objects.exists()


def test_what_is_shown_of_a_source(alice: Borrower, upload: Callable[..., Any]) -> None:
    source = upload(alice, "BANK_CSV", BANK, file_name="..\\..\\etc/我的\r\n流水.csv")
    (view,) = queries.evidence_of(borrower_id=alice.pk)
    assert (view.file_name, view.kind, view.period_to) == ("我的  流水.csv", "BANK_CSV", date(2026, 9, 2))
    newest, oldest = queries.preview_rows(source_id=source.pk)
    assert (newest.amount, newest.category, newest.line) == (Decimal("-20.00"), "DINING", 3)
    assert oldest.occurred_at.hour == 12
    coverage = queries.period_covered(borrower_id=alice.pk, as_of=date(2026, 9, 10))
    assert (coverage.months, coverage.age_days, coverage.is_stale) == (1, 8, False)
    assert queries.period_covered(borrower_id=alice.pk, as_of=AS_OF).is_stale
    assert queries.totals_by_category(source_id=source.pk)[0] == ("SALARY", 1, Decimal("100.00"))


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_one_is_refused(upload: Callable[..., Any]) -> None:
    from tests.risk_evidence.conftest import person

    alice = person("alice@example.com", "王小明", "110101199003070011")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_evidence(alice.pk)
            held.set()
            done.wait(10)
        connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert held.wait(10)
        with pytest.raises(UnableToImportStatement) as refused:
            upload(alice, "BANK_CSV", BANK)
    finally:
        done.set()
        other.join()
    assert (refused.value.code, refused.value.http_status) == ("upload_in_progress", 409)
    assert upload(alice, "BANK_CSV", BANK).new_rows == 2


def test_the_night_is_counted_by_shanghai(alice: Borrower, upload: Callable[..., Any]) -> None:
    upload(
        alice, "BANK_CSV", "date,amount,memo\n2026-09-01 00:30:00,-9.00,饭\n2026-09-30 23:59:59,-7.00,饭\n"
    )
    told = rollup(alice, date(2026, 9, 1))
    assert (told["night_spend_amount"], told["spend_dining"], told["coverage_days"]) == (9.0, 16.0, 30.0)
    assert MonthlyRollup.objects.count() == 1
    assert EvidenceRow.objects.order_by("pk").first().occurred_at == datetime.fromisoformat(
        "2026-08-31T16:30:00+00:00"
    )
