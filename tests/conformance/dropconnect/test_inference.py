"""Chapter `inference`: evaluation is the plain layer, or the paper's moment matching where that is
claimed.
"""

import numpy as np

from dropspec.core.arrays import DTYPES, Array, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import ImplementationError, NotClaimed, Violation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases, seeds
from dropspec.core.risk import require_negligible_probability
from dropspec.families.dropconnect.cases import LinearCase, linear_cases
from dropspec.families.dropconnect.linear import Linear
from dropspec.properties import clause, given
from dropspec.properties.trials import require_evaluation, violation_if_raises
from dropspec.session.run import Run
from dropspec.tests.conformance.dropconnect.moments import DRAWN, require_half

QUARTILE = 0.6744897501960817  # of the standard normal: half of it lies within


def require_mean_field(impl: Linear) -> None:
    """Raises NotClaimed where evaluation is the paper's own."""
    if impl.samples:
        raise NotClaimed("it claims the paper's inference, moment matching")


@clause("inference-1")
@given(Case(shape=LARGE), case=cases("plain", "zeros", layouts=("contiguous",)))
def test_an_evaluation_returns_the_weights(impl: Linear, case: Case) -> None:
    """Of one input of 1, each output of an evaluation is its weight, bit for bit."""
    require_mean_field(impl)
    y = impl.evaluate(case.x, case.rate).output
    same = y == case.x  # not bit for bit: a weight of -0 times 1 plus 0 is 0
    require(
        np.asarray(same),
        f"in evaluation weights must be as they are, at rate {case.rate:.6g}",
        weight=case.x,
        got=y,
    )


@clause("inference-1")
def test_nothing_is_dropped_or_scaled(impl: Linear, notes: Notes) -> None:
    """Of 4,096 weights of 1 all come out as they are, at three rates."""
    require_mean_field(impl)
    require_evaluation(impl, notes)


@clause("inference-1")
def test_an_evaluation_without_a_bias_returns_the_weights(impl: Linear) -> None:
    """The same of 32 weights of a layer that is built with bias=False."""
    require_mean_field(impl)
    dtype = DTYPES[impl.dtypes[0]]
    y = impl.without_bias(0.5, np.ones((32, 1), dtype)).evaluate(np.ones((2, 1), dtype)).output
    require(
        y == 1,
        "without a bias, an output in evaluation of one weight and input of 1 must be 1",
        got=y,
    )


@clause("inference-1")
@given(case=linear_cases("integers"))
def test_an_evaluation_equals_the_plain_layer(impl: Linear, case: LinearCase) -> None:
    """Where the arithmetic is exact, an evaluation gives W x + b.

    Inputs, weights and biases are whole numbers from -4 to 4, in all four dtypes.
    """
    require_mean_field(impl)
    bias = case.bias if impl.has_bias else None
    y = impl.connect(case.rate, case.weight, bias).evaluate(case.x).output
    require(
        np.asarray(y == exact(case, bias)),
        "in evaluation the output must be W x + b",
        expected=exact(case, bias),
        got=y,
    )


def exact(case: LinearCase, bias: Array | None) -> Array:
    """W x + b of small integers, which no order of summation rounds."""
    wide = case.x.astype(np.float64) @ case.weight.astype(np.float64).T
    return np.asarray(wide if bias is None else wide + bias.astype(np.float64)).astype(
        DTYPES[case.dtype]
    )


@clause("inference-1")
def test_axes_before_the_inputs_make_no_difference(impl: Linear) -> None:
    """A sequence of examples is evaluated as its examples are."""
    require_mean_field(impl)
    case = LinearCase(shape=(6, 4, 5), dtype=impl.dtypes[0], values="integers")
    bias = case.bias if impl.has_bias else None
    try:
        y = impl.connect(0.5, case.weight, bias).evaluate(case.x.reshape(2, 3, 5)).output
    except ImplementationError as error:
        raise NotClaimed(f"it takes two axes only (product-6): {error}") from error
    right = exact(case, bias).reshape(2, 3, 4)
    require(
        np.asarray(y == right),
        "in evaluation the output for (2, 3, inputs) must be W x + b",
        expected=right,
        got=y,
    )


