"""A linear layer with weights of the suite's choice, one call of it, and how it looks through its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dropspec.core.arrays import Array
from dropspec.core.errors import NotClaimed
from dropspec.frameworks.base import Layer


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

    def assign(self, weight: Array) -> None:
        """Writes other numbers into the weight, as an optimiser does between two calls."""
        raise NotClaimed("it holds no weight between calls")

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
