"""Networks around a layer: what a framework does with layers beyond calling them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from dropspec.core.arrays import Array, Bits
from dropspec.core.layer import Layer


@dataclass(frozen=True)
class Backward:
    """One call inside a network: a name, the gradient, the right gradient, and the mask."""

    name: str
    gradient: Array
    expected: Array
    mask: Bits


@dataclass(frozen=True)
class Step:
    """A step of SGD on Linear, ReLU, the layer, Linear, for one example.

    `active` and `hidden` are the units before and after the layer; `incoming` and `outgoing` are
    the weights of each unit after the step, (units, …).
    """

    active: Array
    hidden: Array
    incoming: Array
    outgoing: Array


class Parent(Layer):
    """A layer deep inside another module; its mode is set at the parent."""

    @abstractmethod
    def set_mode(self, mode: str) -> None:
        """Sets the parent's mode, `training` or `evaluation`."""

    @abstractmethod
    def copy(self) -> Parent:
        """A deep copy of the parent."""


class Networks(ABC):
    """The networks that a framework can build around a layer."""

    @abstractmethod
    def backwards(self, rate: float, seed: int, dtypes: tuple[str, ...]) -> Iterator[Backward]:
        """Gradients of sums, transposed sums and residual sums of 48×96 outputs, per dtype."""

    @abstractmethod
    def twice_on_one_input(self, rate: float, seed: int, units: int) -> list[tuple[Array, Array]]:
        """Outputs and gradients of two forward passes on one and the same array of ones."""

    @abstractmethod
    def sgd(
        self, rate: float, seed: int, into: Array, out: Array, examples: Array
    ) -> Iterator[Step]:
        """One step of SGD an example, each from the same weights (units, inputs), (1, units)."""

    @abstractmethod
    def nested(self, rate: float) -> Parent:
        """The layer in a container in a container in a module."""

    @abstractmethod
    def held(self, rate: float) -> list[str]:
        """The names of the layer's parameters, buffers and saved entries."""

    @abstractmethod
    def shown(self, rate: float) -> str:
        """The layer's repr()."""

    @abstractmethod
    def copy_is_itself(self, rate: float) -> bool:
        """Whether a deep copy is the layer itself, or shares its mode."""

    @abstractmethod
    def round_trips(
        self, rate: float, seed: int, x: Array, evaluation: bool
    ) -> Iterator[tuple[str, bool, Array]]:
        """Outputs on x of copies, pickles and reloads: how it was made, if evaluated, the output.

        Without `evaluation`, all are in training mode.
        """
