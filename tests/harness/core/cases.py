"""Inputs of properties: a case is a small recipe from which NumPy builds the arrays, cheap, small
to print and good to shrink.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from zlib import crc32

import numpy as np

from dropspec.core.arrays import DTYPES, Array, laid_out

LARGE = (257, 257)  # more than 2^16 elements, and odd in both


@dataclass(frozen=True)
class Case:
    """A recipe for one call: everything about it follows from these fields.

    values: `plain` normal numbers; `wide` magnitudes over the whole dtype; `subnormal`; `huge`
    up to the largest number; `zeros` both zeros among plain numbers; `special` NaN, both
    infinities and both zeros among plain numbers.
    """

    shape: tuple[int, ...] = (7,)
    dtype: str = "float32"
    layout: str = "contiguous"
    values: str = "plain"
    rate: float = 0.1
    seed: int = 0

    @property
    def x(self) -> Array:
        """The input."""
        return laid_out(self._numbers("input", self.values), self.layout)

    @property
    def upstream(self) -> Array:
        """An upstream gradient for it, without zeros, contiguous."""
        return np.asarray(self._numbers("upstream", "plain"))

    @property
    def wide_upstream(self) -> Array:
        """The same of magnitudes over the whole dtype."""
        return np.asarray(self._numbers("upstream", "wide"))

    def for_dtypes(self, dtypes: tuple[str, ...]) -> Case:
        """This case if the dtype is one of these, else the same in the first of them."""
        return self if self.dtype in dtypes else replace(self, dtype=dtypes[0])

    def _numbers(self, role: str, values: str) -> Array:
        return numbers(role, self.shape, DTYPES[self.dtype], values, self.seed)


@lru_cache(maxsize=4096)  # many properties share a case, and some ask for its input twice
def numbers(
    role: str, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str, seed: int
) -> Array:
    """Numbers of a kind (see Case.values), the same for the same arguments; not to be changed."""
    drawn = np.asarray(
        _drawn(
            np.random.default_rng([crc32(f"{role} {shape} {values}".encode()), seed]),
            shape,
            dtype,
            values,
        )
    )
    drawn.flags.writeable = False
    return drawn


def _drawn(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str
) -> Array:
    if values == "integers":
        return rng.integers(-4, 5, shape).astype(dtype)
    plain = rng.choice([-1.0, 1.0], shape) * (0.25 + np.abs(rng.standard_normal(shape)))
    if values == "plain":
        return plain.astype(dtype)
    if values in ("zeros", "special"):
        pool = [0.0, -0.0] if values == "zeros" else [np.nan, np.inf, -np.inf, 0.0, -0.0]
        return np.where(rng.random(shape) < 0.5, rng.choice(pool, shape), plain).astype(dtype)
    return _across_binades(rng, shape, dtype, values)


def _across_binades(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.float64], values: str
) -> Array:
    """Numbers drawn by their bits, of either sign and never 0: subnormals of all sizes, the top
    eight binades, or any finite ones.
    """
    unsigned = np.dtype(f"u{dtype.itemsize}")
    infinity = int(np.asarray(np.inf).astype(dtype).view(unsigned))
    binade = int(np.asarray(2.0).astype(dtype).view(unsigned)) - int(
        np.asarray(1.0).astype(dtype).view(unsigned)
    )
    low, high = {
        "subnormal": (1, binade),
        "huge": (infinity - 8 * binade, infinity),
        "wide": (1, infinity),
    }[values]
    magnitude = rng.integers(low, high, shape, dtype=np.uint64).astype(unsigned)
    if values == "subnormal":
        magnitude = np.maximum(
            magnitude >> rng.integers(0, binade.bit_length(), shape).astype(unsigned), 1
        ).astype(unsigned)
    sign = rng.integers(0, 2, shape, dtype=np.uint64).astype(unsigned) << unsigned.type(
        8 * dtype.itemsize - 1
    )
    return np.asarray(magnitude | sign).view(dtype)
