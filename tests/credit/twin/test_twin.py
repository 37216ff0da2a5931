"""The twin: real rules, real schedules, books that balance, the same luck for every policy."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from credit.domain.policy import PolicyRules, read_policy
from credit.domain.profit import REFERENCE
from credit.twin.book import Loans
from credit.twin.economy import RUN_OFF, TERMS, Economy, draw_economy
from credit.twin.figures import figures, paired
from credit.twin.lending import Twin
from credit.twin.scoring import Score, fit_line
from loans.domain.schedule import build_schedule
from loans.domain.terms import LoanTerms, RepaymentMethod
from risk.domain.metrics import auc
from risk.domain.rollup import month_start
from risk.synthetic.lending import draw_history
from tests.credit.domain.test_policy import CEILING, document

MATRIX = read_policy(document(), ceiling=CEILING)
PROFIT = replace(MATRIX, profit=replace(REFERENCE, loss_weight=Decimal(1)))
SCORE = Score(np.array([-3.2, 0.45]), np.array([-3.6, 0.41, -0.12, 0.005, 0.2, 0.49]))


@pytest.fixture(scope="module")
def economy() -> Economy:
    return draw_economy(borrowers=600, months=12, seed=7, shock_month=5)


@pytest.fixture(scope="module")
def ran(economy: Economy) -> dict[str, Twin]:
    found = {}
    for name, policy in (("matrix", MATRIX), ("profit", PROFIT)):
        twin = Twin(economy, policy=policy, ceiling=CEILING, score=SCORE, keep_loan_months=True)
        twin.run()
        found[name] = twin
    return found


@pytest.mark.parametrize("kind", range(len(TERMS)))
@pytest.mark.parametrize("cents", [10_000, 1_234_500, 29_999_900])
def test_a_loan_in_columns_has_the_instalments_of_its_own_schedule(kind: int, cents: int) -> None:
    first, rate = 600, Decimal("0.1332")
    loans = Loans([rate], first, 3)
    loans.add(
        borrower=np.array([0]), month=2, kind=np.array([kind]), price=np.array([0]), cents=np.array([cents])
    )
    rows = build_schedule(
        LoanTerms(
            principal=Decimal(cents) / 100,
            annual_rate=rate,
            repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
            instalment_count=TERMS[kind],
            start_date=month_start(first + 2),
        )
    )
    at = np.array([0])
    for count in range(TERMS[kind] + 1):
        paid = sum((row.principal for row in rows[:count]), Decimal(0)) * 100
        cost = sum((row.interest for row in rows[:count]), Decimal(0)) * 100
        # the level part and each interest of the real loan are rounded: at most a cent an instalment
        assert abs(int(loans.principal_paid(at, np.array([count]))[0]) - paid) <= count + 1
        assert abs(int(loans.interest_paid(at, np.array([count]))[0]) - cost) <= count + 1
    assert loans.principal_paid(at, np.array([TERMS[kind]]))[0] == cents


@pytest.mark.parametrize("name", ["matrix", "profit"])
def test_every_cent_drawn_is_repaid_or_written_off(ran: dict[str, Twin], name: str) -> None:
    twin = ran[name]
    months = twin.diary.months
    drawn = sum(month.drawn for month in months)
    assert drawn > 1_000_000
    assert drawn == pytest.approx(sum(m.repaid + m.written_off for m in months), abs=0.01)
    assert not twin.loans.live.any(), "the run-off leaves nothing"
    assert months[-1].balance == 0
    assert sum(m.profit for m in months) == pytest.approx(twin.diary.profit.sum(), abs=0.1)
    assert sum(m.loss for m in months) == pytest.approx(twin.diary.loss.sum(), abs=0.1)


@pytest.mark.parametrize("name", ["matrix", "profit"])
def test_the_loan_month_table_tells_the_same_sums(ran: dict[str, Twin], name: str) -> None:
    diary = ran[name].diary
    table = np.array(list(diary.loan_months()))
    for month in diary.months:
        mine = table[table[:, 0] == month.number]
        assert mine[:, 9].sum() / 100 == pytest.approx(month.interest, abs=0.01)
        assert mine[:, 10].sum() / 100 == pytest.approx(month.written_off, abs=0.01)
    assert set(np.unique(table[:, 6])) <= {0, 30, 60, 90}


def test_nobody_owes_more_than_the_limit_and_no_cut_passes_smoothness(economy: Economy) -> None:
    worst = []

    def watch(month: int, twin: Twin) -> None:
        drawn = twin.loans.columns["opened"] == month - 1
        who = twin.loans.columns["borrower"][drawn]
        worst.append(float((twin.balance[who] - twin.lines.limit[who]).max()) if len(who) else 0.0)

    twin = Twin(economy, policy=PROFIT, ceiling=CEILING, score=SCORE, watch=watch)
    diary = twin.run()
    assert max(worst) <= 0.0
    assert sum(month.changes["DOWN"] for month in diary.months) > 10
    assert max(month.largest_cut for month in diary.months) <= float(PROFIT.reevaluation.most_cut) + 1e-12


def test_policies_meet_the_same_people_with_the_same_luck_and_a_seed_gives_the_same_run(
    economy: Economy, ran: dict[str, Twin]
) -> None:
    again = Twin(economy, policy=MATRIX, ceiling=CEILING, score=SCORE).run()
    assert np.array_equal(again.profit, ran["matrix"].diary.profit)
    calm = draw_economy(borrowers=600, months=12, seed=7)
    assert np.array_equal(calm.luck, economy.luck)
    assert np.array_equal(calm.people.income, economy.people.income)
    assert (economy.stress(6) > calm.stress(6)).all()
    assert np.array_equal(economy.stress(4), calm.stress(4))
    other = draw_economy(borrowers=600, months=12, seed=8)
    assert not np.array_equal(other.luck, economy.luck)


def test_a_downturn_is_seen_in_the_losses() -> None:
    lost = {}
    for shock in (None, 3):
        drawn = draw_economy(borrowers=1_500, months=12, seed=11, shock_month=shock, shock_size=2.0)
        lost[shock] = Twin(drawn, policy=MATRIX, ceiling=CEILING, score=SCORE).run().loss.sum()
    assert lost[3] > 1.3 * lost[None]


def test_the_lenders_signal_is_as_good_as_the_real_model_and_no_better() -> None:
    drawn = draw_economy(borrowers=12_000, months=24, seed=5)
    found = auc(drawn.signal, draw_history(drawn.people).bad.astype(np.int64))
    assert 0.74 < found < 0.80


def test_a_line_of_log_odds_is_found_again() -> None:
    rng = np.random.default_rng(1)
    columns = np.stack([np.ones(40_000), rng.normal(size=40_000)], axis=1)
    bad = rng.random(40_000) < 1 / (1 + np.exp(-(columns @ np.array([-3.0, 0.8]))))
    assert fit_line(columns, bad.astype(float)) == pytest.approx([-3.0, 0.8], abs=0.1)


def test_vintages_and_roll_rates_follow_from_the_loan_months(ran: dict[str, Twin]) -> None:
    told = figures(ran["matrix"].diary)
    table = np.array(list(ran["matrix"].diary.loan_months()))
    opened = table[:, 3] // 3
    for place, vintage in enumerate(told["vintages"]):
        net = (table[opened == place, 10] - table[opened == place, 11]).sum() / 100
        assert vintage["lost"][-1] * vintage["drawn"] == pytest.approx(net, rel=0.02, abs=2.0)
        assert vintage["lost"] == sorted(vintage["lost"])
    for row in told["roll_rates"]:
        assert sum(row) == pytest.approx(1.0, abs=1e-4)
    assert len(told["months"]) == 12 + RUN_OFF


def test_the_interval_of_a_paired_difference_is_as_wide_as_theory_says() -> None:
    rng = np.random.default_rng(3)
    gap = rng.normal(2.0, 50.0, 20_000)
    found = paired(gap, np.zeros(20_000))
    wide = 2 * 1.96 * gap.std() / np.sqrt(20_000)
    assert found.low < 2.0 < found.high
    assert found.high - found.low == pytest.approx(wide, rel=0.15)


def policy_file(folder: Path, rules: dict) -> str:
    path = folder / "policy.json"
    path.write_text(json.dumps(rules))
    return str(path)


def test_the_command_writes_a_report_figures_and_loan_months(tmp_path: Path) -> None:
    out, said = tmp_path / "twin", StringIO()
    call_command(
        "simulate", borrowers=300, months=6, policy="profit", against="matrix", seeds=[7], shock=["none", "2:1.5"],
        teach=1500, csv=True, out=out, stdout=said,
    )  # fmt: skip
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2 * 8
    assert "<script" not in page
    found = json.loads((out / "figures.json").read_text())
    assert [case["shock_month"] for case in found["cases"]] == [None, 2]
    assert sum("95 % intervals" in line["text"] for line in found["verdicts"]) == 2
    with (out / "loan_months-matrix-7-shock.csv").open() as rows:
        table = list(csv.DictReader(rows))
    lost = sum(Decimal(row["written_off"]) - Decimal(row["recovered"]) for row in table)
    assert float(lost) == pytest.approx(found["cases"][1]["runs"]["matrix"]["loss"], abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"months": 0}, {"borrowers": 5}, {"shock": ["99:1"]}, {"shock": ["x"]}, {"shock": ["2:9"]}, {"policy": "no such file"},
        {"policy": "profit", "fit_weight": True},
    ],
    ids=str,
)  # fmt: skip
def test_the_command_refuses_what_it_cannot_run(tmp_path: Path, wrong: dict) -> None:
    asked = {"borrowers": 200, "months": 6, "teach": 1500, "out": tmp_path / "twin", **wrong}
    with pytest.raises(CommandError) as refused:
        call_command("simulate", **asked, stdout=StringIO())
    assert refused.value.returncode == 2


def test_the_command_refuses_a_policy_over_the_guard(tmp_path: Path) -> None:
    wrong = document()
    wrong["grades"][-1]["annual_rate"] = "0.30"
    with pytest.raises(CommandError, match="policy_price_over_guard"):
        call_command(
            "simulate", borrowers=200, policy=policy_file(tmp_path, wrong), out=tmp_path, stdout=StringIO()
        )


def test_the_rules_of_a_policy_reach_the_twin() -> None:
    stricter: PolicyRules = replace(MATRIX, cut_offs=replace(MATRIX.cut_offs, approve_below=Decimal("0.01")))
    drawn = draw_economy(borrowers=400, months=6, seed=3)
    lines = [
        Twin(drawn, policy=policy, ceiling=CEILING, score=SCORE).run().was_opened.sum()
        for policy in (MATRIX, stricter)
    ]
    assert lines[1] < 0.6 * lines[0]
