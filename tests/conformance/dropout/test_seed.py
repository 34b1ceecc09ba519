"""Chapter `seed`: what a seed fixes, and whose random stream is left alone."""

import numpy as np

from dropspec.core.arrays import nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.recipes import cases, seeds
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import clause, given
from dropspec.properties.trials import (
    ones,
    require_generators_left_alone,
    require_other_masks,
    require_replay,
)
from dropspec.session.run import Run


@clause("seed-1")
@given(Case(LARGE), case=cases())
def test_the_same_seed_gives_the_same_mask(impl: Implementation, case: Case) -> None:
    """The same seed before the same call gives the same output, bit for bit.

    One case is 257×257.
    """
    require_replay(impl, case)


@clause("seed-1")
def test_a_generator_that_is_offered_is_obeyed(impl: Implementation, run: Run) -> None:
    """A function that can do without a generator, but takes one, draws all masks from it: one seed
    gives the same two masks again.
    """
    seed, x = run.seed_for("seed-1"), ones(impl)
    first, second = (
        [nonzero(r.output) for r in impl.driver.with_generator(x, 0.5, seed, 2)] for _ in range(2)
    )
    require(
        np.asarray(first) == np.asarray(second),
        "a generator of one seed must give the same masks",
        first=np.asarray(first),
    )
    require_negligible_probability(x.size * np.log(0.5))
    if np.array_equal(first[0], first[1]):
        raise Violation(
            f"two calls on one generator drew the same mask of {x.size} units at rate 0.5"
        )


@clause("seed-2")
@given(seed=seeds())
def test_different_seeds_give_different_masks(impl: Implementation, seed: int) -> None:
    """Two seeds, the next one and one far away, give other masks."""
    require_other_masks(impl, seed, (seed + 1, seed ^ 0x5DEECE66))


@clause("seed-2")
def test_every_bit_of_a_seed_counts(impl: Implementation, run: Run) -> None:
    """Seeds that differ in one of 31 bits give other masks."""
    seed = run.seed_for("seed-2")
    require_other_masks(impl, seed, [seed ^ 1 << bit for bit in range(31)])


@clause("seed-3")
def test_no_global_generator_is_reseeded(impl: Implementation, run: Run) -> None:
    """After construction and calls, the global generators of torch, NumPy and Python still follow
    from the seeds given before.

    A layer is built and called twice, differentiated, evaluated, copied, called with 8,192 units
    and at rates 0 and 1; then numbers are drawn from each generator.
    """
    require_generators_left_alone(impl, run.seed_for("seed-3"))


@clause("seed-4")
@given(case=cases())
def test_restoring_the_state_replays_the_mask(impl: Implementation, case: Case) -> None:
    """The state of the random stream, saved before a call and restored after it, gives the same
    output again.
    """
    impl.reseed(case.seed)
    layer, x = impl.layer(case.rate), case.x
    layer.train(x)
    state = impl.driver.state()
    first = layer.train(x).output
    impl.driver.restore(state)
    require_identical(
        layer.train(x).output,
        first,
        f"the same state of the random stream must give the same output at rate {case.rate:.6g}",
    )


@clause("seed-5", should=True)
def test_the_mask_does_not_depend_on_threads(impl: Implementation, run: Run) -> None:
    """The mask should be the same with one thread and with two, at 2^17 units, where frameworks
    start to share work.
    """
    seed, x = run.seed_for("seed-5"), ones(impl, 1 << 17)
    impl.driver.require_seedable()
    with impl.driver.threads(1):
        one, again = (nonzero(impl.train(x, 0.5, seed).output) for _ in range(2))
    if not np.array_equal(one, again):
        raise NotClaimed("its seed does not fix the mask, whatever the threads (seed-1)")
    with impl.driver.threads(2):
        two = nonzero(impl.train(x, 0.5, seed).output)
    require(
        one == two,
        "the mask should not depend on the number of threads",
        one_thread=one,
        two_threads=two,
    )
