"""Lenses on the rate: over all units, and in contexts that must share it.

Those of place, value and neighbours refute only that their contexts share one rate, so a wrong
rate, which is the rate lens's to find, does not show in them as well. To pass they need the
stated rate in every context.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Gauge
from dropspec.chance.lenses.base import Draw, Lens
from dropspec.chance.lenses.pairs import Pairs
from dropspec.core.arrays import QUADRANTS, thue_morse_signs, values

LOW_BITS = np.array(
    [
        0xAAAAAAAAAAAAAAAA,
        0xCCCCCCCCCCCCCCCC,
        0xF0F0F0F0F0F0F0F0,
        0xFF00FF00FF00FF00,
        0xFFFF0000FFFF0000,
        0xFFFFFFFF00000000,
    ],
    np.uint64,
)


class RateLens(Lens):
    """Dropped and kept: the drop rate over all units."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.gauge = Gauge((campaign.rate, 1 - campaign.rate), campaign.tol, alpha)
        self.contexts = ["over all units"]

    def look(self, draw: Draw) -> None:
        """Counts survivors."""
        both = (draw.mask.size - draw.survivors, draw.survivors)
        self.gauge.add(both, both)


class HomogeneousLens(Lens):
    """Dropped and kept in contexts that must share one rate; `fractions` are the contexts'
    shares of all units.
    """

    def _measure(self, campaign: Campaign, alpha: float, fractions: Any) -> None:
        self.fractions = np.asarray(fractions, float)
        # so that every context is done in a quarter of the rate's samples
        tol = campaign.tol * np.sqrt(4 / self.fractions)
        self.gauge = Gauge(
            (campaign.rate, 1 - campaign.rate), tol, alpha, len(tol), homogeneous=True
        )

    def _add(self, kept: Any, sizes: Any, draw: Draw) -> None:
        table = np.array((sizes - np.asarray(kept), kept)).T
        self.gauge.add(table, (draw.mask.size - draw.survivors, draw.survivors))


class DyadicLens(HomogeneousLens):
    """Units by their place in a large call: for each bit of the position, those where it is 1
    and those where it is 0.
    """

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.bits = prod(campaign.shape).bit_length() - 1
        self.contexts = [
            f"at the flat positions whose bit {b} is {v}" for v in (1, 0) for b in range(self.bits)
        ]
        places = np.arange(prod(campaign.shape) // 64)
        # a matrix product sums faster than slices do
        self.high = np.array([places >> b & 1 for b in range(self.bits - 6)], np.float32)
        self._measure(campaign, alpha, np.full(2 * self.bits, 0.5))

    def look(self, draw: Draw) -> None:
        """Counts survivors by the bits of the position: six inside a word, the others from the
        counts of words.
        """
        low = np.bitwise_count(draw.bits.reshape(-1) & LOW_BITS[:, None]).sum(1, dtype=np.int64)
        ones = np.concatenate((low, self.high @ draw.word_floats.reshape(-1)))
        self._add(np.concatenate((ones, draw.survivors - ones)), draw.mask.size / 2, draw)


class PlaceLens(HomogeneousLens):
    """Units of a small call by their place: each on its own, or where there are many, eighths
    and the first and last eight.
    """

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        n = prod(campaign.shape)
        at = np.arange(n)
        alone = at if n <= 40 else np.r_[at[:8], at[-8:]]
        members = [at == i for i in alone] + (
            [at * 8 // n == i for i in range(8)] if n > 40 else []
        )
        self.contexts = [f"at position {i} of {n}" for i in alone] + [
            f"in eighth {i + 1} of {n} positions" for i in range(8)
        ]
        self.members = np.array(members, float)
        self._measure(campaign, alpha, self.members.mean(1))

    def look(self, draw: Draw) -> None:
        """Counts survivors by place."""
        self._add(self.members @ draw.mask.sum(0), self.members.sum(1) * len(draw.mask), draw)


class PairLens(HomogeneousLens):
    """Units by what became of another unit: the left neighbour in the row, the one above in the
    batch, the same one in the call before.
    """

    def __init__(
        self, campaign: Campaign, alpha: float, other: str, pair: Callable[[Draw], Pairs | None]
    ) -> None:
        self.contexts = [f"where {other} {fate}" for fate in ("was dropped", "survived")]
        self.pair = pair
        self._measure(campaign, alpha, (campaign.rate, 1 - campaign.rate))

    def look(self, draw: Draw) -> None:
        """Counts pairs."""
        pair = self.pair(draw)
        if pair is None:
            return
        both, kept, given_kept, size = pair
        table = [[size - given_kept - kept + both, kept - both], [given_kept - both, both]]
        self.gauge.add(table, (size - kept, kept))


@cache
def quadrants(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Where a campaign's input is negative or positive, large or small, as bits of a draw; and
    how many units that are.
    """
    x = values(shape).reshape(-1, shape[-1])
    members = [Draw(x == v, None) for v in QUADRANTS]
    return np.stack([m.bits for m in members]), np.array([m.survivors for m in members])


class ValueLens(HomogeneousLens):
    """Units by their input: negative or positive, small or large."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.contexts = [f"where the input is {v:g}" for v in QUADRANTS]
        self.members, self.sizes = quadrants(campaign.shape)
        self._measure(campaign, alpha, self.sizes / prod(campaign.shape))

    def look(self, draw: Draw) -> None:
        """Counts survivors by input."""
        self._add(
            np.bitwise_count(draw.bits & self.members).sum((1, 2), dtype=np.int64), self.sizes, draw
        )


@cache
def by_sign(shape: tuple[int, ...], inputs: int) -> tuple[Any, Any]:
    """Where a weight is negative or positive, and where its input is, as bits of a draw; every
    row has the signs of the first.
    """
    row = values(shape)[:1]
    of_input = np.resize(thue_morse_signs(inputs), row.shape)
    members = [
        Draw(np.broadcast_to(m, shape), None)
        for m in (row < 0, row > 0, of_input < 0, of_input > 0)
    ]
    return np.stack([m.bits for m in members]), np.array([m.survivors for m in members])


class SignLens(ValueLens):
    """Weights by their sign and by that of their input."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.contexts = [
            f"where the {what} is {sign}"
            for what in ("weight", "input")
            for sign in ("negative", "positive")
        ]
        self.members, self.sizes = by_sign(campaign.shape, campaign.word)
        self._measure(campaign, alpha, self.sizes / prod(campaign.shape))
