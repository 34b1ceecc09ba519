"""Drives any object that has the protocol: `claims`, `train(x, rate, seed)` and `evaluate(x, rate)`, all in NumPy arrays.

`train` with seed None continues the stream. Each returns the output, or an object with `output` and, if it is differentiable,
`gradient(upstream)`. `claims` is a mapping; its keys are those of `Claims`, and `seedable`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import Array, copy_as_laid_out
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, NotClaimed
from dropspec.core.guard import Guard
from dropspec.frameworks.base import Adapter, Claims, Layer

ARRAYS = (np.ndarray, np.generic)  # what NumPy makes of no axes is the latter


def output_of(reply: Any, what: str) -> Array:
    """The output of a reply: the reply itself, if it is an array, or its `output`. Raises BadReply where neither is one."""
    output = reply if isinstance(reply, ARRAYS) else getattr(reply, "output", None)
    if not isinstance(output, ARRAYS):
        came = f"of type {type(output).__name__}" if hasattr(reply, "output") else f"missing in {type(reply).__name__}"
        raise BadReply(f"{what} must return a NumPy array, or an object whose `output` is one; its output is {came}")
    return np.asarray(output)


class ProtocolRun:
    """A reply of the object, checked: an array of the input's shape."""

    def __init__(self, x: Array, reply: Any, guard: Guard, what: str) -> None:
        output = output_of(reply, what)
        if output.shape != x.shape:
            raise BadReply(f"{what} returned shape {output.shape} for input of shape {x.shape}")
        self.output, self.input_after = output, x
        self._reply, self._guard, self._what = reply, guard, what

    def gradient(self, upstream: Array) -> Array:
        """The object's own gradient."""
        if not hasattr(self._reply, "gradient"):
            raise NotClaimed("its replies have no `gradient`")
        with self._guard.call(f"the gradient of {self._what}"):
            return np.asarray(self._reply.gradient(upstream))

    def double_gradient(self, upstream: Array, weights: Array) -> Array:
        """Not part of the protocol."""
        raise NotClaimed("the protocol has no double backward pass")


class ProtocolLayer(Layer):
    """The object at one rate."""

    def __init__(self, adapter: ProtocolAdapter, rate: Any) -> None:
        self._adapter, self._rate = adapter, rate

    def train(self, x: Array, *, differentiable: bool = False) -> ProtocolRun:
        """`train(x, rate, seed)`: the seed at the first call after `reseed`, None after it."""
        return self._adapter.ask("train", x, self._rate, self._adapter.next_seed())

    def evaluate(self, x: Array, *, differentiable: bool = False) -> ProtocolRun:
        """`evaluate(x, rate)`."""
        self._adapter.require_eval_mode()
        return self._adapter.ask("evaluate", x, self._rate)


class ProtocolAdapter(Adapter):
    """An object of the user's that speaks the protocol itself."""

    framework = "protocol"
    pending_seed: int | None = None

    def __init__(self, target: str, thing: Any, guard: Guard, claims: Claims, seedable: bool) -> None:
        super().__init__(target, guard, claims)
        self.thing, self._seedable = thing, seedable

    def ask(self, method: str, x: Array, rate: Any, *seed: int | None) -> ProtocolRun:
        """Calls a method of the object on a copy of x."""
        given, own = self.given(rate), copy_as_laid_out(x)
        what = f"{method}(x, {given}) of {self.target} on {x.dtype} of shape {x.shape}"
        self.guard.record(Call("training" if method == "train" else "evaluation", x, rate, seed[0] if seed else None, False))
        with self.guard.call(what):
            reply = getattr(self.thing, method)(own, given, *seed)
        return ProtocolRun(own, reply, self.guard, what)

    def layer(self, rate: Any) -> Layer:
        """The object at one rate."""
        return ProtocolLayer(self, rate)

    def reseed(self, seed: int) -> None:
        """The next call of `train` gets this seed."""
        self.pending_seed = seed

    def next_seed(self) -> int | None:
        """The seed for the call that comes now: the one given last, and None after it."""
        seed, self.pending_seed = self.pending_seed, None
        return seed

    def require_seedable(self) -> None:
        """Raises NotClaimed where the claims say so."""
        if not self._seedable:
            raise NotClaimed("its claims say that it cannot be seeded")
