"""One module a room: what the desk shows of it."""

from lendportal.desk.pages import accounts, credit, ledger, loans, merchants, risk, working

__all__ = ["accounts", "credit", "ledger", "loans", "merchants", "risk", "working"]
