"""Drives any object that has the protocol, in NumPy arrays: `claims`, and one of two pairs.

`train(x, rate, seed)` and `evaluate(x, rate)` serve code that is a function. A seed of None
continues the stream; `train` may set a global generator by the seed that it is given, and by
nothing else. `layer(rate)` and, where it can be seeded, `reseed(seed)` serve code that builds
layers, which have `train(x)` and, where they have such a mode, `evaluate(x)`: the layer is kept, so
what it keeps between calls is seen.

All return the output, or an object with `output` and, where there is a backward pass,
`gradient(upstream)`. A family with parameters has them after x, as in `train(x, weight, bias, rate,
seed)`, and `gradients(upstream)` instead, which returns a tuple for the input and each parameter.
`claims` is a mapping, and may be empty; bfloat16, which is not NumPy's own, is given only where its
`dtypes` name it.
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
from dropspec.core.signature import spelled
from dropspec.core.site import Site
from dropspec.core.target import Target
from dropspec.frameworks.recording import record
from dropspec.frameworks.spelling import can_be_spelled, spelled_array, spelled_values

ARRAYS = (np.ndarray, np.generic)  # NumPy makes the latter of arrays without axes
FORMS = (("claims", "train", "evaluate"), ("claims", "layer"))


class ProtocolFramework(Framework):
    """Objects, or classes of objects built without arguments, with the protocol's methods."""

    name = "protocol"
    noun = "a NumPy array"
    borrowed = frozenset({"bfloat16"})

    def fit(self, thing: Any, target: Target) -> Fit:
        """By the methods."""
        speaks = any(all(hasattr(thing, name) for name in form) for form in FORMS)
        return Fit.OBJECT if speaks else Fit.NO

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
    """The object at one rate, or a layer that it built, with its own copies of the parameters."""

    def __init__(self, driver: ProtocolDriver, rate: Any, held: Arrays, built: Any = None) -> None:
        self._driver, self._rate, self._held, self._built = driver, rate, held, built

    @property
    def parameters(self) -> Arrays:
        """The parameters as the calls so far left them."""
        return self._held

    def train(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """`train`; of an object with the seed at the first call after `reseed`, and None after
        it.
        """
        driver = self._driver
        if driver.builds:
            return self._ask("train", x, driver.last_seed)
        seed = driver.next_seed()
        return self._ask("train", x, seed, seed)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> Recorded:
        """`evaluate`."""
        if self._driver.facts.no_evaluation:
            refuse(self._driver.facts.no_evaluation)
        if self._driver.builds and not hasattr(self._built, "evaluate"):
            refuse("its layers have no `evaluate`")
        return self._ask("evaluate", x, None)

    def _ask(self, method: str, x: Array, seeded: int | None, *seed: int | None) -> Recorded:
        """Calls a method; `seeded` is the seed that the call goes by, and `seed` is handed on."""
        driver, rate = self._driver, self._driver.given(self._rate)
        mode = "training" if method == "train" else "evaluation"
        call = Call(mode, {"x": x, **self._held}, self._rate, seeded, False)
        what = Description(
            lambda: f"{driver.spelled(self._rate, mode)} on {x.dtype} of shape {x.shape}"
        )
        asked = getattr(self._built if driver.builds else driver.facts.thing, method)
        also = () if driver.builds else (rate, *seed)

        def run(given: Array) -> Any:
            own = with_axes_taken(given, driver.facts.ranks_refused)
            reply = asked(own, *self._held.values(), *also)
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
        self.builds = hasattr(facts.thing, "layer")
        if self.builds and not hasattr(facts.thing, "reseed"):
            self.unseedable = "it has no `reseed`"

    def build(self, rate: Any, arrays: Arrays = NONE, options: Mapping[str, Any] = NONE) -> Layer:
        """The object at one rate, or a new layer of it."""
        if options:
            refuse(f"it takes no {next(iter(options))}")
        held = {n: None if a is None else a.copy() for n, a in arrays.items()}
        if not self.builds:
            return ProtocolLayer(self, rate, held)
        with self.guard.call(self.spelled(rate)):
            return ProtocolLayer(self, rate, held, self.facts.thing.layer(self.given(rate)))

    def reseed(self, seed: int) -> None:
        """By `reseed`, or the next call of `train` gets this seed."""
        self.pending_seed = self.last_seed = seed
        if self.builds and hasattr(self.facts.thing, "reseed"):
            with self.guard.call(f"{self.name}.reseed({seed})"):
                self.facts.thing.reseed(seed)

    def next_seed(self) -> int | None:
        """The seed for the next call: the last one given, and None after it."""
        seed, self.pending_seed = self.pending_seed, None
        return seed

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """As claimed; where it builds layers, if it has `reseed`."""
        can_be = not self.builds or hasattr(self.facts.thing, "reseed")
        return can_be and self.facts.declared.seedable

    def seed_lines(self, seed: int) -> list[str]:
        """By `reseed`."""
        return [f"{self.name}.reseed({seed})"] if self.builds and self.facts.seedable else []

    def spelled(self, rate: Any, mode: str = "") -> str:
        """`dropout.train(x, 0.5, seed)`, or `dropout.layer(0.5).train(x)`."""
        given, arrays = spelled(self.given(rate)), ", ".join(self.site.arrays)
        made = f"{self.name}.layer({given})" if self.builds else self.name
        if not mode:
            return made
        rest = "" if self.builds else f", {given}{', seed' if mode == 'training' else ''}"
        return f"{made}.{'train' if mode == 'training' else 'evaluate'}({arrays}{rest})"

    def drawing(
        self, rate: float, dtype: str, shape: tuple[int, ...], seed: int, differentiable: bool
    ) -> tuple[list[str], str] | None:
        """`train` again and again, the seed at its first call."""
        if dtype in self.framework.borrowed or self.site.parameters:
            return None
        before = ["import numpy as np", self.facts.target.import_line, *self._made()]
        before += [*self.seed_lines(seed), f"x = {spelled_values(shape)}.astype(np.{dtype})"]
        if self.builds:
            before.append(f"layer = {self.spelled(rate)}")
            called = "layer.train(x)"
        else:
            seeded = f"{seed} if i == 0 else None"
            called = f"{self.name}.train(x, {spelled(self.given(rate))}, {seeded})"
        return before, f'getattr(y := {called}, "output", y) != 0'

    def _made(self) -> list[str]:
        """The object, where the target is a class of such."""
        is_class = type(self.facts.thing).__qualname__ == self.facts.target.attr
        return [f"{self.name} = {self.name}()"] if is_class else []

    def lines(self, call: Call, also: str = "") -> list[str]:
        """The call, and its gradient where one was asked for."""
        if not can_be_spelled(call, self.framework.borrowed):
            return []
        lines = ["import numpy as np", self.facts.target.import_line, *self._made()]
        if self.builds:
            lines += [] if call.seed is None else self.seed_lines(call.seed)
        elif call.mode == "training":
            lines.append(f"seed = {call.seed}")
        lines += [f"{name} = {spelled_array(array)}" for name, array in call.arrays.items()]
        lines.append(f"y = {self.spelled(call.rate, call.mode)}")
        gradient = ""
        if call.upstream is not None:
            method = "gradients" if self.site.parameters else "gradient"
            gradient = f", y.{method}({spelled_array(call.upstream)})"
        return [*lines, f'print(getattr(y, "output", y){gradient}{also})']
