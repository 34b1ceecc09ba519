"""Chapter `eval`: in evaluation mode dropout is not there."""

import numpy as np

from dropspec.core.arrays import DTYPES, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_identical, require_rescaled
from dropspec.core.errors import Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import clause, given
from dropspec.properties.refusals import refuses_rate_1
from dropspec.properties.trials import require_evaluation
from dropspec.session.run import Run


@clause("eval-1")
@given(
    *(Case(LARGE, dtype, values="wide") for dtype in DTYPES), case=cases("plain", "special", "wide")
)
def test_the_output_is_the_input(impl: Implementation, case: Case) -> None:
    """In evaluation mode the output equals the input bit for bit, NaN, ±inf and -0 included.

    Cases are special, wide and plain, and 257×257 in each dtype; after each, the same layer gets
    another input of the same shape.
    """
    impl.reseed(0)
    layer = impl.layer(case.rate)
    for x in (case.x, case.upstream):
        y = layer.evaluate(x).output
        require_identical(
            y,
            x,
            f"in evaluation mode the output must be the input bit for bit, at rate {case.rate:.6g}",
        )


@clause("eval-1")
def test_nothing_is_dropped_or_scaled(impl: Implementation, notes: Notes) -> None:
    """In evaluation mode 4,096 ones stay ones, at three rates."""
    require_evaluation(impl, notes)


@clause("eval-2")
@given(case=cases("plain", "special"))
def test_the_output_is_the_input_at_edge_rates(impl: Implementation, case: Case) -> None:
    """In evaluation mode the output equals the input at rates 0 and 1 and close to them, too."""
    x = case.x
    for rate in (*(() if refuses_rate_1(impl) else (1.0,)), 0.0, 1e-12, 1 - 2.0**-24, 0.5):
        impl.guard.reset()
        require_identical(
            impl.evaluate(x, rate).output,
            x,
            f"in evaluation mode the output must be the input bit for bit, at rate {rate!r}",
        )


@clause("eval-3")
@given(case=cases("plain", "zeros"))
def test_the_gradient_is_the_upstream(impl: Implementation, case: Case) -> None:
    """In evaluation mode the gradient is the upstream gradient, bit for bit."""
    run = impl.evaluate(case.x, case.rate, differentiable=True)
    g = run.gradient(case.upstream)
    require_identical(
        g,
        case.upstream,
        f"in evaluation mode the gradient must be the upstream, at rate {case.rate:.6g}",
    )


@clause("eval-4", should=True)
@given(case=cases())
def test_no_randomness_is_consumed(impl: Implementation, case: Case) -> None:
    """Evaluation should leave the random stream where it was, or evaluating more often changes
    training.
    """
    impl.reseed(case.seed)
    layer = impl.layer(case.rate)
    before = impl.driver.state()
    layer.evaluate(case.x)
    if before != impl.driver.state():
        raise Violation(
            f"an evaluation at rate {case.rate:.6g} moved the random stream, so evaluating more"
            " often changes training"
        )


@clause("eval-5")
@given(case=cases())
def test_training_comes_back_after_evaluation(impl: Implementation, case: Case) -> None:
    """train, eval, train: the third call drops again, by the same rate and scale as the first."""
    impl.reseed(case.seed)
    layer, x = impl.layer(0.5), np.ones(512, DTYPES[case.dtype])
    require_negligible_probability(512 * np.log(0.5))
    for step in ("first call", "call after an evaluation"):
        y = layer.train(x).output
        if nonzero(y).all() or not nonzero(y).any():
            raise Violation(
                f"in training at rate 0.5, the {step} gave {np.unique(y)[:4].tolist()} for 512"
                " ones, where 0 and 2 are right"
            )
        require_rescaled(y, x, 0.5, nonzero(y), what=f"output in the {step}")
        y = layer.evaluate(x).output
        require_identical(
            y, x, f"after the {step} in training, evaluation must be the identity again"
        )


@clause("eval-5")
def test_the_mode_reaches_nested_layers(impl: Implementation, run: Run) -> None:
    """A parent's eval() and train() reach a layer in a Sequential in a ModuleList in a module, and
    a copy of it.
    """
    impl.require_evaluation()
    parent = impl.driver.networks().nested(0.5)
    copied = parent.copy()
    impl.reseed(run.seed_for("eval-5"))
    x = np.ones(256, DTYPES["float32"])
    for net in (parent, copied):
        dropped = int((~nonzero(net.train(x).output)).sum())
        net.set_mode("evaluation")  # a training loop and a validation function may both set it
        evaluated = net.evaluate(x).output
        net.set_mode("training")
        again = int((~nonzero(net.train(x).output)).sum())
        if not np.array_equal(evaluated, x):
            raise Violation(
                "a parent's eval() did not reach the layer: its output is not the input"
            )
        if not (0 < dropped < 256 and 0 < again < 256):
            raise Violation(
                f"a parent's train() did not reach the layer: {dropped} and then {again} of "
                "256 units dropped at rate 0.5"
            )


@clause("eval-6")
@given(case=cases())
def test_a_backward_after_evaluation_uses_no_earlier_mask(impl: Implementation, case: Case) -> None:
    """After a training forward an evaluation's backward is the identity; the training's own
    backward, after it, goes through its mask.
    """
    impl.reseed(case.seed)
    layer = impl.layer(case.rate)
    trained = layer.train(case.x, differentiable=True)
    g = layer.evaluate(case.x, differentiable=True).gradient(case.upstream)
    require_identical(
        g,
        case.upstream,
        "the backward of an evaluation must ignore an earlier training mask, at rate"
        f" {case.rate:.6g}",
    )
    g = trained.gradient(case.upstream)
    message = (
        "the backward of a training forward must use its mask, though an evaluation came between,"
        f" at rate {case.rate:.6g}"
    )
    require(nonzero(g) == nonzero(trained.output), message, output=trained.output, gradient=g)
