"""Lenses on stretches of the mask that come twice.

Two calls may overlap once in a long while: a generator of 31 bits that is seeded anew at each call,
as torch's is for a scalar rate where MKL runs on a processor of Intel's, begins each call anywhere
in one cycle of 2^31 numbers. So many overlaps as it gives are no more than a departure; what gives
more fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, pdtrc

from dropspec.chance.campaign import Campaign
from dropspec.chance.gauge import Decision
from dropspec.chance.lenses.base import Draw, Finding
from dropspec.chance.lenses.repeats import RepeatLens
from dropspec.core.arrays import Bits

CYCLE = 2.0**31


def expected_pairs(calls: int, places: int) -> float:
    """How many pairs of calls that begin anywhere in one cycle overlap at one of so many places, on
    average.
    """
    return comb(calls, 2) * places / CYCLE


def needed(expected: float, alpha: float) -> int:
    """The least number of pairs that is reached with probability at most alpha where so many are
    expected (Poisson).
    """
    pairs = 1
    while pdtrc(pairs - 1, expected) > alpha:
        pairs += 1
    return pairs


@dataclass(frozen=True)
class Overlaps:
    """How many pairs of calls overlap, how many one cycle makes on average, and whether a call
    overlaps with itself. Half of a decision's alpha is spent on one campaign, and half on all
    together.
    """

    pairs: int
    expected: float
    within: bool
    alpha: float

    @classmethod
    def of(
        cls, found: Iterable[tuple[int, int]], calls: int, places: int, alpha: float
    ) -> Overlaps:
        """Of these pairs among so many calls."""
        different = {(min(pair), max(pair)) for pair in found}
        within = any(one == other for one, other in different)
        return cls(len(different), expected_pairs(calls, places), within, alpha / 2)

    @property
    def are_too_many(self) -> bool:
        """Whether one cycle practically never makes so many."""
        return self.within or self.pairs >= needed(self.expected, self.alpha)

    def __add__(self, other: Overlaps) -> Overlaps:
        return Overlaps(
            self.pairs + other.pairs,
            self.expected + other.expected,
            self.within or other.within,
            min(self.alpha, other.alpha),
        )


class TwinLens(RepeatLens):
    """Stretches of the mask that are equal, so long that no pair is chance: the whole budget
    expects fewer than alpha of them.
    """

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.alpha, self.calls_as_rows = alpha, campaign.calls_as_rows
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

    def repeats(self) -> tuple[list[tuple[int, int]], int]:
        """The stretches that repeat another, in pairs, and how many there are: sorted by a hash,
        equal ones lie side by side.
        """
        if not self.parts:
            return [], 0
        words = np.concatenate(self.parts)
        hashed = words @ np.random.default_rng(0).integers(
            2**63, size=words.shape[1], dtype=np.uint64
        )
        order = np.argsort(hashed)
        beside = np.flatnonzero(np.diff(hashed[order]) == 0)
        same = beside[(words[order[beside]] == words[order[beside + 1]]).all(1)]
        return list(zip(order[same], order[same + 1], strict=True)), len(words)

    def finding(self) -> Finding:
        """FAIL where too many calls have a stretch in common, with the number of stretches; open
        where no draw could be looked at; PASS otherwise.
        """
        repeats, count = self.repeats()
        calls, places = self._begun(count)
        ends = np.arange(count) if self.calls_as_rows else self._call_of_each()
        pairs = [(int(ends[a]), int(ends[b])) for a, b in repeats]
        overlaps = Overlaps.of(pairs, calls, places, self.alpha)
        share = len(repeats) / max(count, 1)
        measured = (
            f"{len(repeats):,} of {count:,} stretches of the mask repeat an earlier one, and none"
            " should"
        )
        decision = verdict(overlaps.are_too_many, count)
        return Finding(decision, count, share, measured, 0.0, overlaps=overlaps)

    def _begun(self, count: int) -> tuple[int, int]:
        """How many calls there were, and at how many places two of them may overlap."""
        if self.calls_as_rows:
            return count, 1
        return len(self.parts), 2 * max((len(part) for part in self.parts), default=0)

    def _call_of_each(self) -> NDArray[np.int64]:
        """The call that each stretch is of."""
        return np.repeat(np.arange(len(self.parts)), [len(part) for part in self.parts])

    def finds(self, miss: float) -> float:
        """The share of stretches that repeat an earlier one, to be missed with at most
        that probability.
        """
        calls = int(self.expected) if self.calls_as_rows else max(2, int(self.expected / 512))
        places = 1 if self.calls_as_rows else 1024
        pairs = needed(expected_pairs(calls, places), self.alpha / 2)
        return float(gammaincinv(pairs, 1 - miss) / self.expected)


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

    calls, units = 32, 96

    def __init__(self, campaign: Campaign, alpha: float) -> None:
        self.alpha = alpha
        self.masks: list[Bits] = []
        self.columns = campaign.columns

    def look(self, draw: Draw) -> None:
        """Keeps the first calls."""
        if len(self.masks) < self.calls and 0.4 < draw.survivors / draw.mask.size < 0.6:
            self.masks.append(draw.mask.reshape(-1))

    def finding(self) -> Finding:
        """FAIL where too many calls overlap, with one of them; open where no draw could be looked
        at; PASS otherwise.
        """
        found, units = self.found(), sum(m.size for m in self.masks)
        longest = max((m.size for m in self.masks), default=0)
        places = 4 * longest  # either may begin in the other, as they are or exchanged
        overlaps = Overlaps.of(found, len(self.masks), places, self.alpha)
        decision = verdict(overlaps.are_too_many, units)
        said = next(iter(found.values()), "too few or too many units are dropped")
        share = float(bool(found))
        return Finding(decision, units, share, said, 0.0, overlaps=overlaps)

    def found(self) -> dict[tuple[int, int], str]:
        """The pairs of calls that overlap, each with a sentence."""
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
        wide, found = self.units // 8, dict[tuple[int, int], str]()
        begins = np.zeros(1 << 16, bool)  # few places begin with two bytes that are sought
        begins[[int.from_bytes(key[:2], "big") for key in sought]] = True
        for place in np.flatnonzero(begins[data[:-1].astype(np.uint16) << 8 | data[1:]]):
            match = sought.get(data[place : place + wide].tobytes())
            there, unit = divmod(8 * int(place), self.masks[0].size)
            # beside itself half of them decide the rest
            if match and (there != match[0] or abs(unit - match[1]) > self.units + 8):
                call, first, way = match
                units = f"units {first + 1} to {first + self.units} of call {call + 1}"
                said = f"{units} come{way} in call {there + 1} as well, near unit {unit + 1:,}"
                found.setdefault((min(call, there), max(call, there)), said)
        return found
