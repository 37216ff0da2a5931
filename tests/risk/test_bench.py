"""The bench on tables that nobody has seen, and on what is no table."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from django.core.management import call_command

from risk.domain import metrics


def write(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def loans(count, seed, *, first_year=2015):
    rng = np.random.default_rng(seed)
    income = np.exp(rng.normal(9, 0.5, count))
    town = rng.choice(["Lhasa", "Xi'an", "成都", "Wuhan", ""], count, p=[0.2, 0.2, 0.2, 0.2, 0.2])
    debt = income * rng.random(count) * 3
    eta = -2 + 1.2 * (debt / income - 1.5) + 0.8 * (town == "Lhasa") + rng.normal(0, 0.5, count)
    bad = (rng.random(count) < 1 / (1 + np.exp(-eta))).astype(int)
    years = first_year + rng.integers(0, 4, count)
    term = np.where(
        (bad == 1) & (rng.random(count) < 0.6), rng.integers(3, 60, count), 12 * rng.integers(1, 6, count)
    )
    return {
        "row_id": np.arange(count),
        "approval_date": [f"{y}-{m:02d}-15" for y, m in zip(years, rng.integers(1, 13, count), strict=True)],
        "income": [f"{x:.2f}" if rng.random() > 0.1 else "" for x in income],
        "debt": [f"{x:.2f}" for x in debt],
        "town": town,
        "sex": rng.choice(["F", "M"], count),
        "same": ["x"] * count,
        "term": term,
        "loss": [str(float(b)) for b in bad + rng.random(count) * 0.3],
        "charged_off_date": [f"{y + 1}-06-01" if b else "" for y, b in zip(years, bad, strict=True)],
        "bad": bad,
    }


def as_people_write(columns):
    """Write the same table as people do: signs of money, per cent, words among numbers, days the other way round."""
    rng = np.random.default_rng(5)
    written = dict(columns)
    written["income"] = [
        f"¥{float(x):,.2f}" if x else rng.choice(["", "-", "unknown"]) for x in columns["income"]
    ]
    written["debt"] = [f"{float(x):,.2f} 元" for x in columns["debt"]]
    written["approval_date"] = ["{2}/{1}/{0}".format(*d.split("-")) for d in columns["approval_date"]]
    return written


def run(tmp_path, train, test):
    out, report = tmp_path / "out.csv", tmp_path / "report.json"
    call_command(
        "risk_bench",
        train=write(tmp_path / "train.csv", train),
        test=write(tmp_path / "test.csv", test),
        out=out,
        report=report,
    )
    with out.open() as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads(report.read_text())


def test_it_forecasts_a_table_that_nobody_has_seen(tmp_path, capsys):
    train, test = loans(3_000, 1), loans(1_000, 2)
    truth = np.array(test.pop("bad"))
    test["town"] = np.where(np.arange(1000) % 50 == 0, "Atlantis", test["town"])
    test["income"][3] = "inf"
    rows, report = run(tmp_path, train, test)
    assert [row["row_id"] for row in rows] == [str(r) for r in test["row_id"]]
    pd = np.array([float(row["pd"]) for row in rows])
    assert ((pd > 0) & (pd < 1)).all()
    assert metrics.auc(pd, truth) > 0.68
    assert metrics.ece(pd, truth) < 0.05
    refused = {r["column"]: r["code"] for r in report["refused"]}
    assert refused["sex"] == "protected"
    assert refused["same"] == "constant"
    assert refused["term"] == "pattern_of_one_outcome"
    assert refused["loss"] == "single_feature_auc"
    assert refused["charged_off_date"] == "missing_depends_on_label"
    assert not {"income", "debt", "town"} & set(refused)


def test_a_later_test_is_out_of_time_and_sounds_the_alarm(tmp_path):
    train, test = loans(2_500, 1), loans(800, 2, first_year=2020)
    del test["bad"]
    test["debt"] = [str(float(x) * 5) for x in test["debt"]]
    _rows, report = run(tmp_path, train, test)
    assert report["out_of_time"]
    assert report["drift"]["alarm"]
    assert not any("approval" in name for name in report["features"])


def test_it_reads_numbers_and_days_as_people_write_them(tmp_path):
    train, test = loans(1_500, 1), loans(400, 2)
    del test["bad"]
    plain, report = run(tmp_path, train, test)
    written, again = run(tmp_path, as_people_write(train), as_people_write(test))
    assert again["decision_date"] == report["decision_date"] == "approval_date"
    assert not {"income", "debt"} & {r["column"] for r in again["refused"]}
    gaps = [abs(float(a["pd"]) - float(b["pd"])) for a, b in zip(plain, written, strict=True)]
    assert max(gaps) < 1e-9


def hostile(count, seed):
    """Make columns of every kind that somebody's export may hold, one of them honest, four of them the outcome in disguise."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=count)
    bad = (rng.random(count) < 1 / (1 + np.exp(1.2 - 1.3 * load))).astype(int)
    words = np.array(
        ["", "NaN", "null", "-", "n/a", "12", "1e400", "-0", "0x1F", "½", "=1+1", "\u202eevil", "🙂"]
    )
    return {
        "row_id": [f"00{k}" for k in range(count)],
        "load": [f"{x:.4f}" if rng.random() > 0.05 else "" for x in load],
        "all_missing": [""] * count,
        "nearly_all_missing": ["7" if k == 5 else "" for k in range(count)],
        "junk": rng.choice(words, count),
        "huge": [f"{x:.3e}" for x in np.exp(rng.normal(0, 300, count).clip(-690, 690))],
        "whole_numbers_as_words": rng.choice(["one", "two", "three"], count),
        "truth": rng.choice(["True", "FALSE", "yes", "No"], count),
        "old_day": rng.choice(["0001-01-01", "1582-10-05", "1899-12-31", "9999-12-31", "2024-02-30", ""], count),
        "moment": [f"2024-{1 + k % 12:02d}-{1 + k % 28:02d}T23:59:59+08:00" for k in range(count)],
        "essay": [" ".join(rng.choice(["贷款", "loan", "需要", "shop", "钱"], 60)) for _ in range(count)],
        "a column, with \"marks\" 列": rng.integers(0, 9, count),
        "same_but_once": ["a"] * (count - 1) + ["b"],
        "outcome_word": np.where(bad == 1, "paid late", "fine"),
        "outcome_turned": 1 - bad,
        "outcome_scaled": bad * 1e9 + rng.random(count),
        "outcome_by_gap": np.where(bad == 1, "", rng.integers(1, 99, count).astype(str)),
        "bad": bad,
    }  # fmt: skip


