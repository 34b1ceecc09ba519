"""How many samples a verdict takes, as multiples of Wald's bound, which no sequential test with
the same error chances can do without.

Right: the layer keeps the rate, and the verdict is PASS, bounded by log(1/beta). Off by eps, 2
eps, 5 eps, eps being the tolerance of the lens: the verdict is FAIL, bounded by log(1/alpha).
Two other tests with the same error chances are set beside the gauge: the exact binomial test
with a fixed number of samples, and the number that TensorFlow Probability's statistical_testing
asks for. That one is not run but computed, by the formulas of
`min_num_samples_for_dkwm_mean_test` and `..._mean_two_sample_test`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, log2, sqrt

import numpy as np
from scipy.stats import binom
from table import head, row

from dropspec.chance.campaign import LOOKS, Campaign
from dropspec.chance.gauge import Decision, Gauge, wald
from dropspec.chance.lenses import build
from dropspec.chance.lenses.base import Draw
from dropspec.core.risk import BETA

OFF = (0, 1, 2, 5)
WANTED = (1.40, 1.20)  # right, off by eps
RATES = ((0.5, 0.001), (0.1, 0.001), (0.9, 0.001), (0.01, 0.001), (0.001, 0.0001))
# for tests with a fixed number of samples: a rate of 0.9 is one of 0.1 for them
FIXED = (RATES[0], RATES[1], RATES[4])
WITHIN = 0.001  # of the campaign at rate 0.5 whose lenses of place and neighbours are measured
PERIOD = 8  # of the places that drop more often, then less often


def distance(p: float, q: float) -> float:
    """What one trial of chance p tells on average against chance q: the divergence of Kullback
    and Leibler.
    """
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


def bound(q: float, eps: float, alpha: float, off: float) -> float:
    """Wald's bound for the verdict on a layer whose rate is q + off · eps."""
    return wald(q, eps) if off == 0 else -log(alpha) / distance(q + off * eps, q)


def rate_samples(q: float, eps: float, alpha: float, off: float, runs: int) -> float:
    """The samples that the gauge of the rate lens takes to its verdict, on average; it looks
    twenty times a bound.
    """
    step, rng, taken = max(1, int(bound(q, eps, alpha, off) / LOOKS)), np.random.default_rng(0), 0
    for _ in range(runs):
        gauge = Gauge((q, 1 - q), eps / sqrt(q * (1 - q)), alpha)
        while gauge.decide() is Decision.OPEN:
            dropped = rng.binomial(step, q + off * eps)
            gauge.add((dropped, step - dropped), (dropped, step - dropped))
            taken += step
    return taken / runs


