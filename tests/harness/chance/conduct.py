"""Carries campaigns out: draws masks call after call, and shows each draw to all lenses of the
campaign until all have decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np

from dropspec.chance.campaign import ALIKE, BUDGET, HALF_MILLION, LOOKS, Campaign
from dropspec.chance.gauge import Decision
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Draw, Finding, Lens
from dropspec.core.arrays import Array, nonzero


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


def conduct(campaign: Campaign, outputs: Iterator[Array], alpha: float) -> Results:
    """Runs one campaign; each lens fails a right implementation with probability at most alpha.

    A lens that is still open when the budget ends is reported so. Where the rate fails, the
    others get half a million bits to find why, or 40 calls if all units so far had one fate.
    """
    lenses = {name: build(name, campaign, alpha) for name in campaign.lenses}
    masks = draws(campaign, outputs)
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
                # a lens that has its verdict looks no more; to ask at each look costs more than
                # looking on
                lens.settle()
        if not _go_on(lenses, results.bits, looks, campaign):
            break
    results.findings = {name: lens.finding() for name, lens in lenses.items()}
    return results


def _go_on(lenses: dict[str, Lens], bits: int, looks: int, campaign: Campaign) -> bool:
    lenses["rate"].settle()
    rate = lenses["rate"].decide() if lenses["rate"].settled or looks % 4 == 0 else Decision.OPEN
    if rate is Decision.FAIL:
        # units of a call that share one fate show only when another call has another
        alike = 0 in lenses["rate"].gauge.total
        return bits < min(HALF_MILLION, campaign.bound) or (
            alike and bits < ALIKE * prod(campaign.shape)
        )
    if rate is Decision.OPEN:
        return True
    return any(lens.wants_more and lens.decide() is Decision.OPEN for lens in lenses.values())


def draws(campaign: Campaign, outputs: Iterator[Array]) -> Iterator[Draw]:
    """The masks of a campaign, from the outputs of call after call."""
    weights = _weights(campaign, campaign.input())
    draw: Draw | None = None
    columns = campaign.columns
    calls = max(1, min(256, int(campaign.bound / LOOKS / columns))) if campaign.calls_as_rows else 1
    while True:
        if draw is not None:
            draw.before = draw.output = None  # or every draw would keep all before it
        draw = _draw([next(outputs) for _ in range(calls)], columns, draw, weights)
        yield draw


def _draw(outputs: list[Array], columns: int, before: Draw | None, weights: Array | None) -> Draw:
    """Rows of masks from the outputs of calls, which it takes: memory that is free for the next
    call is in the cache.
    """
    y = (np.stack(outputs) if len(outputs) > 1 else outputs[0]).reshape(-1, columns)
    outputs.clear()
    return Draw(nonzero(y), before, None if weights is None else y, weights)


def _weights(campaign: Campaign, x: Array) -> Array | None:
    """keep / x: the factors that turn an output into 0 or 1 where the specification holds."""
    if not {"mean", "square"} & set(campaign.lenses):
        return None
    rows = (1, -1) if campaign.calls_as_rows else (-1, campaign.columns)
    return np.asarray((1 - campaign.rate) / x.astype(np.float64)).astype(x.dtype).reshape(rows)
