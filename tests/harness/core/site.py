"""Where a mask sits: the arrays of a call, for the rooms that inspect and drive targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from dropspec.core.calls import Arrays
from dropspec.core.driver import Driver
from dropspec.core.facts import Declared, Facts, Kind
from dropspec.core.implementation import Implementation
from dropspec.core.signature import Signature

Shapes = Mapping[str, tuple[int, ...]]


class Site(ABC):
    """What one family of dropout says of the arrays that its layers are called with.

    `arrays` are what a function takes before its rate; the first is the input `x`, and those after
    it are the parameters that a class holds. `claims` are the keys that it adds to `claims`.
    """

    name: str
    arrays: tuple[str, ...] = ("x",)
    claims: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arrays that a class holds, and a function is given."""
        return self.arrays[1:]

    @abstractmethod
    def recognises(self, thing: Any, kind: Kind, declared: Declared) -> bool:
        """Whether a target looks like one of this family."""

    @abstractmethod
    def read_signature(self, target: str, thing: Any, kind: Kind) -> Signature:
        """How a class or function is called. Raises BadTarget, with what to do, where it cannot."""

    def output_shape(self, shapes: Shapes) -> tuple[int, ...]:
        """The shape of the output of a call on arrays of these shapes."""
        return shapes["x"]

    def sizes(self, shapes: Shapes) -> tuple[int, ...]:
        """What a constructor takes before its rate, for parameters of these shapes."""
        return ()

    def sample_shapes(self) -> Shapes:
        """Shapes of parameters that tell them apart; the first of them has to be found."""
        return {}

    def see(self, impl: Implementation) -> Mapping[str, Any]:
        """What is found out of an implementation by calls; goes into `Facts.seen`."""
        return {}

    def implement(self, facts: Facts, driver: Driver) -> Implementation:
        """The implementation as this family's properties see it."""
        return Implementation(facts, driver)


def shapes_of(arrays: Arrays) -> Shapes:
    """The shapes of the arrays that are there, by name."""
    return {name: array.shape for name, array in arrays.items() if array is not None}
