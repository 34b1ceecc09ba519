"""Lenses on sums: the number dropped of a row or call, and what outputs add up to."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from ..gauge import Decision, Gauge
from .base import Draw, Finding, Lens

if TYPE_CHECKING:
    from ..campaign import Campaign

Ints = NDArray[np.int64]
SIGMAS = (-3.5, -2.0, -1.4, -0.85, -0.4, 0.0, 0.4, 0.85, 1.4, 2.0, 3.5)  # the cuts between the cells of a sum


class SumLens(Lens):
    """The number dropped of a row or a call of `units`: Binomial, cut into a dozen cells."""

    share = "share"

    def __init__(self, campaign: Campaign, alpha: float, units: int, what: str) -> None:
        cell, q = binomial_cells(units, campaign.rate)
        self.units, self.cell_of = units, cell
        self.gauge = Gauge(q, campaign.tol * sqrt(2 * units), alpha)
        edges = [np.searchsorted(cell, (c, c + 1)) - (0, 1) for c in range(len(q))]
        self.names = [
            f"of {what}s drop {a} to {b} of {units} units" if a < b else f"of {what}s drop {a} of {units} units" for a, b in edges
        ]

    def look(self, draw: Draw) -> None:
        """Counts rows, or the call as one."""
        if self.units == draw.mask.size:
            counts = np.zeros(self.gauge.q.size)
            counts[self.cell_of[self.units - draw.survivors]] = 1
        else:
            parts = draw.mask.astype(np.float32) if draw.bits.dtype == bool else draw.word_floats
            dropped = (self.units - parts @ np.ones(parts.shape[1], np.float32)).astype(np.int64)
            counts = np.bincount(self.cell_of[dropped], minlength=self.gauge.q.size).astype(float)
        self.gauge.add(counts, counts)

    def finding(self) -> Finding:
        """The verdict, with the cell that is furthest off."""
        n, q = self.gauge.n[0], self.gauge.q[0]
        spread = np.sqrt(q * (1 - q) / max(n.sum(), 1))
        self.cell = int(np.argmax(np.abs(n / max(n.sum(), 1) - q) / spread))
        self.contexts = [self.names[self.cell]]
        return super().finding()


class MeanLens(Lens):
    """The sum of output · keep / input, which counts survivors if the expected output is the input; in sixteen blocks of positions."""

    power = 1

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.blocks, self.keep = 16, 1 - campaign.rate
        self.sums, self.each = np.zeros(self.blocks), 0
        self.contexts = [f"in sixteenth {b + 1} of the positions" for b in range(self.blocks)]
        self.gauge = Gauge((campaign.rate, 1 - campaign.rate), campaign.tol * sqrt(2 * self.blocks), alpha, self.blocks)

    def look(self, draw: Draw) -> None:
        """Adds up ratios; under the specification each is 0 or 1."""
        ratio = draw.ratio.reshape(self.blocks, -1)
        self.sums += np.vecdot(ratio, np.ones_like(ratio[:1]) if self.power == 1 else ratio)
        self.each += ratio.shape[1]

    def decide(self) -> Decision:
        """The gauge's verdict on the sums so far, as counts of survivors; what could be no count is cut off, and refutes by far."""
        kept = np.fmin(np.fmax(self.sums, 0), self.each)
        self.gauge.n[:] = np.array((self.each - kept, kept)).T
        self.gauge.total[:] = self.gauge.n.sum(0)
        return super().decide()

    def finding(self) -> Finding:
        """The verdict, with the block whose mean is furthest off."""
        self.decide()
        finding, means = super().finding(), self.sums / max(self.each, 1) / self.keep**self.power
        right = self.keep ** (1 - self.power)
        worst = int(np.nanargmax(np.abs(means - right))) if np.isfinite(means).any() else 0
        what = "(output / input)²" if self.power == 2 else "output / input"
        measured = f"the mean of {what} is {means[worst]:.6g} {self.contexts[worst]}, not {right:.6g} ({self.each:,} samples)"
        return replace(finding, measured=measured)


class SquareLens(MeanLens):
    """The same with squares: keep² · output² / input² has mean keep just where the variance is input² · rate / keep."""

    power = 2


@cache
def binomial_cells(units: int, rate: float) -> tuple[Ints, NDArray[np.float64]]:
    """Cuts 0 … units into about a dozen cells: the cell of each count, and each cell's probability under Binomial(units, rate)."""
    k = np.arange(units + 1)
    log_pmf = gammaln(units + 1) - gammaln(k + 1) - gammaln(units - k + 1) + xlogy(k, rate) + xlogy(units - k, 1 - rate)
    pmf = np.exp(log_pmf)
    cuts = units * rate + np.array(SIGMAS) * sqrt(units * rate * (1 - rate))
    _, cell = np.unique(np.searchsorted(cuts, k), return_inverse=True)
    q = np.bincount(cell, pmf)
    return cell.astype(np.int64), q / q.sum()
