"""DropConnect in NumPy, to be read beside spec/dropconnect.md (Wan et al. 2013).

A linear layer whose weights are dropped, not its activations: y = (M ∘ W) x / keep + b. As in
`dropout`, the drawing is kept apart from arithmetic: `draw_masks` decides which weights survive,
and everything after it follows from those masks.

x has the shape (examples, inputs), a weight (outputs, inputs), a bias (outputs,), a mask that of
the weight, or with one for each example (examples, outputs, inputs). Products are formed in
float64 and rounded once to the dtype of x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .dropout import Array, Mask, apply_mask, check_rate, draw_mask

Sharing = Literal["example", "call"]


@dataclass(frozen=True)
class Gradients:
    """The gradients with respect to the input, the weight and the bias, each of the shape of its
    own.
    """

    x: Array
    weight: Array
    bias: Array


def draw_masks(
    examples: int,
    weight: Array,
    rate: float,
    rng: np.random.Generator,
    mask_per: Sharing = "example",
) -> Mask:
    """A mask for each example, as in the paper, or one for the whole call (weights-1 … 8)."""
    return draw_mask(
        (examples, *weight.shape) if mask_per == "example" else weight.shape, rate, rng
    )


def forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    mask: Mask,
    rate: float,
    bias_mask: Mask | None = None,
) -> Array:
    """(M ∘ W) x / keep + b (product-1 … 3).

    The bias is kept as it is, as in most code; the paper drops it like a weight, which is what
    `bias_mask` is for, of shape (outputs,) or (examples, outputs).
    """
    y = _product(_masked(weight, mask, rate), x)
    if bias is not None:
        y = y + (bias if bias_mask is None else _masked(bias, bias_mask, rate)).astype(np.float64)
    return y.astype(x.dtype)


def gradients(
    upstream: Array, x: Array, weight: Array, mask: Mask, rate: float, bias_mask: Mask | None = None
) -> Gradients:
    """The gradients for an upstream gradient of shape (examples, outputs), through the very masks
    of the forward (backprop-1 … 3).
    """
    g, inputs = upstream.astype(np.float64), x.astype(np.float64)
    masked = _masked(weight, mask, rate)
    of_x = np.einsum(
        "no,noi->ni" if masked.ndim == 3 else "no,oi->ni", g, masked.astype(np.float64)
    )
    of_each = apply_mask(
        g[:, :, None] * inputs[:, None, :], np.broadcast_to(mask, (len(x), *weight.shape)), rate
    )
    of_bias = g if bias_mask is None else apply_mask(g, np.broadcast_to(bias_mask, g.shape), rate)
    return Gradients(
        of_x.astype(x.dtype),
        of_each.sum(0).astype(weight.dtype),
        of_bias.sum(0).astype(weight.dtype),
    )


def mean_field(x: Array, weight: Array, bias: Array | None) -> Array:
    """W x + b: the plain layer, which is what evaluation gives (inference-1)."""
    y = _product(weight, x)
    return (y if bias is None else y + bias.astype(np.float64)).astype(x.dtype)


def moments(x: Array, weight: Array, bias: Array | None, rate: float) -> tuple[Array, Array]:
    """The mean W x + b and the variance rate / keep · (W ∘ W)(x ∘ x) of the output over masks, in
    float64 (product-4, product-5).

    The paper's variance p (1 - p) (W ∘ W)(v ∘ v) is that without the scaling by 1 / keep in
    training. At rate 1 both terms of the scaled sum are 0: nothing survives, so the variance is
    0.
    """
    wide = [a.astype(np.float64) for a in (x, weight)]
    ratio = rate / (1 - rate) if rate < 1 else 0.0
    return mean_field(wide[0], wide[1], bias), ratio * _product(wide[1] ** 2, wide[0] ** 2)


def moment_matching(
    x: Array,
    weight: Array,
    bias: Array | None,
    rate: float,
    rng: np.random.Generator,
    samples: int = 1000,
    activation: Callable[[Array], Array] | None = None,
) -> Array:
    """The paper's inference: the mean, after the activation, of samples from a normal with the
    output's own moments (inference-5 … 7).
    """
    mean, variance = moments(x, weight, bias, rate)
    u = mean + np.sqrt(variance) * rng.standard_normal((samples, *mean.shape))
    return np.asarray((u if activation is None else activation(u)).mean(0)).astype(x.dtype)


def dropconnect(
    x: Array,
    weight: Array,
    bias: Array | None,
    rate: float,
    rng: np.random.Generator,
    training: bool = True,
    mask_per: Sharing = "example",
) -> Array:
    """DropConnect of a linear layer: masked in training, the plain layer in evaluation and at rate
    0 (inference-1, limits-1).

    Here x may have any number of axes before the last, all of them examples (product-6). Raises
    TypeError or ValueError for a bad rate (limits-3).
    """
    rate = check_rate(rate)
    examples = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    if not training or rate == 0:
        y = mean_field(examples, weight, bias)
    else:
        y = forward(
            examples, weight, bias, draw_masks(len(examples), weight, rate, rng, mask_per), rate
        )
    return y.reshape(*x.shape[:-1], len(weight))


def _masked(weight: Array, mask: Mask, rate: float) -> Array:
    """M ∘ W / keep in the dtype of the weight, for one mask or for one an example."""
    return apply_mask(np.array(np.broadcast_to(weight, mask.shape)), mask, rate)


def _product(weight: Array, x: Array) -> Array:
    """W x in float64, for one weight matrix or for one an example."""
    wide = weight.astype(np.float64)
    return np.asarray(
        np.einsum("noi,ni->no" if wide.ndim == 3 else "oi,ni->no", wide, x.astype(np.float64))
    )