@clause("inference-1", should=True)
@given(case=linear_cases())
def test_an_evaluation_equals_the_frameworks_own(impl: Linear, case: LinearCase) -> None:
    """On ordinary numbers an evaluation should be the framework's own linear layer, bit for bit."""
    require_mean_field(impl)
    bias = case.bias if impl.has_bias else None
    y = impl.connect(case.rate, case.weight, bias).evaluate(case.x).output
    zero = np.zeros(case.shape[1], case.weight.dtype) if impl.has_bias else None
    plain = impl.driver.plain_linear(case.x, case.weight, zero if bias is None else bias)
    require_identical(
        y,
        plain,
        f"in evaluation the output should be that of the plain layer, at rate {case.rate:.6g}",
    )


@clause("inference-2")
@given(case=linear_cases("integers"))
def test_the_gradients_of_an_evaluation_equal_the_plain_layers(
    impl: Linear, case: LinearCase
) -> None:
    """In exact arithmetic the gradients of an evaluation are g W, gᵀ x and the sum of g.

    Inputs, weights and upstream gradients are whole numbers from -4 to 4.
    """
    require_mean_field(impl)
    bias = case.bias if impl.has_bias else None
    got = (
        impl.connect(case.rate, case.weight, bias)
        .evaluate(case.x, differentiable=True)
        .gradients(case.upstream)
    )
    g, x, weight = (a.astype(np.float64) for a in (case.upstream, case.x, case.weight))
    expected = {"input": (got["x"], g @ weight), "weight": (got["weight"], g.T @ x)}
    if got["bias"] is not None and bias is not None:
        expected["bias"] = got["bias"], g.sum(0)
    for which, (seen, wanted) in expected.items():
        require(
            np.asarray(seen == wanted),
            f"in evaluation the gradient of the {which} must be the plain layer's",
            expected=wanted,
            got=np.asarray(seen),
        )


@clause("inference-3")
@given(case=cases(layouts=("contiguous",)))
def test_no_randomness_is_consumed(impl: Linear, case: Case) -> None:
    """An evaluation should leave the state of the random stream as it was, byte by byte."""
    require_mean_field(impl)
    impl.reseed(case.seed)
    layer = impl.layer(case.rate).of(case.x)
    layer.evaluate()  # a first call may set something up
    before = impl.driver.state()
    layer.evaluate()
    if before != impl.driver.state():
        raise Violation(
            f"an evaluation at rate {case.rate:.6g} moved the random stream, so evaluating more"
            " often changes training"
        )


@clause("inference-4")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_training_and_evaluation_follow_each_other(impl: Linear, case: Case) -> None:
    """In turns, each training call drops and rescales, and each evaluation gives the weights.

    Of 256 weights of 1 at rate 0.5 some are dropped and the others are 2, in two training calls
    with two evaluations after each. At rate 0 each mode is called twice, by turns.
    """
    impl.reseed(case.seed)
    weights = np.ones(256, DTYPES[case.dtype])
    layer = impl.layer(0.5).of(weights)
    require_negligible_probability(256 * np.log(0.5))
    _require_rate_0_both_ways(impl, weights)
    for step in ("first call", "call after an evaluation"):
        with violation_if_raises():
            y = layer.train().output
        if nonzero(y).all() or not nonzero(y).any():
            raise Violation(
                f"in training at rate 0.5, the {step} gave {np.unique(y)[:4].tolist()} for 256"
                " ones, where 0 and 2 are right"
            )
        require_rescaled(y, weights, 0.5, nonzero(y), what=f"output in the {step}")
        layer.evaluate()
        y = layer.evaluate().output  # the second in a row
        if not impl.samples:
            require_identical(
                y, weights, f"after the {step} in training, evaluation must give the weights again"
            )


