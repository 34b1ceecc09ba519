"""Weights read off one by one, through examples that have one input of 1: of more inputs and outputs than a probe can spell."""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES, Array
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.frameworks.connections import Gradients, Product

FAR = (80, 150)  # outputs and inputs


def of_many_weights(impl: ConnectAdapter, rate: Any, seed: int) -> Array:
    """What became of 80×150 weights of 1 in a call on 150 one-hot examples, (inputs, outputs): each shows the weights of its own input."""
    return _call(impl, rate, seed, differentiable=False).output


def of_many_with_gradients(impl: ConnectAdapter, rate: Any, seed: int) -> tuple[Array, Gradients]:
    """The same with the gradients for an upstream of 1. Raises NotClaimed without a backward pass."""
    call = _call(impl, rate, seed, differentiable=True)
    return call.output, call.gradients(np.ones(call.output.shape, call.output.dtype))


def _call(impl: ConnectAdapter, rate: Any, seed: int, differentiable: bool) -> Product:
    one_hot = np.eye(FAR[1], dtype=DTYPES[impl.claims.dtypes[0]])
    impl.reseed(seed)
    return impl.connect(rate, np.ones(FAR, one_hot.dtype)).train(one_hot, differentiable=differentiable)
