"""Weights of a layer larger than a probe can spell, read off by one-hot examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array
from dropspec.core.calls import Arrays
from dropspec.core.recorded import Recorded
from dropspec.families.dropconnect.linear import Linear

FAR = (80, 150)  # outputs and inputs


def of_many_weights(impl: Linear, rate: Any, seed: int) -> Array:
    """Output (inputs, outputs) for 80×150 weights of 1 on 150 one-hot examples.

    Each example shows the weights of its own input.
    """
    return _call(impl, rate, seed, differentiable=False).output


def of_many_with_gradients(impl: Linear, rate: Any, seed: int) -> tuple[Array, Arrays]:
    """The same, and the gradients for an upstream of 1. Raises NotClaimed without a backward."""
    call = _call(impl, rate, seed, differentiable=True)
    return call.output, call.gradients(np.ones(call.output.shape, call.output.dtype))


def _call(impl: Linear, rate: Any, seed: int, differentiable: bool) -> Recorded:
    one_hot = np.eye(FAR[1], dtype=DTYPES[impl.dtypes[0]])
    impl.reseed(seed)
    layer = impl.connect(rate, np.ones(FAR, one_hot.dtype))
    return layer.train(one_hot, differentiable=differentiable)
