"""Chapter `weights`: which weights are dropped, and how often.

Masks are recovered from outputs by a probe.
"""

import numpy as np

from dropspec.core.arrays import DTYPES, Bits, nonzero
from dropspec.core.errors import NotClaimed, Undecided, Unreadable, Violation
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.recipes import seeds
from dropspec.core.risk import require_negligible_probability
from dropspec.families.dropconnect.linear import Linear
from dropspec.families.dropconnect.onehot import FAR, of_many_weights
from dropspec.properties import clause, given
from dropspec.properties.trials import require_share
from dropspec.session.judge import judge, judge_seldom
from dropspec.session.run import Run

SIZE = 16  # outputs, and inputs
ALIKE = {
    "examples": ((1, 2), "stochastic depth, not DropConnect: whole samples are dropped"),
    "outputs": ((2,), "dropout of the outputs, not DropConnect: whole outputs are dropped"),
    "inputs": ((1,), "dropout of the inputs, not DropConnect: whole inputs are dropped"),
}


def draw(impl: Linear, seed: int, examples: int) -> Bits:
    """Masks of a layer of 16×16 positive weights at rate 0.5, in the first dtype that it takes."""
    impl.reseed(seed)
    return impl.draw(0.5, examples, np.ones((SIZE, SIZE)), DTYPES[impl.dtypes[0]])


@clause("weights-1")
@given(seed=seeds())
def test_single_weights_are_dropped(impl: Linear, seed: int, notes: Notes) -> None:
    """Every output is explained by a mask over its weights, and whole examples, outputs or inputs
    are not dropped together.

    A case is one call of sixteen examples, through 16×16 weights at rate 0.5. Dropping of whole
    outputs is reported only if all 256 rows of 16 weights are all kept or all dropped; likewise
    for inputs and examples. If all weights survive, or none, nothing is decided.
    """
    try:
        masks = draw(impl, seed, impl.examples)
    except Unreadable as error:
        raise Violation(f"{error}; so it is not its weights that are dropped") from error
    # rows of 16 fair bits that are all alike, each of 16
    require_negligible_probability(SIZE * (SIZE - 1) * np.log(0.5) + np.log(2))
    share = masks.mean()
    if share in (0, 1):
        raise Undecided(
            f"at rate 0.5 {'all' if share else 'none'} of {masks.size} weights survived, so nothing"
            " shows what is dropped together"
        )
    for what, (axes, name) in ALIKE.items():
        groups = masks.mean(axes)
        if bool(np.isin(groups, (0, 1)).all()) and (impl.examples > 1 or what != "examples"):
            notes.observe(Seen(f"whole {what} dropped"), 1)
            raise Violation(
                f"at rate 0.5 the {masks.size // groups.size} weights of each of {groups.size}"
                f" {what} survive or are dropped together: this is {name}"
            )


@clause("weights-2")
def test_the_drop_probability_is_the_rate(run: Run, notes: Notes) -> None:
    """At every rate and in every dtype, the share of weights dropped is the rate to the stated
    tolerance, in small layers too.

    Each main campaign is judged, small calls of layers of 2×1 to 50×20 weights, and the campaign
    whose calls want a gradient.
    """
    judge(run, "weights-2", notes)


@clause("weights-3")
def test_every_place_has_the_same_drop_probability(run: Run, notes: Notes) -> None:
    """No row, column or corner of the matrix has a rate of its own, and neither the sign of a
    weight nor that of its input has an influence on its fate.

    In the main campaigns each binary digit of a weight's place splits the weights into two groups,
    and so do the signs of weight and input. In small layers each weight is a context; of 50×20
    weights the first eight, the last eight and each eighth of all are contexts.
    """
    judge(run, "weights-3", notes)


@clause("weights-2")
def test_the_rate_of_many_weights_is_the_same(impl: Linear, run: Run) -> None:
    """The share dropped of a weight of 80×150 is the rate, at 0.1 and 0.5.

    A probe cannot tell so many weights apart, so one-hot examples show them one by one. A number
    dropped that has probability below 10^-18 is refused.
    """
    for rate in (0.1, 0.5):
        y = of_many_weights(impl, rate, run.seed_for(f"weights-2 of many at {rate}"))
        require_share(
            int((~nonzero(y)).sum()), y.size, rate, f"of a weight of shape {FAR} at rate {rate}"
        )


@clause("weights-3")
def test_weights_of_every_input_are_dropped(impl: Linear, run: Run) -> None:
    """In a weight of 80×150 the 80 weights of an input are never all dropped or all kept, at
    rate 0.5.

    One call with one-hot examples shows them.
    """
    y = of_many_weights(impl, 0.5, run.seed_for("weights-3 of many inputs"))
    dropped = (~nonzero(y)).sum(1)
    require_negligible_probability(np.log(2 * len(y)) + y.shape[1] * np.log(0.5))
    for which in np.flatnonzero(np.isin(dropped, (0, y.shape[1])))[:1]:
        fate = "dropped" if dropped[which] else "kept"
        raise Violation(
            f"the {y.shape[1]} weights of input {which} of {len(y)} were all {fate} at rate 0.5"
        )


