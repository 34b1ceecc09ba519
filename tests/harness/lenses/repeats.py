"""Lenses on repetition: echoes at a lag, and stretches of the mask that come twice."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from ..budget import BETA
from ..gauge import Decision
from .base import Draw, Finding, Lens

if TYPE_CHECKING:
    from ..campaign import Campaign


def lag_sums(signs: NDArray[np.float32], lags: int) -> NDArray[np.float32]:
    """The sums of signs[i] · signs[i + lag] over i, for all lags below `lags`; by Fourier transforms of blocks that fit the cache."""
    blocks = [rfft(signs[start : start + lags], 2 * lags) for start in range(0, len(signs), lags)]
    shift = (1 - 2 * (np.arange(lags + 1) % 2)).astype(np.float32)  # what a delay by `lags` does to a spectrum of twice as many
    spectrum = np.zeros(lags + 1, blocks[0].dtype)
    for here, ahead in zip(blocks, [*blocks[1:], np.zeros_like(spectrum)], strict=True):
        spectrum += here.conj() * (here + shift * ahead)
    return np.asarray(irfft(spectrum, 2 * lags)[:lags])


class EchoLens(Lens):
    """Agreement of the mask with itself at every lag below 65,536, over the first half million bits of rate 0.5; never passes by gauge.

    At one lag the products of signs are independent fair signs, so Hoeffding's inequality bounds their sum; summed over the lags.
    """

    lags, bits = 1 << 16, 1 << 19

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        centring = 4 * np.log(4 / alpha)  # by which taking the mean away may shift the sums, with chance alpha / 2
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
            sums = lag_sums(signs, self.lags)[1:]
            lag = int(np.argmax(np.abs(sums)))
            self.worst, self.parts = (lag + 1, float(sums[lag])), []

    def settle(self) -> None:
        """It looks once, when it has its bits."""

    def decide(self) -> Decision:
        """FAIL beyond the bound, PASS within it, open before there are enough bits."""
        if self.seen < self.bits:
            return Decision.OPEN
        return Decision.FAIL if abs(self.worst[1]) > self.limit else Decision.PASS

    def finding(self) -> Finding:
        """The verdict, with the worst lag."""
        share = 0.5 + self.worst[1] / self.bits / 2
        measured = f"units {self.worst[0]:,} apart agree {share:.2%} of the time, not 50%"
        return Finding(self.decide(), self.seen, share, measured, self.finds(BETA), abs(share - 0.5), self.worst[0])

    def finds(self, miss: float) -> float:
        """How far a lag's agreement is from a half, to be missed with that chance at most."""
        return float(self.limit + sqrt(-2 * np.log(miss) * self.bits)) / self.bits / 2


ENOUGH = 2048  # stretches, which hold a pair out of any pool of a hundred thousand


class TwinLens(Lens):
    """Stretches of the mask that are equal, so long that one pair is enough: the whole budget expects fewer than alpha of them."""

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.seen: set[bytes] = set()
        self.pairs, self.count = 0, 0
        same = campaign.rate**2 + (1 - campaign.rate) ** 2

        def is_safe(stretch: int) -> bool:
            return bool(2 * np.log(20 * campaign.bound / stretch) + stretch * np.log(same) < np.log(alpha))

        stretches = (prod(campaign.shape),) if campaign.calls_as_rows else (256, 1024, 4096)
        self.stretch = next(filter(is_safe, stretches))

    def look(self, draw: Draw) -> None:
        """Compares the stretches of this draw with all before."""
        if self.count >= ENOUGH or not 0.05 < draw.survivors / draw.mask.size < 0.95:
            return  # the latter are alike by a wrong rate, which is the rate lens's to find
        packed = np.packbits(draw.mask, axis=1) if draw.bits.dtype == bool else draw.bits.reshape(-1, self.stretch // 64)
        raw, step = packed.tobytes(), packed.shape[1] * packed.itemsize
        stretches = [raw[i : i + step] for i in range(0, len(raw), step)]
        before = len(self.seen)
        self.seen.update(stretches)
        self.pairs += len(stretches) - (len(self.seen) - before)
        self.count += len(stretches)

    def settle(self) -> None:
        """It looks at as many stretches as it wants."""

    def decide(self) -> Decision:
        """FAIL at the first pair; PASS otherwise, as it is never the reason to draw on."""
        return Decision.FAIL if self.pairs else Decision.PASS

    def finding(self) -> Finding:
        """The verdict, with the number of pairs."""
        measured = f"{self.pairs:,} of {self.count:,} stretches of the mask repeat an earlier one, and none should"
        return Finding(self.decide(), self.count, self.pairs / max(self.count, 1), measured, 0.0)

    @staticmethod
    def finds(miss: float) -> float:
        """The share of stretches that repeat an earlier one, to be missed with that chance at most."""
        return float(1 - miss ** (1 / ENOUGH))
