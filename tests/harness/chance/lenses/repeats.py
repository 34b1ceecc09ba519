"""Lenses on repetition: echoes at a lag, and stretches of the mask that come twice."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Decision
from dropspec.chance.lenses.base import Draw, Finding, Lens
from dropspec.core.arrays import Bits
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
        """How far a lag's agreement is from a half, to be missed with that chance at most."""
        return float(self.limit + sqrt(-2 * np.log(miss) * self.bits)) / self.bits / 2


class TwinLens(RepeatLens):
    """Stretches of the mask that are equal, so long that one pair is enough: the whole budget
    expects fewer than alpha of them.
    """

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.parts: list[NDArray[np.uint64]] = []
        same = campaign.rate**2 + (1 - campaign.rate) ** 2

        def is_safe(stretch: int) -> bool:
            return bool(
                2 * np.log(20 * campaign.bound / stretch) + stretch * np.log(same) < np.log(alpha)
            )

        stretches = (prod(campaign.shape),) if campaign.calls_as_rows else (256, 1024, 4096)
        self.stretch = next(filter(is_safe, stretches))
        self.expected = campaign.bound / self.stretch  # at least so many are seen

    def look(self, draw: Draw) -> None:
        """Keeps the stretches of this draw."""
        if not 0.05 < draw.survivors / draw.mask.size < 0.95:
            return  # those are alike by a wrong rate, which is the rate lens's to find
        if draw.bits.dtype != bool:
            self.parts.append(draw.bits.reshape(-1, self.stretch // 64))
            return
        packed = np.packbits(draw.mask, axis=1)
        self.parts.append(np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64))

    def repeats(self) -> tuple[int, int]:
        """How many stretches repeat an earlier one, and how many there are: sorted by a hash,
        equal ones lie side by side.
        """
        if not self.parts:
            return 0, 0
        words = np.concatenate(self.parts)
        hashed = words @ np.random.default_rng(0).integers(
            2**63, size=words.shape[1], dtype=np.uint64
        )
        order = np.argsort(hashed)
        beside = np.flatnonzero(np.diff(hashed[order]) == 0)
        return int((words[order[beside]] == words[order[beside + 1]]).all(1).sum()), len(words)

    def finding(self) -> Finding:
        """FAIL at the first pair, with the number of them; open where no draw could be looked
        at; PASS otherwise.
        """
        repeats, count = self.repeats()
        measured = (
            f"{repeats:,} of {count:,} stretches of the mask repeat an earlier one, and none should"
        )
        return Finding(verdict(bool(repeats), count), count, repeats / max(count, 1), measured, 0.0)

    def finds(self, miss: float) -> float:
        """The share of stretches that repeat an earlier one, to be missed with that chance at
        most.
        """
        return float(1 - miss ** (1 / self.expected))


def verdict(found: bool, looked_at: int) -> Decision:
    """FAIL where something was found; PASS where nothing was, if anything was looked at."""
    if found:
        return Decision.FAIL
    return Decision.PASS if looked_at else Decision.OPEN


WAYS = {
    "": (1, 0),
    " in reverse": (-1, 0),
    " with dropped and kept exchanged": (1, 1),
    " in reverse and exchanged": (-1, 1),
}


class OverlapLens(RepeatLens):
    """The first units of a call, and those of its second row, found anywhere else in the first
    calls at rate 0.5: also in reverse, or with dropped and kept exchanged, but not beside
    themselves. By chance 96 units are found less often than once in 10^19 campaigns.
    """

    calls, units = 12, 96

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.masks: list[Bits] = []
        self.columns = campaign.columns

    def look(self, draw: Draw) -> None:
        """Keeps the first calls."""
        if len(self.masks) < self.calls and 0.4 < draw.survivors / draw.mask.size < 0.6:
            self.masks.append(draw.mask.reshape(-1))

    def finding(self) -> Finding:
        """FAIL where something is found twice, with what and where; open where no draw could be
        looked at; PASS otherwise.
        """
        found, units = self.found(), sum(m.size for m in self.masks)
        return Finding(
            verdict(bool(found), units),
            units,
            float(bool(found)),
            found or "too few or too many units are dropped",
            0.0,
        )

    def found(self) -> str:
        """The first overlap in a sentence; empty where there is none."""
        sought = {}
        for call, mask in enumerate(self.masks):
            for first in (0, self.columns):
                for way, (step, turned) in WAYS.items():
                    bits = mask[first : first + self.units + 7][::step] ^ bool(turned)
                    for shift in range(8):  # a match may begin at any bit of a byte
                        sought[np.packbits(bits[shift : shift + self.units]).tobytes()] = (
                            call,
                            first,
                            way,
                        )
        data = np.packbits(np.concatenate(self.masks)) if self.masks else np.zeros(0, np.uint8)
        wide = self.units // 8
        begins = np.zeros(1 << 16, bool)  # few places begin with two bytes that are sought
        begins[[int.from_bytes(key[:2], "big") for key in sought]] = True
        for place in np.flatnonzero(begins[data[:-1].astype(np.uint16) << 8 | data[1:]]):
            match = sought.get(data[place : place + wide].tobytes())
            there, unit = divmod(8 * int(place), self.masks[0].size)
            # beside itself half of them decide the rest
            if match and (there != match[0] or abs(unit - match[1]) > self.units + 8):
                call, first, way = match
                units = f"units {first + 1} to {first + self.units} of call {call + 1}"
                return f"{units} come{way} in call {there + 1} as well, near unit {unit + 1:,}"
        return ""
