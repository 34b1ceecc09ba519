"""A campaign draws masks at one rate, dtype, shape and layout, and shows each draw to all its lenses.

Drawing is what costs, so every lens looks at the same draws; a campaign ends when all have decided. The plan of campaigns is fixed, outside
any search: a random failure found by search would have no error rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod, sqrt

import numpy as np

from .adapters import Adapter
from .arrays import DTYPES, Array, laid_out, nonzero, values
from .gauge import Decision, samples_for
from .lenses import Draw, Finding, Lens, build

BUDGET = 10  # times Wald's bound; a right rate lens has passed by 3.2 of them with chance .999
LOOKS = 20  # a Wald's bound
HALF_MILLION = 1 << 19
ALIKE = 40  # calls with one and the same fate of all units are enough to know that it is always that
ROW = 256


@dataclass(frozen=True)
class Campaign:
    """Masks at one rate, dtype, shape and layout; `within` is the absolute tolerance of its rate.

    With `calls_as_rows` a draw is a matrix of many small calls, one a row; otherwise it is one call, whose rows are its last axis, or 256
    units where that is 1. `differentiable` calls want a gradient, as in training they do; it is not asked for.
    """

    rate: float
    dtype: str
    shape: tuple[int, ...]
    within: float
    lenses: tuple[str, ...]
    layout: str = "contiguous"
    calls_as_rows: bool = False
    differentiable: bool = False

    @property
    def tol(self) -> float:
        """The tolerance of the rate in standard deviations of one trial."""
        return self.within / sqrt(self.rate * (1 - self.rate))

    @property
    def bound(self) -> float:
        """Wald's bound for the rate lens, in mask bits."""
        return samples_for(self.tol)

    @property
    def name(self) -> str:
        """How the report calls it."""
        layout = "" if self.layout == "contiguous" else f" {self.layout}"
        layout += " with gradient" if self.differentiable else ""
        return f"rate {self.rate:g}, {self.dtype}{layout}, shape {'×'.join(map(str, self.shape))}"

    @property
    def columns(self) -> int:
        """The units of a row of a draw."""
        if self.calls_as_rows:
            return prod(self.shape)
        return self.shape[-1] if self.shape[-1] > 1 else ROW

    def input(self) -> Array:
        """Numbers of either sign and two sizes, powers of two, so that the ratio output / input is exact where the scale is."""
        return laid_out(values(self.shape).astype(DTYPES[self.dtype]), self.layout)


@dataclass
class Results:
    """What the lenses of one campaign found, over how many mask bits."""

    campaign: Campaign
    findings: dict[str, Finding] = field(default_factory=dict)
    bits: int = 0

    @property
    def rate_failed(self) -> bool:
        """Whether the rate itself is wrong here."""
        return self.findings["rate"].decision is Decision.FAIL


def conduct(campaign: Campaign, adapter: Adapter, alpha: float, seed: int) -> Results:
    """Runs one campaign; each lens fails a right implementation with chance alpha at most.

    A lens that is still open when the budget ends is reported so. Where the rate fails, the others get half a million bits to find why,
    or 40 calls if all units so far had one fate.
    """
    lenses = {name: build(name, campaign, alpha) for name in campaign.lenses}
    masks = draws(campaign, adapter, seed)
    results, next_look, looks = Results(campaign), 0.0, 0
    while results.bits < BUDGET * campaign.bound:
        draw = next(masks)
        results.bits += draw.mask.size
        for lens in lenses.values():
            if not lens.settled:
                lens.look(draw)
        if results.bits < next_look:
            continue
        next_look, looks = results.bits + campaign.bound / LOOKS, looks + 1
        if results.bits >= campaign.bound / 3 and looks % 2 == 0:
            for lens in lenses.values():
                lens.settle()  # a lens that has its verdict looks no more; to ask at each look costs more than looking on
        if not _go_on(lenses, results.bits, looks, campaign):
            break
    results.findings = {name: lens.finding() for name, lens in lenses.items()}
    return results


def _go_on(lenses: dict[str, Lens], bits: int, looks: int, campaign: Campaign) -> bool:
    lenses["rate"].settle()
    rate = lenses["rate"].decide() if lenses["rate"].settled or looks % 4 == 0 else Decision.OPEN
    if rate is Decision.FAIL:
        alike = 0 in lenses["rate"].gauge.total  # units of a call that share one fate show only when another call has another
        return bits < min(HALF_MILLION, campaign.bound) or (alike and bits < ALIKE * prod(campaign.shape))
    if rate is Decision.OPEN:
        return True
    return any(lens.wants_more and lens.decide() is Decision.OPEN for lens in lenses.values())


def draws(campaign: Campaign, adapter: Adapter, seed: int) -> Iterator[Draw]:
    """The masks of a campaign, call after call without reseeding, for ever."""
    x = campaign.input()
    weights = _weights(campaign, x)
    adapter.reseed(seed)
    layer = adapter.masks(campaign.rate)
    draw: Draw | None = None
    columns = campaign.columns
    calls = max(1, min(256, int(campaign.bound / LOOKS / columns))) if campaign.calls_as_rows else 1
    while True:
        if draw is not None:
            draw.before = draw.output = None  # or every draw would keep all before it
        outputs = [layer.train(x, differentiable=campaign.differentiable).output for _ in range(calls)]
        draw = _draw(outputs, columns, draw, weights)
        yield draw


def _draw(outputs: list[Array], columns: int, before: Draw | None, weights: Array | None) -> Draw:
    """Rows of masks from the outputs of calls, which it takes: memory that is free for the next call is in the cache."""
    y = (np.stack(outputs) if len(outputs) > 1 else outputs[0]).reshape(-1, columns)
    outputs.clear()
    return Draw(nonzero(y), before, None if weights is None else y, weights)


def _weights(campaign: Campaign, x: Array) -> Array | None:
    """keep / x: the factors that turn an output into 0 or 1 where the specification holds."""
    if not {"mean", "square"} & set(campaign.lenses):
        return None
    rows = (1, -1) if campaign.calls_as_rows else (-1, campaign.columns)
    return np.asarray((1 - campaign.rate) / x.astype(np.float64)).astype(x.dtype).reshape(rows)
