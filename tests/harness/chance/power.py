"""What a run finds: for each clause the smallest fault that it finds with probability .999, and
how many samples that takes.

The gauges of a plan are run on counts whose law is off, by less and less, until a run passes.
Only the context that is off is simulated; what others say would only add to the evidence, and
they would only have to pass as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from dropspec.chance.campaign import BUDGET, LOOKS, Campaign
from dropspec.chance.gauge import Gauge, samples_for
from dropspec.chance.lenses import build
from dropspec.chance.lenses.repeats import EchoLens
from dropspec.chance.lenses.twins import OverlapLens, TwinLens
from dropspec.chance.plan import Plan
from dropspec.core.options import Profile
from dropspec.core.risk import MISS

Law = NDArray[np.float64]
# that a fault must be found in, all of them: of one missed with chance .001 they would miss some
# with chance .95
RUNS = 3000
SIZES = np.arange(12, 61) / 40  # of faults, times the tolerance


@dataclass(frozen=True)
class Found:
    """A fault that is found: what is off, where, by how much, and how many of Wald's bounds it
    takes to find; 0 where none is known.
    """

    what: str
    where: str
    by: float
    over_wald: float = 0.0


def findings(
    clause: str, plan: Plan, profile: Profile, is_searched: bool
) -> Iterator[Found | None]:
    """What is found of a clause, in one order for all profiles.

    `is_searched` where properties try it on many cases. None where a tolerance is so wide that
    nothing is certified.
    """
    looked: dict[str, Campaign] = {}  # dtypes differ in nothing that is counted
    for look in plan.looks.get(clause, ()):
        for c in (c for c in look.campaigns if look.lens in c.lenses):
            where = f"rate {c.rate:g}" if c in plan.main else c.name.replace(f", {c.dtype}", "")
            alike = replace(c, dtype="float32", lenses=(look.lens,))
            looked.setdefault(f"{look.lens} at {where}", alike)
    for where, campaign in looked.items():
        yield of_lens(campaign, plan.alpha, where.partition(" at ")[2])
    if count := plan.counts.get(clause):
        tol = count.tol * profile.tolerance
        found = _smallest(Gauge(count.shares, tol, plan.alpha), 0, 0, 1.0, samples_for(tol))
        yield found and Found(count.what, "", *found)
    if is_searched:
        yield Found("share of its cases in which it fails", "", profile.share_found)


@cache
def of_lens(campaign: Campaign, alpha: float, where: str) -> Found | None:
    """What the only lens of a campaign finds."""
    lens = build(campaign.lenses[0], campaign, alpha)
    if isinstance(lens, EchoLens):
        return Found("agreement with the unit at one lag", where, lens.finds(MISS))
    if isinstance(lens, TwinLens):
        return Found("share of stretches that repeat an earlier one", where, lens.finds(MISS))
    if isinstance(lens, OverlapLens):
        return None  # it finds what lies in the first calls, or nothing
    if not lens.gauge.certifies:
        return None
    context, cell = (
        int(i)
        for i in np.unravel_index(np.argmax(np.round(lens.gauge.eps, 12)), lens.gauge.eps.shape)
    )
    fraction = float(lens.fractions[context])
    if lens.gauge.homogeneous and fraction == 1:
        return None  # the only context agrees with itself
    found = _smallest(lens.gauge, context, cell, fraction, campaign.bound)
    return found and Found(
        f"{lens.share} {lens.named(context, cell)}", where, found[0] * lens.size, found[1]
    )


def _smallest(
    gauge: Gauge, context: int, cell: int, fraction: float, bound: float
) -> tuple[float, float] | None:
    """The least of SIZES, as a deviation of that cell either way, that no run misses, and the
    samples to find it over Wald's bound.

    A way in which not even the tolerance is possible is passed over. None where some run misses
    whatever is possible.
    """
    eps, q = float(gauge.eps[context % len(gauge.eps), cell]), float(gauge.q[0, cell])
    ways = [way for way in (1, -1) if 0 < q + way * eps < 1]
    found = [_smallest_one_way(gauge, context, cell, way * eps, fraction, bound) for way in ways]
    return max((f for f in found if f), default=None) if all(found) else None


def _smallest_one_way(
    gauge: Gauge, context: int, cell: int, eps: float, fraction: float, bound: float
) -> tuple[float, float] | None:
    laws = [(abs(by), *_laws(gauge, cell, by, fraction)) for by in SIZES * eps]
    possible = [law for law in laws if min(*law[1], *law[2]) >= 0]
    low, high, found = 0, len(possible), None
    while low < high:
        middle = (low + high) // 2
        by, inside, outside = possible[middle]
        missed, over = _simulate(gauge, context, inside, outside, fraction, bound)
        if missed:
            low = middle + 1
        else:
            high, found = middle, (float(by), over)
    return found


def _laws(gauge: Gauge, cell: int, by: float, fraction: float) -> tuple[Law, Law]:
    """The probabilities inside a context of that fraction of all samples, where a cell is off by
    so much, and outside of it.

    Where contexts must only agree, what is outside is off the other way.
    """
    q = gauge.q[0]
    against = -by * fraction / (1 - fraction) if gauge.homogeneous else 0.0
    inside, outside = (q * (1 - q[cell] - off) / (1 - q[cell]) for off in (by, against))
    inside[cell], outside[cell] = q[cell] + by, q[cell] + against
    return inside, outside


def _simulate(
    gauge: Gauge, context: int, inside: Law, outside: Law, fraction: float, bound: float
) -> tuple[int, float]:
    """How many runs miss a context with such a law, and the samples of the others over Wald's
    bound, on average.
    """
    rng, parts = np.random.default_rng(0), (fraction, 1 - fraction)
    runs = Gauge(
        gauge.q[0],
        gauge.tol[context % len(gauge.tol)],
        gauge.alpha,
        RUNS,
        homogeneous=gauge.homogeneous,
    )
    others = np.zeros_like(runs.n)
    missed = looks = 0
    for look in range(1, BUDGET * LOOKS + 1):
        here, there = (
            round(look * part * bound / LOOKS) - round((look - 1) * part * bound / LOOKS)
            for part in parts
        )
        runs.n += rng.multinomial(here, inside, len(runs.n))
        if gauge.homogeneous:
            others += rng.multinomial(there, outside, len(others))
        runs.total = runs.n + others
        passes = runs.supports() >= -log(gauge.beta)
        # before, nothing asks for evidence
        fails = (runs.apart() - log(len(gauge.n)) >= -log(gauge.alpha)) & (passes | (look >= LOOKS))
        missed, looks = missed + int((passes & ~fails).sum()), looks + look * int(fails.sum())
        going_on = ~passes & ~fails
        runs.n, others = runs.n[going_on], others[going_on]
        if missed or not len(others):
            break
    told = sum(
        part * rel_entr(law, gauge.q[0]).sum()
        for part, law in zip(parts, (inside, outside), strict=True)
    )  # by one sample
    found = RUNS - missed - len(others)
    return missed + len(others), float(
        looks / max(found, 1) * bound / LOOKS * told / -log(gauge.alpha)
    )
