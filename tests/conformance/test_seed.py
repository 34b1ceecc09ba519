"""Chapter `seed`: what a seed fixes, and whose random stream is left alone."""

import random
from typing import Any

import numpy as np

from dropspec.adapters import Adapter
from dropspec.arrays import DTYPES, Array, nonzero
from dropspec.budget import require_far_fetched
from dropspec.compare import require, require_identical
from dropspec.outcomes import NotClaimed, Violation
from dropspec.properties import clause, given
from dropspec.run import Run
from dropspec.strategies import Case, cases, seeds

UNITS = 256


def ones(impl: Adapter, units: int = UNITS) -> Array:
    """An input of ones in the first dtype that it takes."""
    return np.ones(units, DTYPES[impl.claims.dtypes[0]])


@clause("seed-1")
@given(case=cases())
def test_the_same_seed_gives_the_same_mask(impl: Adapter, case: Case) -> None:
    """The same seed before the same call gives the same output, bit for bit."""
    impl.require_seedable()
    first, second = (impl.train(case.x, case.rate, case.seed).output for _ in range(2))
    require_identical(second, first, f"seed {case.seed} twice must give the same output at rate {case.rate:.6g}")


@clause("seed-2")
@given(seed=seeds())
def test_different_seeds_give_different_masks(impl: Adapter, seed: int) -> None:
    """Two seeds, the next one and one far away, give other masks."""
    impl.require_seedable()
    require_far_fetched(UNITS * np.log(0.5))
    mask = nonzero(impl.train(ones(impl), 0.5, seed).output)
    for other in (seed + 1, seed ^ 0x5DEECE66):
        if np.array_equal(mask, nonzero(impl.train(ones(impl), 0.5, other).output)):
            raise Violation(f"seeds {seed} and {other} gave the same mask of {UNITS} units at rate 0.5")


@clause("seed-3")
def test_no_global_generator_is_reseeded(impl: Adapter, run: Run) -> None:
    """After construction and calls, the global generators of torch, NumPy and Python still follow from the seeds given before."""
    seed = run.seed_for("seed-3")
    seeders: dict[str, Any] = {"NumPy's": (np.random.seed, lambda: np.random.random(4).tolist()), "Python's": (random.seed, random.random)}
    if impl.framework == "torch":
        import torch

        seeders["torch's"] = (torch.manual_seed, lambda: torch.rand(4).tolist())
    require_far_fetched(np.log(2.0**-53 * 2**-24))
    for whose, (plant, draw) in seeders.items():
        drawn = []
        for planted in (seed, seed + 1, seed):
            impl.reseed(planted)
            plant(planted)
            layer = impl.layer(0.5)
            layer.train(ones(impl))
            layer.train(ones(impl))
            drawn.append([draw(), draw(), draw()])
        if drawn[0] == drawn[1]:
            raise Violation(
                f"{whose} global generator was reseeded: after a call it gives the same numbers for seeds {seed} and {seed + 1}"
            )
        if drawn[0] != drawn[2]:
            raise Violation(f"{whose} global generator was reseeded: after a call it gives other numbers for seed {seed} than before")


@clause("seed-4")
@given(case=cases())
def test_restoring_the_state_replays_the_mask(impl: Adapter, case: Case) -> None:
    """The state of the random stream, saved before a call and restored after it, gives the same output again."""
    impl.reseed(case.seed)
    layer, x = impl.layer(case.rate), case.x
    layer.train(x)
    state = impl.state()
    first = layer.train(x).output
    impl.restore(state)
    require_identical(
        layer.train(x).output, first, f"the same state of the random stream must give the same output at rate {case.rate:.6g}"
    )


@clause("seed-5", should=True)
def test_the_mask_does_not_depend_on_threads(impl: Adapter, run: Run) -> None:
    """The mask should be the same with one thread and with two, at 2^17 units, where frameworks start to share work."""
    seed, x = run.seed_for("seed-5"), ones(impl, 1 << 17)
    impl.require_seedable()
    with impl.threads(1):
        one, again = (nonzero(impl.train(x, 0.5, seed).output) for _ in range(2))
    if not np.array_equal(one, again):
        raise NotClaimed("its seed does not fix the mask, whatever the threads (seed-1)")
    with impl.threads(2):
        two = nonzero(impl.train(x, 0.5, seed).output)
    require(one == two, "the mask should not depend on the number of threads", one_thread=one, two_threads=two)
