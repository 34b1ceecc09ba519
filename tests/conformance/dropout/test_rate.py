"""Chapter `rate`: how often a unit is dropped."""

import numpy as np

from dropspec.core.arrays import DTYPES, nonzero
from dropspec.core.cases import Case
from dropspec.core.errors import Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import clause, given
from dropspec.properties.trials import require_share
from dropspec.session.judge import judge
from dropspec.session.run import Run


@clause("rate-1")
def test_the_drop_probability_is_the_rate(run: Run, notes: Notes) -> None:
    """At every rate and in every dtype, the share dropped is the rate to the stated tolerance.

    Each main campaign is judged, and so is the one whose calls want a gradient.
    """
    judge(run, "rate-1", notes)


UNITS = 1 << 17


@clause("rate-1")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_the_drop_probability_is_the_rate_at_drawn_rates(impl: Implementation, case: Case) -> None:
    """At drawn rates, too, the share dropped is the rate.

    A case gives its rate and dtype. Of 2^17 ones, a number dropped that has probability below
    10^-18 is refused.
    """
    y = impl.train(np.ones(UNITS, DTYPES[case.dtype]), case.rate, case.seed).output
    require_share(
        int(UNITS - nonzero(y).sum()), UNITS, case.rate, f"at rate {case.rate:.6g} in {case.dtype}"
    )


@clause("rate-1")
def test_a_rate_is_not_rounded(impl: Implementation, run: Run) -> None:
    """At rates of many digits the share dropped is the rate, and not the rate in hundredths.

    Of 2^20 units at each of five rates, a number dropped that has probability below 10^-18 is
    refused.
    """
    for rate in (0.0001, 0.0025, 0.025, 0.255, 0.745):
        y = impl.train(
            np.ones(1 << 20, DTYPES[impl.dtypes[0]]), rate, run.seed_for(f"rate-1 {rate}")
        ).output
        require_share(int(y.size - nonzero(y).sum()), y.size, rate, f"at rate {rate}")


@clause("rate-2")
def test_every_position_has_the_same_drop_probability(run: Run, notes: Notes) -> None:
    """First, last, odd tail, every column: no position has a rate of its own.

    In the main campaigns and in calls of 512×512 and 131072×1, each binary digit of the index
    splits the positions into two groups. In small calls each position is a context; where there
    are more than 40, the first eight, the last eight and each eighth of all are contexts.
    """
    judge(run, "rate-2", notes)


@clause("rate-3")
def test_the_drop_probability_does_not_depend_on_the_input(run: Run, notes: Notes) -> None:
    """Negative or positive, small or large: the value of an input has no influence on its fate.

    The inputs of the main campaigns are -4, -0.25, 0.25 and 4, and each is a context.
    """
    judge(run, "rate-3", notes)


@clause("rate-3")
def test_numbers_of_all_sizes_are_dropped_alike(impl: Implementation, run: Run) -> None:
    """At rate 0.5 half of the units are dropped, whatever size all the inputs have.

    The inputs are 4,096 equal numbers, from 1e-30 to 1e30 in size (in float16 from 1e-6 to 1e4).
    A number dropped that has probability below 10^-18 is refused.
    """
    impl.reseed(run.seed_for("rate-3"))
    layer, dtype = impl.layer(0.5), DTYPES[impl.dtypes[0]]
    for size in (1e-30, 1e-6, 1e-4, -1e-2, 1.0, 100.0, -1e4, 1e6, 1e30):
        within = float(np.clip(size, -1e4, 1e4)) if dtype == np.float16 else size
        x = np.full(
            4096, max(within, 1e-6) if dtype == np.float16 and within > 0 else within
        ).astype(dtype)
        y = layer.train(x).output
        require_share(
            int(4096 - nonzero(y).sum()),
            4096,
            0.5,
            f"at rate 0.5, where all inputs are {float(x[0]):g}",
        )


@clause("rate-3")
def test_one_nan_does_not_change_the_fate_of_the_others(impl: Implementation, run: Run) -> None:
    """At rate 0.5 half of 4,096 ones are dropped, with one NaN or infinity among them, too.

    A number dropped that has probability below 10^-18 is refused.
    """
    impl.reseed(run.seed_for("rate-3"))
    layer = impl.layer(0.5)
    for value in (np.nan, np.inf):
        x = np.ones(4097, DTYPES[impl.dtypes[0]])
        x[2048] = value
        ones = np.delete(layer.train(x).output, 2048)
        require_share(
            int(4096 - nonzero(ones).sum()), 4096, 0.5, f"at rate 0.5, where one of them is {value}"
        )


@clause("rate-4")
def test_the_drop_probability_is_the_same_in_every_mode_of_autograd(
    impl: Implementation, run: Run
) -> None:
    """In training a torch layer drops at the rate in every mode of autograd.

    It is called on leaf and non-leaf tensors, with and without gradients, under torch.no_grad and
    torch.inference_mode, and with a gradient in every dtype. Of 2^16 units, at rates 0.1 and
    0.001, a number dropped that has probability below 10^-18 is refused.
    """
    for rate in (0.1, 0.001):
        impl.reseed(run.seed_for(f"rate-4 {rate}"))
        for what, mask in impl.driver.masks_by_mode(rate, 1 << 16):
            require_share(int(mask.size - mask.sum()), mask.size, rate, f"at rate {rate} in {what}")


@clause("rate-4")
def test_the_drop_probability_does_not_depend_on_dtype_shape_or_layout(
    run: Run, notes: Notes
) -> None:
    """The rate is the same in every dtype, shape, layout and batch size.

    Half precision is judged in the main campaigns. Float32 is judged transposed, strided,
    expanded, channels-last, in a batch of one, at ranks up to six, from 1 to 2^18 units, and at
    rate 0.01 in calls that want a gradient.
    """
    judge(run, "rate-4", notes)


@clause("rate-5", should=True)
def test_a_changed_rate_takes_effect(impl: Implementation, run: Run) -> None:
    """After the layer's rate is assigned, the next call drops and scales at the new rate.

    A layer built with rate 0.5 is called once, its rate is set to 0.9, and it is called again, on
    4,096 ones.
    """
    impl.reseed(run.seed_for("rate-5"))
    layer, x = impl.layer(0.5), np.ones(4096, DTYPES[impl.dtypes[0]])
    layer.train(x)
    layer.set_rate(0.9)
    y = layer.train(x).output
    share = float(1 - nonzero(y).mean())
    # Hoeffding's inequality for a share below .75 where .9 is right
    require_negligible_probability(-2 * 4096 * 0.15**2)
    if not 0.75 < share < 1:
        raise Violation(
            f"after the layer's rate was changed from 0.5 to 0.9, {share:.3f} of 4096 units were"
            " dropped, where 0.9 is right"
        )
    scale = float(y.max())
    if not 9 < scale < 11:
        raise Violation(
            "after the layer's rate was changed from 0.5 to 0.9, survivors are scaled by"
            f" {scale:g}, where 10 is right"
        )
