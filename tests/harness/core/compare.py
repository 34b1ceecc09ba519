"""Comparisons that explain themselves: distances in ulps, and sentences that say what was expected,
what came, and where.
"""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropspec.core.arrays import FRACTION_BITS, Array, Bits, raw
from dropspec.core.errors import Violation


def ulps_between(a: Array, b: Array) -> NDArray[np.float64]:
    """How many representable steps lie between a and b, element by element; infinite where just one
    of them is NaN.

    Both have the same floating dtype. 0 and -0 are no step apart, and neither are NaN and NaN.
    """
    (sign_a, size_a), (sign_b, size_b) = _sign_and_rank(a), _sign_and_rank(b)
    across_zero = size_a.astype(np.float64) + size_b
    steps = np.where(sign_a == sign_b, np.abs(size_a - size_b), across_zero)
    nan_a, nan_b = np.isnan(a), np.isnan(b)
    return np.where(nan_a | nan_b, np.where(nan_a & nan_b, 0.0, np.inf), steps)


def _sign_and_rank(x: Array) -> tuple[Bits, NDArray[np.int64]]:
    """The sign bit, and the place of |x| among the representable numbers, counted from 0."""
    bits = raw(np.asarray(x, order="C"))
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    return np.asarray(bits & sign != 0), np.asarray(bits & ~sign).astype(np.int64)


def rescaled(x: Array, rate: float, dtype: np.dtype[Any] | None = None) -> Array:
    """x / keep, formed in extended precision and rounded to the dtype of x, or to another."""
    with np.errstate(all="ignore"):
        exact = x.astype(np.float64).astype(np.longdouble) / (
            np.longdouble(1) - np.longdouble(rate)
        )
        nearest = exact.astype(np.float64)
        # what lies beside a tie of the narrow dtype must not be rounded onto it first
        if (dtype or x.dtype) != np.float64:
            beyond = np.where(exact > nearest, np.inf, np.where(exact < nearest, -np.inf, nearest))
            nearest = np.nextafter(nearest, beyond)
        return np.asarray(nearest.astype(dtype or x.dtype))


def ulps_allowed(dtype: np.dtype[Any], rate: float, *, strictly: bool = False) -> int:
    """How far a survivor may lie from x / keep (scale-1): 2 ulps, and what one rounding of rate, of
    keep and, for doubles, of 1 / keep to single precision costs, where they are no
    single-precision numbers.

    Strictly (the SHOULD of scale-1): 1 ulp, and one rounding of keep in the wider of single and
    the output's own precision.
    """
    is_double = dtype == np.float64
    of_keep = 2.0**-53 if strictly and is_double else 2.0**-24
    of_scale = 2.0**-24 if is_double and not strictly else 0.0  # half an ulp of 1 / keep
    rounded = (rate, 1 - rate) if strictly or not is_double else (rate, 1 - rate, 1 / (1 - rate))
    if all(float(np.float32(exact)) == exact for exact in rounded):
        of_keep = of_scale = 0.0  # nothing to round
    # an ulp relative to the largest number of its binade
    finest_ulp = 2.0 ** -(FRACTION_BITS[dtype.name] + 1)
    return int((1 if strictly else 2) + (of_keep / (1 - rate) + of_scale) / finest_ulp)


def require(ok: Bits, message: str, **seen: Array) -> None:
    """Raises Violation unless every element is ok; the sentence names the first that is not, with
    the arrays given at that place.
    """
    if ok.all():
        return
    at = tuple(int(i) for i in np.argwhere(~ok)[0])
    numbers = {name: float(values[at]) for name, values in seen.items()}
    texts = {name: number(value) for name, value in numbers.items()}
    # they differ by less, as in double precision
    if len(set(texts.values())) < len(set(numbers.values())):
        texts = {name: repr(value) for name, value in numbers.items()}
    values = ", ".join(f"{name} = {text}" for name, text in texts.items())
    where = f"at index {at if len(at) != 1 else at[0]}" if at else "in the only element"
    raise Violation(f"{message}; {where}: {values} ({int((~ok).sum())} of {ok.size} elements)")


def require_rescaled(
    y: Array, x: Array, rate: float, where: Bits, *, what: str = "output", strictly: bool = False
) -> float:
    """Raises Violation where y is not x / keep to the ulps that scale-1 allows; returns the most
    ulps seen.
    """
    ulps = ulps_between(y[where], rescaled(x[where], rate, y.dtype))
    allowed, most = ulps_allowed(y.dtype, rate, strictly=strictly), float(ulps.max(initial=0))
    if most > allowed:
        right = np.asarray(~where)  # of no axis, it is no array
        right[where] = ulps <= allowed
        message = (
            f"a survivor's {what} must be x / keep to {allowed} ulp at rate {rate:.6g} ({y.dtype})"
        )
        require(right, message, x=x, expected=rescaled(x, rate, y.dtype), got=y)
    return most


def require_identical(y: Array, x: Array, what: str) -> None:
    """Raises Violation unless y equals x bit for bit; any NaN equals any NaN, as IEEE 754 leaves
    its sign and payload open.
    """
    if y.shape != x.shape:
        raise Violation(f"{what}; expected shape {x.shape}, got {y.shape}")
    same = y == x
    if y.dtype == x.dtype:
        with np.errstate(invalid="ignore"):  # signalling NaN
            same = (raw(np.asarray(y, order="C")) == raw(np.asarray(x, order="C"))) | (
                np.isnan(x) & np.isnan(y)
            )
    require(np.asarray(same), what, expected=x, got=y)


def number(value: Any) -> str:
    """A number in the digits that tell all of single precision apart."""
    return "nan" if isnan(float(value)) else f"{float(value):.9g}"
