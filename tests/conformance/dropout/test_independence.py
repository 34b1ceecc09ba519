"""Chapter `independence`: what the fate of one unit says about another's. Nothing."""

from contextlib import suppress

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits, nonzero
from dropspec.core.errors import ImplementationError, NotClaimed, Undecided, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recorded import Recorded
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import clause
from dropspec.session.judge import judge, judge_seldom
from dropspec.session.run import Run

UNITS = 256


@clause("independence-1")
def test_units_of_a_row_are_independent(run: Run, notes: Notes) -> None:
    """The drop rate is the same whether the left neighbour was dropped or survived."""
    judge(run, "independence-1", notes)


@clause("independence-2")
def test_rows_of_a_batch_are_independent(run: Run, notes: Notes) -> None:
    """The drop rate is the same whether the unit above was dropped or survived."""
    judge(run, "independence-2", notes)


@clause("independence-3")
def test_successive_calls_are_independent(run: Run, notes: Notes) -> None:
    """The drop rate is the same whether the same unit was dropped or survived in the call before,
    of many units or of 1 to 4,099.
    """
    judge(run, "independence-3", notes)


@clause("independence-3")
def test_every_call_draws_anew_whatever_came_before(impl: Implementation, run: Run) -> None:
    """One after another, with gradient, after a backward, an evaluation or a smaller call, no call
    has the mask of an earlier one.
    """
    impl.reseed(run.seed_for("independence-3"))
    layer, x = impl.layer(0.5), np.ones(UNITS, DTYPES[impl.dtypes[0]])
    drawn: dict[str, Bits] = {}
    evaluated = False

    def call(when: str, units: int = UNITS, *, differentiable: bool = False) -> Recorded:
        recorded = layer.train(x[:units], differentiable=differentiable)
        mask = nonzero(recorded.output)
        if mask.all() or not mask.any():
            said = f"dropped {'none' if mask.all() else 'all'} of {units} units at rate 0.5"
            if not drawn or evaluated:
                raise Undecided(f"the call {when} {said} ({'eval-5' if drawn else 'rate-1'})")
            raise Violation(f"the call {when} {said}")
        for earlier, other in drawn.items():
            if np.array_equal(mask, other[:units]):
                raise Violation(
                    f"the call {when} drew the mask of the call {earlier}, of {units} units at"
                    " rate 0.5"
                )
        drawn[when] = mask
        return recorded

    require_negligible_probability(UNITS / 2 * np.log(0.5) + np.log(100))
    call("made first")
    call("after it")
    first = call("with gradient", differentiable=True)
    call("with gradient, after it", differentiable=True)
    with suppress(NotClaimed, ImplementationError):
        first.gradient(x)
    call("after a backward")
    evaluated = True
    for when in ("after an evaluation", "after another evaluation"):
        with suppress(NotClaimed, ImplementationError):
            layer.evaluate(x)
        call(when)
    call("with half of the units", UNITS // 2)
    call("after it, with half of the units", UNITS // 2)
    call("after that, with all of them")


@clause("independence-3")
def test_calls_draw_anew_in_every_mode_of_autograd(impl: Implementation, run: Run) -> None:
    """A torch layer never draws the mask of an earlier call: for the tensor it was given before,
    with a gradient or not, in any dtype.
    """
    impl.reseed(run.seed_for("independence-3"))
    drawn: dict[bytes, str] = {}
    require_negligible_probability(UNITS * np.log(0.5) + np.log(400))
    for what, mask in impl.driver.masks_by_mode(0.5, UNITS):
        if mask.any() and not mask.all():  # a layer that drops all or none has other faults
            earlier = drawn.setdefault(mask.tobytes(), what)
            if earlier != what:
                raise Violation(f"{what} drew the mask of {earlier}, of {UNITS} units at rate 0.5")


@clause("independence-4")
def test_the_number_dropped_is_binomial(run: Run, notes: Notes) -> None:
    """The number dropped of a row, and of a whole call, large or small, varies as a Binomial does:
    no fixed count.
    """
    judge(run, "independence-4", notes)


@clause("independence-5")
def test_a_mask_does_not_repeat_at_a_lag(run: Run, notes: Notes) -> None:
    """The mask agrees with itself half of the time at every lag below 65,536."""
    judge(run, "independence-5", notes)


@clause("independence-6")
def test_masks_do_not_repeat(run: Run, notes: Notes) -> None:
    """No stretch of the mask comes twice: 256 units at rate 0.5, 1,024 at 0.1 and 0.9."""
    judge(run, "independence-6", notes)


@clause("independence-6", should=True)
def test_masks_do_not_even_seldom_repeat(run: Run) -> None:
    """Nor do two calls have a stretch in common once in many calls."""
    judge_seldom(run, "independence-6")


@clause("independence-7")
def test_two_layers_draw_different_masks(impl: Implementation, run: Run) -> None:
    """Two layers built one after the other draw different masks."""
    impl.reseed(run.seed_for("independence-7"))
    x = np.ones(UNITS, DTYPES[impl.dtypes[0]])
    _require_different(
        impl.layer(0.5).train(x).output,
        impl.layer(0.5).train(x).output,
        "two layers, one built and called after the other,",
    )


@clause("independence-7", should=True)
def test_a_copy_draws_different_masks(impl: Implementation, run: Run) -> None:
    """A layer and its deep copy should draw different masks."""
    impl.reseed(run.seed_for("independence-7"))
    x = np.ones(UNITS, DTYPES[impl.dtypes[0]])
    layer = impl.layer(0.5)
    layer.train(x)
    twin = layer.copy()
    _require_different(layer.train(x).output, twin.train(x).output, "a layer and its deep copy")


def _require_different(a: Array, b: Array, who: str) -> None:
    require_negligible_probability(UNITS * np.log(0.5))
    if np.array_equal(nonzero(a), nonzero(b)):
        raise Violation(f"{who} drew the same mask of {UNITS} units at rate 0.5")
