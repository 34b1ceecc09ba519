"""The gauge: its two numbers by other means, its error chances by enumeration and simulation,
and what a verdict costs.

A simulated frequency is held to its level by an exact binomial bound: where the probability of an
error is the level or less, more errors than that come with probability at most 1e-9. The seeds are
fixed, so a test that passed once goes on passing.
"""

from __future__ import annotations

from itertools import pairwise, product
from math import log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import dblquad, quad
from scipy.stats import beta as beta_law
from scipy.stats import dirichlet

from dropspec.chance.gauge import Decision, Gauge

Counts = NDArray[np.float64]
ROUNDING = 1e-9  # of gammaln and of quadrature at counts below 100: some ten digits remain


def mixture(n: list[float], prior: list[float]) -> float:
    """The integral of the likelihood of counts n over a Dirichlet prior, by quadrature."""
    if len(n) == 2:
        return float(
            quad(
                lambda p: beta_law.pdf(p, *prior) * p ** n[0] * (1 - p) ** n[1],
                0,
                1,
                epsabs=0,
                epsrel=1e-11,
            )[0]
        )

    def density(b: float, a: float) -> float:
        rest = max(1 - a - b, 0.0)
        return (
            float(dirichlet.pdf([a, b, rest], prior) * a ** n[0] * b ** n[1] * rest ** n[2])
            if rest
            else 0.0
        )

    return float(dblquad(density, 0, 1, 0, lambda a: 1 - a, epsabs=0, epsrel=1e-9)[0])


@pytest.mark.parametrize(
    ("q", "table"),
    [
        ((0.5, 0.5), [[3, 9]]),
        ((0.1, 0.9), [[4, 2], [0, 7]]),
        ((0.3, 0.7), [[0, 0], [5, 1], [2, 6]]),
        ((0.25, 0.25, 0.5), [[4, 1, 2]]),
    ],
)
def test_evidence_is_the_mean_of_mixture_integrals(
    q: tuple[float, ...], table: list[list[float]]
) -> None:
    """The e-value is the likelihood under the prior over that under q, averaged over the
    contexts.
    """
    gauge = Gauge(q, 0.25, 1e-9, len(table))
    gauge.add(table, np.sum(table, 0))
    prior = [c / (4 * 0.25**2) for c in q]
    direct = np.mean([mixture(row, prior) / np.prod(np.power(q, row)) for row in table])
    assert gauge.evidence() == pytest.approx(log(direct), abs=ROUNDING)


def test_homogeneous_evidence_bets_against_every_shared_rate() -> None:
    """The e-value is the likelihood of two free rates, inside and outside the context, over that
    of the best shared one.
    """
    table, total = [[2.0, 7.0], [6.0, 1.0]], [9.0, 11.0]  # the contexts leave four samples out
    gauge = Gauge((0.5, 0.5), 0.25, 1e-9, 2, homogeneous=True)
    gauge.add(table, total)
    prior, shared = [2.0, 2.0], (9 / 20) ** 9 * (11 / 20) ** 11
    direct = np.mean(
        [mixture([k, m], prior) * mixture([9 - k, 11 - m], prior) / shared for k, m in table]
    )
    assert gauge.evidence() == pytest.approx(log(direct), abs=ROUNDING)


def test_support_is_the_worst_likelihood_ratio() -> None:
    """Over contexts, cells and both signs, support is the least log ratio of q over q ± eps;
    impossible rates are left out.
    """
    table, tol = [[30, 5, 65], [31, 4, 55]], (0.2, 0.3)
    q = (0.3, 0.005, 0.695)
    gauge = Gauge(q, tol, 1e-9, 2)
    gauge.add(table, np.sum(table, 0))
    ratios = []
    for row, t in zip(table, tol, strict=True):
        for k, p in zip(row, q, strict=True):
            eps = max(t * sqrt(p * (1 - p)), t * t / 2)
            ratios += [
                k * log(p / off) + (sum(row) - k) * log((1 - p) / (1 - off))
                for off in (p - eps, p + eps)
                if 0 < off < 1
            ]
    assert len(ratios) == 10  # the rare cell has no lower side
    assert gauge.support() == pytest.approx(min(ratios), abs=ROUNDING)


def after(bits: tuple[int, ...]) -> tuple[list[list[int]], list[int]]:
    """Dropped and kept: all units, those after a dropped one, those after a survivor, those at
    odd places.
    """
    pairs = list(pairwise(bits))
    rows = [bits, [b for a, b in pairs if not a], [b for a, b in pairs if a], bits[1::2]]
    table = [[len(row) - sum(row), sum(row)] for row in rows]
    return table, table[0]


@pytest.mark.parametrize("rate", [0.5, 0.1])
@pytest.mark.parametrize("homogeneous", [False, True])
def test_the_mean_e_value_over_all_sequences_is_one(rate: float, homogeneous: bool) -> None:
    """Over all 1024 sequences of ten units, overlapping contexts included, the mean e-value is
    1; homogeneous, at most 1 at any rate.
    """
    sequences, log_e = list(product((0, 1), repeat=10)), []
    for bits in sequences:
        gauge = Gauge((rate, 1 - rate), 0.3, 1e-9, 4, homogeneous=homogeneous)
        gauge.add(*after(bits))
        log_e.append(gauge.evidence())
    kept = np.sum(sequences, 1)
    for p in (0.01, 0.1, 0.3, 0.5, 0.9) if homogeneous else (rate,):
        mean = float(np.sum(p ** (10 - kept) * (1 - p) ** kept * np.exp(log_e)))
        assert mean <= 1 + ROUNDING
        assert homogeneous or mean >= 1 - ROUNDING


def test_a_proven_fault_is_told_before_a_certificate() -> None:
    """Counts within the tolerance that refute q nevertheless FAIL; the same share of fewer
    samples passes.
    """
    gauge = Gauge((0.5, 0.5), 0.2, 1e-9)
    gauge.add((5_050, 4_950), (5_050, 4_950))
    assert gauge.decide() is Decision.PASS
    gauge.add((500_000, 480_000), (500_000, 480_000))
    assert gauge.support() > -log(gauge.beta)
    assert gauge.decide() is Decision.FAIL


@pytest.mark.parametrize("tol", [0.1, 1.0, 2.0])
def test_nothing_passes_unseen(tol: float) -> None:
    """Before any sample there is no verdict, however wide the tolerance: one that refutes no
    probability at all earns no PASS.
    """
    gauge = Gauge((0.5, 0.5), tol, 1e-9)
    assert gauge.decide() is Decision.OPEN
    assert np.isnan(gauge.measured()).all()


@pytest.mark.parametrize("q", [0.5, 0.1, 0.9, 0.001])
def test_a_pass_puts_every_cell_within_eps(q: float) -> None:
    """Of all counts of 3000 samples, those that PASS have a share less than eps from q, and
    there are some.
    """
    gauge = Gauge((q, 1 - q), 0.15, 1e-9)
    passed = 0
    for k in range(3001):
        gauge.n[:] = gauge.total[:] = (k, 3000 - k)
        if gauge.decide() is Decision.PASS:
            passed += 1
            assert (np.abs(gauge.measured() - gauge.q) < gauge.eps).all()
    assert passed
