"""Many small campaigns over NumPy's own random bits, right or off by a stated amount, and the
exact error chances of one gauge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
from scipy.stats import binom

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import draws
from dropspec.chance.gauge import Decision, samples_for
from dropspec.chance.lenses import build
from dropspec.chance.lenses.sums import binomial_cells
from dropspec.core.arrays import Array
from dropspec.families.dropconnect.probes import INPUTS
from dropspec.session.run import outputs_of

from .inspected import Made

NEVER = 1e-300  # the chance of a wrong PASS, where there is to be none
Ratios = Callable[[np.random.Generator, tuple[int, ...]], Array]  # as in `inspected`, at one rate


def simulated(start: Callable[[], Ratios]) -> Made:
    """An implementation whose ratios do not depend on the rate asked for."""

    def begin() -> Callable[[np.random.Generator, tuple[int, ...], float], Array]:
        ratios = start()
        return lambda rng, shape, rate: ratios(rng, shape)

    return Made(begin)


def right(rate: float) -> Callable[[], Ratios]:
    """Ratios as they should be."""
    return lambda: lambda rng, shape: np.asarray(rng.random(shape) >= rate, np.float32)


@dataclass(frozen=True)
class Case:
    """A lens in a small campaign at rate 1/2, and a defect that puts one of its cells off by
    what is asked.
    """

    lens: str
    campaign: Campaign
    defect: Callable[[float, Campaign], Callable[[], Ratios]]

    @property
    def eps(self) -> float:
        """What is intolerable: for the first context, and of a sum's cells the one in the
        middle.
        """
        eps = build(self.lens, self.campaign, 0.01).gauge.eps[0]
        return float(eps[len(eps) // 2 if "sum" in self.lens else 0])

    def off(self, times: float) -> Made:
        """An implementation that is off by so many times what is intolerable."""
        return simulated(self.defect(times * self.eps, self.campaign))


def where(
    pattern: Callable[[Campaign], Array],
) -> Callable[[float, Campaign], Callable[[], Ratios]]:
    """Drop rates 1/2 + eps · pattern."""

    def defect(eps: float, campaign: Campaign) -> Callable[[], Ratios]:
        rates = 0.5 + eps * pattern(campaign)
        return lambda: lambda rng, shape: np.asarray(rng.random(shape) >= rates, np.float32)

    return defect


def of_values(campaign: Campaign) -> Array:
    """Up where the input is the least, as much down where it is the greatest."""
    least, greatest = campaign.input() == -4, campaign.input() == 4
    return np.where(least, 1.0, np.where(greatest, -least.sum() / greatest.sum(), 0.0))


def of_signs(campaign: Campaign) -> Array:
    """Up where the weight is negative, as much down where it is positive; each row has the signs
    of the first.
    """
    negative = campaign.input()[:1] < 0
    return np.broadcast_to(
        np.where(negative, 1.0, -negative.sum() / (~negative).sum()), campaign.shape
    )


def of_places(campaign: Campaign) -> Array:
    """Up at the odd places of a large call, down at the even ones; in a small call up at the
    first and down at the last.
    """
    at = np.arange(prod(campaign.shape))
    small = 1.0 * (at == 0) - (at == at[-1])
    return np.asarray(
        (small if campaign.calls_as_rows else 2.0 * (at % 2) - 1).reshape(campaign.shape)
    )


def follows(axis: int, apart: int = 1) -> Callable[[float, Campaign], Callable[[], Ratios]]:
    """A unit shares the fate of the one so many before it on this axis with probability 1/2 +
    eps."""

    def defect(eps: float, campaign: Campaign) -> Callable[[], Ratios]:
        def ratios(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
            turns = np.moveaxis(rng.random(shape) < 0.5 - eps, axis, 0)
            parts = turns.reshape(-1, apart, *turns.shape[1:])
            parts[0] = rng.random(parts[0].shape) < 0.5
            return np.asarray(
                np.moveaxis(np.logical_xor.accumulate(parts).reshape(turns.shape), 0, axis),
                np.float32,
            )

        return lambda: ratios

    return defect


def follows_calls(eps: float, campaign: Campaign) -> Callable[[], Ratios]:
    """A unit shares its fate in the call before with probability 1/2 + eps."""

    def start() -> Ratios:
        last: list[Array] = []

        def ratios(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
            last[:] = [
                (rng.random(shape) < 0.5 - eps) ^ last[0] if last else rng.random(shape) < 0.5
            ]
            return np.asarray(last[0], np.float32)

        return ratios

    return start


def of_sums(eps: float, campaign: Campaign) -> Callable[[], Ratios]:
    """The number dropped of a row falls into the middle cell with eps more than its probability;
    the first units are dropped.
    """
    units = campaign.shape[-1]
    last, q = binomial_cells(units, 0.5)
    cell, middle = np.searchsorted(last, np.arange(units + 1)), len(q) // 2
    chance = binom.pmf(np.arange(units + 1), units, 0.5)
    below = np.cumsum(
        chance * np.where(cell == middle, 1 + eps / q[middle], 1 - eps / (1 - q[middle]))
    )

    def ratios(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        dropped = np.searchsorted(below, rng.random((*shape[:-1], 1)))
        return np.asarray(np.arange(units) >= dropped, np.float32)

    return lambda: ratios


def scaled(power: int) -> Callable[[float, Campaign], Callable[[], Ratios]]:
    """In the first quarter survivors are so much too small that the mean of the ratio to this
    power is off by eps.
    """

    def defect(eps: float, campaign: Campaign) -> Callable[[], Ratios]:
        scale = np.ones(prod(campaign.shape))
        scale[: len(scale) // 4] = (1 - 2 * eps) ** (1 / power)
        return lambda: (
            lambda rng, shape: np.asarray(
                (rng.random(shape) >= 0.5) * scale.reshape(shape), np.float32
            )
        )

    return defect


def ever_failing(
    campaign: Campaign,
    start: Callable[[], Ratios],
    alpha: float,
    seed: int,
    bounds: int,
    *,
    twice: bool = False,
) -> set[str]:
    """The lenses that reach FAIL at some draw within so many of Wald's bounds: no PASS ends it.

    `twice` shows each draw two times.
    """
    lenses, failing, bits = (
        {name: build(name, campaign, alpha) for name in campaign.lenses},
        set(),
        0,
    )
    for draw in draws(campaign, outputs_of(simulated(start), campaign, seed)):
        for name, lens in lenses.items():
            for _ in range(1 + twice):
                lens.look(draw)
            if hasattr(lens, "gauge"):
                lens.gauge.beta = NEVER
            if lens.decide() is Decision.FAIL:
                failing.add(name)
        bits += draw.mask.size
        if bits >= bounds * campaign.bound:
            break
    return failing


LARGE = (4, 64)
WORD = INPUTS["float32"]  # for the lenses of weights
WITHIN = 0.015  # 0.03 standard deviations at rate 1/2


def case(
    lens: str,
    defect: Callable[[float, Campaign], Callable[[], Ratios]],
    shape: tuple[int, ...] = LARGE,
    *,
    small: bool = False,
) -> Case:
    """A case of this lens at rate 1/2."""
    lenses = ("rate",) if lens == "rate" else ("rate", lens)
    within = sqrt(samples_for(1.0) / (600 * prod(shape)) / 4) if small else WITHIN
    campaign = Campaign(0.5, "float32", shape, within, lenses, calls_as_rows=small, word=WORD)
    return Case(lens, campaign, defect)


CASES = {
    "rate, up": case("rate", where(lambda c: np.ones(c.shape))),
    "rate, down": case("rate", where(lambda c: -np.ones(c.shape))),
    "unit, dyadic": case("unit", where(of_places)),
    "unit, place": case("unit", where(of_places), (7,), small=True),
    "value": case("value", where(of_values)),
    "sign": case("sign", where(of_signs)),
    "left": case("left", follows(1)),
    "above": case("above", follows(0)),
    "row": case("row", follows(0)),
    "output": case("output", follows(1, 16)),
    "call": case("call", follows_calls),
    "sum of row": case("sum of row", of_sums),
    "sum of call": case("sum of call", of_sums, (64,), small=True),
    "mean": case("mean", scaled(1)),
    "square": case("square", scaled(2)),
}
