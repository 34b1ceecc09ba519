"""What every lens is: it looks at draws, keeps a table of counts, and lets its gauge decide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropspec.chance.gauge import Decision, Gauge
from dropspec.core.arrays import Array, Bits

QUARTERS = 4  # of the positions of a draw, whose sums are kept apart


@dataclass
class Draw:
    """One draw of masks, rows × columns, True where a unit survived; with the draw before it.

    `output` and `weights` (keep / input) are given where what outputs add up to is measured, too.
    """

    mask: Bits
    before: Draw | None
    output: Array | None = None
    weights: Array | None = None

    @cached_property
    def bits(self) -> NDArray[Any]:
        """The rows of the mask as words of 64 units, the first unit in the lowest bit; the mask
        itself where rows do not fill words.
        """
        if self.mask.shape[1] % 64:
            return self.mask
        return (
            np.packbits(self.mask.reshape(-1), bitorder="little")
            .view(np.uint64)
            .reshape(len(self.mask), -1)
        )

    @cached_property
    def word_counts(self) -> NDArray[np.uint8]:
        """The number of survivors in each word."""
        return np.asarray(np.bitwise_count(self.bits))

    @cached_property
    def word_floats(self) -> NDArray[np.float32]:
        """The same as floats, for sums by matrix products, which are the fastest."""
        return self.word_counts.astype(np.float32)

    @cached_property
    def moments(self) -> NDArray[np.float64]:
        """Of output · weight in each quarter of the draw: the sum, the sum of squares, and the
        largest.
        """
        assert self.output is not None
        assert self.weights is not None
        of_quarters = []
        for y, w in zip(
            self.output.reshape(QUARTERS, -1), self.weights.reshape(QUARTERS, -1), strict=True
        ):
            ratios = y * w  # one quarter after another, to stay in the cache
            of_quarters.append((ratios.sum(), ratios @ ratios, ratios.max()))
        return np.array(of_quarters).T

    @cached_property
    def survivors(self) -> int:
        """The number of survivors."""
        return count(self.bits)


def count(bits: NDArray[Any]) -> int:
    """The number of ones in words, or of True."""
    return (
        int(np.count_nonzero(bits))
        if bits.dtype == bool
        else int(np.bitwise_count(bits).sum(dtype=np.int64))
    )


@dataclass(frozen=True)
class Finding:
    """What a lens came to: the decision, how many samples it saw, and the tolerance that a PASS
    vouches for, 0 for none.

    `share` is what is furthest off of all that it measured; `measured` says so in a sentence.
    """

    decision: Decision
    samples: int
    share: float
    measured: str
    within: float
    effect: float = 0.0  # how far that share is from the right one
    lag: int = 0  # of an echo
    overlaps: Any = None  # of a lens on repetition: lenses.twins.Overlaps


class Lens:
    """A table of counts with a gauge.

    Subclasses say what they count, and how the contexts are called.
    """

    gauge: Gauge
    contexts: list[str]
    fractions: NDArray[Any] = np.ones(1)  # how many samples each context gets of a unit of the mask
    wants_more = True  # while it is open
    size = 1.0  # of what is reported, where a count's share is 1
    cell = 0  # the cell whose share is reported
    share = "drop rate"
    _decided = Decision.OPEN

    def named(self, context: int, cell: int) -> str:
        """How a cell of a context is called, after what it is a share of."""
        return self.contexts[context]

    def look(self, draw: Draw) -> None:
        """Counts one draw."""
        raise NotImplementedError

    @property
    def settled(self) -> bool:
        """Whether it came to a verdict and need not look any more."""
        return self._decided is not Decision.OPEN

    def settle(self) -> None:
        """Decides if that would be a PASS: cheaper than to decide, as evidence of a fault is not
        weighed while there is nothing to end.
        """
        if not self.settled and self.gauge.support() >= -log(self.gauge.beta):
            self.decide()

    def decide(self) -> Decision:
        """The first verdict that the gauge came to, or open."""
        if self._decided is Decision.OPEN:
            self._decided = self.gauge.decide()
        if self._decided is Decision.OPEN and not self.gauge.certifies:
            return Decision.PASS  # it can only find fault, and is no reason to draw on
        return self._decided

    def finding(self) -> Finding:
        """The verdict, with the context that is furthest off."""
        n, q = self.gauge.n, self.gauge.q[0]
        samples = np.maximum(n.sum(1), 1)
        expected = (
            self.gauge.total[0, self.cell] / max(self.gauge.total.sum(), 1)
            if self.gauge.homogeneous
            else q[self.cell]
        )
        spread = np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / samples)
        worst = int(np.argmax(np.abs(n[:, self.cell] / samples - expected) / spread))
        share = n[worst, self.cell] / samples[worst]
        within = float(self.gauge.eps[:, self.cell].max()) if self.gauge.certifies else 0.0
        measured = (
            f"{self.share} {share:.6g} {self.contexts[worst]}, not {expected:.6g}"
            f" ({int(samples[worst]):,} samples)"
        )
        return Finding(
            self.decide(),
            int(self.gauge.total.sum()),
            float(share),
            measured,
            within,
            abs(float(share - expected)),
        )
