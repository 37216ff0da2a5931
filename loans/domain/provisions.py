"""What is set aside for losses: by days past due, and by expected loss in three stages.

One table says everything (`Band`): which provision a number of days past due asks for, in which stage it puts a loan,
how likely default is within a year, and what is lost then. Nothing else is a number here. The statement in
`loans/operations/provisions.py` is the same arithmetic over a whole book; docs/algorithms/provisions.md works both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from ledger.domain.money import EXACT, ZERO, round_money
from loans.domain.events import EventKind
from regimes.errors import N_, InvalidInput

PD_PLACES: Final = Decimal(
    "0.000001"
)  # a probability is rounded before it meets money, here and in the statement
YEAR_MONTHS: Final = 12
# an agreement changed because the borrower had difficulty: at least stage 2 for a while
FORBEARANCE: Final = (EventKind.RESCHEDULE, EventKind.RE_AGE, EventKind.EXTENSION, EventKind.PAUSE)


class Method(StrEnum):
    """Name which of the two amounts is booked."""

    BY_DAYS = "BY_DAYS"
    EXPECTED_LOSS = "EXPECTED_LOSS"
    HIGHER = "HIGHER"


class UnableToProvide(InvalidInput):
    """Refuse a table of rates that is none."""


@dataclass(frozen=True, slots=True)
class Band:
    """Say what a loan from so many days past due on is worth."""

    name: str
    from_days: int
    rate: Decimal  # of the exposure, by days
    stage: int  # 1, 2 or 3
    default_rate: Decimal  # probability of default within twelve months
    loss_rate: Decimal  # of the exposure, lost in a default


@dataclass(frozen=True, slots=True)
class ProvisionRules:
    """Hold the table, which method is booked, and for how long a changed agreement keeps a loan in stage 2."""

    version: str
    method: Method
    bands: tuple[Band, ...]
    forborne_days: int = 90

    def __post_init__(self) -> None:
        days = [band.from_days for band in self.bands]
        if not days or days[0] != 0 or days != sorted(set(days)):
            raise _refusal("bands", "provision_bands_invalid", N_("Bands begin at 0 days and grow."))
        stages = [band.stage for band in self.bands]
        if stages != sorted(stages) or not set(stages) <= {1, 2, 3} or 2 not in stages:
            raise _refusal("stage", "provision_stages_invalid", N_("Stages are 1, 2 and 3 and never fall."))
        for band in self.bands:
            for rate in (band.rate, band.default_rate, band.loss_rate):
                if not isinstance(rate, Decimal) or not rate.is_finite() or not ZERO <= rate <= 1:
                    raise _refusal("rate", "provision_rate_invalid", N_("A rate is between 0 and 1."))
                if rate != rate.quantize(PD_PLACES):
                    raise _refusal("rate", "provision_rate_invalid", N_("A rate has at most six places."))
            if band.stage == 3 and band.default_rate != 1:
                raise _refusal(
                    "default_rate", "provision_default_invalid", N_("In stage 3 the default has happened.")
                )

    def band_of(self, days_past_due: int) -> Band:
        """Return the band of a number of days past due."""
        return [band for band in self.bands if band.from_days <= days_past_due][-1]

    @property
    def forborne_band(self) -> Band:
        """Return the band whose likelihood a changed agreement has at least."""
        return next(band for band in self.bands if band.stage == 2)

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as they are kept with each run."""
        bands = [{key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(band).items()}
                 for band in self.bands]  # fmt: skip
        return {
            "version": self.version,
            "method": self.method.value,
            "forborne_days": self.forborne_days,
            "bands": bands,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read rules back."""
        bands = tuple(
            Band(row["name"], int(row["from_days"]), Decimal(row["rate"]), int(row["stage"]), Decimal(row["default_rate"]),
                 Decimal(row["loss_rate"]))
            for row in data["bands"]
        )  # fmt: skip
        return cls(str(data["version"]), Method(data["method"]), bands, int(data["forborne_days"]))


def _refusal(field: str, code: str, message: str) -> UnableToProvide:
    return UnableToProvide(code, message, field=field)


def _band(name: str, from_days: int, rate: str, stage: int, default_rate: str, loss_rate: str) -> Band:
    return Band(name, from_days, Decimal(rate), stage, Decimal(default_rate), Decimal(loss_rate))


# The five classes by days past due, with the rates that Chinese guidance of 2002 gives them. How likely and how large a
# loss is are a beginner's guess for small unsecured loans: whoever runs a portal puts its own history here.
DEFAULT_RULES: Final = ProvisionRules(
    version="2026-1",
    method=Method.HIGHER,
    bands=(
        _band("CURRENT", 0, "0.01", 1, "0.02", "0.60"),
        _band("DPD_1_30", 1, "0.02", 1, "0.12", "0.60"),
        _band("DPD_31_60", 31, "0.02", 2, "0.40", "0.60"),
        _band("DPD_61_90", 61, "0.02", 2, "0.65", "0.60"),
        _band("DPD_91_270", 91, "0.25", 3, "1", "0.65"),
        _band("DPD_271_360", 271, "0.50", 3, "1", "0.80"),
        _band("DPD_361_PLUS", 361, "1", 3, "1", "1"),
    ),
)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Say what is at stake in one loan on a day."""

    amount: Decimal  # principal, interest, fees and penalty owed
    days_past_due: int
    months_left: int
    is_forborne: bool = False
    default_rate: Decimal | None = None  # within twelve months, of the borrower's assessment


@dataclass(frozen=True, slots=True)
class Provision:
    """Show what is set aside for one loan, both ways, and how it came about."""

    band: str
    stage: int
    default_rate: Decimal  # over the horizon of the stage
    loss_rate: Decimal
    by_days: Decimal
    expected: Decimal
    amount: Decimal


def months_between(day: date, maturity: date) -> int:
    """Return the begun months from a day to a last due date, at least one."""
    whole = (maturity.year - day.year) * 12 + maturity.month - day.month + (maturity.day > day.day)
    return max(1, whole)


def default_over(yearly: Decimal, months: int) -> Decimal:
    """Return the probability of default over some months, with the same hazard in each."""
    survival = EXACT.power(
        EXACT.subtract(Decimal(1), yearly), EXACT.divide(Decimal(months), Decimal(YEAR_MONTHS))
    )
    return EXACT.subtract(Decimal(1), survival).quantize(PD_PLACES, context=EXACT, rounding="ROUND_HALF_UP")


def provide(rules: ProvisionRules, exposure: Exposure) -> Provision:
    """Return what is set aside for one exposure."""
    band = rules.band_of(exposure.days_past_due)
    stage, yearly = band.stage, band.default_rate
    if stage == 1 and exposure.is_forborne:
        stage, yearly = 2, max(yearly, rules.forborne_band.default_rate)
    if exposure.default_rate is not None and stage < 3:
        yearly = exposure.default_rate if stage == 1 else max(yearly, exposure.default_rate)
    horizon = {1: min(YEAR_MONTHS, exposure.months_left), 2: exposure.months_left}
    likely = default_over(yearly, horizon[stage]) if stage < 3 else Decimal(1)
    by_days = round_money(EXACT.multiply(exposure.amount, band.rate))
    expected = round_money(EXACT.multiply(EXACT.multiply(exposure.amount, likely), band.loss_rate))
    amounts = {Method.BY_DAYS: by_days, Method.EXPECTED_LOSS: expected, Method.HIGHER: max(by_days, expected)}
    return Provision(band.name, stage, likely, band.loss_rate, by_days, expected, amounts[rules.method])
