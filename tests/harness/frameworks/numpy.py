"""Drives NumPy functions: seeded by a generator or int argument, or by NumPy's global state."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Call, Tape
from dropspec.core.driver import Driver, refuse
from dropspec.core.facts import Facts
from dropspec.core.framework import Fit, Framework
from dropspec.core.guard import Guard
from dropspec.core.ranks import shape_taken
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.frameworks.functions import FunctionDriver
from dropspec.frameworks.spelling import can_be_spelled, spelled_array, spelled_values
from dropspec.frameworks.streams import NumpyGenerator, said_for_call

NO_BACKWARD = "it has no `backward`"


@dataclass(frozen=True)
class Reply:
    """What a call gave, and how it goes back."""

    output: Any
    backward: Callable[[Array], Any] | None
    why_not: str = NO_BACKWARD


class ReplyTape(Tape):
    """The backward that belongs to a call, as it is when it is asked."""

    def __init__(self, reply: Reply, arrays: Arrays) -> None:
        self._reply, self._arrays = reply, arrays
        self.no_backward = reply.why_not

    def after(self) -> Arrays:
        """The arrays as the call left them."""
        return self._arrays

    def gradients(self, upstream: Array) -> Arrays:
        """By `backward`, which gives the gradient, or it and others."""
        if self._reply.backward is None:
            refuse(self.no_backward)
        found = self._reply.backward(upstream.copy())
        found = found[0] if isinstance(found, tuple) else found
        return {"x": np.asarray(found)}

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Plain NumPy has none."""
        refuse("plain Python has no double backward pass")


class NumpyFramework(Framework):
    """NumPy arrays; bfloat16 is that of ml_dtypes, so a function may refuse it."""

    name = "numpy"
    noun = "a NumPy array"
    arrays = "ndarray|NDArray|ArrayLike|numpy"
    borrowed = frozenset({"bfloat16"})
    modules: tuple[str, ...] = ("numpy",)

    def fit(self, thing: Any, target: Target) -> Fit:
        """Any function may take NumPy arrays."""
        return Fit.NO if isinstance(thing, type) or not callable(thing) else Fit.MAYBE

    def is_array(self, thing: Any) -> bool:
        """Arrays, and the scalars that NumPy makes of arrays without axes."""
        return isinstance(thing, (np.ndarray, np.generic))

    def output_of(self, reply: Any, what: object) -> Any:
        """The array in what was returned."""
        return super().output_of(reply.output if isinstance(reply, Reply) else reply, what)

    def tape(self, x: Any, held: Mapping[str, Any], reply: Any, output: Any) -> Tape:
        """The backward that belongs to the call, where there is one."""
        if isinstance(reply, Reply):
            return ReplyTape(reply, {"x": x, **held})
        return super().tape(x, held, reply, output)

    def drive(self, facts: Facts, site: Site, guard: Guard) -> Driver:
        """A function."""
        return NumpyFunction(facts, guard, self, site, NumpyGenerator)


def backward_of(facts: Facts) -> tuple[str, Callable[..., Any] | None]:
    """The function `…backward` beside a function `…forward`, as courses have it, and its name: of
    the upstream gradient and the cache, which is what the forward returned second.
    """
    name = facts.target.attr
    other = name.replace("forward", "backward")
    beside = getattr(facts.thing, "__globals__", {}).get(other)
    return other, beside if other != name and callable(beside) else None


def _in_shape(gradient: Any, shape: tuple[int, ...]) -> Any:
    return gradient if gradient.shape == shape else gradient.reshape(shape)


