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
    """At every rate and in every dtype, the share dropped is the rate to the stated tolerance."""
    judge(run, "rate-1", notes)


UNITS = 1 << 17


@clause("rate-1")
@given(case=cases(layouts=("contiguous",), ranks=(1,)))
def test_the_drop_probability_is_the_rate_at_drawn_rates(impl: Implementation, case: Case) -> None:
    """At rates on no list, too, the share dropped of 2^17 units is the rate, to what chance allows
    once in 10^18.
    """
    y = impl.train(np.ones(UNITS, DTYPES[case.dtype]), case.rate, case.seed).output
    require_share(
        int(UNITS - nonzero(y).sum()), UNITS, case.rate, f"at rate {case.rate:.6g} in {case.dtype}"
    )


@clause("rate-1")
def test_a_rate_is_not_rounded(impl: Implementation, run: Run) -> None:
    """At rates of more digits than most, the share dropped of 2^20 units tells the rate from one
    rounded to hundredths.
    """
    for rate in (0.0001, 0.0025, 0.025, 0.255, 0.745):
        y = impl.train(
            np.ones(1 << 20, DTYPES[impl.dtypes[0]]), rate, run.seed_for(f"rate-1 {rate}")
        ).output
        require_share(int(y.size - nonzero(y).sum()), y.size, rate, f"at rate {rate}")


@clause("rate-2")
def test_every_position_has_the_same_drop_probability(run: Run, notes: Notes) -> None:
    """First, last, odd tail, every column: no position has a rate of its own."""
    judge(run, "rate-2", notes)


@clause("rate-3")
def test_the_drop_probability_does_not_depend_on_the_input(run: Run, notes: Notes) -> None:
    """Negative or positive, small or large: the value of an input has no influence on its fate."""
    judge(run, "rate-3", notes)


@clause("rate-3")
def test_numbers_of_all_sizes_are_dropped_alike(impl: Implementation, run: Run) -> None:
    """Of 4,096 inputs of one size, from the smallest that are common to the largest, half are
    dropped at rate 0.5.
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
    """One NaN or infinity among 4,096 ones does not change that half of them are dropped at rate
    0.5.
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
    """A torch layer in training drops at the rate with a gradient or without, on a leaf or not,
    under no_grad and inference_mode.
    """
    for rate in (0.1, 0.001):
        impl.reseed(run.seed_for(f"rate-4 {rate}"))
        for what, mask in impl.driver.masks_by_mode(rate, 1 << 16):
            require_share(int(mask.size - mask.sum()), mask.size, rate, f"at rate {rate} in {what}")


@clause("rate-4")
def test_the_drop_probability_does_not_depend_on_dtype_shape_or_layout(
    run: Run, notes: Notes
) -> None:
    """The same rate in half precision, transposed, strided, expanded, channels-last, in a batch of
    one, and from 1 to 2^18 units.
    """
    judge(run, "rate-4", notes)


@clause("rate-5", should=True)
def test_a_changed_rate_takes_effect(impl: Implementation, run: Run) -> None:
    """After the layer's rate is assigned, the next call drops and scales at the new rate."""
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
