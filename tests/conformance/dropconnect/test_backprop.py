"""Chapter `backprop`: gradients go through the masked weight of their own forward."""

import numpy as np

from dropspec.core.arrays import DTYPES, FRACTION_BITS, Array, Bits, nonzero
from dropspec.core.calls import Arrays
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.recipes import cases
from dropspec.core.recorded import Recorded
from dropspec.families.dropconnect.cases import LinearCase, linear_cases
from dropspec.families.dropconnect.linear import Linear
from dropspec.families.dropconnect.onehot import FAR, of_many_with_gradients
from dropspec.families.dropconnect.probes import Probe, probe
from dropspec.properties import assume, clause, given
from dropspec.properties.trials import require_own_backwards
from dropspec.reference.dropconnect import gradients
from dropspec.session.run import Run

WIDE = ("float32", "float64")


def forward(impl: Linear, case: LinearCase) -> tuple[Probe, Recorded, Bits, float]:
    """Numbers that spell the masks of a call, that call, its masks and its scale.

    The masks are read from the very call whose gradients are judged, so no second call is needed.
    """
    dtype = DTYPES[case.dtype]
    scale, numbers = impl.scale(case.rate, dtype), probe(case.shape[0], case.weight, dtype)
    impl.reseed(case.seed)
    product = impl.connect(case.rate, numbers.weight).train(numbers.x, differentiable=True)
    return numbers, product, numbers.read(product.output, scale), scale


def right(case: LinearCase, numbers: Probe, masks: Bits, scale: float) -> tuple[Array, Array]:
    """The reference's gradients of input and weight for these masks and the forward's scale."""
    g, x, weight = (a.astype(np.float64) for a in (case.upstream, numbers.x, numbers.weight))
    found, ratio = gradients(g, x, weight, masks, case.rate), (1 - case.rate) * scale
    return found.x * ratio, found.weight * ratio


def the(gradients: Arrays, name: str) -> Array:
    """The gradient of that name, which must exist."""
    found = gradients[name]
    assert found is not None
    return found


def require_near(
    got: Array, expected: Array, size: Array, terms: int, what: str, case: LinearCase
) -> None:
    """Raises Violation where a sum of so many terms is further off than rounding explains.

    The rounding allowed is (terms + 8) · 2^-F of `size`, the sum of the sizes added.
    """
    near = np.abs(got - expected) <= (terms + 8) * 2.0 ** -FRACTION_BITS[case.dtype] * size
    require(near, f"the {what} at rate {case.rate:.6g}", expected=expected, got=got)


@clause("backprop-1")
@given(Case(shape=LARGE), case=cases(layouts=("contiguous",)))
def test_each_weight_has_its_own_gradient(impl: Linear, case: Case, notes: Notes) -> None:
    """For one input of 1, the gradient of a weight is the upstream / keep if the weight survived,
    and exactly 0 if it was dropped.

    One case has 257×257 weights. A case without survivors decides nothing.
    """
    run = impl.train(case.x, case.rate, case.seed, differentiable=True)
    mask = nonzero(run.output)
    assume(mask.any())
    g = run.gradient(case.upstream)
    message = (
        "the gradient must reach the weights that survived the forward, and only these, at rate"
        f" {case.rate:.6g}"
    )
    if (nonzero(g) != mask).any():
        notes.observe(Seen.OTHER_MASK, 1)
    require(nonzero(g) == mask, message, weight=case.x, output=run.output, gradient=g)
    require_rescaled(g, case.upstream, case.rate, mask, what="gradient (x: the upstream)")


@clause("backprop-1")
def test_the_gradient_of_many_weights_goes_through_the_mask(impl: Linear, run: Run) -> None:
    """In a weight of 80×150, at rate 0.5, the gradient of each weight is its factor in the forward.

    The factor is 0 or 1 / keep; 150 one-hot inputs show it for each weight.
    """
    y, got = of_many_with_gradients(impl, 0.5, run.seed_for("backprop-1"))
    g = the(got, "weight").T
    require_rescaled(
        g,
        np.ones_like(y),
        0.5,
        nonzero(y),
        what=f"gradient of a weight of shape {FAR} (x: the upstream)",
    )
    same = nonzero(g) == nonzero(y)
    require(
        same,
        "the gradient must reach the weights that survived, and only these",
        gradient=g,
        output=y,
    )


