"""Chapter `expectation`: mean and variance of the output, measured from outputs."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from dropspec.chance.counting import conclude, count
from dropspec.chance.gauge import Gauge
from dropspec.core.arrays import DTYPES, Array
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.families.dropout import RIDGE_RATES
from dropspec.properties import clause
from dropspec.session.judge import judge
from dropspec.session.run import Run


@clause("expectation-1")
def test_the_expected_output_is_the_input(run: Run, notes: Notes) -> None:
    """Output · keep / input adds up as a count of survivors would, in every block of positions.

    The main campaigns in float32 and float64 are judged, in each quarter of the positions.
    """
    judge(run, "expectation-1", notes)


@clause("expectation-2")
def test_the_variance_is_that_of_the_rate(run: Run, notes: Notes) -> None:
    """The second moment of the output is input² / keep, so its variance is input² · rate / keep.

    It is judged in the campaigns and the quarters of expectation-1.
    """
    judge(run, "expectation-2", notes)


X = np.array([0.5, -2.0, 4.0, -1.0])  # one row of inputs
# the weights of the linear layer: the products 1, 2, 4, -8 make sixteen different sums
W = np.array([2.0, -1.0, 1.0, 8.0])
T = 3.0  # the target of each row
ROWS = 4096


@clause("expectation-3")
def test_the_expected_loss_is_the_ridge_penalty(
    impl: Implementation, run: Run, notes: Notes
) -> None:
    """The loss of a linear layer after dropout is distributed as over the 16 masks of four inputs.

    Its average is then that of the identity, too. At rates 0.1 and 0.5, in float64, calls have
    4,096 rows of the four inputs, and masks are counted as cells. The certificate prints the mean
    loss, the right side of the identity, and the most that the tolerances of the cells can add
    up to in the loss.
    """
    if "float64" not in impl.dtypes:
        raise NotClaimed("it takes no float64, in which the sixteen losses can be told apart")
    tol = run.tol("expectation-3")
    for rate in RIDGE_RATES:
        masks = np.array(list(product([0, 1], repeat=4)))
        chance = np.prod(np.where(masks, 1 - rate, rate), axis=1)
        loss = (T - (masks * X / (1 - rate)) @ W) ** 2
        closed = (T - X @ W) ** 2 + rate / (1 - rate) * (W**2 * X**2).sum()
        gauge = Gauge(chance, tol, run.plan.alpha)
        count(gauge, tol, _counts(impl, run, rate, masks))
        mean = float(gauge.measured()[0] @ loss)
        seen = (
            f"mean loss {mean:.6g} at rate {rate}, where |t - xw|² + rate/keep · Σ w²x² ="
            f" {closed:.6g} is right"
        )
        wrong = (
            "the sixteen masks of four neighbouring inputs do not occur as independent units would"
        )
        conclude(gauge, seen, notes, float(gauge.eps[0] @ np.abs(loss - closed)), wrong=wrong)


def _counts(impl: Implementation, run: Run, rate: float, masks: Array) -> Iterator[Array]:
    """The number of rows with each of the sixteen predictions, call by call.

    A prediction farther than 0.001 from all of them raises Violation at once.
    """
    impl.reseed(run.seed_for(f"expectation-3 {rate}"))
    layer, x = impl.layer(rate), np.tile(X, (ROWS, 1)).astype(DTYPES["float64"])
    predictions = (masks * X / (1 - rate)) @ W
    order = np.argsort(predictions)
    while True:
        got = layer.train(x).output.astype(np.float64) @ W
        nearest = order[np.clip(np.searchsorted(predictions[order], got - 1e-3), 0, 15)]
        strange = np.abs(predictions[nearest] - got) > 1e-3
        if strange.any():
            raise Violation(
                f"a linear layer predicts {got[strange][0]:.6g} from {X.tolist()} at rate {rate},"
                " which no mask of its inputs explains"
            )
        yield np.bincount(nearest, minlength=16)
