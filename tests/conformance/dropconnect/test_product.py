"""Chapter `product`: what the output is."""

from itertools import repeat

import numpy as np

from dropspec.chance.counting import conclude, count
from dropspec.chance.gauge import Gauge
from dropspec.core.arrays import DTYPES, FRACTION_BITS, Array, Bits, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, require_rescaled, rescaled
from dropspec.core.errors import ImplementationError, NotClaimed, Violation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases, seeds
from dropspec.families.dropconnect import BIAS_RATE
from dropspec.families.dropconnect.cases import LinearCase, linear_cases
from dropspec.families.dropconnect.linear import Linear
from dropspec.families.dropconnect.onehot import FAR, of_many_weights
from dropspec.families.dropconnect.probes import probe
from dropspec.properties import assume, clause, given
from dropspec.properties.shapes import require_no_cast
from dropspec.properties.trials import require_scales
from dropspec.reference.dropconnect import forward
from dropspec.session.run import Run
from dropspec.tests.conformance.dropconnect.moments import require_moment

WIDE = ("float32", "float64")  # where a missing product cannot be taken for rounding


@clause("product-1")
@given(Case(shape=LARGE), case=cases("plain", "wide", layouts=("contiguous",)))
def test_surviving_weights_are_rescaled(impl: Linear, case: Case) -> None:
    """For one input of 1, each output is 0 or W / keep, where that is finite.

    Cases are plain and wide, one of them of 257×257 weights.
    """
    y = impl.train(case.x, case.rate, case.seed).output
    mask = nonzero(y) & np.isfinite(rescaled(case.x, case.rate))
    assume(mask.any())
    require_rescaled(y, case.x, case.rate, mask, what="output (x: its only weight)")


@clause("product-1")
def test_the_scale_is_right_at_many_rates(impl: Linear, run: Run, notes: Notes) -> None:
    """Of 4,096 weights of 1 every survivor is 1 / keep, at six rates; what it is instead tells one
    wrong scale from another.
    """
    require_scales(impl, run.seed_for("product-1"), notes)


@clause("product-1")
def test_many_weights_are_rescaled_alike(impl: Linear, run: Run) -> None:
    """In a weight of 80×150 every survivor is W / keep, at rate 0.1."""
    y = of_many_weights(impl, 0.1, run.seed_for("product-1 of many"))
    require_rescaled(
        y,
        np.ones_like(y),
        0.1,
        nonzero(y),
        what=f"output of a weight of shape {FAR} (x: its only weight)",
    )


@clause("product-1")
@given(seed=seeds())
def test_weights_without_a_bias_are_rescaled_alike(impl: Linear, seed: int) -> None:
    """A layer built with bias=False turns weights of 1 into 0 or x / keep at rate 0.5."""
    dtype = DTYPES[impl.dtypes[0]]
    layer = impl.without_bias(0.5, np.ones((32, 1), dtype))
    impl.reseed(seed)
    y = layer.train(np.ones((2, 1), dtype)).output
    require_rescaled(
        y, np.ones_like(y), 0.5, nonzero(y), what="output without a bias (x: the weight)"
    )


@clause("product-2")
@given(case=linear_cases(dtypes=WIDE))
def test_the_output_is_the_masked_product(impl: Linear, case: LinearCase) -> None:
    """On ordinary numbers the output is that of the reference under the mask that the probe
    recovers with the same seed.

    Weights and inputs are plain, in float32 and float64.
    """
    impl.driver.require_seedable()
    mask, bias_mask, scale = recovered(impl, case)
    bias = case.bias if impl.has_bias else None
    impl.reseed(case.seed)
    y = impl.connect(case.rate, case.weight, bias).train(case.x).output
    x, weight = case.x.astype(float), case.weight.astype(float)
    expected = forward(x, weight, None, mask, case.rate) * (1 - case.rate) * scale
    if bias is not None:
        expected = expected + (bias if bias_mask is None else bias_mask * bias * scale)
    size = (np.abs(x) @ np.abs(weight).T) * scale + (
        0 if bias is None else np.abs(bias) * max(scale, 1)
    )
    near = np.abs(y - expected) <= (case.shape[2] + 8) * 2.0 ** -FRACTION_BITS[case.dtype] * size
    require(
        near,
        f"the output must be the masked product W x / keep + b at rate {case.rate:.6g}",
        expected=expected,
        got=y,
    )


def recovered(impl: Linear, case: LinearCase) -> tuple[Bits, Bits | None, float]:
    """The masks that a seed gives, over the weight over the bias where that is dropped, and the
    scale. Raises NotClaimed if unstable.
    """
    dtype = DTYPES[case.dtype]
    scale = impl.scale(case.rate, dtype)
    numbers, none = (
        probe(case.shape[0], case.weight, dtype),
        (np.zeros_like(case.bias) if impl.has_bias else None),
    )

    def masks() -> Bits:
        impl.reseed(case.seed)
        return numbers.read(
            impl.connect(case.rate, numbers.weight, none).train(numbers.x).output, scale
        )

    mask = masks()
    if not np.array_equal(mask, masks()):
        raise NotClaimed(
            "a seed does not fix its masks (limits-5), so none can be recovered for this call"
        )
    if impl.bias != "dropped":
        return mask, None, scale
    impl.reseed(case.seed)
    y = (
        impl.connect(case.rate, np.zeros_like(numbers.weight), np.ones_like(case.bias))
        .train(numbers.x)
        .output
    )
    return mask, nonzero(y), scale