@clause("backprop-2")
def test_the_gradient_of_many_inputs_goes_through_the_mask(impl: Linear, run: Run) -> None:
    """In a weight of 80×150, at rate 0.5, the gradient of an input of 1 is the sum of its masked,
    rescaled weights.

    The same call shows these weights one by one, in its outputs for 150 one-hot inputs.
    """
    y, got = of_many_with_gradients(impl, 0.5, run.seed_for("backprop-2"))
    own, right = the(got, "x").diagonal().astype(float), y.astype(float).sum(1)
    near = np.abs(own - right) <= (FAR[0] + 8) * 2.0 ** -FRACTION_BITS[y.dtype.name] * right
    require(
        near,
        "the gradient of an input of 1 must be the sum of its masked weights",
        expected=right,
        got=own,
    )


@clause("backprop-1")
@given(case=linear_cases(dtypes=WIDE))
def test_the_weight_gradient_equals_the_reference(impl: Linear, case: LinearCase) -> None:
    """The gradient of a weight is the sum over the examples in which it survived.

    The expected gradient is the reference's for the recovered masks, in float32 and float64.
    """
    numbers, product, masks, scale = forward(impl, case)
    got, (_, expected) = product.gradients(case.upstream), right(case, numbers, masks, scale)
    size = np.abs(case.upstream).T @ np.abs(numbers.x) * scale
    require_near(
        the(got, "weight"),
        expected,
        size,
        case.shape[0],
        "weight gradient must go through the forward's mask and scale",
        case,
    )


@clause("backprop-2")
@given(case=linear_cases(dtypes=WIDE))
def test_the_input_gradient_goes_through_the_masked_weight(impl: Linear, case: LinearCase) -> None:
    """The gradient of the input is the upstream times the masked, rescaled weight.

    The expected gradient is the reference's for the recovered masks, in float32 and float64.
    """
    numbers, product, masks, scale = forward(impl, case)
    got, (expected, _) = product.gradients(case.upstream), right(case, numbers, masks, scale)
    size = np.abs(case.upstream) @ np.abs(numbers.weight) * scale
    require_near(
        the(got, "x"),
        expected,
        size,
        case.shape[1],
        "input gradient must go through the masked weight",
        case,
    )


@clause("backprop-3")
@given(case=linear_cases(dtypes=WIDE))
def test_the_bias_gradient_is_the_sum_of_the_upstream(impl: Linear, case: LinearCase) -> None:
    """The gradient of the bias is the sum of the upstream over the examples in which the bias
    survived.

    All weights are 0, so that the output shows which biases survived. The property is not claimed
    by a layer without a bias.
    """
    impl.require_bias()
    scale = impl.scale(case.rate, DTYPES[case.dtype]) if impl.bias == "dropped" else 1.0
    impl.reseed(case.seed)
    product = impl.connect(case.rate, np.zeros_like(case.weight), case.bias).train(
        case.x, differentiable=True
    )
    survived = nonzero(product.output)
    got = the(product.gradients(case.upstream), "bias")
    expected = (case.upstream * survived).sum(0, dtype=np.float64) * scale
    size = np.abs(case.upstream).sum(0) * scale
    require_near(
        got,
        expected,
        size,
        case.shape[0],
        "bias gradient must be the sum of the upstream where the bias survived",
        case,
    )


@clause("backprop-4")
@given(case=cases(layouts=("contiguous",)))
def test_each_backward_uses_its_own_mask(impl: Linear, case: Case) -> None:
    """With three forwards before their backwards, each backward goes through the mask of its own
    forward.

    The backward passes are made in the order third, first, second, third.
    """
    require_own_backwards(impl, case)


@clause("backprop-4")
@given(case=linear_cases(dtypes=WIDE))
def test_a_second_backward_gives_the_same(impl: Linear, case: LinearCase) -> None:
    """Two backward passes over one graph give the same gradients bit for bit."""
    _, product, _, _ = forward(impl, case)
    first, second = product.gradients(case.upstream), product.gradients(case.upstream)
    for which in ("x", "weight"):
        once, again = the(first, which), the(second, which)
        require_identical(
            again,
            once,
            f"a second backward over the same graph must give the same gradient of the {which}",
        )
