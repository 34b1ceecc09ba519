"""Lenses: from mask bits to tables of counts whose probabilities the specification states, each read by its gauge.

Lenses of dependence and place (unit, left, above, call, value) refute only that their contexts share one rate, so a wrong rate, which
is the rate lens's to find, does not show in them as well. To pass they need the stated rate in every context.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from .arrays import Array, Bits
from .budget import BETA
from .gauge import Decision, Gauge

if TYPE_CHECKING:
    from .campaign import Campaign

Ints = NDArray[np.int64]
SIGMAS = (-3.5, -2.0, -1.4, -0.85, -0.4, 0.0, 0.4, 0.85, 1.4, 2.0, 3.5)  # the cuts between the cells of a sum
ALL_BUT_TOP = np.uint64((1 << 63) - 1)
LOW_BITS = np.array(
    [0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0, 0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000], np.uint64
)


@dataclass
class Draw:
    """One draw of masks, rows × columns, True where a unit survived; with the draw before, and output · keep / input where measured."""

    mask: Bits
    before: Draw | None
    ratio: Array | None

    @cached_property
    def bits(self) -> NDArray[Any]:
        """The rows of the mask as words of 64 units, the first unit in the lowest bit; the mask itself where rows do not fill words."""
        if self.mask.shape[1] % 64:
            return self.mask
        return np.packbits(self.mask.reshape(-1), bitorder="little").view(np.uint64).reshape(len(self.mask), -1)

    @cached_property
    def word_counts(self) -> NDArray[np.uint8]:
        """The number of survivors in each word."""
        return np.asarray(np.bitwise_count(self.bits))

    @cached_property
    def survivors(self) -> int:
        """The number of survivors."""
        return count(self.bits)


def count(bits: NDArray[Any]) -> int:
    """The number of ones in words, or of True."""
    return int(np.count_nonzero(bits)) if bits.dtype == bool else int(np.bitwise_count(bits).sum(dtype=np.int64))


@dataclass(frozen=True)
class Finding:
    """What a lens came to: the decision, how many samples it saw, what it measured (the share that is
    furthest off, and a sentence), and the tolerance that a PASS vouches for."""

    decision: Decision
    samples: int
    share: float
    measured: str
    within: float


class Lens:
    """A table of counts with a gauge. Subclasses say what they count, and how the contexts are called."""

    gauge: Gauge
    contexts: list[str]
    cell = 0  # the cell whose share is reported
    share = "drop rate"
    _decided = Decision.OPEN

    def look(self, draw: Draw) -> None:
        """Counts one draw."""
        raise NotImplementedError

    def decide(self) -> Decision:
        """The first verdict that the gauge came to, or open."""
        if self._decided is Decision.OPEN:
            self._decided = self.gauge.decide()
        return self._decided

    def finding(self) -> Finding:
        """The verdict, with the context that is furthest off."""
        n, q = self.gauge.n, self.gauge.q[0]
        samples = np.maximum(n.sum(1), 1)
        expected = self.gauge.total[0, self.cell] / max(self.gauge.total.sum(), 1) if self.gauge.homogeneous else q[self.cell]
        spread = np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / samples)
        worst = int(np.argmax(np.abs(n[:, self.cell] / samples - expected) / spread))
        share = n[worst, self.cell] / samples[worst]
        measured = f"{self.share} {share:.6g} {self.contexts[worst]}, not {expected:.6g} ({int(samples[worst]):,} samples)"
        return Finding(self.decide(), int(self.gauge.total.sum()), float(share), measured, float(self.gauge.eps[:, self.cell].max()))


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
    """Dropped and kept in contexts that must share one rate; `fractions` are the contexts' shares of all units."""

    def _measure(self, campaign: Campaign, alpha: float, fractions: Any) -> None:
        tol = campaign.tol * np.sqrt(2 / np.asarray(fractions, float))  # so that every context is done in half the rate lens's samples
        self.gauge = Gauge((campaign.rate, 1 - campaign.rate), tol, alpha, len(tol), homogeneous=True)

    def _add(self, kept: Any, sizes: Any, draw: Draw) -> None:
        kept = np.asarray(kept)
        self.gauge.add(np.stack([sizes - kept, kept], 1), (draw.mask.size - draw.survivors, draw.survivors))