class NumpyFunction(FunctionDriver):
    """A function of arrays and the rate."""

    unseedable = "it takes no seed, and NumPy's global state does not govern it"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._backward_name, self._backward = backward_of(self.facts)
        self.replies_with_tuple = False
        self._foreign: Any = None  # an array of another package that it returned

    def call(self, natives: list[Any], rate: Any, training: bool) -> Any:
        """Where a backward lies beside it, the second thing returned is the cache for that."""
        reply = self._read(super().call(natives, rate, training))
        self.replies_with_tuple = isinstance(reply, tuple)
        (x, *_), backward = natives, self._backward
        if backward is None or not isinstance(reply, tuple) or len(reply) != 2:
            return reply
        output, cache = reply
        shape = shape_taken(x.shape, self.facts.ranks_refused)
        return Reply(output, lambda g: _in_shape(backward(g.reshape(shape), cache), x.shape))

    def _read(self, reply: Any) -> Any:
        """The reply with a NumPy array in place of one of another package that NumPy can read."""
        if isinstance(reply, tuple) and reply:
            return (self._read(reply[0]), *reply[1:])
        if self.framework.is_array(reply) or not hasattr(reply, "__array__"):
            return reply
        self._foreign, self.casts_by_policy = reply, True
        return np.asarray(reply)

    @property
    def flushes(self) -> bool:
        """Tries it with the arrays of another package that it returned."""
        if self._foreign is None:
            return False
        with self.guard.call("multiplying by a subnormal number"):
            product = np.asarray(self._foreign * np.float32(1e-40))
        return not product.any() and bool(np.asarray(self._foreign).any())

    def reseed(self, seed: int) -> None:
        """Seeds the argument, or NumPy's global state where there is none."""
        super().reseed(seed)
        if not self.stream:
            np.random.seed(seed % 2**32)

    def seed_lines(self, seed: int) -> list[str]:
        """By the argument, or by np.random.seed."""
        return super().seed_lines(seed) or [f"np.random.seed({seed % 2**32})"]

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """Without a seed argument, whether NumPy's global state replays a call."""
        return self.stream is not None or replays()

    @property
    def zero_seeds(self) -> tuple[int, ...]:
        """Of numpy.random.default_rng; NumPy's older uniforms have 53 bits in any dtype."""
        return (1194,)

    def state(self) -> Any:
        """The state of the generator that is its argument, or NumPy's global state."""
        self.require_seedable()
        return self.stream.state() if self.stream else pickle.dumps(np.random.get_state())

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        if self.stream:
            self.stream.restore(state)
        else:
            np.random.set_state(pickle.loads(state))

    def drawing(
        self, rate: float, dtype: str, shape: tuple[int, ...], seed: int, differentiable: bool
    ) -> tuple[list[str], str] | None:
        """Plain NumPy, where the dtype is its own."""
        if dtype in self.framework.borrowed or self.site.parameters:
            return None
        before = ["import numpy as np", self.facts.target.import_line, *self.seed_lines(seed)]
        made, output = self.said_for_calls(rate, seed)
        before += [f"x = {spelled_values(shape)}.astype(np.{dtype})", *made]
        return before, f"np.asarray({output}) != 0"

    def said_for_calls(self, rate: float, seed: int) -> tuple[list[str], str]:
        """What comes before calls of one layer, and the i-th call."""
        first = "[0]" if self.replies_with_tuple else ""
        return [], f"{said_for_call(self.spelled(rate, 'training'), self.stream, seed)}{first}"

    def lines(self, call: Call, also: str = "") -> list[str]:
        """Plain NumPy, with the backward beside it where one was asked for."""
        if not can_be_spelled(call, self.framework.borrowed):
            return []
        seeded = [] if call.seed is None else self.seed_lines(call.seed)
        lines = ["import numpy as np", self.facts.target.import_line, *seeded]
        lines += [f"{name} = {spelled_array(array)}" for name, array in call.arrays.items()]
        said = self.spelled(call.rate, call.mode)
        if call.upstream is None or self._backward is None:
            return [*lines, f"print({said}{also})"]
        beside = replace(self.facts.target, attr=self._backward_name, form="", said="")
        back = f"{beside.name}({spelled_array(call.upstream)}, cache)"
        return [*lines, beside.import_line, f"y, cache = {said}", f"print(y, {back}{also})"]
