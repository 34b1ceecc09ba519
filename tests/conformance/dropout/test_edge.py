"""Chapter `edge`: rates at, near and outside the ends of [0, 1], and unusual inputs."""

from collections.abc import Iterator

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits, is_floating, nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import BadReply, ImplementationError, NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.recipes import cases, rates, seeds
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import clause, given
from dropspec.properties.refusals import (
    refusals,
    require_early_refusal,
    require_rate_1,
    require_refusal,
)
from dropspec.properties.shapes import require_every_rank, require_right_in_shape
from dropspec.properties.trials import (
    ones,
    require_next_to_no_drops,
    require_right_next_to_0_and_1,
    require_survivors_next_to_1,
    violation_if_raises,
)
from dropspec.session.run import Run

EMPTY_AND_SINGLE = ((), (0,), (1,), (3, 0, 2), (0, 5), (1, 1))
FEW = 4  # of 16,384: a coarse uniform fails more often
SPECIAL = (np.nan, np.inf, -np.inf)


def train(impl: Implementation, case: Case, rate: float) -> tuple[Array, Array | None]:
    """Output and gradient of one call at that rate; the gradient is None where the implementation
    has no backward pass.
    """
    with violation_if_raises():
        run = impl.train(case.x, rate, case.seed, differentiable=True)
        try:
            return run.output, run.gradient(case.upstream)
        except NotClaimed:
            return run.output, None


@clause("edge-1")
@given(case=cases("plain", "wide", "special"))
def test_rate_0_is_the_identity(impl: Implementation, case: Case) -> None:
    """In training at rate 0 the output is the input bit for bit, and the gradient the upstream.

    An exception is a violation. Without gradients the output alone is judged.
    """
    y, g = train(impl, case, 0.0)
    require_identical(y, case.x, "in training at rate 0 the output must be the input bit for bit")
    if g is not None:
        require_identical(
            g, case.upstream, "in training at rate 0 the gradient must be the upstream bit for bit"
        )


@clause("edge-1")
@given(case=cases(ranks=(1,)))
def test_rate_0_drops_none_of_many(impl: Implementation, case: Case) -> None:
    """At rate 0 not one of 16,384 units is dropped: a coarse uniform with the wrong comparison
    drops a few.
    """
    x = np.ones(1 << 14, DTYPES[case.dtype])
    with violation_if_raises():
        y = impl.train(x, 0.0, case.seed).output
    require_identical(y, x, "in training at rate 0 the output must be the input bit for bit")


@clause("edge-1")
def test_rate_0_drops_none_whose_uniform_is_0(impl: Implementation, notes: Notes) -> None:
    """At rate 0 no unit of 16,384 is dropped under seeds of torch's and NumPy's generators that
    make one of the first 4,096 uniforms exactly 0.
    """
    for x, y in _at_a_uniform_of_0(impl, 0.0, notes):
        require_identical(y, x, "in training at rate 0 the output must be the input bit for bit")


def _at_a_uniform_of_0(
    impl: Implementation, rate: float, notes: Notes
) -> Iterator[tuple[Array, Array]]:
    """Ones and their outputs at rate 0 or 1; a few wrong units, as from the end of a range, are
    noted.
    """
    if not impl.driver.zero_seeds:
        raise NotClaimed("no seed of its generator is known that gives an exact 0")
    x = ones(impl, 1 << 14)
    for seed in impl.driver.zero_seeds:
        with violation_if_raises():
            y = impl.train(x, rate, seed).output
        if 0 < (wrong := int((y != 1 - rate).sum())) <= FEW:
            notes.observe(Seen.AT_A_UNIFORM_OF_0, wrong, rate=rate)
        yield x, y


@clause("edge-2")
@given(case=cases("plain", "huge", "zeros"))
def test_rate_1_gives_zeros(impl: Implementation, case: Case) -> None:
    """In training at rate 1 outputs and gradients are exactly zero for finite input: no NaN from 0
    / 0 or 0 · inf.
    """
    require_rate_1(impl)
    y, g = train(impl, case, 1.0)
    require(y == 0, "in training at rate 1 every output must be 0", x=case.x, got=y)
    if g is not None:
        require(g == 0, "in training at rate 1 every gradient must be 0", x=case.x, gradient=g)


@clause("edge-2")
def test_rate_1_keeps_none_whose_uniform_is_0(impl: Implementation, notes: Notes) -> None:
    """At rate 1 no unit of 16,384 survives under seeds that make one of 4,096 uniforms a 0."""
    require_rate_1(impl)
    for x, y in _at_a_uniform_of_0(impl, 1.0, notes):
        require(y == 0, "in training at rate 1 every output must be 0", x=x, got=y)


@clause("edge-3")
def test_a_rate_outside_0_to_1_is_refused(impl: Implementation) -> None:
    """A rate below 0, above 1, NaN or infinite is refused, at construction or at the first call.

    The rates are -1, -0.1, 1.005, 1.1, 2, NaN and ±inf. A call on eight ones that returns anything
    has accepted its rate.
    """
    require_refusal(impl)


@clause("edge-3", should=True)
def test_a_bad_rate_is_refused_early_with_value_error(impl: Implementation) -> None:
    """A rate outside [0, 1] should be refused at construction (a function: at the call), with a
    ValueError.
    """
    require_early_refusal(impl)


@clause("edge-4", should=True)
def test_a_rate_that_is_not_a_number_is_refused(impl: Implementation) -> None:
    """A rate that is not a real number should be refused with TypeError or ValueError.

    Only the class of the exception is compared, raised at construction or at the call.
    """
    for rate in ("0.5", None, 0.5j):
        stage, error = (refusals(impl, rate) or [("", None)])[0]
        if not isinstance(error, (TypeError, ValueError)):
            got = f"raised {type(error).__name__} {stage}" if error else "was accepted"
            raise Violation(
                f"rate {rate!r} {got}; it should be refused with TypeError or ValueError"
            )