class DyadicLens(HomogeneousLens):
    """Units by their place in a large call: for each bit of the position, those where it is 1 and those where it is 0."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.bits = prod(campaign.shape).bit_length() - 1
        self.contexts = [f"at the flat positions whose bit {b} is {v}" for v in (1, 0) for b in range(self.bits)]
        places = np.arange(prod(campaign.shape) // 64)
        self.high = np.array([places >> b & 1 for b in range(self.bits - 6)], np.float32)  # a matrix product sums faster than slices do
        self._measure(campaign, alpha, np.full(2 * self.bits, 0.5))

    def look(self, draw: Draw) -> None:
        """Counts survivors by the bits of the position: six inside a word, the others from the counts of words."""
        low = np.bitwise_count(draw.bits.reshape(-1) & LOW_BITS[:, None]).sum(1, dtype=np.int64)
        ones = np.r_[low, self.high @ draw.word_counts.reshape(-1).astype(np.float32)]
        self._add(np.r_[ones, draw.survivors - ones], draw.mask.size / 2, draw)


class PlaceLens(HomogeneousLens):
    """Units of a small call by their place: each on its own, or where there are many, eighths and the first and last eight."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        n = prod(campaign.shape)
        at = np.arange(n)
        alone = at if n <= 40 else np.r_[at[:8], at[-8:]]
        members = [at == i for i in alone] + ([at * 8 // n == i for i in range(8)] if n > 40 else [])
        self.contexts = [f"at position {i} of {n}" for i in alone] + [f"in eighth {i + 1} of {n} positions" for i in range(8)]
        self.members = np.array(members, float)
        self._measure(campaign, alpha, self.members.mean(1))

    def look(self, draw: Draw) -> None:
        """Counts survivors by place."""
        self._add(self.members @ draw.mask.sum(0), self.members.sum(1) * len(draw.mask), draw)


class PairLens(HomogeneousLens):
    """Units by what became of another unit: the left neighbour in the row, the one above in the batch, the same one in the call before."""

    def __init__(self, campaign: Campaign, alpha: float, other: str, pair: Callable[[Draw], tuple[Any, Any, int] | None]) -> None:
        self.contexts = [f"where {other} {fate}" for fate in ("was dropped", "survived")]
        self.pair = pair
        self._measure(campaign, alpha, (campaign.rate, 1 - campaign.rate))

    def look(self, draw: Draw) -> None:
        """Counts pairs."""
        pair = self.pair(draw)
        if pair is None:
            return
        units, others, size = pair
        kept, given_kept, both = count(units), count(others), count(units & others)
        table = [[size - given_kept - kept + both, kept - both], [given_kept - both, both]]
        self.gauge.add(table, (size - kept, kept))


def left_pairs(draw: Draw) -> tuple[Any, Any, int]:
    """Units and their left neighbours; of words, those that lie in one word."""
    if draw.bits.dtype == bool:
        return draw.mask[:, 1:], draw.mask[:, :-1], draw.mask[:, 1:].size
    return (draw.bits >> 1) & ALL_BUT_TOP, draw.bits & ALL_BUT_TOP, draw.bits.size * 63


def pairs_above(draw: Draw) -> tuple[Any, Any, int]:
    """Units and those in the row above."""
    return draw.bits[1:], draw.bits[:-1], draw.mask[1:].size


def pairs_before(draw: Draw) -> tuple[Any, Any, int] | None:
    """Units and the same units in the draw before."""
    return None if draw.before is None else (draw.bits, draw.before.bits, draw.mask.size)


class ValueLens(HomogeneousLens):
    """Units by their input: negative or positive, small or large."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        x = campaign.input().astype(np.float64).reshape(-1, campaign.shape[-1])
        self.contexts = [f"where the input is {sign} and {size}" for sign in ("negative", "positive") for size in ("large", "small")]
        members = [Draw(x == v, None, None) for v in (-4.0, -0.25, 4.0, 0.25)]
        self.members = np.stack([m.bits for m in members])
        self.sizes = np.array([m.survivors for m in members])
        self._measure(campaign, alpha, self.sizes / x.size)

    def look(self, draw: Draw) -> None:
        """Counts survivors by input."""
        self._add([count(draw.bits & m) for m in self.members], self.sizes, draw)


class SumLens(Lens):
    """The number dropped of a row or a call of `units`: Binomial, cut into a dozen cells."""

    share = "share"

    def __init__(self, campaign: Campaign, alpha: float, units: int, what: str) -> None:
        cell, q = binomial_cells(units, campaign.rate)
        self.units, self.cell_of = units, cell
        self.gauge = Gauge(q, campaign.tol * sqrt(2 * units), alpha)
        edges = [np.flatnonzero(cell == c)[[0, -1]] for c in range(len(q))]
        self.names = [
            f"of {what}s drop {a} to {b} of {units} units" if a < b else f"of {what}s drop {a} of {units} units" for a, b in edges
        ]

    def look(self, draw: Draw) -> None:
        """Counts rows, or the call as one."""
        if self.units == draw.mask.size:
            dropped = np.array([self.units - draw.survivors])
        else:
            parts = (draw.mask if draw.bits.dtype == bool else draw.word_counts).astype(np.float32)
            dropped = (self.units - parts @ np.ones(parts.shape[1], np.float32)).astype(np.int64)
        counts = np.bincount(self.cell_of[dropped], minlength=self.gauge.q.size)
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
        assert draw.ratio is not None
        ratio = draw.ratio.reshape(self.blocks, -1)
        total = np.vecdot(ratio, np.ones_like(ratio[:1]) if self.power == 1 else ratio)
        self.sums += total
        self.each += ratio.shape[1]
        kept = np.clip(np.nan_to_num(total.astype(np.float64), nan=0.0), 0, ratio.shape[1])
        counts = np.stack([ratio.shape[1] - kept, kept], 1)
        self.gauge.add(counts, counts.sum(0))

    def finding(self) -> Finding:
        """The verdict, with the block whose mean is furthest off."""
        finding, means = super().finding(), self.sums / max(self.each, 1) / self.keep**self.power
        right = self.keep ** (1 - self.power)
        worst = int(np.nanargmax(np.abs(means - right))) if np.isfinite(means).any() else 0
        what = "(output / input)²" if self.power == 2 else "output / input"
        measured = f"the mean of {what} is {means[worst]:.6g} {self.contexts[worst]}, not {right:.6g} ({self.each:,} samples)"
        return replace(finding, measured=measured)


class SquareLens(MeanLens):
    """The same with squares: keep² · output² / input² has mean keep just where the variance is input² · rate / keep."""

    power = 2


class EchoLens(Lens):
    """Agreement of the mask with itself at every lag below 65,536, over the first half million bits of rate 0.5; never passes by gauge.

    At one lag the products of signs are independent fair signs, so Hoeffding's inequality bounds their sum; summed over the lags.
    """

    lags, bits = 1 << 16, 1 << 19

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        centring = 2 * np.log(4 / alpha)  # by which taking the mean away may shift the sums, with chance alpha / 2
        self.limit = sqrt(2 * np.log(4 * self.lags / alpha) * self.bits) + centring
        self.parts: list[NDArray[np.float32]] = []
        self.seen, self.worst = 0, (0, 0.0)

    def look(self, draw: Draw) -> None:
        """Collects bits, and looks once when there are enough."""
        if self.seen >= self.bits:
            return
        self.parts.append(draw.mask.reshape(-1).astype(np.float32))
        self.seen += draw.mask.size
        if self.seen >= self.bits:
            signs = np.concatenate(self.parts)[: self.bits] * 2
            signs -= signs.mean()  # so that a wrong rate, which is the rate lens's to find, is no echo
            spectrum = np.fft.rfft(signs, self.bits + self.lags)
            sums = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, self.bits + self.lags)[1 : self.lags]
            lag = int(np.argmax(np.abs(sums)))
            self.worst, self.parts = (lag + 1, float(sums[lag])), []

    def decide(self) -> Decision:
        """FAIL beyond the bound, PASS within it, open before there are enough bits."""
        if self.seen < self.bits:
            return Decision.OPEN
        return Decision.FAIL if abs(self.worst[1]) > self.limit else Decision.PASS

    def finding(self) -> Finding:
        """The verdict, with the worst lag."""
        share = 0.5 + self.worst[1] / self.bits / 2
        measured = f"units {self.worst[0]:,} apart agree {share:.2%} of the time, not 50%"
        found_for_certain = self.limit + sqrt(
            -2 * np.log(BETA) * self.bits
        )  # a dependence this strong passes the limit with chance 1 - beta
        return Finding(self.decide(), self.seen, share, measured, found_for_certain / self.bits / 2)


class TwinLens(Lens):
    """Stretches of the mask that are equal, so long that one pair is enough: the whole budget expects fewer than alpha of them."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.seen: set[bytes] = set()
        self.pairs, self.count = 0, 0
        same = campaign.rate**2 + (1 - campaign.rate) ** 2

        def is_safe(stretch: int) -> bool:
            return 2 * np.log(20 * campaign.bound / stretch) + stretch * np.log(same) < np.log(alpha)

        stretches = (campaign.shape[-1],) if campaign.calls_as_rows else (256, 1024, 4096)
        self.stretch = next(filter(is_safe, stretches))

    def look(self, draw: Draw) -> None:
        """Compares the stretches of this draw with all before."""
        packed = np.packbits(draw.mask, axis=1) if draw.bits.dtype == bool else draw.bits.reshape(-1, self.stretch // 64)
        raw, step = packed.tobytes(), packed.shape[1] * packed.itemsize
        stretches = [raw[i : i + step] for i in range(0, len(raw), step)]
        if not 0.05 < draw.survivors / draw.mask.size < 0.95:
            return  # all alike by a wrong rate, which is the rate lens's to find
        before = len(self.seen)
        self.seen.update(stretches)
        self.pairs += len(stretches) - (len(self.seen) - before)
        self.count += len(stretches)

    def decide(self) -> Decision:
        """FAIL at the first pair; PASS otherwise, as it is never the reason to draw on."""
        return Decision.FAIL if self.pairs else Decision.PASS

    def finding(self) -> Finding:
        """The verdict, with the number of pairs."""
        measured = f"{self.pairs:,} of {self.count:,} stretches of the mask repeat an earlier one, and none should"
        return Finding(self.decide(), self.count, self.pairs / max(self.count, 1), measured, 0.0)


def binomial_cells(units: int, rate: float) -> tuple[Ints, NDArray[np.float64]]:
    """Cuts 0 … units into about a dozen cells: the cell of each count, and each cell's probability under Binomial(units, rate)."""
    k = np.arange(units + 1)
    log_pmf = gammaln(units + 1) - gammaln(k + 1) - gammaln(units - k + 1) + xlogy(k, rate) + xlogy(units - k, 1 - rate)
    pmf = np.exp(log_pmf)
    cuts = units * rate + np.array(SIGMAS) * sqrt(units * rate * (1 - rate))
    _, cell = np.unique(np.searchsorted(cuts, k), return_inverse=True)
    q = np.bincount(cell, pmf)
    return cell.astype(np.int64), q / q.sum()


def build(name: str, campaign: Campaign, alpha: float) -> Lens:
    """The lens of that name for a campaign."""
    pairs: dict[str, tuple[str, Callable[[Draw], tuple[Any, Any, int] | None]]] = {
        "left": ("the left neighbour", left_pairs),
        "above": ("the same unit of the call before" if campaign.calls_as_rows else "the unit above", pairs_above),
        "call": ("the same unit of the call before", pairs_before),
    }
    if name in pairs:
        return PairLens(campaign, alpha, *pairs[name])
    if name == "sum of row":
        return SumLens(campaign, alpha, campaign.shape[-1], "row")
    if name == "sum of call":
        return SumLens(campaign, alpha, prod(campaign.shape), "call")
    if name == "unit":
        return (PlaceLens if campaign.calls_as_rows else DyadicLens)(campaign, alpha)
    simple = {"rate": RateLens, "value": ValueLens, "mean": MeanLens, "square": SquareLens, "echo": EchoLens, "twins": TwinLens}
    return simple[name](campaign, alpha)
