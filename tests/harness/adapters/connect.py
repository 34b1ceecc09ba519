"""What the suite asks of a DropConnect layer, and how a weight matrix looks through it: as an elementwise dropout of the weights.

An adapter gives `connect`: a layer with a weight and a bias of the suite's choice. From that follow `masks` (many weights a call, read by a
probe: for chance) and `layer` (one input of 1, so that each output is one weight: for arithmetic). Both take an array for the weights and
give it back with some of it dropped, so campaigns and lenses need not know which family they look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np

from ..arrays import DTYPES, Array, Bits, nonzero
from ..guard import Call
from ..outcomes import ImplementationError, NotClaimed, Unreadable
from ..probes import INPUTS, MOST, Probe, probe
from .base import Adapter, Layer, Run

EXAMPLES = 2  # where the first is looked at
SCALE_WEIGHTS = 1 << 14  # so many that at rate .999 some survive
UNREACHABLE = (
    "with weight and bias 0 its output in evaluation is not 0: it owns weights that cannot be reached from outside, "
    "so nothing is claimed of its masks"
)


@dataclass(frozen=True)
class Gradients:
    """The gradients with respect to the input, the weight and the bias, each of the shape of its own; `bias` is None without one."""

    x: Array
    weight: Array
    bias: Array | None


class Product(Protocol):
    """One call of a linear layer, recorded."""

    @property
    def output(self) -> Array:
        """The output, (..., outputs)."""

    @property
    def input_after(self) -> Array:
        """The input as the call left it."""

    def gradients(self, upstream: Array) -> Gradients:
        """The gradients of just this call; can be asked for again and again. Raises NotClaimed without a backward pass."""


class Connection:
    """A DropConnect layer with a weight and a bias of the suite's choice, that is called many times."""

    def train(self, x: Array, *, differentiable: bool = False) -> Product:
        """A forward pass in training mode on x of shape (..., inputs), continuing the random stream."""
        raise NotImplementedError

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Product:
        """A forward pass in evaluation mode."""
        raise NotClaimed("it has no evaluation mode")

    def copy(self) -> Connection:
        """A deep copy."""
        raise NotClaimed("it is no layer that could be copied")

    def reloaded(self) -> Connection:
        """A new layer that loaded the state_dict of this one."""
        raise NotClaimed("it has no state_dict")

    @property
    def parameters(self) -> tuple[Array, Array | None]:
        """The weight and the bias as they are now."""
        raise NotImplementedError


class Weights(Layer):
    """A layer seen through its weights: what goes into a call are these, and what comes out is what became of them."""

    def give(self, x: Array) -> Weights:
        """The layer itself, built with x for weights where it was not, and not called."""
        raise NotImplementedError

    def copy(self) -> Weights:
        """A deep copy of the layer that was built last."""
        raise NotImplementedError

    def reloaded(self) -> Weights:
        """A new layer that loaded the state_dict of the one that was built last."""
        raise NotImplementedError


class ConnectAdapter(Adapter):
    """A DropConnect implementation under test. `mask_per` and `bias` are what it claims, or what was seen of it."""

    family = "dropconnect"
    mask_per = ""
    bias = ""
    examples = 16  # that a call can show apart

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> Connection:
        """A new layer of weight.shape = (outputs, inputs), with this weight and bias, in the dtype of the weight."""
        raise NotImplementedError

    def plain(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """W x + b by the framework's own linear layer."""
        raise NotClaimed("its framework has no linear layer of its own")

    def layer(self, rate: Any) -> Weights:
        """One weight an output, and one input of 1."""
        return SingleInput(self, rate)

    def masks(self, rate: Any) -> Layer:
        """Many weights an output, read by a probe."""
        return Probed(self, rate)

    def lines_before(self, call: Call, weight: str, bias: str | bool) -> list[str]:
        """Python that comes before the expression of `spelled`: it sets the weight and the bias, given as Python."""
        return [f"weight = {weight}", f"bias = {bias or None}"]

    def spelled(self, rate: Any, mode: str, shape: tuple[int, ...] = (1, 1)) -> str:
        """A Python expression for the call on `x`, of a layer for a weight of that shape."""
        raise NotImplementedError

    def find_facts(self) -> None:
        """Finds out whether weights can be reached, and, where not claimed, for whom a mask is drawn and what becomes of the bias."""
        self.reseed(0)
        dtype = DTYPES[self.claims.dtypes[0]]
        nothing = np.zeros((16, 16), dtype)
        try:
            if self._owns_more(nothing):
                self.claims.unreachable = UNREACHABLE
                return
            first, second = self.draw(0.5, 2, np.ones((16, 16)), dtype)
            seen = "call" if np.array_equal(first, second) else "example"
        except (ImplementationError, NotClaimed, Unreadable):
            seen = "call"
        self.mask_per = self.claims.mask_per or seen
        self.bias = self.claims.bias or self._seen_of_bias(nothing)

    def _owns_more(self, nothing: Array) -> bool:
        """Whether something comes out of weights and biases of 0 where nothing is dropped."""
        layer, ones = self.connect(0.5, nothing, nothing[0] if self.has_bias else None), np.ones((2, 16), nothing.dtype)
        try:
            y = layer.evaluate(ones).output
        except NotClaimed:  # it has no evaluation mode
            y = self.connect(0.0, nothing, nothing[0] if self.has_bias else None).train(ones).output
        return bool(nonzero(y).any())

    @property
    def has_bias(self) -> bool:
        """Whether it takes a bias at all."""
        return True

    def require_bias(self) -> None:
        """Raises NotClaimed where it does not."""
        if not self.has_bias:
            raise NotClaimed("it has no bias")

    def _seen_of_bias(self, nothing: Array) -> str:
        if not self.has_bias:
            return ""
        try:
            y = self.connect(0.5, nothing, np.ones(16, nothing.dtype)).train(np.ones((16, 16), nothing.dtype)).output
        except (ImplementationError, NotClaimed):
            return "kept"
        return "kept" if nonzero(y).all() else "dropped"

    def draw(self, rate: Any, examples: int, signs: Array, dtype: np.dtype[Any]) -> Bits:
        """The masks (examples, outputs, inputs) of one training call, for weights of these signs. Raises Unreadable."""
        numbers = probe(examples, signs, dtype)
        return numbers.read(self.connect(rate, numbers.weight).train(numbers.x).output, self.scale(rate, dtype))

    def scale(self, rate: Any, dtype: np.dtype[Any]) -> float:
        """What survivors are multiplied by: the middle of many; 1 / keep where none survives."""
        ones = np.ones(SCALE_WEIGHTS, dtype)
        sizes = np.abs(self.layer(rate).train(ones).output.astype(np.float64))
        survivors = sizes[(sizes > 0) & np.isfinite(sizes)]
        return float(np.median(survivors)) if survivors.size else 1 / (1 - rate)


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
        y = connection.train(numbers.x).output
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
