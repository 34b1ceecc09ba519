"""What a framework can do with one target: build layers, seed streams, and further abilities."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import numpy as np

from dropspec.core.arrays import Array, Bits
from dropspec.core.calls import Arrays, Call
from dropspec.core.errors import NotClaimed
from dropspec.core.facts import Facts, Place
from dropspec.core.guard import Guard
from dropspec.core.layer import Bound, Layer
from dropspec.core.networks import Networks
from dropspec.core.recorded import Recorded

NONE: Mapping[str, Any] = {}


class Driver:
    """A target in one framework. Each ability that is not overridden raises NotClaimed."""

    unseedable = "it cannot be seeded"
    # whether a dtype that comes back as another was cast by its framework, as a policy says
    casts_by_policy = False
    last_seed: int | None = None

    def __init__(self, facts: Facts, guard: Guard) -> None:
        self.facts, self.guard = facts, guard

    @property
    def name(self) -> str:
        """How a snippet calls the target."""
        return self.facts.target.name

    def given(self, rate: Any) -> Any:
        """The rate as the implementation wants it: the rate itself, or keep."""
        return 1 - rate if self.facts.rate_is_keep else rate

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """A new layer with this rate, these parameters and options of its constructor."""
        raise NotImplementedError

    def construct(self, rate: Any, sizes: tuple[int, ...]) -> None:
        """Calls a constructor, and forgets what it built."""

    def stored(self, rate: Any, weight: Array) -> Bound:
        """A layer bound to a raw weight; its output is the masked weight that it stores."""
        refuse("only torch modules are judged by a masked weight that they store")

    def find_places(self) -> Mapping[str, Place]:
        """Where a class holds its parameters. Raises BadTarget where one is not found."""
        return {}

    def holds(self, dtype: str) -> bool:
        """Whether the arrays that the layer is given can have this dtype."""
        return True

    @property
    def flushes(self) -> bool:
        """Whether the arithmetic of its framework flushes subnormal numbers to 0."""
        return False

    # random streams

    def reseed(self, seed: int) -> None:
        """Seeds the stream of the next layers and calls; does nothing where there is none."""

    def seed_lines(self, seed: int) -> list[str]:
        """Python that does what `reseed` does."""
        return []

    @property
    def zero_seeds(self) -> tuple[int, ...]:
        """Seeds under which the first 4,096 uniforms of the framework's generator hold an exact 0
        in single precision, which is one of 2^24 numbers.
        """
        return ()

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """Whether `reseed` decides the masks; `replays` tries whether one seed gives one output."""
        return False

    def require_seedable(self) -> None:
        """Raises NotClaimed where a seed does nothing."""
        if not self.facts.seedable:
            refuse(self.unseedable)

    def state(self) -> Any:
        """The state of the random stream, comparable by ==."""
        refuse("the state of its random stream cannot be read")

    def restore(self, state: Any) -> None:
        """Puts a state of the random stream back."""
        refuse("the state of its random stream cannot be restored")

    @property
    def global_generators(self) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
        """The global generators within reach: how each is seeded, and how a number is drawn."""
        return {
            "NumPy's": (np.random.seed, np.random.random),
            "Python's": (random.seed, random.random),
        }

    def global_seed(self) -> int | None:
        """The seed that the framework says its global generator had last; None if it cannot."""
        return None

    def with_generator(self, x: Array, rate: float, seed: int, calls: int) -> list[Recorded]:
        """Training calls that draw from a generator of this seed, where one is optional."""
        refuse("it takes no generator besides the one that it has")

    # modes

    def threads(self, count: int) -> AbstractContextManager[None]:
        """Runs with that many threads."""
        refuse("its threads cannot be counted")

    def one_thread(self) -> AbstractContextManager[None]:
        """Runs with one thread, where threads can be counted: several slow a busy machine down."""
        return nullcontext()

    def masks_by_mode(self, rate: float, units: int) -> Iterator[tuple[str, Bits]]:
        """The masks of one layer's calls under every mode of autograd, with a name for each."""
        refuse("its framework's modes of autograd are not driven here")

    # other ways to call it

    def checkpointed(self, x: Array, rate: float, seed: int) -> Recorded:
        """A training call inside the framework's recomputation; differentiable."""
        refuse("its framework's recomputation is not driven here")

    def in_place(self, x: Array, rate: float, seed: int) -> tuple[Recorded, bool]:
        """A training call in place, and whether it returned its very input."""
        refuse("it offers no in-place mode")

    def functional(self, x: Array, rate: float, seed: int) -> Recorded:
        """The same call by the functional form."""
        refuse("it names no functional form")

    def on_views(self, rate: float, seed: int) -> Iterator[tuple[str, Array, Array]]:
        """Training calls on views that begin inside their memory: a name, the input, the output."""
        refuse("its framework has no views of arrays that are driven here")

    def networks(self) -> Networks:
        """Networks around the layer. Raises NotClaimed where it cannot be part of one."""
        refuse("its framework's networks are not driven here")

    def plain_linear(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """W x + b by the framework's own linear layer."""
        refuse("its framework has no linear layer of its own")

    def relu(self) -> Any:
        """The framework's own relu, for constructors that take an activation."""
        refuse("its framework has no activations that are given to layers here")

    # words

    def spelled(self, rate: Any, mode: str = "") -> str:
        """A Python expression for a call, or for the construction without a mode."""
        return self.name

    def drawing(
        self, rate: float, dtype: str, shape: tuple[int, ...], seed: int, differentiable: bool
    ) -> tuple[list[str], str] | None:
        """Python for calls of one layer, one after another: what comes before them, and an
        expression of one call's survivors as a NumPy array, where `i` counts the calls. None if it
        cannot be said.
        """
        return None

    def lines(self, call: Call, also: str = "") -> list[str]:
        """Python that repeats a call and prints its output, and `also`; empty if it cannot be."""
        return []


def refuse(why: str) -> NoReturn:
    """Raises NotClaimed."""
    raise NotClaimed(why)
