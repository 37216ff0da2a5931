"""Copies of the books that can be proved: taken from one snapshot, with the digests by which a restore is judged."""

from lendportal.recovery.copies import UnableToCopy, back_up, restore
from lendportal.recovery.digests import HISTORY, Digest, digests

__all__ = ["HISTORY", "Digest", "UnableToCopy", "back_up", "digests", "restore"]
