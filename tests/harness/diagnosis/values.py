"""What outputs are, number by number, beside the input that they came from."""

from __future__ import annotations

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen

NEAR = 1e-3  # relative: what is nearer than that is the same number
EQUAL = 1e-6  # relative: inputs are a thousandth apart, and few are so near by chance
MANY = 8  # of one number in an output: then it is no coincidence


def note_values(rate: float, x: Array, y: Array, notes: Notes) -> None:
    """Notes what the outputs of several calls on one input have in common, at one rate.

    `x` holds different numbers of either sign; `y` has one axis more, over the calls.
    """

    def note(kind: Seen, value: float) -> None:
        notes.observe(kind, value, rate=rate)

    note(Seen.DROPPED, float((y == 0).mean()))
    survived = (y != 0) & np.isfinite(y)
    if not survived.any():
        return
    ratios = y / x
    scale = float(np.median(np.abs(ratios[survived])))
    note(Seen.SCALE, scale)
    note(Seen.TURNED, float((ratios[survived] < 0).mean()))
    calls = [np.abs(r[s]) for r, s in zip(ratios, survived, strict=True) if s.any()]
    note(Seen.SCALE_VARIES, max(_spread(call) for call in calls) / scale)
    note(Seen.SCALE_OF_CALL, float(np.ptp([np.median(call) for call in calls])) / scale)
    note(Seen.ONE_NUMBER, _share_of_one_number(y, survived))
    right = np.abs(ratios * (1 - rate) - 1) < NEAR
    note(Seen.AS_IT_WAS, float((y == x).mean()))
    note(Seen.NO_RESULT, float((~right & (y != 0)).mean()))
    note(Seen.MOVED, _share_that_moved(x, y, (scale, 1 / (1 - rate))))
    note(Seen.ADDED, _is_added(x, y))


def _spread(ratios: Array) -> float:
    """How far the middle nine tenths of some scales are apart."""
    low, high = np.quantile(ratios, (0.05, 0.95))
    return float(high - low)


def _share_of_one_number(y: Array, survived: Array) -> float:
    """The share of outputs that are one and the same number, which is not 0, whatever the input."""
    found, counts = np.unique(np.round(y[survived], 4), return_counts=True)
    most = int(np.argmax(counts))
    per_call = counts[most] / len(y)
    return float(counts[most] / y.size) if found[most] != 0 and per_call >= MANY else 0.0


def _share_that_moved(x: Array, y: Array, scales: tuple[float, ...]) -> float:
    """The share of outputs that are the number of another unit, by one of these scales."""
    near, most = np.sort(np.abs(x), axis=None), 0.0
    for scale in scales:
        back = np.abs(y) / scale
        own = np.abs(back - np.abs(x)) < NEAR * np.abs(x)
        place = np.clip(np.searchsorted(near, back), 1, near.size - 1)
        apart = np.minimum(np.abs(near[place] - back), np.abs(near[place - 1] - back))
        most = max(most, float(((apart < EQUAL * back) & ~own & (y != 0)).mean()))
    return most


def _is_added(x: Array, y: Array) -> float:
    """How much the difference of output and input varies at small inputs, relative to large ones:
    1 where noise is added, and about 0.4 where it multiplies.
    """
    apart = y - x
    small, large = apart[:, np.abs(x) < 1].std(), apart[:, np.abs(x) > 1.5].std()
    return float(small / large) if large > 0 else 0.0
