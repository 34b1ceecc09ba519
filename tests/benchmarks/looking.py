"""What looking at masks costs on top of drawing them, on torch.nn.Dropout.

Drawing is all it takes to have a mask: the call of the layer, a fresh copy of its input, and the
mask read off the output; the layer's own part is printed beside it. Looking is the rest of a
campaign: every lens, every gauge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from math import prod
from time import perf_counter
from unittest.mock import patch

import numpy as np
import torch
from table import head, row

from dropspec.chance.campaign import Campaign
from dropspec.chance.conduct import Results, conduct, draws
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Draw, Lens
from dropspec.chance.plan import Plan
from dropspec.core.guard import Guard
from dropspec.core.implementation import Implementation
from dropspec.core.target import Target
from dropspec.families import all_families
from dropspec.frameworks import all_frameworks
from dropspec.session.run import outputs_of
from dropspec.targets.inspect import inspect

REPEATS = 9
LIMIT = 0.20  # of the time that drawing takes


class Timed(torch.nn.Dropout):
    """torch.nn.Dropout that adds up the time spent in it."""

    spent_s = 0.0

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Dropout, timed."""
        start = perf_counter()
        output = super().forward(input)
        Timed.spent_s += perf_counter() - start
        return output


@cache
def implementation() -> Implementation:
    """The timed layer, driven as any module is."""
    target = Target("bench", "looking", "Timed")
    return inspect(target, Timed, Guard(60), all_frameworks(), all_families())


def _conduct(campaign: Campaign, alpha: float) -> Results:
    return conduct(campaign, outputs_of(implementation(), campaign, seed=0), alpha)


def _time(campaign: Campaign, alpha: float) -> tuple[int, float, float, float]:
    """The bits of a campaign, the time in the layer and in all to draw them, and that of all."""
    start = perf_counter()
    bits = _conduct(campaign, alpha).bits
    whole_s, start, Timed.spent_s = perf_counter() - start, perf_counter(), 0.0
    outputs = outputs_of(implementation(), campaign, seed=0)
    for draw in islice(draws(campaign, outputs), bits // prod(campaign.shape)):
        draw.before = None
    return bits, Timed.spent_s, perf_counter() - start, whole_s


def by_dtype(plan: Plan) -> float:
    """Prints, per dtype and in all, the time of campaigns apart from the time that the same
    masks take to draw; returns the latter's.
    """
    head(
        "Looking over drawing, main campaigns, best of nine, ns a unit",
        "the layer",
        "drawing",
        "looking",
        "share",
    )
    _conduct(plan.main[0], plan.alpha)  # warms up
    sums = {}
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        sums[dtype] = np.zeros(4)
        for campaign in (c for c in plan.main if c.dtype == dtype):
            tries = [_time(campaign, plan.alpha) for _ in range(REPEATS)]
            # the best of the repeats: what else the machine does only adds
            bits, inside_s, drawing_s, whole_s = np.min(tries, 0)
            sums[dtype] += (bits, inside_s, drawing_s, whole_s - drawing_s)
    sums["all"] = sum(sums.values(), np.zeros(4))
    for dtype, (bits, inside_s, drawing_s, looking_s) in sums.items():
        per_unit = [f"{s / bits * 1e9:.2f}" for s in (inside_s, drawing_s, looking_s)]
        share, is_all = float(looking_s / drawing_s), dtype == "all"
        row(
            dtype,
            *per_unit,
            f"{share:.1%}",
            wanted=f"{LIMIT:.0%} at most" if is_all else "",
            met=share <= LIMIT,
        )
    return float(sums["all"][2] / sums["all"][0] * 1e9)


@contextmanager
def _timed_lenses(spent_s: Counter[str], looked: Counter[str]) -> Iterator[None]:
    """Within it campaigns add up the time of each lens, and the bits it looked at; packing
    masks, which lenses share, apart.
    """

    def timed(name: str, campaign: Campaign, alpha: float) -> Lens:
        lens = build(name, campaign, alpha)
        look, settle = lens.look, lens.settle

        def timed_look(draw: Draw) -> None:
            start = perf_counter()
            _ = draw.survivors  # packs the mask
            packed = perf_counter()
            look(draw)
            spent_s.update(
                {"packing, shared by all": packed - start, name: perf_counter() - packed}
            )
            looked[name] += draw.mask.size

        def timed_settle() -> None:
            start = perf_counter()
            settle()
            spent_s["deciding, of all"] += perf_counter() - start  # type: ignore[assignment]

        lens.look, lens.settle = timed_look, timed_settle  # type: ignore[method-assign]
        return lens

    with patch("dropspec.chance.conduct.build", timed):
        yield


def by_lens(plan: Plan, drawing_ns: float) -> None:
    """Prints, per lens, its time over all bits drawn, and over the bits that it looked at before
    it had its verdict.
    """
    head("The same lens by lens, once, ns", "a unit drawn", "of drawing", "a unit seen")
    spent_s: Counter[str] = Counter()
    looked: Counter[str] = Counter()
    with _timed_lenses(spent_s, looked):
        bits = sum(_conduct(campaign, plan.alpha).bits for campaign in plan.main)
    for name, seconds in spent_s.most_common():
        each = seconds / bits * 1e9
        seen = f"{seconds / looked[name] * 1e9:.2f}" if looked[name] else ""
        row(name, f"{each:.2f}", f"{each / drawing_ns:.1%}", seen)
