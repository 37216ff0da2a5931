"""Put rows in order of a subject and a moment (or another number), fast: most of a roll-up's time was spent in sorting."""

from __future__ import annotations

import numpy as np

from risk.domain.events import Integers

_BITS = 62


def in_time(subject: Integers, moment: Integers) -> Integers:
    """Give the order of rows by subject, then by moment, then as they came: what `lexsort((moment, subject))` gives.

    Where subject, moment and place fit into one number together, that number is sorted by itself, which is several times as
    fast as sorting places by two keys; else the two keys are sorted.

    >>> in_time(np.array([2, 1, 2, 1]), np.array([5, 9, 5, 3])).tolist()
    [3, 1, 0, 2]
    """
    count = len(subject)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    first, earliest = int(subject.min()), int(moment.min())
    place_bits = max(count - 1, 1).bit_length()
    moment_bits = max(int(moment.max()) - earliest, 1).bit_length()
    subject_bits = max(int(subject.max()) - first, 1).bit_length()
    if place_bits + moment_bits + subject_bits > _BITS:
        return np.lexsort((moment, subject))
    packed = ((subject - first) << (moment_bits + place_bits)) | ((moment - earliest) << place_bits)
    packed |= np.arange(count)
    packed.sort()
    return np.asarray(packed & ((1 << place_bits) - 1))


def is_in_time(subject: Integers, moment: Integers) -> bool:
    """Tell whether rows are in that order already."""
    later = (subject[1:] > subject[:-1]) | ((subject[1:] == subject[:-1]) & (moment[1:] >= moment[:-1]))
    return bool(later.all())
