"""Chapter `scale`: what a survivor and a dropped element become."""

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
    """Where an output is not 0, and x / keep does not overflow: of what does, numerics-2 tells.

    Inputs hold no zeros here, so a zero can only be a drop; a case without survivors decides
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
    """A survivor equals x / keep, to the ulps that the clause allows."""
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
    """Of 4,096 ones every survivor is 1 / keep, at six rates; what it is instead tells one wrong
    scale from another.
    """
    require_scales(impl, run.seed_for("scale-1"), notes)


@clause("scale-1", should=True)
@given(case=cases("plain", "wide"))
def test_survivors_are_rescaled_to_one_ulp(impl: Implementation, case: Case) -> None:
    """A survivor should equal x / keep to 1 ulp."""
    y = impl.train(case.x, case.rate, case.seed).output
    require_rescaled(y, case.x, case.rate, survivors(y, case), strictly=True)


@clause("scale-2")
@given(case=cases("plain", "huge"))
def test_dropped_elements_are_exactly_zero(impl: Implementation, case: Case) -> None:
    """An output that is smaller than its input is no survivor, so it must be exactly zero."""
    x, y = case.x, impl.train(case.x, case.rate, case.seed).output
    # a survivor is never smaller than its input
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
    """Output over input is one number over all survivors of three calls, to 2 ulps either way."""
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
    """Every output is 0 or near x / keep: nothing is added, no sign is lost, and 0 stays 0."""
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
