"""Chapter `limits`: rates 0 and 1 and next to them, rates outside [0, 1], seeds, dtypes, copies and
sizes.
"""

import numpy as np

from dropspec.core.arrays import DTYPES, FRACTION_BITS, Array, nonzero
from dropspec.core.calls import Arrays
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical
from dropspec.core.errors import NotClaimed
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases, seeds
from dropspec.core.recorded import Recorded
from dropspec.families.dropconnect.cases import LinearCase, linear_cases
from dropspec.families.dropconnect.linear import Linear
from dropspec.properties import clause, given
from dropspec.properties.refusals import require_early_refusal, require_rate_1, require_refusal
from dropspec.properties.trials import (
    require_every_dtype,
    require_generators_left_alone,
    require_next_to_no_drops,
    require_other_masks,
    require_replay,
    require_right_next_to_0_and_1,
    require_right_values_in_every_dtype,
    require_share,
    require_survivors_next_to_1,
    violation_if_raises,
)
from dropspec.session.run import Run
from dropspec.tests.conformance.dropconnect.copies import WEIGHTS, require_copies


def bias_of(impl: Linear, case: LinearCase) -> Array | None:
    """The case's bias, where it has one."""
    return case.bias if impl.has_bias else None


@clause("limits-1")
@given(case=linear_cases("integers"))
def test_rate_0_is_the_plain_layer(impl: Linear, case: LinearCase) -> None:
    """In training at rate 0 output and gradients are exactly those of W x + b, for whole numbers
    from -4 to 4.
    """
    impl.reseed(case.seed)
    x, weight, g = (a.astype(float) for a in (case.x, case.weight, case.upstream))
    with violation_if_raises():
        run = impl.connect(0.0, case.weight, bias_of(impl, case)).train(case.x, differentiable=True)
        wide = x @ weight.T + (case.bias.astype(float) if impl.has_bias else 0)
        require(
            np.asarray(run.output == wide),
            "in training at rate 0 the output must be W x + b",
            expected=wide,
            got=run.output,
        )
        got = gradients_where_offered(run, case.upstream)
    if got is None:
        return
    for which, seen, expected in (
        ("input", got["x"], g @ weight),
        ("weight", got["weight"], g.T @ x),
    ):
        message = f"in training at rate 0 the gradient of the {which} must be the plain layer's"
        require(np.asarray(seen == expected), message, expected=expected, got=np.asarray(seen))


def gradients_where_offered(run: Recorded, upstream: Array) -> Arrays | None:
    """The gradients of a call; None where the implementation has no backward pass."""
    try:
        return run.gradients(upstream)
    except NotClaimed:
        return None


@clause("limits-1")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_rate_0_drops_none_of_many(impl: Linear, case: Case) -> None:
    """At rate 0 not one of 16,384 weights is dropped."""
    weights = np.ones(1 << 14, DTYPES[case.dtype])
    with violation_if_raises():
        y = impl.train(weights, 0.0, case.seed).output
    require_identical(y, weights, "in training at rate 0 every weight must be as it is")


@clause("limits-2")
@given(case=linear_cases())
def test_rate_1_leaves_the_bias_alone(impl: Linear, case: LinearCase) -> None:
    """In training at rate 1 the output is the bias, or 0 where that is dropped, and the gradients
    of weight and input are exactly 0.
    """
    require_rate_1(impl)
    impl.reseed(case.seed)
    bias = bias_of(impl, case)
    with violation_if_raises():
        run = impl.connect(1.0, case.weight, bias).train(case.x, differentiable=True)
    left = np.zeros(case.shape[1]) if bias is None or impl.bias == "dropped" else bias.astype(float)
    expected = np.broadcast_to(left, run.output.shape)
    require(
        np.asarray(run.output == expected),
        "in training at rate 1 the output must be the bias alone",
        expected=expected,
        got=run.output,
    )
    with violation_if_raises():
        g = gradients_where_offered(run, case.upstream)
    if g is None:
        return
    for which, got in (("weight", g["weight"]), ("input", g["x"])):
        require(
            np.asarray(got == 0),
            f"in training at rate 1 the gradient of the {which} must be 0",
            gradient=np.asarray(got),
        )
    if g["bias"] is not None and bias is not None:
        total = case.upstream.sum(0, dtype=np.float64) * (impl.bias == "kept")
        allowed = (
            (case.shape[0] + 8)
            * 2.0 ** -FRACTION_BITS[case.dtype]
            * np.abs(case.upstream).sum(0, dtype=np.float64)
        )
        message = (
            "in training at rate 1 the gradient of the bias must be the sum of the upstream, or 0"
            " where it is dropped"
        )
        require(np.abs(g["bias"] - total) <= allowed, message, expected=total, gradient=g["bias"])


