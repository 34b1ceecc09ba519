"""A DropConnect layer as an elementwise dropout of its weights: one weight an output, for arithmetic; many, by a probe, for chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.errors import NotClaimed
from dropspec.families.probes import INPUTS, MOST, Probe, probe
from dropspec.frameworks.base import Layer, Run
from dropspec.frameworks.connections import Connection, Product, Weights

if TYPE_CHECKING:
    from dropspec.frameworks.connect import ConnectAdapter

EXAMPLES = 2  # where the first is looked at


class SingleRun:
    """A call with one input of 1: what went in are the weights, what came out are the outputs of the first of two examples."""

    def __init__(self, weights: Array, connection: Connection, product: Product) -> None:
        self.output = product.output[0, : weights.size].reshape(weights.shape)
        self._shape, self._connection, self._product = weights.shape, connection, product

    @property
    def input_after(self) -> Array:
        """The weights as the call left them."""
        return self._connection.parameters[0][: prod(self._shape)].reshape(self._shape)

    def gradient(self, upstream: Array) -> Array:
        """With respect to the weights."""
        g = np.zeros(self._product.output.shape, upstream.dtype)
        g[0, : upstream.size] = upstream.reshape(-1)
        return self._product.gradients(g).weight[: upstream.size].reshape(self._shape)

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not asked for."""
        raise NotClaimed("double gradients of weights are not looked at")


class SingleInput(Weights):
    """DropConnect of one input of 1: weights of any shape come out as elementwise dropout would have them.

    Calls with the same array are calls of the same layer. There are two examples, of which the first is looked at, and two outputs or more:
    that one alone works is a clause of its own (limits-9), and what fails there must not fail everywhere.
    """

    def __init__(self, adapter: ConnectAdapter, rate: Any) -> None:
        self._adapter, self._rate = adapter, rate
        self._made: tuple[Array, Connection] | None = None

    def give(self, x: Array) -> SingleInput:
        """The layer itself, built with x for weights where it was not, and not called."""
        self._connection(x)
        return self

    def copy(self) -> SingleInput:
        """A deep copy of the layer that was built last."""
        return self._around(lambda connection: connection.copy())

    def reloaded(self) -> SingleInput:
        """A new layer that loaded the state_dict of the one that was built last."""
        return self._around(lambda connection: connection.reloaded())

    def _around(self, how: Callable[[Connection], Connection]) -> SingleInput:
        assert self._made is not None
        twin = SingleInput(self._adapter, self._rate)
        twin._made = self._made[0], how(self._made[1])
        return twin

    def train(self, x: Array, *, differentiable: bool = False) -> Run:
        """A forward pass in training mode, of a layer whose weights are x."""
        connection = self._connection(x)
        return SingleRun(x, connection, connection.train(np.ones((EXAMPLES, 1), x.dtype), differentiable=differentiable))

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Run:
        """A forward pass in evaluation mode."""
        connection = self._connection(x)
        return SingleRun(x, connection, connection.evaluate(np.ones((EXAMPLES, 1), x.dtype), differentiable=differentiable))

    def _connection(self, x: Array) -> Connection:
        if self._made is None or self._made[0] is not x:
            at_least_two = np.resize(x, (max(x.size, 2), 1)) if x.size else np.ones((2, 1), x.dtype)
            self._made = x, self._adapter.connect(self._rate, at_least_two)
        return self._made[1]


class Probed(Layer):
    """DropConnect through the probe: an array of weights, of which only the signs count, comes out with the dropped ones 0.

    Rows of 256 have the signs of the first. Each is the mask of one example where there is a mask an example, and 256 weights of the same
    mask where one serves the whole call. Narrower arrays are the weight of one layer. Of calls with two examples the first is looked at.
    """

    def __init__(self, adapter: ConnectAdapter, rate: Any) -> None:
        self._adapter, self._rate = adapter, rate
        self._made: tuple[Array, Connection, Probe, float] | None = None

    def train(self, x: Array, *, differentiable: bool = False) -> Run:
        """A forward pass in training mode; the layer and its numbers are made at the first call with an array."""
        if self._made is None or self._made[0] is not x:
            numbers = self._numbers(x)
            scale = self._adapter.scale(self._rate, x.dtype)
            self._made = (x, self._adapter.connect(self._rate, numbers.weight), numbers, scale)
        _, connection, numbers, scale = self._made
        y = connection.train(numbers.x, differentiable=differentiable).output
        rows = x.size // numbers.weight.size  # one where the first of two examples shows all
        return Masked(numbers.read(y[:rows], scale).reshape(x.shape).astype(np.float32))

    def _numbers(self, x: Array) -> Probe:
        if x.shape[-1] <= MOST[x.dtype.name]:
            return probe(EXAMPLES, x, x.dtype)
        signs, rows = x[0].reshape(-1, INPUTS[x.dtype.name]), prod(x.shape[:-1])
        per_call = self._adapter.mask_per == "call"
        return probe(EXAMPLES, np.tile(signs, (rows, 1)), x.dtype) if per_call else probe(rows, signs, x.dtype)


@dataclass(frozen=True)
class Masked:
    """Recovered masks as an output: 1 where a weight survived."""

    output: Array

    @property
    def input_after(self) -> Array:
        """Not kept."""
        raise NotClaimed("recovered masks have no input")

    def gradient(self, upstream: Array) -> Array:
        """Not asked for."""
        raise NotClaimed("recovered masks have no gradient")

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not asked for."""
        raise NotClaimed("recovered masks have no gradient")
