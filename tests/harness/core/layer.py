"""A layer at one rate that is called many times, and the same layer bound to its input."""

from __future__ import annotations

from dataclasses import dataclass

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays
from dropspec.core.errors import NotClaimed
from dropspec.core.recorded import Recorded


class Layer:
    """One layer, or one function that stands for it. What it does not offer raises NotClaimed."""

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode, continuing the random stream."""
        raise NotImplementedError

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation mode."""
        raise NotClaimed("it has no evaluation mode")

    def of(self, x: Array) -> Bound:
        """The layer bound to x, and built if x holds its parameters; not called."""
        return Bound(self, x)

    def copy(self) -> Layer:
        """A deep copy of the layer."""
        raise NotClaimed("it is not a layer that could be copied")

    def reloaded(self) -> Layer:
        """A new layer that loaded the saved parameters of this one."""
        raise NotClaimed("it has no state_dict")

    def set_rate(self, rate: float) -> None:
        """Assigns to the layer's rate attribute."""
        raise NotClaimed("it has no attribute that holds the rate")

    def assign(self, name: str, numbers: Array) -> None:
        """Writes numbers into a parameter, as an optimiser does between two calls."""
        raise NotClaimed(f"it holds no {name} between calls")

    @property
    def parameters(self) -> Arrays:
        """Its parameters by name, as they are now."""
        return {}


@dataclass(frozen=True)
class Bound:
    """A layer and the input of its calls: every call goes to the same layer."""

    layer: Layer
    x: Array

    def train(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in training mode."""
        return self.layer.train(self.x, differentiable=differentiable)

    def evaluate(self, *, differentiable: bool = False) -> Recorded:
        """A forward pass in evaluation mode."""
        return self.layer.evaluate(self.x, differentiable=differentiable)

    def copy(self) -> Bound:
        """A deep copy of the layer, bound to the same input."""
        return Bound(self.layer.copy(), self.x)

    def reloaded(self) -> Bound:
        """A new layer that loaded the saved parameters of this one."""
        return Bound(self.layer.reloaded(), self.x)