@clause("limits-2")
@given(case=cases(layouts=("contiguous",)))
def test_rate_1_drops_every_weight(impl: Linear, case: Case) -> None:
    """In training at rate 1 no weight survives, and no 0 / 0 is left."""
    require_rate_1(impl)
    with violation_if_raises():
        y = impl.train(case.x, 1.0, case.seed).output
    require(y == 0, "in training at rate 1 every weight must be dropped", weight=case.x, got=y)


@clause("limits-3")
def test_a_rate_outside_0_to_1_is_refused(impl: Linear) -> None:
    """The rates -1, -0.1, 1.005, 1.1, 2, NaN, inf and -inf are refused with an error, at
    construction or at the first call.
    """
    require_refusal(impl)


@clause("limits-3", should=True)
def test_a_bad_rate_is_refused_early_with_value_error(impl: Linear) -> None:
    """The same rates should be refused with a ValueError, by a class at its construction."""
    require_early_refusal(impl)


@clause("limits-4")
def test_rates_next_to_0_and_1_give_finite_right_scales(impl: Linear, run: Run) -> None:
    """Next to 0 and 1 every output is finite, and every survivor is W / keep.

    The rates are 1e-12, 1e-7, 2^-24, 1 - 2^-10, 1 - 2^-14 and 1 - 2^-24, in four calls of 2^12
    weights each, in float32 and float64.
    """
    require_right_next_to_0_and_1(impl, run.seed_for("limits-4 next to"))


@clause("limits-4")
def test_a_scale_next_to_rate_1_is_right(impl: Linear, run: Run) -> None:
    """At rate 1 - 2^-14 there are survivors among 2^20 weights, and they are W / keep.

    At 1 - 2^-24, of 2^21 weights no more survive than such a rate gives once in 10^18.
    """
    require_survivors_next_to_1(impl, run.seed_for("limits-4"))


@clause("limits-4")
def test_a_tiny_rate_drops_next_to_nothing(impl: Linear, run: Run) -> None:
    """At rate 1e-12 fewer than four of half a million weights are dropped in each dtype."""
    require_next_to_no_drops(impl, run)


@clause("limits-5")
@given(Case(LARGE), case=cases(layouts=("contiguous",)))
def test_the_same_seed_gives_the_same_output(impl: Linear, case: Case) -> None:
    """The same seed before the same call gives the same output, bit for bit."""
    require_replay(impl, case)


@clause("limits-5")
@given(seed=seeds())
def test_different_seeds_give_different_masks(impl: Linear, seed: int) -> None:
    """A drawn seed, the next one and one far away give different masks."""
    require_other_masks(impl, seed, (seed + 1, seed ^ 0x5DEECE66))


@clause("limits-5")
def test_every_bit_of_a_seed_counts(impl: Linear, run: Run) -> None:
    """Seeds that differ in one of 31 bits give different masks."""
    seed = run.seed_for("limits-5")
    require_other_masks(impl, seed, [seed ^ 1 << bit for bit in range(31)])


@clause("limits-6")
def test_no_global_generator_is_reseeded(impl: Linear, run: Run) -> None:
    """After construction and calls, the global generators of torch, NumPy and Python still follow
    from the seeds given before.
    """
    require_generators_left_alone(impl, run.seed_for("limits-6"))


