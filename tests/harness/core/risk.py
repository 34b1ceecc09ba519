"""The error probabilities that a run promises, in one place."""

from __future__ import annotations

from math import log

ALPHA_RUN = 1e-9  # the probability that a whole run accuses one right implementation of anything

BETA = 1e-6  # the probability that a certificate is wrong

MISS = 0.001  # the probability of missing a fault of the size that a report states

COINCIDENCE = (
    # exact clauses may rest on chances below this (two masks alike, no survivor among many); 10^8
    # of them fit a tenth of the budget
    1e-18
)


def require_negligible_probability(log_chance: float) -> None:
    """Asserts that what an exact clause takes for impossible has a probability below COINCIDENCE;
    `log_chance` is its natural logarithm.
    """
    assert log_chance < log(COINCIDENCE), (
        f"a right implementation does this with probability e^{log_chance:.1f}: too often to accuse"
        " anyone"
    )
