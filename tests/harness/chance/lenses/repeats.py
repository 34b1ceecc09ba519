"""The lens on echoes: how often the mask agrees with itself, at each lag."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Decision
from dropspec.chance.lenses.base import Draw, Finding, Lens
from dropspec.core.risk import BETA


def lag_sums(signs: NDArray[np.float32], lags: int) -> NDArray[np.float32]:
    """The sums of signs[i] · signs[i + lag] over i, for all lags below `lags`; by Fourier
    transforms of blocks that fit the cache.
    """
    blocks = [rfft(signs[start : start + lags], 2 * lags) for start in range(0, len(signs), lags)]
    # what a delay by `lags` does to a spectrum of twice as many
    shift = (1 - 2 * (np.arange(lags + 1) % 2)).astype(np.float32)
    spectrum = np.zeros(lags + 1, blocks[0].dtype)
    for here, ahead in zip(blocks, [*blocks[1:], np.zeros_like(spectrum)], strict=True):
        spectrum += here.conj() * (here + shift * ahead)
    return np.asarray(irfft(spectrum, 2 * lags)[:lags])


class RepeatLens(Lens):
    """A lens without a gauge that looks for two that are equal, once, among all that was
    collected: no campaign goes on for its sake.
    """

    wants_more = False

    def settle(self) -> None:
        """Nothing to settle early: it compares when the campaign has ended."""

    def decide(self) -> Decision:
        """As its finding says."""
        return self.finding().decision


class EchoLens(Lens):
    """Agreement of the mask with itself at every lag below 65,536, over the first half million
    bits of rate 0.5.

    At one lag the products of signs are independent fair signs, so Hoeffding's inequality bounds
    their sum; summed over the lags. Of masks that are nearly all of one kind an agreement says
    little: there it may find fault, but not pass.
    """

    lags, bits = 1 << 16, 1 << 19
    _balanced = False

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        # by which taking the mean away may shift the sums, with chance alpha / 2
        centring = 4 * np.log(4 / alpha)
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
            mean = signs.mean()
            self._balanced = 0.8 < mean < 1.2
            signs -= mean  # so that a wrong rate, which is the rate lens's to find, is no echo
            sums = lag_sums(signs, self.lags)[1:]
            lag = int(np.argmax(np.abs(sums)))
            self.worst, self.parts = (lag + 1, float(sums[lag])), []

    @property
    def wants_more(self) -> bool:  # type: ignore[override]
        """Until it has its bits."""
        return self.seen < self.bits

    def settle(self) -> None:
        """Nothing to settle early: it compares once, when it has its bits."""

    def decide(self) -> Decision:
        """FAIL beyond the bound, PASS within it, open before there are enough bits, or where
        they are of one kind.
        """
        if abs(self.worst[1]) > self.limit:
            return Decision.FAIL
        return Decision.PASS if self._balanced else Decision.OPEN

    def finding(self) -> Finding:
        """The verdict, with the worst lag."""
        share = 0.5 + self.worst[1] / self.bits / 2
        measured = f"units {self.worst[0]:,} apart agree {share:.2%} of the time, not 50%"
        return Finding(
            self.decide(),
            self.seen,
            share,
            measured,
            self.finds(BETA),
            abs(share - 0.5),
            self.worst[0],
        )

    def finds(self, miss: float) -> float:
        """How far a lag's agreement is from a half, to be missed with at most that probability."""
        return float(self.limit + sqrt(-2 * np.log(miss) * self.bits)) / self.bits / 2
