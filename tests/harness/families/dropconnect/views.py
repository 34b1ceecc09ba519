"""A linear layer as an elementwise dropout of its weights.

One weight an output, for arithmetic; many weights an output, read by a probe, for chance; or the
masked weight that a layer stores.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Tape
from dropspec.core.driver import Driver, refuse
from dropspec.core.layer import Bound, Layer
from dropspec.core.recorded import Recorded
from dropspec.families.dropconnect.probes import INPUTS, MOST, Probe, probe

EXAMPLES = 2  # of which the first is looked at
Connect = Callable[[Array], Layer]


class Weights(Layer):
    """A layer that is built from the weights it is bound to; a call by itself builds a new one."""

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode, of a new layer with these weights."""
        return self.of(x).train(differentiable=differentiable)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation mode, of a new layer with these weights."""
        return self.of(x).evaluate(differentiable=differentiable)


class SingleInput(Weights):
    """One input of 1: weights of any shape come out as elementwise dropout would have them.

    There are two examples, of which the first is looked at, and two outputs or more: that a single
    one works is a clause of its own, and its failure must not show everywhere.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def of(self, x: Array) -> SingleWeights:
        """A new layer with these weights."""
        shape = (max(x.size, 2), 1)
        weight = np.resize(x, shape) if x.size else np.ones(shape, x.dtype)
        return SingleWeights(self._connect(weight), x)


class SingleWeights(Bound):
    """A layer with one weight an output."""

    def train(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode."""
        ones = np.ones((EXAMPLES, 1), self.x.dtype)
        return self._seen(self.layer.train(ones, differentiable=differentiable))

    def evaluate(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation mode."""
        ones = np.ones((EXAMPLES, 1), self.x.dtype)
        return self._seen(self.layer.evaluate(ones, differentiable=differentiable))

    def _seen(self, product: Recorded) -> Recorded:
        output = product.output[0, : self.x.size].reshape(self.x.shape)
        return Recorded(output, SingleTape(self.layer, self.x, product), product.guard, "it")

    def copy(self) -> SingleWeights:
        """A deep copy of the layer."""
        return SingleWeights(self.layer.copy(), self.x)

    def reloaded(self) -> SingleWeights:
        """A new layer that loaded the saved parameters of this one."""
        return SingleWeights(self.layer.reloaded(), self.x)


class SingleTape(Tape):
    """A call with one input of 1, seen from its weights."""

    def __init__(self, layer: Layer, x: Array, product: Recorded) -> None:
        self._layer, self._x, self._product = layer, x, product

    def after(self) -> Arrays:
        """The weights as the call left them."""
        weight = self._layer.parameters["weight"]
        assert weight is not None
        return {"x": weight[: self._x.size].reshape(self._x.shape)}

    def gradients(self, upstream: Array) -> Arrays:
        """With respect to the weights."""
        g = np.zeros(self._product.output.shape, upstream.dtype)
        g[0, : upstream.size] = upstream.reshape(-1)
        weight = self._product.gradients(g)["weight"]
        assert weight is not None
        return {"x": weight[: upstream.size].reshape(self._x.shape)}

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not looked at."""
        refuse("double gradients of weights are not looked at")


class Probed(Weights):
    """Weights, of which only the signs count, come out with the dropped ones 0.

    Rows of 256 have the signs of the first. Each row is the mask of one example where there is a
    mask an example, and 256 weights of the same mask where one mask serves the whole call. Narrower
    arrays are the weight of one layer.
    """

    def __init__(
        self, connect: Connect, scale: Callable[[np.dtype[Any]], float], is_per_call: bool
    ) -> None:
        self._connect, self._scale, self._is_per_call = connect, scale, is_per_call

    def of(self, x: Array) -> ProbedWeights:
        """A new layer with the numbers of a probe, and their scale."""
        numbers = self._numbers(x)
        scale = self._scale(x.dtype)
        return ProbedWeights(self._connect(numbers.weight), x, numbers, scale)

    def _numbers(self, x: Array) -> Probe:
        if x.shape[-1] <= MOST[x.dtype.name]:
            return probe(EXAMPLES, x, x.dtype)
        signs, rows = x[0].reshape(-1, INPUTS[x.dtype.name]), prod(x.shape[:-1])
        if self._is_per_call:
            return probe(EXAMPLES, np.tile(signs, (rows, 1)), x.dtype)
        return probe(rows, signs, x.dtype)


class ProbedWeights(Bound):
    """A layer whose outputs spell its masks; its output is 1 where a weight survived."""

    def __init__(self, layer: Layer, x: Array, numbers: Probe, scale: float) -> None:
        super().__init__(layer, x)
        self._numbers, self._scale = numbers, scale

    def train(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode, of which only the masks are kept."""
        call = self.layer.train(self._numbers.x, differentiable=differentiable)
        rows = self.x.size // self._numbers.weight.size  # one, where the first example shows all
        mask = self._numbers.read(call.output[:rows], self._scale).reshape(self.x.shape)
        return Recorded(mask.astype(np.float32), Tape(), call.guard, "it")


class StoredWeights(Weights):
    """A layer that stores its masked weight, bound to its raw weight."""

    def __init__(self, driver: Driver, rate: Any) -> None:
        self._driver, self._rate = driver, rate

    def of(self, x: Array) -> Bound:
        """A new layer with x in its raw weight."""
        return self._driver.stored(self._rate, x)
