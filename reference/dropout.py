"""Inverted dropout in NumPy, to be read beside spec/dropout.md.

Chance and arithmetic are kept apart: `draw_mask` decides which units survive, and everything
after it follows from that mask. Rate is the probability that a unit is dropped; keep is 1 -
rate; a mask is True where a unit survives.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from ml_dtypes import bfloat16
from numpy.typing import NDArray

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def check_rate(rate: float) -> float:
    """The rate itself, if it is a probability (edge-3, edge-4).

    Raises TypeError for a rate that is not a real number, and ValueError for one outside [0, 1],
    NaN included.
    """
    if not isinstance(rate, numbers.Real):
        raise TypeError(f"a rate is a number from 0 to 1, not {type(rate).__name__}")
    # false for NaN as well, where `rate < 0 or rate > 1` would let it through
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate is a number from 0 to 1, not {rate}")
    return float(rate)


def draw_mask(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> Mask:
    """A mask of that shape: every unit survives with probability 1 - rate, on its own (rate-1,
    independence-1 … 6).

    The uniforms have 53 bits whatever the dtype of the data: with fewer, small rates could not
    be met (rate-4).
    """
    # random() < 1, so nothing survives rate 1, and all survive rate 0
    return np.asarray(rng.random(shape) >= rate)


def apply_mask(x: Array, mask: Mask, rate: float) -> Array:
    """x / keep where the mask is True, and 0 elsewhere, in the dtype of x (scale-1, scale-2,
    layout-1).

    Dropped elements are selected away, not multiplied by 0, so that a dropped inf or NaN gives 0
    as well (edge-7).
    """
    if not (np.issubdtype(x.dtype, np.floating) or x.dtype == bfloat16):
        raise TypeError(
            f"dropout needs floating input, not {x.dtype}: x / keep is no integer (edge-8)"
        )
    keep = 1 - rate
    # where x / keep exceeds the dtype, infinity is the right answer (numerics-2)
    with np.errstate(over="ignore"):
        # at rate 1 nothing survives, and 0 / 0 would only warn
        scaled = divide(x, keep) if keep else x
    out = np.zeros_like(x)  # in the memory format of x (layout-5)
    np.copyto(out, scaled, where=mask)
    return out


def divide(x: Array, keep: float) -> Array:
    """x / keep, formed in float64 and rounded once to the dtype of x."""
    return np.asarray(x.astype(np.float64) / keep).astype(x.dtype)


def gradient(upstream: Array, mask: Mask, rate: float) -> Array:
    """The gradient with respect to the input: the upstream gradient through the very same mask and
    scale (gradient-1 … 3).
    """
    return apply_mask(upstream, mask, rate)


def dropout(x: Array, rate: float, rng: np.random.Generator, training: bool = True) -> Array:
    """Dropout of x: masked and rescaled in training, x itself in evaluation and at rate 0 (eval-1,
    edge-1).

    Raises TypeError or ValueError for a bad rate (edge-3, edge-4), TypeError for integer
    input (edge-8).
    """
    rate = check_rate(rate)
    if not training or rate == 0:
        return x
    return apply_mask(x, draw_mask(x.shape, rate, rng), rate)
