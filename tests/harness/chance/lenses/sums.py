"""Lenses on sums: the number dropped of a row or call, and what outputs add up to."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Decision, Gauge
from dropspec.chance.lenses.base import QUARTERS, Draw, Finding, Lens
from dropspec.core.arrays import DTYPES, FRACTION_BITS
from dropspec.core.compare import ulps_allowed

Ints = NDArray[np.int64]
# the cuts between the cells of a sum
SIGMAS = (-3.5, -2.0, -1.4, -0.85, -0.4, 0.0, 0.4, 0.85, 1.4, 2.0, 3.5)


class SumLens(Lens):
    """The number dropped of a row or a call of `units`: Binomial, cut into a dozen cells."""

    share = "share"

    def __init__(self, campaign: Campaign, alpha: float, units: int, what: str) -> None:
        self.units, (self.last, q) = units, binomial_cells(units, campaign.rate)
        self.fractions = np.full(1, 1 / units)
        self.gauge = Gauge(q, campaign.tol * sqrt(4 * units), alpha)
        edges = zip(np.append(-1, self.last) + 1, self.last, strict=False)
        self.names = [
            (
                f"of {what}s drop {a} to {b} of {units} units"
                if a < b
                else f"of {what}s drop {a} of {units} units"
            )
            for a, b in edges
        ]

    def named(self, context: int, cell: int) -> str:
        """By the numbers in the cell."""
        return self.names[cell]

    def look(self, draw: Draw) -> None:
        """Counts rows, or the call as one."""
        if self.units == draw.mask.size:
            counts = np.zeros(self.gauge.q.size)
            counts[np.searchsorted(self.last, self.units - draw.survivors)] = 1
        else:
            parts = draw.mask.astype(np.float32) if draw.bits.dtype == bool else draw.word_floats
            dropped = (self.units - parts @ np.ones(parts.shape[1], np.float32)).astype(np.intp)
            below = np.bincount(dropped, minlength=self.units + 1).cumsum()[self.last]
            counts = np.diff(below, prepend=0)
        self.gauge.add(counts, counts)

    def finding(self) -> Finding:
        """The verdict, with the cell that is furthest off."""
        n, q = self.gauge.n[0], self.gauge.q[0]
        spread = np.sqrt(q * (1 - q) / max(n.sum(), 1))
        self.cell = int(np.argmax(np.abs(n / max(n.sum(), 1) - q) / spread))
        self.contexts = [self.names[self.cell]]
        return super().finding()


class MeanLens(Lens):
    """The sum of output · keep / input, which counts survivors if the expected output is the
    input; in quarters of the positions.

    What the gauge promises of counts holds of such sums, too, as long as no ratio is above 1
    (the likelihood ratio of one is convex in it). Where one is, this lens may find fault but not
    pass: then a survivor is larger than x / keep, beyond what rounding explains.
    """

    power = 1
    share = "mean of output / input"

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.keep, ulps = 1 - campaign.rate, ulps_allowed(DTYPES[campaign.dtype], campaign.rate)
        self.fractions, self.size = np.full(QUARTERS, 1 / QUARTERS), self.keep**-self.power
        self.sums, self.each, self.largest = np.zeros(QUARTERS), 0, 0.0
        # weights and products are rounded, too
        self.allowed = (1 + (ulps + 3) * 2.0 ** -FRACTION_BITS[campaign.dtype]) ** self.power
        self.contexts = [f"in quarter {q + 1} of the positions" for q in range(QUARTERS)]
        self.gauge = Gauge(
            (campaign.rate, 1 - campaign.rate), campaign.tol * sqrt(4 * QUARTERS), alpha, QUARTERS
        )

    def look(self, draw: Draw) -> None:
        """Adds up ratios; under the specification each is 0 or 1."""
        self.sums += draw.moments[self.power - 1]
        self.largest = float(np.fmax(self.largest, np.fmax.reduce(draw.moments[2]) ** self.power))
        self.each += draw.mask.size // QUARTERS

    def settle(self) -> None:
        """As any lens, on the sums so far."""
        self._count()
        super().settle()

    @property
    def wants_more(self) -> bool:  # type: ignore[override]
        """Not where it cannot pass."""
        return self.largest <= self.allowed

    def decide(self) -> Decision:
        """As any lens, on the sums so far."""
        self._count()
        decision = super().decide()
        return decision if self.wants_more or decision is Decision.FAIL else Decision.OPEN

    def _count(self) -> None:
        """Makes the sums counts of survivors; what could be no count is cut off, and refutes by
        far.
        """
        kept = np.fmin(np.fmax(self.sums, 0), self.each)
        self.gauge.n[:] = np.array((self.each - kept, kept)).T
        self.gauge.total[:] = self.gauge.n.sum(0)
        self.gauge.certifies &= self.wants_more

    def finding(self) -> Finding:
        """The verdict, with the quarter whose mean is furthest off."""
        self.decide()
        finding, means = super().finding(), self.sums / max(self.each, 1) * self.size
        right = self.keep ** (1 - self.power)
        worst = int(np.nanargmax(np.abs(means - right))) if np.isfinite(means).any() else 0
        measured = (
            f"the {self.share} is {means[worst]:.6g} {self.contexts[worst]}, not {right:.6g}"
            f" ({self.each:,} samples)"
        )
        if finding.decision is Decision.OPEN and not self.wants_more:
            excess = self.largest ** (1 / self.power) - 1
            measured += (
                f"; a survivor is larger than x / keep by a share of {excess:.2g}, so that a sum is"
                " no count"
            )
        return replace(finding, measured=measured)


class SquareLens(MeanLens):
    """The same with squares: keep² · output² / input² has mean keep just where the variance is
    input² · rate / keep.
    """

    power = 2
    share = "mean of (output / input)²"


@cache
def binomial_cells(units: int, rate: float) -> tuple[Ints, NDArray[np.float64]]:
    """Cuts 0 … units into about a dozen cells: the last count of each, and each cell's
    probability under Binomial(units, rate).
    """
    cuts = units * rate + np.array(SIGMAS) * sqrt(units * rate * (1 - rate))
    last = np.append(np.unique(np.clip(np.floor(cuts), -1, units)), units)
    last = np.unique(last[last >= 0]).astype(np.int64)
    below = np.append(0.0, bdtr(last[:-1], units, rate))
    return last, np.append(np.diff(below), bdtrc(last[-2], units, rate) if len(last) > 1 else 1.0)
