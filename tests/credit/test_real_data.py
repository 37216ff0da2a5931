"""The main job on real bank accounts; skipped where the data is not present, and its reading tried without any."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from credit.realdata.berka import MAPPING, HistoricLoan, Movement, in_order, missing_files, statement
from credit.realdata.learning import LEARNED, from_statements, from_statistics
from credit.realdata.lending import amount_for_portal, term_for_portal
from risk.domain.registry import FEATURE_AT
from risk.evidence.bank import parse
from risk.evidence.parsed import Options, Summary

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LENDPORTAL_REAL_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(bool(missing_files(DATA)), reason=f"no Berka files in {DATA}")


def move(
    number: int, day: str, amount: str, balance: str, operation: str = "credit in cash", symbol: str = ""
) -> Movement:
    return Movement(
        str(number), date.fromisoformat(day), Decimal(amount), Decimal(balance), operation, symbol, ""
    )


MOVES = (
    move(4, "1997-02-10", "-300.0", "1710.1", "remittance to another bank", "household"),
    move(3, "1997-02-10", "1000.1", "2010.1"),  # comes first: the balance before it was 1,010.0
    move(1, "1997-01-05", "1000.0", "1000.0"),
    move(2, "1997-01-31", "10.0", "1010.0"),
    move(5, "1997-02-28", "5.5", "1715.7", "", "interest credited"),  # published 0.1 too high
)


def loan(**changes: object) -> HistoricLoan:
    statistics = {
        "n_credit": 4, "avg_credit": 503.9, "n_withdrawal": 1, "avg_withdrawal": 300.0, "avg_balance": 1601.475,
        "sd_balance": 424.0, "min_balance": 1000.0,
    }  # fmt: skip
    values: dict[str, object] = {
        "number": 5001, "account": "7", "amount": Decimal("96396"), "months": 48, "day": date(1997, 3, 5),
        "opened": date(1997, 1, 5), "born": date(1960, 2, 2), "is_bad": False, "is_test": True,
        "statistics": statistics, "movements": in_order(MOVES),
    }  # fmt: skip
    return HistoricLoan(**{**values, **changes})  # type: ignore[arg-type]


def test_the_payments_of_a_day_follow_their_balances() -> None:
    assert [movement.number for movement in in_order(MOVES)] == ["1", "2", "3", "4", "5"]


def test_the_statement_is_one_that_the_import_takes_whole() -> None:
    text = statement(in_order(MOVES))
    balances = [row["balance"] for row in csv.DictReader(io.StringIO(text.decode()))]
    assert balances == ["1000.00", "1010.00", "2010.10", "1710.10", "1715.60"]
    rows = list(parse(io.BytesIO(text), Summary(), Options(as_of=date(1997, 3, 5), mapping=MAPPING)))
    assert [(row.amount, row.category.name) for row in rows] == [
        (Decimal("1000.00"), "OTHER_INCOME"),
        (Decimal("10.00"), "OTHER_INCOME"),
        (Decimal("1000.10"), "OTHER_INCOME"),
        (Decimal("-300.00"), "HOUSING"),
        (Decimal("5.50"), "OTHER_INCOME"),
    ]


def test_both_ways_to_the_features_meet() -> None:
    served = from_statements([loan()])[0]
    told = from_statistics(loan())
    assert set(told) == set(LEARNED)
    assert told["balance_min_24m"] == served[FEATURE_AT["balance_min_24m"]] == 1000.0
    assert told["evidence_months"] == served[FEATURE_AT["evidence_months"]] == 2.0
    assert told["outflow_to_inflow_24m"] == pytest.approx(
        served[FEATURE_AT["outflow_to_inflow_24m"]], abs=0.001
    )
    assert told["inflow_24m"] == pytest.approx(served[FEATURE_AT["inflow_24m"]], rel=0.15)


def test_amount_and_term_fit_the_product() -> None:
    assert amount_for_portal(loan(), Decimal(200_000)) == Decimal("96396.00")
    assert amount_for_portal(loan(amount=Decimal(590_820)), Decimal(200_000)) == Decimal("196940.00")
    assert [term_for_portal(loan(months=months)) for months in (12, 24, 36, 48, 60)] == [12, 24, 36, 36, 36]
    assert not loan().was_minor
    assert loan(born=date(1979, 3, 6)).was_minor


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "lend_on_real_data", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=560,
    )  # fmt: skip


def test_it_says_which_files_are_not_there(tmp_path: Path) -> None:
    done = run("--data-dir", str(tmp_path), "--in-fresh-database")
    assert done.returncode == 2
    assert "lacks berka_loans.csv.gz" in done.stderr


@needs_data
@pytest.mark.slow
@pytest.mark.processes
def test_it_lends_on_real_accounts_and_the_books_hold() -> None:
    done = run("--data-dir", str(DATA), "--in-fresh-database", "--limit", "12", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["loans"] == found["scored"] == 12
    assert found["refusals"] == {}
    assert found["books"]["holds"], found["books"]["broken"]
    drawn, groups = found["drawn"], found["decisions"]
    assert drawn["loans"] == groups["approved"]["count"] >= 5
    assert drawn["as_history_says"]
    assert drawn["paid_off"] + drawn["in_default"] == drawn["loans"]
    assert found["nights"] > 10
    agreed = {row["feature"]: row["correlation"] for row in found["agreement"]}
    assert agreed["balance_min_24m"] > 0.999
    assert min(agreed.values()) > 0.8
