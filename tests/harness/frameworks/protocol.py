"""Drives any object that has the protocol: `claims`, `train` and `evaluate`, in NumPy arrays.

For dropout these are `train(x, rate, seed)` and `evaluate(x, rate)`. A family with parameters has
them between x and the rate: `train(x, weight, bias, rate, seed)`. A seed of None continues the
stream. Both return the output, or an object with `output` and, where there is a backward pass,
`gradient(upstream)`; a family with parameters has `gradients(upstream)` instead, which returns a
tuple for the input and each parameter. `claims` is a mapping, and may be empty; bfloat16, which
is not NumPy's own, is given only where its `dtypes` name it. `train` may set a global generator by
the seed that it is given, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Arrays, Call, Description, Tape
from dropspec.core.driver import NONE, Driver, refuse
from dropspec.core.errors import BadReply
from dropspec.core.facts import Facts
from dropspec.core.framework import Fit, Framework
from dropspec.core.guard import Guard
from dropspec.core.layer import Layer
from dropspec.core.ranks import with_axes_of, with_axes_taken
from dropspec.core.recorded import Recorded
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.frameworks.recording import record

ARRAYS = (np.ndarray, np.generic)  # NumPy makes the latter of arrays without axes
METHODS = ("claims", "train", "evaluate")


class ProtocolFramework(Framework):
    """Objects, or classes of objects built without arguments, with the protocol's methods."""

    name = "protocol"
    noun = "a NumPy array"
    borrowed = frozenset({"bfloat16"})

    def fit(self, thing: Any, target: Target) -> Fit:
        """By the methods."""
        return Fit.OBJECT if all(hasattr(thing, name) for name in METHODS) else Fit.NO

    def is_array(self, thing: Any) -> bool:
        """NumPy arrays."""
        return isinstance(thing, ARRAYS)

    def output_of(self, reply: Any, what: object) -> Any:
        """The reply itself, if it is an array, or its `output`."""
        output = reply if isinstance(reply, ARRAYS) else getattr(reply, "output", None)
        if isinstance(output, ARRAYS):
            return output
        found = "missing in" if not hasattr(reply, "output") else "of type"
        culprit = reply if not hasattr(reply, "output") else output
        raise BadReply(
            f"{what} must return a NumPy array, or an object whose `output` is one; "
            f"its output is {found} {type(culprit).__name__}"
        )

    def tape(self, x: Any, held: Mapping[str, Any], reply: Any, output: Any) -> Tape:
        """The object's own gradients."""
        return ProtocolTape(reply, {"x": x, **held})

    def drive(self, facts: Facts, site: Site, guard: Guard) -> Driver:
        """The object."""
        return ProtocolDriver(facts, guard, self, site)


class Reshaped:
    """A reply to an input of another number of axes, as if it were to the input itself."""

    def __init__(self, x: Array, own: Array, reply: Any) -> None:
        self._x, self._own, self._reply = x, own, reply
        self.output = with_axes_of(x, own, getattr(reply, "output", reply))

    def __getattr__(self, name: str) -> Any:
        """Its `gradient`, where the reply has one."""
        found = getattr(self._reply, name)
        return lambda g: with_axes_of(self._x, self._own, found(g.reshape(self._own.shape)))


class ProtocolTape(Tape):
    """A reply, and the arrays that the object was given."""

    def __init__(self, reply: Any, arrays: Arrays) -> None:
        self._reply, self._arrays = reply, arrays

    def after(self) -> Arrays:
        """The arrays as the call left them."""
        return self._arrays

    def gradients(self, upstream: Array) -> Arrays:
        """By `gradient` for the input alone, or by `gradients` for all arrays."""
        method = "gradients" if len(self._arrays) > 1 else "gradient"
        if not hasattr(self._reply, method):
            refuse(f"its replies have no `{method}`")
        reply = getattr(self._reply, method)(upstream)
        replies = reply if len(self._arrays) > 1 else (reply,)
        named = zip(self._arrays, replies, strict=True)
        return {n: None if g is None else np.asarray(g) for n, g in named}

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not part of the protocol."""
        refuse("the protocol has no double backward pass")


class ProtocolLayer(Layer):
    """The object at one rate, with its own copies of the parameters."""

    def __init__(self, driver: ProtocolDriver, rate: Any, held: Arrays) -> None:
        self._driver, self._rate, self._held = driver, rate, held

    @property
    def parameters(self) -> Arrays:
        """The parameters as the calls so far left them."""
        return self._held

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """`train`, with the seed at the first call after `reseed`, and None after it."""
        return self._ask("train", x, self._driver.next_seed())

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """`evaluate`."""
        if self._driver.facts.no_evaluation:
            refuse(self._driver.facts.no_evaluation)
        return self._ask("evaluate", x)

    def _ask(self, method: str, x: Array, *seed: int | None) -> Recorded:
        driver, rate = self._driver, self._driver.given(self._rate)
        mode = "training" if method == "train" else "evaluation"
        call = Call(mode, {"x": x, **self._held}, self._rate, seed[0] if seed else None, False)
        what = Description(
            lambda: (
                f"{method}({', '.join(call.arrays)}, {rate}) of {driver.facts.target.text} "
                f"on {x.dtype} of shape {x.shape}"
            )
        )

        def run(given: Array) -> Any:
            own = with_axes_taken(given, driver.facts.ranks_refused)
            reply = getattr(driver.facts.thing, method)(own, *self._held.values(), rate, *seed)
            return reply if own is given else Reshaped(given, own, reply)

        held = self._held
        return record(driver.framework, driver.site, driver.guard, call, what, run, lambda: held)


class ProtocolDriver(Driver):
    """An object of the user's own that speaks the protocol."""

    unseedable = "its claims say that it cannot be seeded"
    pending_seed: int | None = None

    def __init__(self, facts: Facts, guard: Guard, framework: Framework, site: Site) -> None:
        super().__init__(facts, guard)
        self.framework, self.site = framework, site

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """The object at one rate."""
        if options:
            refuse(f"it takes no {next(iter(options))}")
        held = {n: None if a is None else a.copy() for n, a in arrays.items()}
        return ProtocolLayer(self, rate, held)

    def reseed(self, seed: int) -> None:
        """The next call of `train` gets this seed."""
        self.pending_seed = seed

    def next_seed(self) -> int | None:
        """The seed for the next call: the last one given, and None after it."""
        seed, self.pending_seed = self.pending_seed, None
        return seed

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """As claimed."""
        return self.facts.declared.seedable
