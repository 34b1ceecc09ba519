"""Trials that clauses of more than one family rest on: each drives an implementation through its
elementwise side, and raises Violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy.special import rel_entr

from dropspec.core.arrays import DTYPES, Array, nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import ImplementationError, NotClaimed, Violation
from dropspec.core.facts import Kind
from dropspec.core.implementation import Implementation
from dropspec.core.layer import Layer
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.risk import COINCIDENCE, require_negligible_probability
from dropspec.properties.refusals import accepted_rates
from dropspec.session.run import Run

UNITS = 256
SCALED = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)


@contextmanager
def violation_if_raises(what: str = "it") -> Iterator[None]:
    """Turns an error of the layer into a violation, where that the call works is the clause."""
    try:
        yield
    except ImplementationError as error:
        raise Violation(f"{error}; {what} must work") from error


def in_wide_dtypes(impl: Implementation) -> list[str]:
    """Those of single and double precision that it takes, single first.

    Raises NotClaimed where it takes neither.
    """
    names = [name for name in impl.dtypes if name in ("float32", "float64")]
    if not names:
        raise NotClaimed("it takes neither single nor double precision")
    return sorted(names)


def require_right_next_to_0_and_1(impl: Implementation, seed: int) -> None:
    """At rates next to 0 and 1 every output is finite, and every survivor rescaled by 1 / keep,
    in four calls of each dtype.
    """
    rates = (1 - 2.0**-10, 1 - 2.0**-14, 1 - 2.0**-24, 2.0**-24, 1e-7, 1e-12)
    for rate, dtype, which in product(rates, in_wide_dtypes(impl), range(4)):
        x = np.where(np.arange(1 << 12) % 2, 1.5, -0.75).astype(DTYPES[dtype])
        impl.guard.reset()
        with violation_if_raises():
            y = impl.train(x, rate, seed + which).output
        require(np.isfinite(y), f"outputs must be finite at rate {rate!r}", x=x, got=y)
        require_rescaled(y, x, rate, nonzero(y))


def require_survivors_next_to_1(impl: Implementation, seed: int) -> None:
    """At rate 1 - 2^-14 there are survivors among 2^20 units, and they are x / keep; at 1 -
    2^-24 there are next to none among 2^21.
    """
    rate, x = 1 - 2.0**-14, np.ones(1 << 16, DTYPES[impl.dtypes[0]])
    impl.reseed(seed)
    layer, survivors = impl.layer(rate).of(x), 0
    for _ in range(16):
        y = layer.train().output
        require_rescaled(y, x, rate, nonzero(y))
        survivors += int(nonzero(y).sum())
    require_negligible_probability(2**20 * np.log(rate))
    if not survivors:
        raise Violation(f"none of 2^20 units survived rate {rate!r}, where about 64 should")
    rate = 1 - 2.0**-24
    layer = impl.layer(rate).of(x)
    dropped = sum(int((~nonzero(layer.train().output)).sum()) for _ in range(32))
    require_share(dropped, 32 * x.size, rate, f"at rate {rate!r}")


def require_next_to_no_drops(impl: Implementation, run: Run) -> None:
    """At rate 1e-12 fewer than four of half a million units are dropped in each dtype, where a
    coarse uniform drops hundreds.
    """
    units, tiny = 1 << 18, 1e-12
    # four or more dropped of 2 · 2^18: at most (n · rate)^4
    require_negligible_probability(4 * np.log(2 * units * tiny))
    for name in impl.dtypes:
        impl.reseed(run.seed_for(f"tiny rate {name}"))
        layer = impl.layer(tiny).of(np.ones(units, DTYPES[name]))
        dropped = sum(int((~nonzero(layer.train().output)).sum()) for _ in range(2))
        if dropped >= 4:
            raise Violation(
                f"{dropped} of {2 * units:,} units were dropped at rate 1e-12 in {name}"
            )


def require_scales(impl: Implementation, seed: int, notes: Notes) -> None:
    """At six rates every survivor of 4,096 ones is 1 / keep; their scales, the middle of each
    call, are noted before one is refused.
    """
    x = ones(impl, 4096)
    outputs = {rate: impl.train(x, rate, seed).output for rate in SCALED}
    for rate, y in outputs.items():
        if nonzero(y).any():
            scale = np.median(np.abs(y[nonzero(y)].astype(float)))
            notes.observe(Seen.SCALE, scale, rate=rate)
    for rate, y in outputs.items():
        require_rescaled(y, x, rate, nonzero(y))


def require_evaluation(impl: Implementation, notes: Notes) -> None:
    """In evaluation 4,096 ones come out as they are at three rates; the share dropped and the
    scale are noted.
    """
    for rate in (0.1, 0.3, 0.9):
        x = np.ones(4096, DTYPES[impl.dtypes[0]])
        impl.guard.reset()
        y = impl.evaluate(x, rate).output
        notes.observe(Seen.EVALUATION_SHARE, 1 - nonzero(y).mean(), rate=rate)
        notes.observe(Seen.EVALUATION_SCALE, np.median(y.astype(float)), rate=rate)
    for rate in (0.1, 0.3, 0.9):
        require_identical(
            impl.evaluate(x, rate).output,
            x,
            f"in evaluation mode ones must come out as they are, at rate {rate}",
        )


def require_share(dropped: int, units: int, rate: float, what: str) -> None:
    """Raises Violation where so many of these units are dropped with a probability below
    COINCIDENCE, by Chernoff's bound on either side.
    """
    share = dropped / units
    log_chance = np.log(2) - units * (rel_entr(share, rate) + rel_entr(1 - share, 1 - rate))
    if log_chance < np.log(COINCIDENCE):
        raise Violation(
            f"{dropped:,} of {units:,} units were dropped {what}, where about {units * rate:,.0f}"
            " should"
        )


def require_replay(impl: Implementation, case: Case) -> None:
    """The same seed before the same call gives the same output, bit for bit."""
    impl.driver.require_seedable()
    first, second = (impl.train(case.x, case.rate, case.seed).output for _ in range(2))
    require_identical(
        second, first, f"seed {case.seed} twice must give the same output at rate {case.rate:.6g}"
    )


def require_own_backwards(impl: Implementation, case: Case) -> None:
    """Of three forwards before their backwards, each backward goes through the mask of its own."""
    impl.reseed(case.seed)
    layer = impl.layer(case.rate).of(case.x)
    runs = [layer.train(differentiable=True) for _ in range(3)]
    # neither a stack nor a queue of masks will do, nor two that take turns
    for which in (2, 0, 1, 2):
        g, y = runs[which].gradient(case.upstream), runs[which].output
        message = (
            f"of three forwards before their backwards, the backward of number {which + 1} must use"
            " its own mask"
        )
        require(
            nonzero(g) == nonzero(y), f"{message}, at rate {case.rate:.6g}", output=y, gradient=g
        )


def require_other_masks(impl: Implementation, seed: int, others: Sequence[int]) -> None:
    """Those other seeds give other masks."""
    impl.driver.require_seedable()
    require_negligible_probability(UNITS * np.log(0.5))
    mask = nonzero(impl.train(ones(impl), 0.5, seed).output)
    for other in others:
        if np.array_equal(mask, nonzero(impl.train(ones(impl), 0.5, other).output)):
            raise Violation(
                f"seeds {seed} and {other} gave the same mask of {UNITS} units at rate 0.5"
            )


def require_generators_left_alone(impl: Implementation, seed: int) -> None:
    """After construction and calls of all kinds, the global generators of torch, NumPy and
    Python follow from the seeds given before.
    """
    require_negligible_probability(np.log(2.0**-53 * 2**-24))
    rates, x = accepted_rates(impl, 0.0, 1.0), ones(impl)
    for whose, (plant, draw) in impl.driver.global_generators.items():
        drawn = []
        for planted in (seed, seed + 1, seed):
            impl.reseed(seed)  # the same, so that a generator which follows another one shows, too
            if impl.facts.kind is Kind.OBJECT:
                impl.layer(0.5).train(x)  # the call with the seed may set a global generator by it
            plant(planted)
            seeded = impl.driver.global_seed()
            layer = impl.layer(0.5)
            bound = layer.of(x)
            bound.train()
            bound.train()
            _use_otherwise(impl, layer, rates)
            if impl.driver.global_seed() != seeded:
                raise Violation(
                    f"{impl.facts.framework}'s global generator was reseeded: its seed was"
                    f" {seeded}, and is {impl.driver.global_seed()} after calls"
                )
            drawn.append([draw(), draw(), draw()])
        if drawn[0] == drawn[1]:
            raise Violation(
                f"{whose} global generator was reseeded: after a call it gives the same numbers for"
                f" seeds {seed} and {seed + 1}"
            )
        if drawn[0] != drawn[2]:
            raise Violation(
                f"{whose} global generator was reseeded: after a call it gives other numbers for"
                f" seed {seed} than before"
            )


def _use_otherwise(impl: Implementation, layer: Layer, rates: Sequence[float]) -> None:
    """A backward pass, an evaluation, a copy, a large call, and calls at these rates, where they
    are offered and work.
    """
    small, large = ones(impl), ones(impl, 1 << 13)
    bound = layer.of(small)
    uses: tuple[Callable[[], Any], ...] = (
        lambda: bound.train(differentiable=True).gradient(small),
        lambda: bound.evaluate(),
        lambda: bound.copy(),
        lambda: layer.train(large),
        *(partial(impl.layer(rate).train, small) for rate in rates),
    )
    for use in uses:
        with suppress(NotClaimed, ImplementationError):
            use()


def ones(impl: Implementation, units: int = UNITS) -> Array:
    """An input of ones in the first dtype that it takes."""
    return np.ones(units, DTYPES[impl.dtypes[0]])


def require_every_dtype(impl: Implementation, notes: Notes) -> None:
    """float16, bfloat16, float32 and float64 are all taken."""
    if impl.facts.refused:
        raise Violation(
            "; ".join(impl.facts.refused.values()) + ": every floating dtype must be taken"
        )
    notes.certificate = "taken: " + ", ".join(impl.dtypes)


def require_right_values_in_every_dtype(impl: Implementation, run: Run) -> None:
    """In each dtype alone: survivors are x / keep, the others 0, and the dtype is kept."""
    for name in impl.dtypes:
        case = Case(shape=(129,), dtype=name, rate=0.3, seed=run.seed_for(f"numerics-1 {name}"))
        y = impl.train(case.x, case.rate, case.seed).output
        if y.dtype.name != name:
            raise Violation(f"input of dtype {name} gave output of dtype {y.dtype}")
        require_rescaled(y, case.x, case.rate, nonzero(y))
        require_negligible_probability(case.x.size * np.log(case.rate))
        if not nonzero(y).any():
            raise Violation(f"of {case.x.size} units none survived rate {case.rate} in {name}")
