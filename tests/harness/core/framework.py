"""What a framework has to say: which targets are its own, and how arrays go in and come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from typing import Any

from dropspec.core.arrays import Array, copy_as_laid_out
from dropspec.core.calls import Arrays, Tape
from dropspec.core.driver import Driver
from dropspec.core.errors import BadReply
from dropspec.core.facts import Facts
from dropspec.core.guard import Guard
from dropspec.core.site import Site
from dropspec.core.target import Target


class Fit(IntEnum):
    """How likely a target belongs to a framework, in rising order."""

    NO = 0
    MAYBE = 1  # a function that may take its arrays
    LIKELY = 2  # a function whose module uses the framework
    OBJECT = 3  # an object that is called at any rate, or a class of such objects
    CLASS = 4  # a class of layers, built at each rate
    INSTANCE = 5  # a layer of such a class, which has one rate only


class Framework(ABC):
    """A framework of arrays. Found through the entry-point group `dropspec.frameworks`.

    `arrays` is a regular expression for annotations of its arrays. `borrowed` are the dtypes that
    its arrays take from elsewhere: a target is not accused of refusing them. `modules` are what it
    imports, whose versions matter; `install` is what pip installs where they are missing.
    `preload` are modules that every target of it needs, for the template of all children: to
    import them may run no operation.
    """

    name: str
    noun: str = "an array"
    arrays: str = "(?!)"
    borrowed: frozenset[str] = frozenset()
    modules: tuple[str, ...] = ()
    install: str = ""
    preload: tuple[str, ...] = ()

    @abstractmethod
    def fit(self, thing: Any, target: Target) -> Fit:
        """Whether the target is the framework's own; imports nothing."""

    @abstractmethod
    def drive(self, facts: Facts, site: Site, guard: Guard) -> Driver:
        """Drives a target of this framework."""

    def ambient(self) -> Callable[[], None]:
        """Restores what the framework holds for the whole process to what it is now."""
        return lambda: None

    # arrays in, arrays out

    def native(self, x: Array, differentiable: bool = False) -> Any:
        """The framework's array of the same numbers and strides, with memory of its own."""
        return copy_as_laid_out(x)

    @abstractmethod
    def is_array(self, thing: Any) -> bool:
        """Whether a reply is an array of the framework."""

    def array(self, native: Any) -> Array:
        """A NumPy array of the same numbers, sharing memory where it can."""
        return native  # type: ignore[no-any-return]

    def mode(self, differentiable: bool, has_parameters: bool) -> AbstractContextManager[Any]:
        """The mode in which a call is made."""
        return nullcontext()

    def output_of(self, reply: Any, what: object) -> Any:
        """The framework's array in a reply: of a pair (output, mask) or a tuple of one, the output.

        Raises BadReply, a sentence on the call `what`, where there is none.
        """
        output = reply[0] if isinstance(reply, tuple) and len(reply) in (1, 2) else reply
        if not self.is_array(output):
            raise BadReply(f"{what} returned {type(output).__name__}, not {self.noun}")
        return output

    def tape(self, x: Any, held: Mapping[str, Any], reply: Any, output: Any) -> Tape:
        """What is kept of a call on native arrays. By default, the arrays, and no gradients."""
        return ArraysAfter(self, {"x": x, **held})


class ArraysAfter(Tape):
    """The native arrays of a call, for frameworks without a backward pass."""

    def __init__(self, framework: Framework, natives: Mapping[str, Any]) -> None:
        self._framework, self._natives = framework, natives
        self.no_backward = f"it returns {framework.noun}, which keeps no gradients"

    def after(self) -> Arrays:
        """The arrays as the call left them."""
        natives = self._natives.items()
        return {n: None if a is None else self._framework.array(a) for n, a in natives}
