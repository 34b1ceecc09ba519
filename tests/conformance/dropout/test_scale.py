"""Chapter `scale`: the values of survivors and of dropped elements."""

import numpy as np

from dropspec.core.arrays import DTYPES, Array, Bits, nonzero
from dropspec.core.cases import LARGE, Case
from dropspec.core.compare import require, require_rescaled, rescaled, ulps_between
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen
from dropspec.core.recipes import cases
from dropspec.properties import assume, clause, given
from dropspec.properties.trials import require_scales
from dropspec.session.run import Run


def survivors(y: Array, case: Case) -> Bits:
    """Where an output is not 0 and x / keep does not overflow (numerics-2 is about overflow).

    Inputs hold no zeros here, so a zero can only be a drop. A case without survivors decides
    nothing.
    """
    mask = nonzero(y)
    if case.values == "wide":
        mask &= np.isfinite(rescaled(case.x, case.rate, y.dtype))
    assume(mask.any())
    return mask


@clause("scale-1")
@given(*(Case(LARGE, dtype, values="wide") for dtype in DTYPES), case=cases("plain", "wide"))
def test_survivors_are_rescaled(impl: Implementation, case: Case, notes: Notes) -> None:
    """A survivor equals x / keep, to the ulps that the clause allows.

    Cases are plain and wide, and one in each dtype has 257×257 elements. The certificate prints
    the largest distance seen in each dtype.
    """
    y = impl.train(case.x, case.rate, case.seed).output
    mask = survivors(y, case)
    ulps = require_rescaled(y, case.x, case.rate, mask)
    dtype = y.dtype.name
    before = {one.dtype: one.value for one in notes.observations if one.kind is Seen.ULPS}
    largest = before | {dtype: max(ulps, before.get(dtype, 0.0))}
    notes.observe(Seen.ULPS, largest[dtype], dtype=dtype)
    said = ", ".join(f"{name} {value:g}" for name, value in sorted(largest.items()))
    notes.certificate = f"ulps seen: {said}"


@clause("scale-1")
def test_the_scale_is_right_at_many_rates(impl: Implementation, run: Run, notes: Notes) -> None:
    """At six rates every survivor of 4,096 ones is 1 / keep, to the ulps that the clause allows.

    The rates are 0.1, 0.3, 0.5, 0.7, 0.9 and 0.99. All scales are noted before one is refused:
    together they tell one wrong scale from another.
    """
    require_scales(impl, run.seed_for("scale-1"), notes)


@clause("scale-1", should=True)
@given(case=cases("plain", "wide"))
def test_survivors_are_rescaled_to_one_ulp(impl: Implementation, case: Case) -> None:
    """A survivor should equal x / keep to 1 ulp and one rounding of keep.

    Cases are plain and wide.
    """
    y = impl.train(case.x, case.rate, case.seed).output
    require_rescaled(y, case.x, case.rate, survivors(y, case), strictly=True)


@clause("scale-2")
@given(case=cases("plain", "huge"))
def test_dropped_elements_are_exactly_zero(impl: Implementation, case: Case) -> None:
    """A dropped element is exactly zero.

    An output of less than half its input's size counts as dropped, as a survivor is never smaller
    than its input. A larger remainder violates scale-1 and scale-4. Cases are plain and huge.
    """
    x, y = case.x, impl.train(case.x, case.rate, case.seed).output
    smaller = np.abs(y.astype(float)) < 0.5 * np.abs(x.astype(float))
    require(
        ~(smaller & nonzero(y)),
        f"a dropped element must be exactly 0 at rate {case.rate:.6g}",
        x=x,
        got=y,
    )


@clause("scale-3")
@given(case=cases(layouts=("contiguous",)))
def test_the_scale_is_the_same_for_every_survivor_and_call(
    impl: Implementation, case: Case
) -> None:
    """Output over input is one number over all survivors of three calls, to 2 ulps either way.

    One layer is called three times on ones, and no survivor may lie more than 4 steps from the
    smallest one.
    """
    impl.reseed(case.seed)
    layer, x = impl.layer(case.rate), np.ones_like(case.x)
    outputs = np.stack([layer.train(x).output for _ in range(3)])
    mask = nonzero(outputs)
    assume(mask.any())
    smallest = np.full_like(outputs, outputs[mask].min())
    apart = np.where(mask, ulps_between(outputs, smallest), 0)
    require(
        apart <= 4,
        f"all survivors must have one scale at rate {case.rate:.6g} (inputs are 1)",
        smallest=smallest,
        another=outputs,
    )


@clause("scale-4")
@given(case=cases("zeros", "plain"))
def test_no_other_value_occurs(impl: Implementation, case: Case) -> None:
    """Every output is 0 or near x / keep: nothing is added, no sign is lost, and 0 stays 0.

    Near means within a relative 2^-5. Cases are plain and zeros.
    """
    x, y = case.x.astype(float), impl.train(case.x, case.rate, case.seed).output.astype(float)
    scaled = x / (1 - case.rate)
    near = np.abs(y - scaled) <= 2.0**-5 * np.abs(scaled)
    require(
        (y == 0) | near,
        f"an output must be 0 or x / keep at rate {case.rate:.6g}",
        x=x,
        x_over_keep=scaled,
        got=y,
    )
