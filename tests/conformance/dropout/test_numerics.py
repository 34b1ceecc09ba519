"""Chapter `numerics`: floating dtypes, overflow and subnormal numbers."""

import numpy as np

from dropspec.core.arrays import FRACTION_BITS, nonzero
from dropspec.core.cases import Case
from dropspec.core.compare import require, require_rescaled, rescaled
from dropspec.core.errors import NotClaimed, Violation
from dropspec.core.implementation import Implementation
from dropspec.core.notes import Notes
from dropspec.core.recipes import cases
from dropspec.core.risk import require_negligible_probability
from dropspec.properties import assume, clause, given
from dropspec.properties.trials import require_every_dtype, require_right_values_in_every_dtype
from dropspec.session.run import Run


@clause("numerics-1")
def test_every_dtype_is_taken(impl: Implementation, notes: Notes) -> None:
    """float16, bfloat16, float32 and float64 are all accepted.

    The other clauses are judged in each dtype that is accepted.
    """
    require_every_dtype(impl, notes)


@clause("numerics-1")
def test_every_dtype_gets_right_values(impl: Implementation, run: Run) -> None:
    """In each dtype alone survivors are x / keep, the others are 0, and the dtype is kept.

    129 units at rate 0.3 are held to scale-1 in each dtype.
    """
    require_right_values_in_every_dtype(impl, run)


@clause("numerics-2")
@given(case=cases("huge"))
def test_overflow_only_where_the_result_overflows(impl: Implementation, case: Case) -> None:
    """A survivor is infinite only where x / keep is, or is so close to the largest number that
    rounding may take it there.

    Values are huge, and rates are those of all cases, up to 0.999. Nowhere is an output NaN.
    """
    x = case.x
    y = impl.train(x, case.rate, case.seed).output
    expected = rescaled(x, case.rate)
    with np.errstate(over="ignore"):
        ulps_above = expected.astype(np.longdouble) * (
            1 + np.longdouble(0.5) ** (FRACTION_BITS[case.dtype] - 2)
        )
        fits = np.isfinite(expected) & np.isfinite(ulps_above.astype(np.float64).astype(x.dtype))
    assume(fits.any())
    require(
        np.isfinite(y) | ~fits,
        f"no overflow where x / keep is finite, at rate {case.rate:.6g}",
        x=x,
        expected=expected,
        got=y,
    )
    require(~np.isnan(y), f"finite input must not give NaN, at rate {case.rate:.6g}", x=x, got=y)


@clause("numerics-3")
@given(case=cases("subnormal"))
def test_subnormals_survive(impl: Implementation, case: Case) -> None:
    """Subnormal inputs are dropped or rescaled as any other, not flushed: over a quarter survive
    rates up to 0.5 as x / keep.

    512 inputs are spread over all sizes, so flushing the smallest alone shows as well. Not claimed
    where the arithmetic of the framework itself flushes.
    """
    if impl.facts.flushes:
        raise NotClaimed("its framework's own arithmetic flushes subnormal numbers to 0")
    x = np.resize(case.x, 512).astype(case.x.dtype)
    rate = min(case.rate, 0.5)
    y = impl.train(x, rate, case.seed).output
    # Hoeffding's inequality for a quarter where half survive
    require_negligible_probability(-2 * 512 * 0.25**2)
    if nonzero(y).sum() <= 128:
        raise Violation(
            f"{int(nonzero(y).sum())} of 512 subnormal inputs survived rate {rate:.6g}: they are"
            " flushed to 0"
        )
    require_rescaled(y, x, rate, nonzero(y))
