"""The same protocol for DropConnect: `claims` with the family, `train(x, weight, bias, rate, seed)` and `evaluate(x, weight, bias, rate)`.

Each returns the output, or an object with `output` and, if it is differentiable, `gradients(upstream)`: a tuple for the input, the weight
and the bias.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import Array
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, NotClaimed
from dropspec.core.guard import Guard
from dropspec.frameworks.base import read_claims
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.frameworks.connections import Connection, Gradients
from dropspec.frameworks.protocol import ProtocolAdapter, output_of


class ProtocolProduct:
    """A reply of the object, checked."""

    def __init__(self, x: Array, outputs: int, reply: Any, guard: Guard, what: str) -> None:
        output = output_of(reply, what)
        if output.shape != (*x.shape[:-1], outputs):
            raise BadReply(f"{what} returned shape {output.shape}, where {(*x.shape[:-1], outputs)} is right")
        self.output, self.input_after = output, x
        self._reply, self._guard, self._what = reply, guard, what

    def gradients(self, upstream: Array) -> Gradients:
        """The object's own gradients."""
        if not hasattr(self._reply, "gradients"):
            raise NotClaimed("its replies have no `gradients`")
        with self._guard.call(f"the gradients of {self._what}"):
            x, weight, bias = self._reply.gradients(upstream)
        return Gradients(np.asarray(x), np.asarray(weight), None if bias is None else np.asarray(bias))


class ProtocolConnection(Connection):
    """The object at one rate, with one weight and bias."""

    def __init__(self, adapter: ProtocolConnect, rate: Any, weight: Array, bias: Array | None) -> None:
        self._adapter, self._rate = adapter, rate
        self._held = weight.copy(), None if bias is None else bias.copy()

    @property
    def parameters(self) -> tuple[Array, Array | None]:
        """The weight and the bias as they are now."""
        return self._held

    def train(self, x: Array, *, differentiable: bool = False) -> ProtocolProduct:
        """`train(x, weight, bias, rate, seed)`: the seed at the first call after `reseed`, None after it."""
        return self._ask("train", x, self._adapter.next_seed())

    def evaluate(self, x: Array, *, differentiable: bool = False) -> ProtocolProduct:
        """`evaluate(x, weight, bias, rate)`."""
        self._adapter.require_eval_mode()
        return self._ask("evaluate", x)

    def _ask(self, method: str, x: Array, *seed: int | None) -> ProtocolProduct:
        adapter, own, mode = self._adapter, x.copy(), "training" if method == "train" else "evaluation"
        given = adapter.given(self._rate)
        what = f"{method}(x, weight, bias, {given}) of {adapter.target} on {x.dtype} of shape {x.shape}"
        adapter.guard.record(Call(mode, x, self._rate, seed[0] if seed else None, False, self._held))
        with adapter.guard.call(what):
            reply = getattr(adapter.thing, method)(own, *self._held, given, *seed)
        return ProtocolProduct(own, len(self._held[0]), reply, adapter.guard, what)


class ProtocolConnect(ConnectAdapter, ProtocolAdapter):
    """An object of the user's that drops weights."""

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> ProtocolConnection:
        """The object with this weight and bias."""
        if self.claims.unreachable:
            raise NotClaimed(self.claims.unreachable)
        if options:
            raise NotClaimed(f"it takes no {next(iter(options))}")
        return ProtocolConnection(self, rate, weight, bias)


def protocol_adapter(target: str, thing: Any, guard: Guard) -> ProtocolAdapter:
    """The adapter for an object of the protocol, by the family that it claims. Raises BadTarget where its claims cannot be read."""
    claims, also = read_claims(target, thing.claims, "seedable")
    kind = ProtocolConnect if claims.family == "dropconnect" else ProtocolAdapter
    return kind(target, thing, guard, claims, bool(also.get("seedable", True)))
