"""The book as a whole, as of any day: set-wise reports, the loans behind each cell, and their cache."""

from credit.portfolio.drill import drill
from credit.portfolio.reports import REPORTS, Report, Table, UnableToReport

__all__ = ["REPORTS", "Report", "Table", "UnableToReport", "drill"]