@clause("inference-4")
@given(seed=seeds())
def test_a_weight_that_changed_is_used(impl: Linear, seed: int) -> None:
    """After a change of the weight both modes use the new weight, whichever is called first.

    The weight of a module is set in place to 1, 4 and 16; the last call before each change is in
    training.
    """
    dtype = DTYPES[impl.dtypes[0]]
    weight, x = np.ones((256, 1), dtype), np.ones((2, 1), dtype)
    layer = impl.connect(0.5, weight)
    impl.reseed(seed)
    for size, modes in (
        (1, "training evaluation training"),
        (4, "evaluation training"),
        (16, "training evaluation"),
    ):
        layer.assign("weight", weight * dtype.type(size))
        for mode in (
            modes.split() if not impl.facts.no_evaluation and not impl.samples else ("training",)
        ):
            with violation_if_raises(f"{mode} after the weight was changed"):
                y = (layer.train if mode == "training" else layer.evaluate)(x).output
            what = f"after all weights were set to {size}, {mode}"
            if mode == "training":
                require_rescaled(
                    y, np.full_like(y, size), 0.5, nonzero(y), what=f"output {what} (x: the weight)"
                )
            else:
                require(y == size, f"{what} must give {size} for an input of 1", got=y)


def _require_rate_0_both_ways(impl: Linear, weights: Array) -> None:
    """At rate 0, where some implementations take another way, training and evaluation follow each
    other as well.
    """
    layer = impl.layer(0.0).of(weights)
    for mode in (layer.train, layer.evaluate, layer.train, layer.evaluate):
        with violation_if_raises("training and evaluation by turns, at rate 0,"):
            y = mode().output
        if not impl.samples:
            require_identical(
                y, weights, "at rate 0 training and evaluation must both give the weights"
            )


@clause("inference-5")
def test_the_mean_of_matched_moments_is_right(impl: Linear, run: Run, notes: Notes) -> None:
    """Half of the outputs of an evaluation lie above W x + b, which is the median of a normal with
    that mean.
    """
    require_half(impl, run, notes, "inference-5", "above W x + b", lambda z: z > 0)


@clause("inference-6")
def test_the_variance_of_matched_moments_is_right(impl: Linear, run: Run, notes: Notes) -> None:
    """Half of the outputs lie within 0.6745 standard deviations of it, for the variance rate / keep
    · Σ W² x² over the number of draws.
    """
    require_half(
        impl,
        run,
        notes,
        "inference-6",
        "within 0.6745 standard deviations of W x + b",
        lambda deviations: np.abs(deviations) < QUARTILE,
    )


FEW = 8  # draws: with fewer, averages before and after the activation lie too close together


@clause("inference-7")
def test_the_average_is_taken_after_the_activation(impl: Linear, run: Run) -> None:
    """At mean 0, ReLU of each draw has the mean 0.3989 standard deviations; ReLU of their mean is
    about 0.
    """
    if impl.samples < FEW:
        raise NotClaimed(
            f"it does not claim the paper's inference with {FEW} draws or more (`samples`)"
        )
    relu = impl.driver.relu()
    dtype = DTYPES[impl.dtypes[0]]
    impl.reseed(run.seed_for("inference-7"))
    layer = impl.connect(
        0.5, np.tile(np.array([1.0, 1.0], dtype), (DRAWN, 1)), options={"activation": relu}
    )
    y = float(
        layer.evaluate(np.array([[1.0, -1.0]] * 2, dtype)).output[0].astype(np.float64).mean()
    )
    deviation, right = np.sqrt(2.0), 0.3989422804014327  # rate / keep is 1, and W² x² sums to 2
    require_negligible_probability(-DRAWN * impl.samples * 0.2**2 / 2)
    # relu is 1-Lipschitz: the mean of n draws misses by .2 with probability exp(-n · .2² / 2)
    if abs(y / deviation - right) > 0.2:
        raise Violation(
            f"the mean of relu over the draws must be {right:.4g} standard deviations where W x ="
            f" 0, but it is {y / deviation:.4g}: the average is taken before the activation, or not"
            " over a normal"
        )
