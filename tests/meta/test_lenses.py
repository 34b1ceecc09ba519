"""The lenses: they count what they say they count, spare a right mask, and see a defect of their
own kind.

Masks come from NumPy under fixed seeds. A right lens fails with probability at most ALPHA = 1e-12,
and is left open with about the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from dropspec.chance.campaign import BUDGET, Campaign
from dropspec.chance.gauge import Decision, samples_for
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Draw, Finding, Lens
from dropspec.chance.lenses.sums import binomial_cells
from dropspec.core.arrays import Array, Bits

ALPHA = 1e-12
LARGE = (
    "rate",
    "unit",
    "value",
    "left",
    "above",
    "call",
    "sum of row",
    "sum of call",
    "mean",
    "square",
    "echo",
    "twins",
)
ROWS, ROW = 64, 256
TINY = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 1]], bool)  # a mask of three rows
Masks = Callable[[np.random.Generator], Bits]


def campaign(
    rate: float = 0.5,
    shape: tuple[int, ...] = (ROWS, ROW),
    within: float = 0.005,
    *,
    small: bool = False,
) -> Campaign:
    """A campaign for building lenses; it is never conducted."""
    return Campaign(rate, "float32", shape, within, ("rate",), calls_as_rows=small)


def right(
    rng: np.random.Generator, rate: float = 0.5, shape: tuple[int, ...] = (ROWS, ROW)
) -> Bits:
    """A mask as it should be."""
    return np.asarray(rng.random(shape) >= rate)


def look(
    name: str, draw: Masks, of: Campaign | None = None, *, spread: float = 0.0, scale: float = 1.0
) -> Finding:
    """Shows draws to one lens until it has decided or the budget ends; each survivor is scaled
    by scale ± spread.
    """
    of = of or campaign()
    lens, rng, before, bits = build(name, of, ALPHA), np.random.default_rng(0), None, 0
    while bits < BUDGET * of.bound:
        mask = draw(rng)
        ratio = np.asarray(
            mask * rng.uniform(scale - spread, scale + spread, mask.shape), np.float32
        )
        before = Draw(mask, before, ratio, np.ones_like(ratio))
        lens.look(before)
        before.before = None
        bits += mask.size
        if lens.decide() is not Decision.OPEN and (
            name != "twins" or lens.decide() is Decision.FAIL
        ):
            break
    return lens.finding()


def shown(
    lens: Lens, mask: Bits, before: Bits | None = None, ratio: Array | None = None
) -> list[list[float]]:
    """The counts of a lens after one draw."""
    weights = None if ratio is None else np.ones_like(ratio)
    lens.look(Draw(mask, None if before is None else Draw(before, None), ratio, weights))
    lens.decide()  # sums of ratios become counts when they are judged
    return [[float(c) for c in row] for row in lens.gauge.n]


def test_rate_and_pairs_count_a_tiny_mask_right() -> None:
    """On three rows of four units: dropped and kept; and the same by the fate of the unit to the
    left, above, and of the call before.
    """
    of = campaign(shape=(3, 4))
    assert shown(build("rate", of, ALPHA), TINY) == [[4, 8]]
    assert shown(build("left", of, ALPHA), TINY) == [[1, 3], [2, 3]]
    assert shown(build("above", of, ALPHA), TINY) == [[0, 2], [3, 3]]
    assert shown(build("call", of, ALPHA), TINY) == [[0, 0], [0, 0]]
    assert shown(build("call", of, ALPHA), TINY, before=~TINY) == [[0, 8], [4, 0]]


def test_words_count_as_single_units_do() -> None:
    """Rows that fill words of 64 are counted as rows of single units are: of the left pairs,
    those inside a word.
    """
    rng = np.random.default_rng(1)
    mask, before = right(rng, 0.3, (6, 128)), right(rng, 0.3, (6, 128))
    pairs = {
        "left": (mask.reshape(-1, 64)[:, 1:], mask.reshape(-1, 64)[:, :-1]),
        "above": (mask[1:], mask[:-1]),
        "call": (mask, before),
    }
    for name, (units, others) in pairs.items():
        lens = build(name, campaign(shape=(6, 128)), ALPHA)
        direct = [
            [float((~units & (others == fate)).sum()), float((units & (others == fate)).sum())]
            for fate in (False, True)
        ]
        assert shown(lens, mask, before) == direct
        assert lens.gauge.total.tolist() == np.sum(direct, 0, keepdims=True).tolist()
    assert shown(build("rate", campaign(shape=(6, 128)), ALPHA), mask) == [
        [float((~mask).sum()), float(mask.sum())]
    ]


def test_places_count_right() -> None:
    """In a small call each position, in a large one each bit of the position, has its own
    dropped and kept.
    """
    rng = np.random.default_rng(2)
    small = right(rng, 0.3, (5, 7))
    assert shown(build("unit", campaign(shape=(7,), small=True), ALPHA), small) == [
        [5.0 - k, float(k)] for k in small.sum(0)
    ]
    thousand = right(rng, 0.3, (5, 1000))
    parts = [
        *(thousand[:, i] for i in (*range(8), *range(-8, 0))),
        *(thousand[:, i * 125 : (i + 1) * 125] for i in range(8)),
    ]
    direct = [[float((~part).sum()), float(part.sum())] for part in parts]
    assert shown(build("unit", campaign(shape=(1000,), small=True), ALPHA), thousand) == direct
    large = right(rng, 0.3, (16, 64))
    lens, flat, at = (
        build("unit", campaign(shape=(16, 64)), ALPHA),
        large.reshape(-1),
        np.arange(1024),
    )
    halves = [flat[(at >> bit & 1) == v] for v in (1, 0) for bit in range(10)]
    assert shown(lens, large) == [[float((~half).sum()), float(half.sum())] for half in halves]
    assert len(lens.contexts) == len(halves)


def test_values_sums_and_ratios_count_right() -> None:
    """Units by their input; rows and calls by the number they drop; sums of ratios and of their
    squares by quarters.
    """
    rng, of = np.random.default_rng(3), campaign(0.3, (16, 64))
    mask, x = right(rng, 0.3, (16, 64)), of.input()
    direct = [
        [float((~mask[x == v]).sum()), float(mask[x == v].sum())] for v in (-4, -0.25, 0.25, 4)
    ]
    assert shown(build("value", of, ALPHA), mask) == direct
    for name, units in (("sum of row", 64), ("sum of call", 1024)):
        last, q = binomial_cells(units, 0.3)
        dropped = (~mask).reshape(-1, units).sum(1)
        assert shown(build(name, of, ALPHA), mask) == [
            np.bincount(np.searchsorted(last, dropped), minlength=len(q)).tolist()
        ]
    ratio = np.asarray(mask * 0.5, np.float32)
    kept = mask.reshape(4, -1).sum(1)
    assert shown(build("mean", of, ALPHA), mask, ratio=ratio) == [
        [256 - k / 2, k / 2] for k in kept
    ]
    assert shown(build("square", of, ALPHA), mask, ratio=ratio) == [
        [256 - k / 4, k / 4] for k in kept
    ]


@pytest.mark.parametrize("name", LARGE)
def test_a_right_mask_passes(name: str) -> None:
    """Every lens passes a right mask within the budget, at rate 0.5."""
    finding = look(name, right)
    assert finding.decision is Decision.PASS, finding.measured


@pytest.mark.parametrize("shape", [(7,), (33,), (1000,)])
@pytest.mark.parametrize("name", ["rate", "unit", "left", "above", "sum of call"])
def test_right_small_calls_pass(name: str, shape: tuple[int]) -> None:
    """So does every lens of small calls, twenty to a draw, at rate 0.3, with a tolerance as 300
    calls can give.
    """
    within = float(np.sqrt(samples_for(1.0) / (300 * shape[0]) * 0.3 * 0.7))
    finding = look(
        name, lambda rng: right(rng, 0.3, (20, *shape)), campaign(0.3, shape, within, small=True)
    )
    assert finding.decision is Decision.PASS, finding.measured


@pytest.mark.parametrize(
    ("units", "rate"), [(1, 0.5), (3, 0.1), (17, 0.5), (256, 0.001), (256, 0.5), (1000, 0.9)]
)
def test_binomial_cells_are_exact(units: int, rate: float) -> None:
    """Cells are contiguous, cover every count, sum to 1, and each is the sum of its Binomial
    probabilities.
    """
    last, q = binomial_cells(units, rate)
    assert last[-1] == units
    assert (np.diff(last, prepend=-1) > 0).all()
    cell = np.searchsorted(last, np.arange(units + 1))
    chance = [comb(units, k) * rate**k * (1 - rate) ** (units - k) for k in range(units + 1)]
    assert q == pytest.approx(np.bincount(cell, chance), rel=1e-11)


def test_binomial_cells_of_a_large_call_are_right() -> None:
    """So are those of 2^17 units, against scipy's distribution function: twelve cells, the
    rarest of 2e-4.
    """
    last, q = binomial_cells(1 << 17, 0.1)
    assert len(q) == 12
    assert q == pytest.approx(np.diff(binom.cdf(last, 1 << 17, 0.1), prepend=0), rel=1e-6)
    assert q.sum() == pytest.approx(1, abs=1e-12)
    assert 2e-4 < q.min() < 3e-4
