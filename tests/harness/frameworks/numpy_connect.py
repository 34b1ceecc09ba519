"""Drives NumPy functions of (x, weight, bias, rate): DropConnect without gradients, seeded as the functions of elementwise dropout are."""

from __future__ import annotations

from typing import Any

import numpy as np

from dropspec.core.arrays import Array, copy_as_laid_out, is_floating
from dropspec.core.calls import Call
from dropspec.core.errors import BadReply, NotClaimed
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.frameworks.connections import Connection, Gradients
from dropspec.frameworks.linear_signature import LinearSignature
from dropspec.frameworks.numpy import NumpyAdapter


class NumpyProduct:
    """One call; it offers no backward pass."""

    def __init__(self, x: Array, y: Any, outputs: int, what: str) -> None:
        if not isinstance(y, np.ndarray):
            raise BadReply(f"{what} returned {type(y).__name__}, not an array")
        if y.shape != (*x.shape[:-1], outputs):
            raise BadReply(f"{what} returned shape {y.shape}, where {(*x.shape[:-1], outputs)} is right")
        if not is_floating(y.dtype):
            raise BadReply(f"{what} returned dtype {y.dtype} for input of dtype {x.dtype}")
        self.output, self.input_after = y, x

    def gradients(self, upstream: Array) -> Gradients:
        """Not offered."""
        raise NotClaimed("a NumPy function offers no backward pass")


class NumpyConnection(Connection):
    """A function with a weight and a bias of its own."""

    def __init__(self, adapter: NumpyConnect, rate: Any, weight: Array, bias: Array | None) -> None:
        self._adapter, self._rate = adapter, rate
        self._held = weight.copy(), None if bias is None else bias.copy()

    @property
    def parameters(self) -> tuple[Array, Array | None]:
        """The weight and the bias as they are now."""
        return self._held

    def train(self, x: Array, *, differentiable: bool = False) -> NumpyProduct:
        """A call in training mode."""
        return self._call("training", x)

    def evaluate(self, x: Array, *, differentiable: bool = False) -> NumpyProduct:
        """A call with the training flag off."""
        self._adapter.require_eval_mode()
        return self._call("evaluation", x)

    def _call(self, mode: str, x: Array) -> NumpyProduct:
        adapter, own, (weight, bias) = self._adapter, copy_as_laid_out(x), self.parameters
        what = f"the {mode} call {adapter.spelled(self._rate, mode)} on {x.dtype} of shape {x.shape}"
        adapter.guard.record(Call(mode, x, self._rate, adapter.last_seed, False, self.parameters))
        with adapter.guard.call(what), np.errstate(all="ignore"):
            rate, stream = adapter.given(self._rate), adapter.stream and adapter.stream.next()
            y = adapter.signature.call(adapter.function, own, weight, bias, rate, mode == "training", stream)
        return NumpyProduct(own, y, len(weight), what)


class NumpyConnect(ConnectAdapter, NumpyAdapter):
    """A function of arrays: the input, the weight, the bias and the rate."""

    signature: LinearSignature

    def connect(self, rate: Any, weight: Array, bias: Array | None = None, **options: Any) -> NumpyConnection:
        """The function with these arrays; without a bias, zeros for a function that needs one."""
        if self.claims.unreachable:
            raise NotClaimed(self.claims.unreachable)
        if options:
            raise NotClaimed(f"it takes no {next(iter(options))}")
        return NumpyConnection(self, rate, weight, self.signature.bias_for(weight, bias))

    def spelled(self, rate: Any, mode: str, shape: tuple[int, ...] = (1, 1)) -> str:
        """`dropconnect(x, weight, bias, 0.5, rng=rng)`."""
        return self.signature.spelled_function(self.name, self.given(rate), mode, self.stream.name if self.stream else "")