def test_it_works_on_a_hostile_table(tmp_path):
    train, test = hostile(1_200, 1), hostile(400, 2)
    truth = np.array(test.pop("bad"))
    test["load"][0], test["huge"][1], test["truth"][2] = "many", "-inf", "perhaps"
    test["nearly_all_missing"] = ["8"] * 400
    rows, report = run(tmp_path, train, test)
    pd = np.array([float(row["pd"]) for row in rows])
    assert [row["row_id"] for row in rows] == test["row_id"]  # as written: the noughts before are part of it
    assert ((pd > 0) & (pd < 1)).all()
    assert 0.70 < metrics.auc(pd, truth) < 0.90
    refused = {r["column"]: r["code"] for r in report["refused"]}
    assert {"outcome_word", "outcome_turned", "outcome_scaled", "outcome_by_gap"} <= set(refused)
    assert refused["all_missing"] == "constant"
    assert "load" not in refused
    assert not any(name.startswith("outcome") for name in report["features"])


def test_columns_that_say_nothing_give_everybody_the_rate(tmp_path):
    rng = np.random.default_rng(4)
    train = {"row_id": range(500), "noise": rng.random(500), "bad": (rng.random(500) < 0.2).astype(int)}
    rows, report = run(tmp_path, train, {"row_id": range(200), "noise": rng.random(200)})
    pd = np.array([float(row["pd"]) for row in rows])
    assert abs(pd.mean() - np.mean(train["bad"])) < 0.03
    assert pd.std() < 0.05
    assert abs(report["cross_validation"]["auc"] - 0.5) < 0.1


MEMOS = {
    "还债": 1.5,
    "debt consolidation": 1.2,
    "装修": 0.0,
    "wedding": 0.0,
    "school fees": -1.0,
    "进货": -0.8,
}


def memos(count, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(MEMOS), (count, 2))
    eta = np.array([sum(MEMOS[k] for k in row) for row in kinds]) - 1.5
    texts = [f"{a} {b} no {rng.integers(1000)}" for a, b in kinds]
    bad = (rng.random(count) < 1 / (1 + np.exp(-eta))).astype(int)
    return {"row_id": range(count), "memo": texts, "age_of_car": rng.integers(0, 20, count), "bad": bad}


def test_it_learns_from_free_text(tmp_path):
    train, test = memos(900, 1), memos(600, 2)
    truth = np.array(test.pop("bad"))
    rows, report = run(tmp_path, train, test)
    assert "memo:words" in report["features"]
    assert not report["refused"]
    assert metrics.auc(np.array([float(row["pd"]) for row in rows]), truth) > 0.75


def test_it_refuses_a_mark_that_only_bads_bear_and_whose_the_loan_is(tmp_path):
    train, test = loans(2_000, 1), loans(50, 2)
    rng, bad = np.random.default_rng(3), np.array(train["bad"])
    del test["bad"]
    train["recovered"] = np.where((bad == 1) & (rng.random(2_000) < 0.2), rng.integers(100, 900, 2_000), 0)
    train["days_late_before"] = np.where(rng.random(2_000) < 0.2 + 0.5 * bad, rng.integers(1, 90, 2_000), 0)
    train["customer_id"] = [f"c{k // 2}" for k in range(2_000)]
    test |= {"recovered": [0] * 50, "days_late_before": [3] * 50, "customer_id": [f"d{k}" for k in range(50)]}
    _rows, report = run(tmp_path, train, test)
    refused = {r["column"]: r["code"] for r in report["refused"]}
    assert refused["recovered"] == "mark_of_bads"
    assert refused["customer_id"] == "identifier"
    assert "days_late_before" not in refused