@clause("edge-5")
def test_rates_next_to_0_and_1_give_finite_right_scales(impl: Implementation, run: Run) -> None:
    """Next to 0 and 1 every output is finite, and every survivor is x / keep.

    Six rates, in float32 and float64: four calls of 4,096 units. An exception is a violation.
    """
    require_right_next_to_0_and_1(impl, run.seed_for("edge-5 next to"))


@clause("edge-5")
def test_a_scale_next_to_rate_1_is_right(impl: Implementation, run: Run) -> None:
    """At rate 1 - 2^-14 there are survivors among 2^20 units, and they are x / keep.

    In float32 or the first dtype that is taken. Of 2^21 units at 1 - 2^-24 no more survive than
    Chernoff's bound gives with probability 1e-18.
    """
    require_survivors_next_to_1(impl, run.seed_for("edge-5"))


@clause("edge-5")
def test_a_tiny_rate_drops_next_to_nothing(impl: Implementation, run: Run) -> None:
    """At rate 1e-12 fewer than four of half a million units are dropped in each dtype, where a
    coarse uniform drops hundreds.
    """
    require_next_to_no_drops(impl, run)


@clause("edge-6")
@given(case=cases())
def test_empty_and_single_inputs_work(impl: Implementation, case: Case) -> None:
    """Inputs with no element, no axis or one element give an output and a gradient of their shape:
    0 or x / keep.

    Inputs are filled with 1.5. An exception is a violation.
    """
    for shape in EMPTY_AND_SINGLE:
        require_right_in_shape(impl, case, shape)


@clause("edge-6", should=True)
def test_any_number_of_axes_is_taken(impl: Implementation) -> None:
    """Inputs of zero to five axes are all accepted; other clauses are judged at those that are."""
    require_every_rank(impl)


@clause("edge-6")
@given(case=cases())
def test_empty_and_single_inputs_evaluate(impl: Implementation, case: Case) -> None:
    """In evaluation inputs with no element, no axis or one element come out as they are."""
    for shape in EMPTY_AND_SINGLE:
        x = np.full(shape, 1.5, DTYPES[case.dtype])
        impl.guard.reset()
        with violation_if_raises():
            y = impl.evaluate(x, case.rate).output
        require_identical(y, x, "in evaluation mode the output must be the input")


@clause("edge-7")
@given(case=cases())
def test_surviving_nan_and_inf_pass_through(impl: Implementation, case: Case) -> None:
    """A NaN or an infinity that survives comes out: of 128 at rate 0.5 at least one does, and every
    other output is 0 or NaN.
    """
    require_negligible_probability(128 * np.log(0.5))
    for value in SPECIAL:
        x, y = _special(impl, value, case)
        if not _same(y, x).any():
            raise Violation(
                f"none of 128 inputs of {value} got through in training at rate 0.5; got"
                f" {np.unique(y.astype(float))[:4].tolist()}"
            )
        require(
            _same(y, x) | (y == 0) | np.isnan(y),
            f"an input of {value} must come through or be dropped",
            x=x,
            got=y,
        )


@clause("edge-7", should=True)
@given(case=cases())
def test_dropped_nan_and_inf_become_0(impl: Implementation, case: Case) -> None:
    """A NaN or an infinity that is dropped should become 0: of 64 at rate 0.5 at least one does,
    where multiplying by the mask makes them NaN.
    """
    require_negligible_probability(64 * np.log(0.5))
    for value in (np.inf, -np.inf, np.nan):
        _, y = _special(impl, value, case, 64)
        if not (y == 0).any():
            became = "NaN" if np.isnan(y).any() else y[0]
            raise Violation(
                f"none of 64 inputs of {value} became 0 in training at rate 0.5: a dropped {value}"
                f" became {became}"
            )


def _special(
    impl: Implementation, value: float, case: Case, units: int = 128
) -> tuple[Array, Array]:
    impl.guard.reset()
    x = np.full(units, value, DTYPES[case.dtype])
    return x, impl.train(x, 0.5, case.seed).output


def _same(y: Array, x: Array) -> Bits:
    return np.asarray((y == x) | (np.isnan(y) & np.isnan(x)))


@clause("edge-8")
@given(rate=rates(), seed=seeds())
def test_integer_input_is_refused_or_right(impl: Implementation, rate: float, seed: int) -> None:
    """Integer input, the numbers 1 to 64 in five dtypes, is refused with an error, or gives
    floating output that is 0 or x / keep; never integers.
    """
    for dtype in (np.int64, np.int32, np.int16, np.int8, np.uint8):
        x = np.arange(1, 65).astype(dtype)
        impl.guard.reset()
        try:
            y = impl.train(x, rate, seed).output
        except BadReply:
            raise
        except ImplementationError:
            continue
        if not is_floating(y.dtype):
            raise Violation(
                f"{x.dtype} input gave {y.dtype} output at rate {rate:.6g}: x / keep is cut off"
                f" ({y[y != 0][:3].tolist()} …)"
            )
        require_rescaled(y, x, rate, nonzero(y))


@clause("edge-9", should=True)
@given(case=cases())
def test_rate_0_consumes_no_random_numbers(impl: Implementation, case: Case) -> None:
    """A training call at rate 0 should leave the state of the random stream as it was."""
    impl.reseed(case.seed)
    layer = impl.layer(0.0)
    before = impl.driver.state()
    layer.train(case.x)
    if before != impl.driver.state():
        raise Violation(
            "a training call at rate 0 moved the random stream, though it has nothing to draw"
        )
