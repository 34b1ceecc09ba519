"""The one instrument that decides by chance: counts in cells of stated probability come in,
PASS, FAIL or nothing yet comes out.

FAIL is a Dirichlet-mixture e-process against the stated probabilities (Robbins 1970). It is a
martingale that starts at 1 while they hold, so it ever reaches 1/alpha with probability at most
alpha (Ville 1939). PASS is a likelihood ratio of the stated probability over the nearest
intolerable one, on either side: where a cell is off by its tolerance or more, it ever reaches
1/beta with probability at most beta. Both hold at every moment, so a campaign may look whenever it
likes and stop at the first verdict. Beyond PASS and FAIL nothing is promised.

A context is whatever is known before a bit is drawn: its position, the input's value, earlier
bits. Overlapping contexts are valid.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from math import inf, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, xlogy

from dropspec.core.risk import BETA

Counts = NDArray[np.float64]
REFUTED = 1e300  # what one trial adds against a probability that cannot be


class Decision(Enum):
    """What a gauge says of its counts so far."""

    PASS = "pass"
    FAIL = "fail"
    OPEN = "open"


@cache
def _known(
    q: tuple[float, ...], tols: tuple[float, ...]
) -> tuple[Counts, Counts, bool, Counts, Counts, Counts]:
    """What follows from probabilities and tolerances alone: campaigns in four dtypes share it."""
    p, tol = np.array([q]), np.array(tols)[:, None]
    eps = np.maximum(tol * np.sqrt(p * (1 - p)), tol**2 / 2)  # the latter for cells rarer than it
    prior = p / (4 * tol**2)  # a cell's prior standard deviation is 2 eps
    off = np.stack([p - eps, p + eps])
    real = (off > 0) & (off < 1)  # a probability that cannot be needs no refuting
    certifies = bool(real.any(0).all())  # else a tolerance is so wide that it means nothing
    off = np.where(real, off, 0.5)
    # what a trial adds to the ratio of likelihoods, and how much more where the cell came
    miss = np.log((1 - p) / (1 - off))
    more = np.log(p / off) - miss
    unit = gammaln(prior.sum(1)) - gammaln(prior).sum(1)
    return eps, prior, certifies, np.where(real, miss, REFUTED), np.where(real, more, 0.0), unit


class Gauge:
    """Counts per (context, cell) against probabilities q, stated for each cell and the same in
    every context.

    `tol` is the tolerance in standard deviations of one trial, one for all contexts or one each;
    it sets what PASS promises, and the prior of FAIL. A cell rarer than its tolerance is told
    from tol² / 2 instead, in as many samples as the others from theirs. With `homogeneous`, FAIL
    refutes only that all contexts share one probability, whatever that is; `total` then holds
    the counts of all.
    """

    def __init__(
        self,
        q: ArrayLike,
        tol: ArrayLike,
        alpha: float,
        contexts: int = 1,
        *,
        beta: float = BETA,
        homogeneous: bool = False,
    ):
        self.q = np.atleast_2d(np.asarray(q, float))
        self.tol: Counts = np.asarray(tol, float).reshape(-1, 1)
        known = _known(tuple(self.q.flat), tuple(self.tol.flat))
        self.eps, self.prior, self.certifies, self._miss, self._more, self._unit = known
        self.alpha, self.beta, self.homogeneous = alpha, beta, homogeneous
        self.n: Counts = np.zeros((contexts, self.q.shape[1]))
        self.total: Counts = np.zeros((1, self.q.shape[1]))

    def add(self, counts: Any, total: Any) -> None:
        """Adds a (contexts, cells) table of counts, and the counts of all samples: contexts may
        overlap, or leave some out.
        """
        self.n += counts
        self.total += total

    def evidence(self) -> float:
        """The log e-value against the null: at most log(1/alpha) with probability 1 - alpha while
        the null holds.
        """
        apart = self.apart()
        return float(np.logaddexp.reduce(apart) - log(len(apart)))

    def apart(self) -> Counts:
        """The log e-value of each context; their mean is one too."""
        if not self.homogeneous:
            return np.asarray(self._mixture(self.n) - xlogy(self.n, self.q).sum(1))
        whole = np.maximum(self.total.sum(1, keepdims=True), 1)
        # the best that one shared probability can do
        fitted = xlogy(self.total, self.total / whole).sum(1)
        return np.asarray(
            self._mixture(self.n) + self._mixture(np.maximum(self.total - self.n, 0)) - fitted
        )

    def _mixture(self, n: Counts) -> Counts:
        counts = self.prior + n
        return np.asarray(gammaln(counts).sum(1) - gammaln(counts.sum(1)) + self._unit)

    def support(self) -> float:
        """The log likelihood ratio of q over q ± eps, for the worst cell and sign; -inf where
        some cell has nothing to be told from.
        """
        return float(self._ratios().min()) if self.certifies else -inf

    def supports(self) -> Counts:
        """The same for each context."""
        return np.asarray(self._ratios().min((0, 2)))

    def _ratios(self) -> Counts:
        """Sign by context by cell."""
        return np.asarray(self.n * self._more + self.n.sum(1, keepdims=True) * self._miss)

    def decide(self) -> Decision:
        """The verdict on the counts so far."""
        if self.evidence() >= -log(self.alpha):
            return Decision.FAIL
        return Decision.PASS if self.support() >= -log(self.beta) else Decision.OPEN

    def measured(self) -> NDArray[Any]:
        """The share of each cell in each context; NaN in a context that was never seen."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.n / self.n.sum(1, keepdims=True))


def wald(q: float, eps: float, beta: float = BETA) -> float:
    """Wald's bound: the samples that no sequential test can do without to tell q from q ± eps
    with error chance beta, while q is true.
    """
    gaps = [
        xlogy(q, q / off) + xlogy(1 - q, (1 - q) / (1 - off))
        for off in (q - eps, q + eps)
        if 0 < off < 1
    ]
    return float(-log(beta) / min(gaps)) if gaps else inf


def samples_for(tol: float, beta: float = BETA) -> float:
    """Wald's bound for a small tolerance in standard deviations of one trial, whatever the
    probability: 2 log(1/beta) / tol².
    """
    return -2 * log(beta) / tol**2
