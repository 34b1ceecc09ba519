"""Arrays as the harness hands them to an implementation: four dtypes, any memory layout, and copies
that keep it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]
Bits = NDArray[np.bool_]

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
FRACTION_BITS = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
# powers of two, so that output / input is exact where the scale is
QUADRANTS = (-4.0, -0.25, 0.25, 4.0)
LAYOUTS = ("contiguous", "transposed", "strided", "expanded", "repeated", "channels-last")


def is_floating(dtype: np.dtype[Any]) -> bool:
    """True for the four dtypes that dropout is specified for."""
    return dtype in DTYPES.values()


def raw(x: Array) -> Array:
    """The bits of a floating array as unsigned integers, without copying."""
    return x.view(np.dtype(f"u{x.dtype.itemsize}"))


def nonzero(x: Array) -> Bits:
    """True where x is neither 0 nor -0; contiguous."""
    if x.dtype.itemsize > 2:
        return np.asarray(x != 0, order="C")
    bits = raw(np.asarray(x, order="C"))  # NumPy compares half precision slowly
    return np.asarray((bits << bits.dtype.type(1)) != 0)


def laid_out(values: Array, layout: str) -> Array:
    """An array with these values and this layout; `expanded` repeats the first entry of axis 0 with
    stride 0, `repeated` that of the last.

    A layout that the rank does not have (transposed below 2, channels-last other than 4) is
    contiguous.
    """
    if layout == "transposed" and values.ndim >= 2:
        return values.swapaxes(0, -1).copy().swapaxes(0, -1)
    if layout == "strided" and values.ndim >= 1:
        wide = np.repeat(values, 2, axis=-1)
        wide[..., 1::2] = 1  # what lies between must not look like the data
        return wide[..., ::2]
    if layout == "expanded" and values.ndim >= 1 and len(values):
        return as_strided(values[:1].copy(), values.shape, (0, *values.strides[1:]))
    if layout == "repeated" and values.ndim >= 1 and values.shape[-1]:
        first = values[..., :1].copy()
        return as_strided(first, values.shape, (*first.strides[:-1], 0))
    if layout == "channels-last" and values.ndim == 4:
        return values.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    return np.asarray(values, order="C")


def doubled(x: Array) -> Array:
    """2 x in the dtype of x, which is exact; NumPy before 2.2 makes `2 * x` of bfloat16 float32."""
    return (2 * x).astype(x.dtype)


def copy_as_laid_out(x: Array) -> Array:
    """A copy of x with the strides of x; where elements share memory in x, they do in the copy."""
    if x.flags.c_contiguous:
        return x.copy()
    span = (
        1 + sum((n - 1) * step // x.itemsize for n, step in zip(x.shape, x.strides, strict=True))
        if x.size
        else 0
    )
    return as_strided(as_strided(x, (span,), (x.itemsize,)).copy(), x.shape, x.strides)


@cache
def values(shape: tuple[int, ...]) -> Array:
    """The input of a campaign: numbers of either sign and two sizes, in an order that depends on
    the shape alone.
    """
    return np.asarray(
        np.array(QUADRANTS)[np.random.default_rng(list(shape)).integers(0, 4, shape, np.uint8)]
    )


def thue_morse_signs(count: int) -> Array:
    """1 or -1 for each place, balanced over each binary digit of the place (Thue and Morse)."""
    return np.where(np.bitwise_count(np.arange(count)) % 2, -1.0, 1.0)
