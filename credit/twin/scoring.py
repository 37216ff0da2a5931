"""The twin's score: a small scorecard that learns from an earlier economy, and sees no truth.

At application it has one signal, as good as the real model's; later it also sees how the line was used and paid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.domain.events import Floats

LEAST_PD, MOST_PD = 1e-6, 0.9999
HISTORY = 3  # months on the book before conduct counts


@dataclass(frozen=True, slots=True)
class Score:
    """Hold the two lines of log-odds: at application, and with conduct."""

    application: Floats
    conduct: Floats

    def at_application(self, signal: Floats) -> Floats:
        """Give probabilities of default of applicants, shape (n,)."""
        return _probability(application_columns(signal) @ self.application)

    def with_conduct(self, columns: Floats) -> Floats:
        """Give probabilities of default of open lines from `conduct_columns`, shape (n,)."""
        return _probability(columns @ self.conduct)


def application_columns(signal: Floats) -> Floats:
    """Lay out what is known of an applicant."""
    return np.stack([np.ones_like(signal), signal], axis=1)


def conduct_columns(
    *, signal: Floats, months_on_book: Floats, streak: Floats, since_late: Floats, utilisation: Floats
) -> Floats:
    """Lay out what is known of an open line, shape (n, 6); `since_late` is 99 for who never was."""
    known = months_on_book >= HISTORY
    return np.stack(
        [
            np.ones_like(signal),
            signal,
            known * np.minimum(streak, 12.0) / 12.0,
            known * signal,
            np.exp(-since_late / 3.0),
            np.clip(utilisation, 0.0, 1.5),
        ],
        axis=1,
    )


def fit_line(columns: Floats, bad: Floats, *, ridge: float = 1.0, rounds: int = 30) -> Floats:
    """Fit log-odds by Newton's method with a little ridge."""
    line = np.zeros(columns.shape[1])
    line[0] = np.log(bad.mean() / (1 - bad.mean()))
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-(columns @ line)))
        slope = columns.T @ (bad - chance) - ridge * line * (np.arange(len(line)) > 0)
        curve = (columns * (chance * (1 - chance))[:, None]).T @ columns + ridge * np.eye(len(line))
        move = np.linalg.solve(curve, slope)
        line = line + move
        if float(np.abs(move).max()) < 1e-9:
            break
    return np.asarray(line)


def _probability(log_odds: Floats) -> Floats:
    return np.asarray(np.round(np.clip(1 / (1 + np.exp(-log_odds)), LEAST_PD, MOST_PD), 8))