def left_mask(
    rng: np.random.Generator, rows: int, columns: int, by: float
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A mask of rate 1/2 whose units are dropped with probability 1/2 ± by after a left neighbour
    that was, or was not.
    """
    changes = rng.random((rows, columns), np.float32) < 0.5 - by
    changes[:, 0] = rng.random(rows) < 0.5
    return np.bitwise_xor.accumulate(changes, 1)


def unit_mask(
    rng: np.random.Generator, rows: int, columns: int, by: float
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A mask of rate 1/2 whose units are dropped with probability 1/2 + by at eight places, 1/2 -
    by at the next eight, and so on.
    """
    sign = np.where(np.arange(columns) // PERIOD % 2, -1, 1)
    return np.asarray(rng.random((rows, columns), np.float32) > 0.5 + by * sign)


MASKS: dict[
    str,
    Callable[
        [np.random.Generator, int, int, float], np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    ],
] = {
    "unit": unit_mask,
    "left": left_mask,
}


def lens_over_bound(name: str, alpha: float, off: float, runs: int) -> float:
    """The mask bits that a lens at rate 1/2 takes to its verdict over the bound for it; both
    contexts are off by that many of its eps.

    Where nothing is off, one context has half of the bits, so the bound is twice that of a rate.
    """
    eps, rng, taken = WITHIN * sqrt(8), np.random.default_rng(0), 0
    least = bound(0.5, eps, alpha, off) * (2 if off == 0 else 1)
    shape = (1 << max(0, int(log2(least / LOOKS / 256))), 256)
    campaign = Campaign(0.5, "float32", shape, WITHIN, (name,))
    for _ in range(runs):
        lens = build(name, campaign, alpha)
        while lens.decide() is Decision.OPEN:
            lens.look(Draw(MASKS[name](rng, *shape, off * eps), None))
            taken += shape[0] * shape[1]
    return taken / runs / least


def fixed_samples(q: float, eps: float, alpha: float, beta: float) -> int:
    """The samples with which the exact two-sided binomial test of level alpha misses q ±
    eps with probability at most beta.
    """

    def enough(n: int) -> bool:
        # beyond these it refuses
        most, least = binom.isf(alpha / 2, n, q), binom.ppf(alpha / 2, n, q)
        missed = [binom.cdf(most, n, q + eps)] if q + eps < 1 else []
        missed += [binom.sf(least - 1, n, q - eps)] if q - eps > 0 else []
        return max(missed) <= beta

    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
    while high - low > high // 10_000 + 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def dkwm_samples(discrepancy: float, alpha: float, beta: float) -> float:
    """The samples that TFP wants for a mean in [0, 1], by the DKWM inequality; half of the
    discrepancy is room for either error.
    """
    return max(log(2 / alpha), log(2 / beta)) / (2 * (discrepancy / 2) ** 2)


def dkwm_two_samples(discrepancy: float, alpha: float, beta: float) -> float:
    """The same for each of two samples whose means may not differ by more: half of everything
    for either.
    """
    return dkwm_samples(discrepancy / 2, alpha / 2, beta / 2)


def over_wald(alpha: float) -> None:
    """Prints samples to the verdict over Wald's bound: lenses, then the tests with a fixed
    number.
    """
    head("Samples to the verdict, in Wald's bounds", "right", "eps", "2 eps", "5 eps")
    wanted = f"{WANTED[0]:.2f} right, {WANTED[1]:.2f} at eps"
    for q, eps in RATES:
        ratios = [rate_samples(q, eps, alpha, off, 400) / bound(q, eps, alpha, off) for off in OFF]
        met = ratios[0] <= WANTED[0] and ratios[1] <= WANTED[1]
        row(f"rate lens at {q:g} ± {eps:g}", *(f"{r:.2f}" for r in ratios), wanted=wanted, met=met)
    for name in MASKS:
        row(
            f"{name} lens at 0.5 ± {WITHIN * sqrt(8):.2g}",
            *(f"{lens_over_bound(name, alpha, off, 60):.2f}" for off in OFF),
        )
    for q, eps in FIXED:
        fixed = fixed_samples(q, eps, alpha, BETA)
        row(
            f"exact binomial at {q:g} ± {eps:g}",
            *(f"{fixed / bound(q, eps, alpha, off):.2f}" for off in OFF),
        )
    for q, eps in FIXED:
        dkwm = dkwm_samples(eps, alpha, BETA)
        row(
            f"TFP, computed, at {q:g} ± {eps:g}",
            *(f"{dkwm / bound(q, eps, alpha, off):.1f}" for off in OFF),
        )
    eps = WITHIN * sqrt(8)
    # contexts that are off by eps either way differ by twice that
    twice = 2 * dkwm_two_samples(2 * eps, alpha, BETA)
    bounds = [bound(0.5, eps, alpha, off) * (2 if off == 0 else 1) for off in OFF]
    row(f"TFP, two samples, at 0.5 ± {eps:.2g}", *(f"{twice / b:.1f}" for b in bounds))


def growth_with_tolerance(alpha: float) -> None:
    """Prints the exponent with which the samples of the rate lens grow as the tolerance shrinks:
    eps, eps/2, eps/4.
    """
    q, eps = RATES[0]
    tolerances = np.array([eps, eps / 2, eps / 4])
    head("Samples of the rate lens on NumPy's bits", *(f"± {t:g}" for t in tolerances), "exponent")
    for name, off in (("right", 0), ("off by eps", 1)):
        samples = [rate_samples(q, t, alpha, off, 400) for t in tolerances]
        exponent = float(np.polyfit(np.log(tolerances), np.log(samples), 1)[0])
        row(
            name,
            *(f"{n / 1e6:.1f} M" for n in samples),
            f"{exponent:.2f}",
            wanted="-2 ± 0.1",
            met=abs(exponent + 2) <= 0.1,
        )
