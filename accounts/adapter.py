"""Where the settings look for allauth's hooks."""

from accounts.sign_in.adapter import AccountAdapter
from accounts.sign_in.factors import MfaAdapter

__all__ = ["AccountAdapter", "MfaAdapter"]
