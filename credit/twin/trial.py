"""A trial: policies run on the same economies, with and without a shock, over several seeds, and what it proves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from credit.domain.policy import Ceiling, PolicyRules
from credit.twin.diary import Diary
from credit.twin.economy import draw_economy
from credit.twin.figures import figures, paired
from credit.twin.lending import Twin
from credit.twin.scoring import Score

SHOCK_WINDOW = 12  # months after a shock in which cuts are looked at


@dataclass(frozen=True, slots=True)
class Trial:
    """Say what is tried: named policies, the first of them judged against the second if there are two."""

    policies: dict[str, PolicyRules]
    borrowers: int
    months: int
    seeds: Sequence[int]
    shocks: Sequence[tuple[int, float] | None]  # (month, size), or none
    keep_loan_months: bool = False


def run_trial(
    trial: Trial,
    *,
    ceiling: Ceiling,
    score: Score,
    say: Callable[[str], None] = lambda line: None,
    keep: Callable[[str, Diary], None] = lambda name, diary: None,
) -> dict[str, Any]:
    """Run every case and give all figures with their verdicts; `keep` is given each diary under its name."""
    cases, verdicts = [], []
    for shock in trial.shocks:
        gaps: list[tuple[Any, Any, Any, Any]] = []
        for seed in trial.seeds:
            name = f"seed {seed}, " + (f"shock of {shock[1]:g} in month {shock[0]}" if shock else "no shock")
            economy = draw_economy(
                borrowers=trial.borrowers,
                months=trial.months,
                seed=seed,
                shock_month=shock[0] if shock else None,
                shock_size=shock[1] if shock else 0.0,
            )
            runs, sums = {}, []
            for label, policy in trial.policies.items():
                diary = Twin(
                    economy,
                    policy=policy,
                    ceiling=ceiling,
                    score=score,
                    keep_loan_months=trial.keep_loan_months,
                ).run()
                runs[label] = figures(diary)
                sums.append((diary.profit, diary.loss))
                keep(f"{label}-{seed}" + ("-shock" if shock else ""), diary)
                say(
                    f"{name}, {label}: profit {diary.profit.sum():,.0f}, loss {diary.loss.sum():,.0f}, "
                    f"largest cut {runs[label]['largest_cut']:.1%}"
                )
            most_cut = float(min(policy.reevaluation.most_cut for policy in trial.policies.values()))
            cases.append(
                {
                    "name": name, "seed": seed, "shock_month": shock[0] if shock else None, "most_cut": most_cut, "runs": runs,
                }
            )  # fmt: skip
            if len(sums) >= 2:
                gaps.append((*sums[0], *sums[1]))
                verdicts += _compare(name, trial, [gaps[-1]])
            verdicts.append(_smooth(name, trial, runs))
        if len(gaps) > 1:
            verdicts += _compare(
                f"{len(gaps)} seeds together, {'with' if shock else 'without'} shock", trial, gaps
            )
    return {
        "asked": {"borrowers": trial.borrowers, "months": trial.months, "seeds": list(trial.seeds)},
        "cases": cases,
        "verdicts": verdicts,
    }


def _compare(name: str, trial: Trial, gaps: Sequence[tuple[Any, Any, Any, Any]]) -> list[dict[str, Any]]:
    """Say whether the first policy earns more at equal or lower loss than the second, with the intervals."""
    first, second = list(trial.policies)[:2]
    profit, loss, profit_of_second, loss_of_second = (
        np.concatenate([gap[place] for gap in gaps]) for place in range(4)
    )
    earned, lost = paired(profit, profit_of_second), paired(loss, loss_of_second)
    more = profit.sum() / profit_of_second.sum() - 1 if profit_of_second.sum() > 0 else float("nan")
    less = loss.sum() / loss_of_second.sum() - 1
    return [
        {
            "name": name,
            "profit": earned.as_dict(),
            "loss": lost.as_dict(),
            "profit_change": more,
            "loss_change": less,
            "holds": bool(earned.low > 0 and loss.sum() <= loss_of_second.sum()),
            "text": (
                f"{name}: {first} against {second}, a borrower: profit {earned.mean:+.2f} [{earned.low:+.2f}, {earned.high:+.2f}] "
                f"({more:+.1%}), loss {lost.mean:+.2f} [{lost.low:+.2f}, {lost.high:+.2f}] ({less:+.1%}); 95 % intervals, the same "
                "borrowers under both"
            ),
        }
    ]


def _smooth(name: str, trial: Trial, runs: dict[str, Any]) -> dict[str, Any]:
    worst = {label: run["largest_cut"] for label, run in runs.items()}
    allowed = {label: float(policy.reevaluation.most_cut) for label, policy in trial.policies.items()}
    holds = all(worst[label] <= allowed[label] + 1e-12 for label in worst)
    text = ", ".join(f"{label} {worst[label]:.2%} of at most {allowed[label]:.0%}" for label in worst)
    return {
        "name": name,
        "holds": holds,
        "largest_cut": worst,
        "text": f"{name}: largest cut of a limit in a month: {text}",
    }