def test_rows_of_one_person_stay_in_one_fold():
    from risk.domain.bench import deal

    rng = np.random.default_rng(1)
    person, bad = rng.integers(0, 120, 600), (rng.random(600) < 0.1).astype(np.int64)
    fold = deal(bad, person, 4, 7)
    assert all(len(set(fold[person == p])) == 1 for p in np.unique(person))
    assert len(set(fold)) == 4


def test_it_reads_other_delimiters_and_its_report_is_json(tmp_path):
    train, test = loans(300, 1), loans(20, 2)
    del test["bad"]
    plain, _report = run(tmp_path, train, test)
    for name in ("train", "test"):
        path = tmp_path / f"{name}.csv"
        path.write_text(path.read_text().replace(",", ";"))
    call_command(
        "risk_bench",
        train=tmp_path / "train.csv",
        test=tmp_path / "test.csv",
        out=tmp_path / "again.csv",
        report=tmp_path / "again.json",
    )
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert len(plain) == 20
    json.loads((tmp_path / "again.json").read_text(), parse_constant=pytest.fail)


def test_the_same_seed_writes_the_same_forecasts(tmp_path):
    train, test = loans(600, 1), loans(50, 2)
    first, _ = run(tmp_path, train, test)
    again, _ = run(tmp_path, train, test)
    assert first == again


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.pop("bad"), "column 'bad' is missing"),
        (lambda t: t.update(bad=[0] * 400), "All outcomes are alike"),
        (lambda t: t.update(bad=["yes"] * 400), "must hold 0 or 1"),
        (lambda t: t.update(bad=[2, 0] * 200), "must hold 0 or 1"),
        (lambda t: t.update(bad=[1, 1] + [0] * 398), "There are 2 bads"),
        (lambda t: t.update(sample_weight=[-1.0] * 400), "above 0"),
        (lambda t: t.pop("row_id"), "column 'row_id' is missing"),
        (
            lambda t: [t.pop(n) for n in list(t) if n not in {"row_id", "bad", "sex", "same"}],
            "No column is left",
        ),
    ],
)
def test_it_refuses_a_bad_training_file(tmp_path, capsys, spoil, says):
    train, test = loans(400, 1), loans(20, 2)
    spoil(train)
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path, train, test)
    assert exit_.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"row_id,bad\n", "no rows"),
        (b"row_id,row_id,bad\n1,1,0\n", "twice"),
        (b"row_id,bad,x\n1,0\n", "Line 2"),
        ("row_id,bad\n1,é\n".encode("utf-16"), "UTF-8"),
        (b'row_id,bad\n1,"0\n', "CSV"),
    ],
)
def test_it_refuses_what_is_no_table(tmp_path, capsys, content, says):
    (tmp_path / "train.csv").write_bytes(content)
    write(tmp_path / "test.csv", {"row_id": [1], "x": [1]})
    with pytest.raises(SystemExit):
        call_command(
            "risk_bench", train=tmp_path / "train.csv", test=tmp_path / "test.csv", out=tmp_path / "o.csv"
        )
    assert says in capsys.readouterr().err


def test_a_test_file_without_a_column_is_refused_by_name(tmp_path, capsys):
    train, test = loans(400, 1), loans(20, 2)
    del test["debt"]
    with pytest.raises(SystemExit):
        run(tmp_path, train, test)
    assert "'debt' is missing" in capsys.readouterr().err


def test_the_gate_refuses_the_overwritten_term_of_the_real_set(shared_data):
    from risk.bench import sets
    from risk.domain.matrix import refuse_columns

    found = sets.with_splits(shared_data, "sba_loans_sample")
    train = found.material.take(np.array(found.oot) == "train")
    refused = {leak.column for leak in refuse_columns(train.columns, train.bad, train.weight)[1]}
    assert {
        "term",
        "chg_off_date",
        "chg_off_prin_gr",
        "disbursement_date",
        "disbursement_gross",
        "loan_nr",
    } <= refused
    assert not {"gr_appv", "sba_appv", "bank", "naics", "no_emp", "low_doc", "rev_line_cr"} & refused


def test_invoices_of_real_firms_reach_the_floor(shared_data):
    from risk.bench import sets
    from risk.bench.cases import cross_validate

    found = sets.small_business(shared_data)
    value = metrics.auc(cross_validate(found, fold=found.fold, seeds=1)[0], found.material.bad)
    assert value >= 0.80  # floor .84 for the mean of five (risk_report); one deal of 27 bads swings by .03
