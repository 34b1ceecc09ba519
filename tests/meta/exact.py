"""The exact error probabilities of one gauge, over every count that can come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import log

import numpy as np
from scipy.stats import binom

from dropspec.chance.campaign import BUDGET, LOOKS
from dropspec.chance.gauge import Decision, Gauge, samples_for


@dataclass(frozen=True)
class Exact:
    """The exact chances of a gauge of dropped and kept at the looks of a campaign: its own
    verdicts, on every count that can come.
    """

    q: float
    tol: float
    alpha: float
    beta: float

    @property
    def step(self) -> int:
        """The samples between two looks."""
        return max(round(samples_for(self.tol, self.beta) / LOOKS), 1)

    def chance(self, verdict: Decision, p: float) -> float:
        """The probability that this verdict is ever reached within a campaign's budget, by whoever
        does not stop at the other; p is the rate.

        The law of the count, less what has reached the verdict, is carried from look to look:
        sums of products of positive numbers.
        """
        of_step, law, reached = binom.pmf(np.arange(self.step + 1), self.step, p), np.ones(1), 0.0
        for first, end in self.verdicts(verdict):
            law = np.convolve(law, of_step)
            here = np.zeros(len(law), bool)
            here[first:end] = True
            if verdict is Decision.FAIL:
                here = ~here
            reached += law[here].sum()
            law[here] = 0
        return float(reached)

    def verdicts(self, verdict: Decision) -> list[tuple[int, int]]:
        """At each look the counts, from the first to before the end, that PASS; or those that do
        not FAIL.
        """
        gauge = Gauge((self.q, 1 - self.q), self.tol, self.alpha, beta=self.beta)
        passing = verdict is Decision.PASS

        def support(n: int, k: int) -> float:
            gauge.n[:] = gauge.total[:] = (k, n - k)
            return gauge.support()

        def inside(n: int, k: int) -> bool:
            supported = support(n, k) >= -log(gauge.beta)
            return supported if passing else gauge.decide() is not Decision.FAIL

        def outside(n: int, k: int) -> bool:
            return not inside(n, k)

        def falls(n: int, k: int) -> bool:
            return support(n, k + 1) <= support(n, k)

        spans = []
        for n in range(self.step, BUDGET * LOOKS * self.step + 1, self.step):
            best = first_where(partial(falls, n), 0, n) if passing else round(n * self.q)
            first, end = (
                first_where(partial(inside, n), 0, best),
                first_where(partial(outside, n), best, n + 1),
            )
            spans.append((first, end))
        return spans


def first_where(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from `low` where this holds, which it then does up to `high`; `high`
    where it does nowhere before.
    """
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