@clause("weights-4")
def test_no_inputs_or_outputs_of_many_are_dropped_alike(impl: Linear, run: Run) -> None:
    """In a weight of 80×150 no two inputs, and no two outputs, have all their weights dropped alike
    at rate 0.5.

    One call with one-hot examples shows them.
    """
    mask = nonzero(of_many_weights(impl, 0.5, run.seed_for("weights-4 of many")))
    for what, of_each in (("inputs", mask), ("outputs", mask.T)):
        require_negligible_probability(2 * np.log(len(of_each)) + of_each.shape[1] * np.log(0.5))
        if alike := len(of_each) - len(np.unique(of_each, axis=0)):
            raise Violation(
                f"the weights of {alike} of {len(of_each)} {what} were dropped just as those of"
                " another at rate 0.5"
            )


@clause("weights-4")
def test_weights_of_one_mask_are_independent(run: Run, notes: Notes) -> None:
    """The drop rate is the same whether the left neighbour in the row of W, or the same input's
    weight of the output before, was dropped or survived.

    Both are looked at in the main campaigns, and the left neighbour also in small calls and in
    calls that want a gradient.
    """
    judge(run, "weights-4", notes)


@clause("weights-5")
@given(seed=seeds())
def test_examples_share_a_mask_as_claimed(impl: Linear, seed: int, notes: Notes) -> None:
    """Each of sixteen examples has a mask of its own, or all share one: as claimed, and where
    nothing is claimed, either.

    A case is one call through 256 weights at rate 0.5, whose masks are all equal, or no two are.
    """
    if impl.examples == 1:
        raise NotClaimed("only one masked weight is seen of a call, whatever the examples")
    masks = draw(impl, seed, impl.examples).reshape(impl.examples, -1)
    require_negligible_probability(2 * np.log(impl.examples) + masks.shape[1] * np.log(0.5))
    distinct = len(np.unique(masks, axis=0))
    seen = {1: "call", impl.examples: "example"}.get(distinct, "")
    notes.certificate = {"call": "one mask a call", "example": "a mask for each example"}.get(
        seen, ""
    )
    if seen != impl.mask_per:
        notes.observe(Seen.MASKS, distinct)
        kinds = {
            "example": "a mask for each example",
            "call": "one mask for all examples of a call",
        }
        claimed = "it claims" if impl.claimed_mask_per else "it seemed to have"
        raise Violation(
            f"{impl.examples} examples of a call had {distinct} different masks, where {claimed}"
            f" {kinds[impl.mask_per]}"
        )


@clause("weights-5")
def test_weights_far_apart_are_independent(run: Run, impl: Linear, notes: Notes) -> None:
    """The drop rate is the same whether the weight 256 places before was dropped or survived.

    In the main campaigns, where each example has a mask, that is the same weight of the example
    before.
    """
    judge(run, "weights-5", notes)


@clause("weights-6")
def test_successive_calls_are_independent(run: Run, notes: Notes) -> None:
    """The drop rate is the same whether the same weight was dropped or survived in the call before,
    in large layers and small ones.

    Calls of the main campaigns, small calls, and calls that want a gradient are looked at.
    """
    judge(run, "weights-6", notes)


@clause("weights-7")
def test_the_number_dropped_is_binomial(run: Run, notes: Notes) -> None:
    """The number dropped of 256 weights, and of a whole call, large or small, varies as a Binomial
    does: no fixed count.

    Rows of 256 and whole calls are counted in the main campaigns, and whole calls in small layers.
    No sum is judged in a campaign whose rate is wrong.
    """
    judge(run, "weights-7", notes)


@clause("weights-8")
def test_masks_do_not_repeat(run: Run, notes: Notes) -> None:
    """Bits of the masks agree half of the time at every lag below 65,536, and no stretch of 256 or
    1,024 weights repeats.

    Lags are looked at in the first 2^19 bits at rate 0.5 in float32, and overlaps of 96 weights in
    the first 32 calls there. Equal stretches are sought in the main campaigns at rates 0.1, 0.5 and
    0.9, and equal masks in calls of 50×20 weights. A mask that serves a whole call is counted once.
    """
    judge(run, "weights-8", notes)


@clause("weights-8", should=True)
def test_masks_do_not_even_seldom_repeat(run: Run) -> None:
    """No two calls have a stretch in common, not even once in many calls."""
    judge_seldom(run, "weights-8")