@clause("limits-7")
def test_every_dtype_is_taken(impl: Linear, notes: Notes) -> None:
    """float16, bfloat16, float32 and float64 are all taken; the other clauses are judged in each of
    them.
    """
    require_every_dtype(impl, notes)


@clause("limits-7")
def test_every_dtype_gets_right_values(impl: Linear, run: Run) -> None:
    """In each dtype survivors of 129 weights at rate 0.3 are W / keep, in that dtype."""
    require_right_values_in_every_dtype(impl, run)


@clause("limits-8")
@given(seed=seeds())
def test_copies_drop_as_the_layer_does(impl: Linear, seed: int) -> None:
    """A deep copy, and a new layer with the state_dict, have the same weights and scale, and masks
    of their own: of a new layer, and after a call in training or in evaluation.
    """
    weights = np.ones(WEIGHTS, DTYPES[impl.dtypes[0]])
    require_copies(impl, seed, weights, "new", lambda layer: None)
    require_copies(impl, seed, weights, "called in training", lambda layer: layer.train())
    if not impl.facts.no_evaluation:
        require_copies(impl, seed, weights, "called in evaluation", lambda layer: layer.evaluate())


@clause("limits-8", should=True)
@given(seed=seeds())
def test_a_layer_that_keeps_a_graph_can_be_copied(impl: Linear, seed: int) -> None:
    """The same after a call with gradients, where what is stored on the layer is no leaf of the
    graph.
    """
    weights = np.ones(WEIGHTS, DTYPES[impl.dtypes[0]])
    require_copies(
        impl, seed, weights, "called with gradients", lambda layer: layer.train(differentiable=True)
    )


# examples, outputs, inputs
SIZES = ((0, 5, 3), (1, 1, 1), (1, 3, 5), (2, 5, 3), (2, 1, 5), (4, 6, 1))


@clause("limits-9")
@given(case=linear_cases())
def test_any_size_works(impl: Linear, case: LinearCase) -> None:
    """No example, one example, one input, one output, and layers that are not square give outputs
    of the right shape, 0 or W x / keep.
    """
    dtype = DTYPES[case.dtype]
    for examples, outputs, inputs in SIZES:
        impl.guard.reset()
        x = np.ones((examples, inputs), dtype)
        with violation_if_raises():
            y = impl.connect(case.rate, np.ones((outputs, inputs), dtype)).train(x).output
        survivors = y.astype(np.float64) * (1 - case.rate)
        near = np.abs(survivors - np.rint(survivors)) <= 2.0**-6 * inputs
        require(
            near & (survivors <= inputs + 0.5),
            f"an output of {inputs} ones must count survivors / keep at rate {case.rate:.6g}",
            got=y,
        )


@clause("limits-9")
@given(seed=seeds())
def test_a_single_example_has_weights_dropped(impl: Linear, seed: int) -> None:
    """In calls of one example, too, the share dropped of 4,096 weights is the rate, 0.5."""
    dtype = DTYPES[impl.dtypes[0]]
    impl.reseed(seed)
    with violation_if_raises():
        y = impl.connect(0.5, np.ones((1 << 12, 1), dtype)).train(np.ones((1, 1), dtype)).output
    require_share(int((~nonzero(y)).sum()), y.size, 0.5, "at rate 0.5 in a call of one example")


@clause("limits-9")
@given(case=linear_cases())
def test_any_size_evaluates(impl: Linear, case: LinearCase) -> None:
    """In evaluation the same sizes give the sum of all weights."""
    dtype = DTYPES[case.dtype]
    for examples, outputs, inputs in SIZES:
        impl.guard.reset()
        with violation_if_raises():
            y = (
                impl.connect(case.rate, np.ones((outputs, inputs), dtype))
                .evaluate(np.ones((examples, inputs), dtype))
                .output
            )
        if not impl.samples:
            require(
                y == inputs,
                f"in evaluation an output of {inputs} weights of 1 must be {inputs}",
                got=y,
            )