def of_bias(impl: Linear, rate: float, bias: Array) -> Array:
    """The output where all weights are 0: what becomes of the bias."""
    two = np.resize(bias, max(bias.size, 2))  # a single output is a clause of its own (limits-9)
    return (
        impl.connect(rate, np.zeros((two.size, 1), bias.dtype), two)
        .train(np.ones((2, 1), bias.dtype))
        .output[0, : bias.size]
    )


@clause("product-3")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_the_bias_is_kept_or_dropped_like_a_weight(impl: Linear, case: Case, notes: Notes) -> None:
    """With all weights 0 the output is the bias, bit for bit; or where it is dropped, 0 or bias /
    keep.
    """
    impl.require_bias()
    impl.reseed(case.seed)
    y = of_bias(impl, case.rate, case.x)
    notes.certificate = impl.bias
    if impl.bias == "kept":
        survivors = nonzero(y)
        if survivors.any() and not survivors.all():
            raise Violation(
                f"{int((~survivors).sum())} of {y.size} biases were dropped at rate"
                f" {case.rate:.6g}, where it claims to keep them"
            )
        require_identical(
            y, case.x, f"with all weights 0 the output must be the bias at rate {case.rate:.6g}"
        )
    require_rescaled(
        y,
        case.x,
        case.rate if impl.bias == "dropped" else 0.0,
        nonzero(y),
        what="output (x: the bias)",
    )


@clause("product-3")
def test_a_dropped_bias_is_dropped_at_the_rate(impl: Linear, run: Run, notes: Notes) -> None:
    """Where biases are dropped, the share dropped is the rate."""
    impl.require_bias()
    if impl.bias != "dropped":
        raise NotClaimed("it keeps its bias")
    rate, tol = BIAS_RATE, run.tol("product-3")
    gauge, ones = (
        Gauge((rate, 1 - rate), tol, run.plan.alpha),
        np.ones(4096, DTYPES[impl.dtypes[0]]),
    )
    impl.reseed(run.seed_for("product-3"))
    kept = (int(nonzero(of_bias(impl, rate, ones)).sum()) for _ in repeat(None))
    count(gauge, tol, ((ones.size - k, k) for k in kept))
    conclude(
        gauge,
        f"drop rate {gauge.measured()[0, 0]:.6g} of the bias at rate {rate}",
        notes,
        float(gauge.eps[0, 0]),
    )


@clause("product-4")
def test_the_expected_output_is_the_plain_layer(impl: Linear, run: Run, notes: Notes) -> None:
    """The mean of outputs on ordinary numbers is W x + b.

    A call has 2,048 outputs of six plain inputs, in the widest dtype that is accepted.
    """
    require_moment(impl, run, notes, "product-4", "mean output")


@clause("product-5")
def test_the_variance_is_that_of_the_rate(impl: Linear, run: Run, notes: Notes) -> None:
    """The mean of (output - (W x + b))² is rate / keep · Σ W² x²."""
    require_moment(impl, run, notes, "product-5", "mean (output - (W x + b))²")


@clause("product-6")
@given(case=linear_cases())
def test_shape_and_dtype_are_right(impl: Linear, case: LinearCase) -> None:
    """(examples, inputs) gives (examples, outputs), in the dtype of the input."""
    _require_form(impl, case, case.x)


@clause("product-6")
def test_no_dtype_comes_back_as_another(impl: Linear, notes: Notes) -> None:
    """float16, bfloat16, float32 and float64 come back as they are, where they are taken."""
    require_no_cast(impl, notes)


@clause("product-6", should=True)
@given(case=linear_cases())
def test_any_number_of_leading_axes_is_taken(impl: Linear, case: LinearCase) -> None:
    """One example without an axis, and examples in two or three axes."""
    for shape in ((), (2, 3), (2, 1, 3)):
        _require_form(impl, case, np.resize(case.x, (*shape, case.shape[2])))


def _require_form(impl: Linear, case: LinearCase, x: Array) -> None:
    impl.reseed(case.seed)
    layer = impl.connect(case.rate, case.weight)
    try:
        y = layer.train(x).output
    except ImplementationError as error:
        raise Violation(
            f"{error}; input of shape {x.shape} must give output of shape"
            f" {(*x.shape[:-1], case.shape[1])}"
        ) from error
    if y.dtype != x.dtype:
        raise Violation(f"input and weight of dtype {x.dtype} gave output of dtype {y.dtype}")


@clause("product-7")
@given(case=linear_cases())
def test_input_weight_and_bias_are_not_changed(impl: Linear, case: LinearCase) -> None:
    """Input, weight and bias are after forward and backward what they were before."""
    impl.reseed(case.seed)
    bias = case.bias if impl.has_bias else None
    layer = impl.connect(case.rate, case.weight, bias)
    for call in (layer.train, layer.evaluate):
        try:
            run = call(case.x, differentiable=True)
            run.gradients(case.upstream)
        except NotClaimed:
            run = layer.train(case.x)
        require_identical(run.input_after, case.x, "a call must leave its input as it was")
        own = layer.parameters
        require_identical(
            np.asarray(own["weight"]),
            case.weight,
            "a call must leave the weight as it was: its mask belongs into a copy",
        )
        if bias is not None and own["bias"] is not None:
            require_identical(own["bias"], bias, "a call must leave the bias as it was")
